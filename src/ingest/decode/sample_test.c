#include "ingest/decode/sample_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "testing/test.h"

static void put_any_str(struct pb_out *p, uint32_t field, str value)
{
    pb_begin(p, field);
    pb_put_str(p, 1, value);
    pb_end(p);
}

void begin_attr(struct pb_out *p, uint32_t field, str key)
{
    pb_begin(p, field);
    pb_put_str(p, 1, key);
    pb_begin(p, 2);
}

void put_attr_str(struct pb_out *p, uint32_t field, str key, str value)
{
    begin_attr(p, field, key);
    pb_put_str(p, 1, value);
    pb_end(p);
    pb_end(p);
}

void put_attr_int(struct pb_out *p, uint32_t field, str key, int64_t value)
{
    begin_attr(p, field, key);
    pb_put_varint(p, 3, (uint64_t)value);
    pb_end(p);
    pb_end(p);
}

/* One attribute of each type. */
static void put_attrs(struct pb_out *p, uint32_t field)
{
    put_attr_str(p, field, S("s"), S("text"));
    begin_attr(p, field, S("b"));
    pb_put_varint(p, 2, 1);
    pb_end(p), pb_end(p);
    put_attr_int(p, field, S("i"), -9007199254740993);
    begin_attr(p, field, S("d"));
    pb_put_double(p, 4, 0.1);
    pb_end(p), pb_end(p);
    begin_attr(p, field, S("array"));
    pb_begin(p, 5);
    pb_begin(p, 1), pb_put_varint(p, 3, 1), pb_end(p);
    put_any_str(p, 1, S("x\"y"));
    pb_begin(p, 1), pb_end(p);
    pb_begin(p, 1), pb_put_str(p, 7, S("\x00\x01\xff")), pb_end(p);
    pb_end(p);
    pb_end(p), pb_end(p);
    begin_attr(p, field, S("list"));
    pb_begin(p, 6);
    put_attr_str(p, 1, S("k"), S("v"));
    begin_attr(p, 1, S("deep"));
    pb_begin(p, 6);
    put_attr_int(p, 1, S("n"), 7);
    pb_end(p);
    pb_end(p), pb_end(p);
    pb_end(p);
    pb_end(p), pb_end(p);
    begin_attr(p, field, S("bytes"));
    pb_put_str(p, 7, S("\x00\xfe"));
    pb_end(p), pb_end(p);
    pb_begin(p, field);
    pb_put_str(p, 1, S("none"));
    pb_end(p);
}

static void put_resource(struct pb_out *p)
{
    pb_begin(p, 1);
    put_attr_str(p, 1, S("service.name"), S("checkout"));
    put_attrs(p, 1);
    pb_put_varint(p, 2, 3);
    pb_begin(p, 3);
    pb_put_str(p, 1, S("https://example.org/entity"));
    pb_put_str(p, 2, S("service"));
    pb_put_str(p, 3, S("service.name"));
    pb_put_str(p, 3, S("service.namespace"));
    pb_put_str(p, 4, S("service.version"));
    pb_end(p);
    pb_end(p);
}

static void put_scope(struct pb_out *p)
{
    pb_begin(p, 1);
    pb_put_str(p, 1, S("scope"));
    pb_put_str(p, 2, S("1.2.3"));
    put_attr_str(p, 3, S("scope.key"), S("scope value"));
    pb_put_varint(p, 4, 4);
    pb_end(p);
}

void put_span_ids(struct pb_out *p, str trace_id, str span_id)
{
    pb_put_str(p, 1, trace_id);
    pb_put_str(p, 2, span_id);
    pb_put_fixed64(p, 7, SAMPLE_TIME);
    pb_put_fixed64(p, 8, SAMPLE_TIME + 1000);
}

