#include "ingest/export/answer.h"

#include <curl/curl.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/json_in.h"
#include "base/num.h"
#include "base/pb_reader.h"
#include "base/utf8.h"

void answer_text(str s, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len;) {
        size_t len = utf8_length(s.ptr + i, s.len - i);
        if (n + (len ? len : 1) >= room) break;
        bool plain = len > 1 || (len == 1 && (unsigned char)s.ptr[i] >= ' ' && s.ptr[i] != 0x7f);
        if (plain)
            memcpy(out + n, s.ptr + i, len);
        else
            out[n] = len ? ' ' : '?';
        n += plain ? len : 1;
        i += len ? len : 1;
    }
    while (n && out[n - 1] == ' ') n--;
    out[n] = 0;
}

/*   message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
 *   message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
 * and alike for logs and metrics. */
static void partial_protobuf(str body, struct answer_partial *io)
{
    struct pb_reader r = pb_read(body);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(1, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        struct pb_reader p = pb_read(pb_bytes(&r));
        for (uint32_t inner; pb_next(&p, &inner);) {
            switch (inner) {
            case PB_TAG(1, PB_VARINT): io->rejected = pb_varint(&p); break;
            case PB_TAG(2, PB_BYTES):
                answer_text(pb_bytes(&p), io->message, sizeof io->message);
                break;
            default: pb_skip(&p, inner); break;
            }
        }
        if (p.bad) r.bad = p.bad;
    }
    if (r.bad) *io = (struct answer_partial){0};
}

enum { SCRATCH_BYTES = 1 << 20 };

/* {"partialSuccess":{"rejectedSpans":"1","errorMessage":"why"}}: the current token is the value of
 * partialSuccess. */
static void partial_members(struct json_in *j, enum signal_kind signal, struct answer_partial *io)
{
    static const str rejected[SIGNAL_COUNT] = {
        {"rejectedSpans", 13}, {"rejectedLogRecords", 18}, {"rejectedDataPoints", 18}};
    if (j->token != JSON_OBJECT) {
        json_skip(j);
        return;
    }
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        (void)json_next(j);
        if (str_eq(key, rejected[signal]) && (j->token == JSON_STRING || j->token == JSON_NUMBER))
            (void)num_parse_u64(j->text, &io->rejected);
        else if (str_eq(key, S("errorMessage")) && j->token == JSON_STRING)
            answer_text(j->text, io->message, sizeof io->message);
        else
            json_skip(j);
    }
}

static void partial_json(str body, enum signal_kind signal, struct answer_partial *io)
{
    struct arena a;
    arena_init(&a, SCRATCH_BYTES);
    struct json_in j = json_read(body, &a);
    if (json_next(&j) == JSON_OBJECT) {
        while (json_next(&j) == JSON_KEY) {
            bool ours = str_eq(j.text, S("partialSuccess"));
            (void)json_next(&j);
            if (ours)
                partial_members(&j, signal, io);
            else
                json_skip(&j);
        }
    }
    if (j.bad) *io = (struct answer_partial){0};
    arena_done(&a);
}

struct answer_partial answer_partial_read(str body, enum payload_format format,
                                          enum signal_kind signal)
{
    struct answer_partial p = {0};
    if (format == PAYLOAD_JSON)
        partial_json(body, signal, &p);
    else
        partial_protobuf(body, &p);
    if (p.rejected > INT64_MAX) p.rejected = 0; /* it is an int64 */
    return p;
}

static uint32_t clamp_ms(uint64_t s, uint64_t ns)
{
    if (s > UINT32_MAX / 1000 - 1) return UINT32_MAX;
    return (uint32_t)(s * 1000 + ns / 1000000);
}

/*   message RetryInfo { google.protobuf.Duration retry_delay = 1; }
 *   message Duration { int64 seconds = 1; int32 nanos = 2; } */
static uint32_t retry_delay(str info)
{
    uint64_t s = 0, ns = 0;
    struct pb_reader r = pb_read(info);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(1, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        struct pb_reader d = pb_read(pb_bytes(&r));
        for (uint32_t inner; pb_next(&d, &inner);) {
            switch (inner) {
            case PB_TAG(1, PB_VARINT): s = pb_varint(&d); break;
            case PB_TAG(2, PB_VARINT): ns = pb_varint(&d); break;
            default: pb_skip(&d, inner); break;
            }
        }
    }
    return s > INT64_MAX || ns > 999999999 ? 0 : clamp_ms(s, ns);
}

static bool ends_with(str s, str tail)
{
    return s.len >= tail.len && memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0;
}

/*   message Any { string type_url = 1; bytes value = 2; } */
static void detail(str any, struct answer_status *io)
{
    str type = {0}, value = {0};
    struct pb_reader r = pb_read(any);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): type = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): value = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad || !ends_with(type, S("/google.rpc.RetryInfo"))) return;
    io->has_retry = true;
    io->retry_after_ms = retry_delay(value);
}

