/* Any bytes as remote write 1.0 and 2.0: decoded or refused, and what is decoded is consistent. */
#include "otlp_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const uint8_t *data, size_t size, enum payload_format format)
{
    struct arena a;
    struct err err = {0};
    struct telemetry_batch *b;
    arena_init(&a, 64 << 20);
    char *body = arena_alloc(&a, size + 64, 1);
    if (size) memcpy(body, data, size);
    memset(body + size, 0, 64);
    status s = decode_request(&a, SIGNAL_METRICS, format, (str){body, size}, &options, &b, &err);
    assert(s == ST_OK || s == ST_INVALID || s == ST_LIMIT);
    if (s == ST_OK) {
        touch_batch(b);
    } else {
        assert(err.msg[0]);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    one(data, size, PAYLOAD_REMOTE_WRITE_1);
    one(data, size, PAYLOAD_REMOTE_WRITE_2);
    return 0;
}
