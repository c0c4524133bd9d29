/* Any bytes as OTLP: what was decoded is the same after it was encoded and decoded again, from
 * protobuf at once, from JSON once its text is UTF-8 (one way there and back sees to that). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "ingest/export/otlp_json.h"
#include "ingest/export/otlp_pb.h"
#include "model/batch_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
    struct arena arena;
    struct telemetry_batch *batch;
    char *body;
};

static status decode(struct decoded *d, enum signal_kind signal, enum payload_format format,
                     str text, struct err *err)
{
    static const struct decode_options all = {.received_at = 1700000000000000000};
    d->body = malloc(text.len + 64);
    if (!d->body) abort();
    if (text.len) memcpy(d->body, text.ptr, text.len);
    memset(d->body + text.len, 0, 64);
    arena_init(&d->arena, 64 << 20);
    return decode_request(&d->arena, signal, format, (str){d->body, text.len}, &all, &d->batch,
                          err);
}

static void decoded_done(struct decoded *d)
{
    arena_done(&d->arena);
    free(d->body);
}

static void encode(const struct telemetry_batch *b, enum payload_format format, struct buf *out)
{
    struct arena scratch;
    arena_init(&scratch, 64 << 20);
    buf_init(out, 256 << 20);
    if (format == PAYLOAD_PROTOBUF) {
        otlp_pb_batch(&scratch, b, out);
    } else {
        buf_add(out, otlp_json_head(b->signal));
        otlp_json_batch(&scratch, b, out);
        buf_add(out, otlp_json_tail());
    }
    assert(!out->over);
    arena_done(&scratch);
}

/* The JSON of deep values is deeper than a request may be: see decode.h. */
static bool too_deep(const struct err *err) { return strstr(err->msg, "deep") != NULL; }

static void check_protobuf(const struct telemetry_batch *want)
{
    struct buf bytes, again;
    struct decoded d;
    struct err err = {};
    encode(want, PAYLOAD_PROTOBUF, &bytes);
    if (decode(&d, want->signal, PAYLOAD_PROTOBUF, buf_str(&bytes), &err) != ST_OK ||
        batch_compare(want, d.batch, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    encode(d.batch, PAYLOAD_PROTOBUF, &again);
    assert(str_eq(buf_str(&bytes), buf_str(&again)));
    decoded_done(&d);
    buf_done(&bytes);
    buf_done(&again);
}

static void check_json(const struct telemetry_batch *from)
{
    struct buf text, again;
    struct decoded once = {}, twice = {};
    struct err err = {};
    encode(from, PAYLOAD_JSON, &text);
    assert(!memchr(text.ptr, '\n', text.len));
    status s = decode(&once, from->signal, PAYLOAD_JSON, buf_str(&text), &err);
    if (s != ST_OK && !too_deep(&err)) {
        fprintf(stderr, "%s\n" STR_FMT "\n", err.msg, STR_ARG(buf_str(&text)));
        abort();
    }
    if (s == ST_OK) {
        assert(telemetry_batch_rows(from) == telemetry_batch_rows(once.batch));
        encode(once.batch, PAYLOAD_JSON, &again);
        if (decode(&twice, from->signal, PAYLOAD_JSON, buf_str(&again), &err) != ST_OK ||
            batch_compare(once.batch, twice.batch, &err) != ST_OK) {
            fprintf(stderr, "%s\n", err.msg);
            abort();
        }
        decoded_done(&twice);
        buf_done(&again);
    }
    decoded_done(&once);
    buf_done(&text);
}

/* The first byte chooses signal and format, the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct decoded d;
    struct err err;
    enum payload_format format = data[0] & 0x80 ? PAYLOAD_JSON : PAYLOAD_PROTOBUF;
    str body = {(const char *)data + 1, size - 1};
    if (decode(&d, (enum signal_kind)((data[0] & 0x7f) % 3), format, body, &err) == ST_OK) {
        check_protobuf(d.batch);
        check_json(d.batch);
    }
    decoded_done(&d);
    return 0;
}
