/* What an answer says: headers, statuses, partial success. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/num.h"
#include "loadgen/wire.h"

void slot_expect(struct slot *s)
{
    s->sent = 0;
    s->http_status = 0;
    s->grpc_status = -1;
    s->retry_after_ms = 0;
    s->retry_info = false;
    s->body_len = 0;
    s->message[0] = 0;
}

void slot_body(struct slot *s, str bytes)
{
    size_t room = sizeof s->body - s->body_len, n = bytes.len < room ? bytes.len : room;
    if (n) memcpy(s->body + s->body_len, bytes.ptr, n);
    s->body_len += n;
}

static int number(str value)
{
    uint64_t v;
    return num_parse_u64(value, &v) && v < 1000000 ? (int)v : -1;
}

void slot_header(struct slot *s, str name, str value)
{
    if (str_eq(name, S(":status"))) {
        s->http_status = number(value);
    } else if (str_eq(name, S("grpc-status"))) {
        s->grpc_status = number(value);
    } else if (str_eq(name, S("grpc-message"))) {
        snprintf(s->message, sizeof s->message, STR_FMT, STR_ARG(value));
    } else if (str_eq(name, S("retry-after"))) {
        int seconds = number(value);
        if (seconds > 0 && seconds < 3600) s->retry_after_ms = (uint32_t)seconds * 1000;
    } else if (str_eq(name, S("grpc-status-details-bin"))) {
        char details[2048];
        size_t n = 0;
        if (value.len < 2048 && base64_decode(value, details, &n))
            s->retry_info = memmem(details, n, "google.rpc.RetryInfo", 20) != NULL;
    }
}

static bool varint(str *s, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; s->len && shift < 64; shift += 7) {
        uint8_t b = (uint8_t)*s->ptr;
        *s = str_drop(*s, 1);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) return *ret = v, true;
    }
    return false;
}

/*   message ExportPartialSuccess { int64 rejected = 1; string error_message = 2; } */
static uint64_t partial_success(struct slot *s, str msg)
{
    uint64_t rejected = 0, tag, v;
    while (msg.len && varint(&msg, &tag) && varint(&msg, &v)) {
        if (tag == 8) rejected = v;
        if ((tag & 7) != 2) continue;
        if (v > msg.len) break;
        if (tag == 18)
            snprintf(s->message, sizeof s->message, STR_FMT, STR_ARG(((str){msg.ptr, (size_t)v})));
        msg = str_drop(msg, (size_t)v);
    }
    return rejected;
}

uint64_t slot_rejected(struct slot *s, str response)
{
    uint64_t tag, n;
    if (!varint(&response, &tag) || tag != 10 || !varint(&response, &n) || n > response.len)
        return 0;
    return partial_success(s, (str){response.ptr, (size_t)n});
}