/*   message Status { int32 code = 1; string message = 2; repeated Any details = 3; } */
static void status_protobuf(str body, struct answer_status *io)
{
    struct pb_reader r = pb_read(body);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(2, PB_BYTES): answer_text(pb_bytes(&r), io->message, sizeof io->message); break;
        case PB_TAG(3, PB_BYTES): detail(pb_bytes(&r), io); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) *io = (struct answer_status){0};
}

/* {"code":3,"message":"why","details":[...]}. Over HTTP the time to wait is Retry-After's. */
static void status_json(str body, struct answer_status *io)
{
    struct arena a;
    arena_init(&a, SCRATCH_BYTES);
    struct json_in j = json_read(body, &a);
    if (json_next(&j) == JSON_OBJECT) {
        while (json_next(&j) == JSON_KEY) {
            bool ours = str_eq(j.text, S("message"));
            (void)json_next(&j);
            if (ours && j.token == JSON_STRING)
                answer_text(j.text, io->message, sizeof io->message);
            else
                json_skip(&j);
        }
    }
    if (j.bad) *io = (struct answer_status){0};
    arena_done(&a);
}

struct answer_status answer_status_read(str body, enum payload_format format)
{
    struct answer_status s = {0};
    if (format == PAYLOAD_JSON)
        status_json(body, &s);
    else
        status_protobuf(body, &s);
    return s;
}

void export_answer_message(str header, char out[ANSWER_TEXT_MAX])
{
    char raw[ANSWER_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < header.len && n < sizeof raw; i++) {
        bool coded = header.ptr[i] == '%' && i + 2 < header.len &&
                     hex_digit(header.ptr[i + 1]) >= 0 && hex_digit(header.ptr[i + 2]) >= 0;
        if (coded)
            raw[n++] = (char)(hex_digit(header.ptr[i + 1]) << 4 | hex_digit(header.ptr[i + 2]));
        else
            raw[n++] = header.ptr[i];
        if (coded) i += 2;
    }
    answer_text((str){raw, n}, out, ANSWER_TEXT_MAX);
}

struct answer_status export_answer_details(str header)
{
    struct answer_status s = {0};
    char bytes[8192];
    size_t n;
    if (header.len / 4 * 3 + 3 > sizeof bytes || !base64_decode(header, bytes, &n)) return s;
    status_protobuf((str){bytes, n}, &s);
    return s;
}

uint32_t answer_retry_after(str header, nanos now)
{
    uint64_t s;
    if (num_parse_u64(header, &s)) return clamp_ms(s, 0);
    char date[64];
    if (header.len >= sizeof date) return 0;
    snprintf(date, sizeof date, STR_FMT, STR_ARG(header));
    int64_t at = (int64_t)curl_getdate(date, NULL);
    if (at <= 0 || at <= now / NANOS_S) return 0;
    return clamp_ms((uint64_t)(at - now / NANOS_S), 0);
}

enum { GRPC_CODES = 17 };

static const struct {
    const char *name;
    status means;
} grpc_codes[GRPC_CODES] = {
    {"OK", ST_OK},
    {"CANCELLED", ST_OVERLOADED},
    {"UNKNOWN", ST_INVALID},
    {"INVALID_ARGUMENT", ST_INVALID},
    {"DEADLINE_EXCEEDED", ST_OVERLOADED},
    {"NOT_FOUND", ST_NOT_FOUND},
    {"ALREADY_EXISTS", ST_INVALID},
    {"PERMISSION_DENIED", ST_UNAUTHORIZED},
    {"RESOURCE_EXHAUSTED", ST_LIMIT},
    {"FAILED_PRECONDITION", ST_INVALID},
    {"ABORTED", ST_OVERLOADED},
    {"OUT_OF_RANGE", ST_OVERLOADED},
    {"UNIMPLEMENTED", ST_UNSUPPORTED},
    {"INTERNAL", ST_INVALID},
    {"UNAVAILABLE", ST_OVERLOADED},
    {"DATA_LOSS", ST_OVERLOADED},
    {"UNAUTHENTICATED", ST_UNAUTHORIZED},
};

const char *answer_grpc_name(uint64_t code)
{
    return code < GRPC_CODES ? grpc_codes[code].name : "a status that gRPC does not have";
}

status answer_grpc_status(uint64_t code, bool has_retry)
{
    if (code >= GRPC_CODES) return ST_INVALID;
    status s = grpc_codes[code].means;
    return s == ST_LIMIT && has_retry ? ST_OVERLOADED : s;
}

status answer_http_status(long code)
{
    switch (code) {
    case 401:
    case 403: return ST_UNAUTHORIZED;
    case 404: return ST_NOT_FOUND;
    case 413: return ST_LIMIT;
    case 415: return ST_MEDIA_TYPE;
    case 429:
    case 502:
    case 503:
    case 504: return ST_OVERLOADED;
    case 501: return ST_UNSUPPORTED;
    default: return code >= 200 && code < 300 ? ST_OK : ST_INVALID;
    }
}

status answer_http_for_grpc(long code)
{
    if (code == 404) return ST_UNSUPPORTED;
    status s = answer_http_status(code);
    return s == ST_OK ? ST_INVALID : s;
}