static void put_span(struct pb_out *p)
{
    put_span_ids(p, S("0123456789abcdef"), S("01234567"));
    pb_put_str(p, 3, S("vendor=1,ot=th:8"));
    pb_put_str(p, 4, S("76543210"));
    pb_put_str(p, 5, S("GET /things"));
    pb_put_varint(p, 6, 2);
    put_attrs(p, 9);
    pb_put_varint(p, 10, 1);
    for (int i = 0; i < 2; i++) {
        pb_begin(p, 11);
        pb_put_fixed64(p, 1, SAMPLE_TIME + 5);
        pb_put_str(p, 2, S("exception"));
        put_attr_str(p, 3, S("exception.type"), S("E"));
        pb_put_varint(p, 4, 9);
        pb_end(p);
    }
    pb_put_varint(p, 12, 2);
    pb_begin(p, 13);
    pb_put_str(p, 1, S("fedcba9876543210"));
    pb_put_str(p, 2, S("abcdefgh"));
    pb_put_str(p, 3, S("a=b"));
    put_attr_int(p, 4, S("link.key"), 5);
    pb_put_varint(p, 5, 6);
    pb_put_fixed32(p, 6, 0x301);
    pb_end(p);
    pb_put_varint(p, 14, 3);
    pb_begin(p, 15);
    pb_put_str(p, 2, S("it failed"));
    pb_put_varint(p, 3, 2);
    pb_end(p);
    pb_put_fixed32(p, 16, 0x101);
}

static void put_log(struct pb_out *p)
{
    pb_put_fixed64(p, 1, SAMPLE_TIME);
    pb_put_varint(p, 2, 17);
    pb_put_str(p, 3, S("ERROR"));
    pb_begin(p, 5);
    pb_begin(p, 6);
    put_attrs(p, 1);
    pb_end(p);
    pb_end(p);
    put_attrs(p, 6);
    pb_put_varint(p, 7, 1);
    pb_put_fixed32(p, 8, 1);
    pb_put_str(p, 9, S("0123456789abcdef"));
    pb_put_str(p, 10, S("01234567"));
    pb_put_fixed64(p, 11, SAMPLE_TIME + 3);
    pb_put_str(p, 12, S("device.crash"));
}

static void put_exemplar(struct pb_out *p, uint32_t field, bool is_int)
{
    pb_begin(p, field);
    pb_put_fixed64(p, 2, SAMPLE_TIME);
    if (is_int)
        pb_put_fixed64(p, 6, 42);
    else
        pb_put_double(p, 3, 4.5);
    pb_put_str(p, 4, S("01234567"));
    pb_put_str(p, 5, S("0123456789abcdef"));
    put_attr_str(p, 7, S("filtered"), S("yes"));
    pb_end(p);
}

static void begin_metric(struct pb_out *p, str name, uint32_t data)
{
    pb_begin(p, 2);
    pb_put_str(p, 1, name);
    pb_put_str(p, 2, S("what it is"));
    pb_put_str(p, 3, S("ms"));
    put_attr_str(p, 12, S("meta"), S("data"));
    pb_begin(p, data);
}

static void begin_point(struct pb_out *p, uint32_t attrs, uint32_t flags)
{
    pb_begin(p, 1);
    pb_put_fixed64(p, 2, SAMPLE_TIME - 1000);
    pb_put_fixed64(p, 3, SAMPLE_TIME);
    put_attr_str(p, attrs, S("route"), S("/a"));
    put_attr_int(p, attrs, S("code"), 200);
    pb_put_varint(p, flags, 1);
}

static void end_metric(struct pb_out *p)
{
    pb_end(p); /* data */
    pb_end(p); /* metric */
}

static void put_number_metrics(struct pb_out *p)
{
    begin_metric(p, S("temperature"), 5);
    begin_point(p, 7, 8);
    pb_put_double(p, 4, -1.5);
    put_exemplar(p, 5, false);
    pb_end(p);
    begin_point(p, 7, 8); /* no value */
    pb_end(p);
    end_metric(p);

    begin_metric(p, S("requests"), 7);
    begin_point(p, 7, 8);
    pb_put_fixed64(p, 6, 9007199254740993);
    put_exemplar(p, 5, true);
    put_exemplar(p, 5, false);
    pb_end(p);
    pb_put_varint(p, 2, 2);
    pb_put_varint(p, 3, 1);
    end_metric(p);
}

