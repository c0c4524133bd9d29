#include "ingest/receive/answer.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json_out.h"
#include "base/num.h"
#include "base/utf8.h"

static void put_varint(struct buf *out, uint64_t v)
{
    for (; v > 127; v >>= 7) buf_char(out, (char)(v | 128));
    buf_char(out, (char)v);
}

static void put_int(struct buf *out, unsigned field, uint64_t v)
{
    if (v == 0) return; /* proto3: the default is not sent */
    put_varint(out, field << 3);
    put_varint(out, v);
}

static void put_bytes(struct buf *out, unsigned field, str s)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, s.len);
    buf_add(out, s);
}

/* A protobuf string must be UTF-8: bad bytes become '?'. */
static void put_string(struct buf *out, unsigned field, const char *text)
{
    char copy[256];
    size_t len = strlen(text), n = 0;
    for (size_t i = 0; i < len && n + 4 < sizeof copy;) {
        size_t step = utf8_length(text + i, len - i);
        if (step)
            memcpy(copy + n, text + i, step);
        else
            copy[n] = '?';
        n += step ? step : 1;
        i += step ? step : 1;
    }
    if (n) put_bytes(out, field, (str){copy, n});
}

/*   message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
 *   message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
 * and alike for logs (rejected_log_records) and metrics (rejected_data_points). */
void answer_export(struct buf *out, enum payload_format form, enum signal_kind signal,
                   const struct ingest_answer *a)
{
    static const char *const rejected[] = {"rejectedSpans", "rejectedLogRecords",
                                           "rejectedDataPoints"};
    bool partial = a->rejected || a->message[0];
    if (form == PAYLOAD_JSON) {
        struct json_out j = json_begin(out);
        json_object(&j);
        if (partial) {
            json_key(&j, S("partialSuccess"));
            json_object(&j);
            if (a->rejected) {
                char digits[NUM_MAX]; /* int64 is text in proto3 JSON */
                json_key(&j, (str){rejected[signal], strlen(rejected[signal])});
                json_str(&j, (str){digits, num_format_u64(a->rejected, digits)});
            }
            if (a->message[0]) {
                json_key(&j, S("errorMessage"));
                json_str(&j, (str){a->message, strlen(a->message)});
            }
            json_end(&j);
        }
        json_end(&j);
        return;
    }
    if (!partial) return;
    struct buf inner;
    buf_init(&inner, 4096);
    put_int(&inner, 1, a->rejected);
    put_string(&inner, 2, a->message);
    put_bytes(out, 1, buf_str(&inner));
    buf_done(&inner);
}

static const char retry_type[] = "type.googleapis.com/google.rpc.RetryInfo";

static const char bad_request_type[] = "type.googleapis.com/google.rpc.BadRequest";

static bool has_retry(const struct ingest_answer *a)
{
    return a->retry_after_ms && status_retryable(a->err.code);
}

static void status_json(struct buf *out, const struct ingest_answer *a)
{
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("code"));
    json_i64(&j, status_grpc(a->err.code));
    json_key(&j, S("message"));
    json_str(&j, (str){a->err.msg, strlen(a->err.msg)});
    if (has_retry(a)) {
        char text[32];
        snprintf(text, sizeof text, "%u.%03us", a->retry_after_ms / 1000, a->retry_after_ms % 1000);
        json_key(&j, S("details"));
        json_array(&j);
        json_object(&j);
        json_key(&j, S("@type"));
        json_str(&j, S(retry_type));
        json_key(&j, S("retryDelay"));
        json_str(&j, (str){text, strlen(text)});
        json_end(&j);
        json_end(&j);
    }
    if (a->err.code == ST_INVALID) {
        json_key(&j, S("details"));
        json_array(&j);
        json_object(&j);
        json_key(&j, S("@type"));
        json_str(&j, S(bad_request_type));
        json_key(&j, S("fieldViolations"));
        json_array(&j);
        json_object(&j);
        json_key(&j, S("description"));
        json_str(&j, (str){a->err.msg, strlen(a->err.msg)});
        json_end(&j);
        json_end(&j);
        json_end(&j);
        json_end(&j);
    }
    json_end(&j);
}

static void put_any(struct buf *out, unsigned field, str type, str value)
{
    struct buf any;
    buf_init(&any, 4096);
    put_bytes(&any, 1, type);
    put_bytes(&any, 2, value);
    put_bytes(out, field, buf_str(&any));
    buf_done(&any);
}

/*   message BadRequest { repeated FieldViolation field_violations = 1; }
 *   message FieldViolation { string field = 1; string description = 2; } */
static void put_bad_request(struct buf *out, const char *why)
{
    struct buf violation, bad;
    buf_init(&violation, 4096);
    buf_init(&bad, 4096);
    put_string(&violation, 2, why);
    put_bytes(&bad, 1, buf_str(&violation));
    put_any(out, 3, S(bad_request_type), buf_str(&bad));
    buf_done(&violation);
    buf_done(&bad);
}

/*   message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3;
 * } message Any { string type_url = 1; bytes value = 2; } message RetryInfo {
 * google.protobuf.Duration retry_delay = 1; } message Duration { int64 seconds = 1; int32 nanos =
 * 2; } */
void answer_status(struct buf *out, enum payload_format form, const struct ingest_answer *a)
{
    if (form == PAYLOAD_JSON) return status_json(out, a);
    put_int(out, 1, (uint64_t)status_grpc(a->err.code));
    put_string(out, 2, a->err.msg);
    if (a->err.code == ST_INVALID) put_bad_request(out, a->err.msg);
    if (!has_retry(a)) return;
    struct buf duration, info;
    buf_init(&duration, 256);
    buf_init(&info, 256);
    put_int(&duration, 1, a->retry_after_ms / 1000);
    put_int(&duration, 2, (uint64_t)(a->retry_after_ms % 1000) * 1000000);
    put_bytes(&info, 1, buf_str(&duration));
    put_any(out, 3, S(retry_type), buf_str(&info));
    buf_done(&duration);
    buf_done(&info);
}

void answer_grpc_message(struct buf *out, str message)
{
    for (size_t i = 0; i < message.len; i++) {
        unsigned char c = (unsigned char)message.ptr[i];
        if (c < 0x20 || c > 0x7e || c == '%')
            buf_printf(out, "%%%02X", c);
        else
            buf_char(out, (char)c);
    }
}

void answer_grpc_details(struct buf *out, const struct ingest_answer *a)
{
    struct buf s;
    buf_init(&s, 4096);
    answer_status(&s, PAYLOAD_PROTOBUF, a);
    if (buf_reserve(out, base64_size(s.len)))
        out->len += base64_encode(buf_str(&s), out->ptr + out->len);
    while (out->len && out->ptr[out->len - 1] == '=') out->len--;
    buf_done(&s);
}