static void put_histogram_metric(struct pb_out *p)
{
    static const uint64_t counts[] = {1, 2, 3};
    static const double bounds[] = {0.5, 10};
    begin_metric(p, S("duration"), 9);
    begin_point(p, 9, 10);
    pb_put_fixed64(p, 4, 6);
    pb_put_double(p, 5, 0);
    pb_put_str(p, 6, (str){(const char *)counts, sizeof counts});
    pb_put_str(p, 7, (str){(const char *)bounds, sizeof bounds});
    put_exemplar(p, 8, false);
    pb_put_double(p, 11, -2);
    pb_put_double(p, 12, 1e300);
    pb_end(p);
    begin_point(p, 9, 10); /* neither sum, min, max nor buckets */
    pb_put_fixed64(p, 4, 6);
    pb_end(p);
    pb_put_varint(p, 2, 1);
    end_metric(p);
}

static void put_exponential_metric(struct pb_out *p)
{
    begin_metric(p, S("sizes"), 10);
    begin_point(p, 1, 10);
    pb_put_fixed64(p, 4, 10);
    pb_put_double(p, 5, 77);
    pb_put_sint(p, 6, -3);
    pb_put_fixed64(p, 7, 1);
    for (uint32_t side = 8; side <= 9; side++) {
        pb_begin(p, side);
        pb_put_sint(p, 1, side == 8 ? 5 : -5);
        pb_begin(p, 2);
        pb_raw_varint(p, 1);
        pb_raw_varint(p, 300);
        pb_raw_varint(p, 1ull << 60);
        pb_end(p);
        pb_end(p);
    }
    put_exemplar(p, 11, true);
    pb_put_double(p, 12, 1);
    pb_put_double(p, 13, 2);
    pb_put_double(p, 14, 1e-9);
    pb_end(p);
    pb_put_varint(p, 2, 2);
    end_metric(p);
}

static void put_summary_metric(struct pb_out *p)
{
    begin_metric(p, S("latency"), 11);
    begin_point(p, 7, 8);
    pb_put_fixed64(p, 4, 12);
    pb_put_double(p, 5, 34);
    for (int i = 1; i <= 3; i++) {
        pb_begin(p, 6);
        pb_put_double(p, 1, 0.25 * i);
        pb_put_double(p, 2, 100 * i);
        pb_end(p);
    }
    pb_end(p);
    end_metric(p);
    pb_begin(p, 2); /* a metric without data */
    pb_put_str(p, 1, S("nothing"));
    pb_end(p);
}

void sample_request(enum signal_kind signal, struct buf *out)
{
    struct pb_out w = pb_begin_in(out), *p = &w;
    for (int group = 0; group < 2; group++) { /* twice the same resource and scope */
        pb_begin(p, 1);
        put_resource(p);
        pb_begin(p, 2);
        put_scope(p);
        if (signal == SIGNAL_METRICS) {
            put_number_metrics(p);
            put_histogram_metric(p);
            put_exponential_metric(p);
            put_summary_metric(p);
        } else {
            for (int i = 0; i < 2; i++) {
                pb_begin(p, 2);
                if (signal == SIGNAL_TRACES)
                    put_span(p);
                else
                    put_log(p);
                pb_end(p);
            }
        }
        pb_put_str(p, 3, S("https://example.org/scope"));
        pb_end(p);
        pb_put_str(p, 3, S("https://example.org/resource"));
        pb_end(p);
    }
}

void decode_sample(struct decoded *d, enum signal_kind signal, enum payload_format format, str body,
                   const struct decode_options *opt)
{
    static const struct decode_options plain = {.received_at = SAMPLE_TIME};
    *d = (struct decoded){.len = body.len, .body = malloc(body.len ? body.len : 1)};
    if (!d->body) abort();
    if (body.len) memcpy(d->body, body.ptr, body.len);
    arena_init(&d->arena, 64 << 20);
    d->status = decode_request(&d->arena, signal, format, (str){d->body, body.len},
                               opt ? opt : &plain, &d->batch, &d->err);
}

void decoded_done(struct decoded *d)
{
    arena_done(&d->arena);
    free(d->body);
}
