/* What is left out alone, what refuses the request, and what is merely unusual. */
#include <stdio.h>

#include "ingest/decode/sample_test.h"
#include "testing/test.h"

#define TRACE_ID S("0123456789abcdef")
#define SPAN_ID S("01234567")

struct writing {
    struct buf text;
    struct pb_out out;
};

static struct pb_out *begin_request(struct writing *w)
{
    buf_init(&w->text, 4 << 20);
    w->out = pb_begin_in(&w->text);
    pb_begin(&w->out, 1);
    pb_begin(&w->out, 2);
    return &w->out;
}

static void end_request(struct writing *w, struct decoded *d, enum signal_kind signal,
                        const struct decode_options *opt)
{
    while (w->out.depth) pb_end(&w->out);
    decode_sample(d, signal, PAYLOAD_PROTOBUF, buf_str(&w->text), opt);
    buf_done(&w->text);
}

static void put_span_with_ids(struct pb_out *p, str trace_id, str span_id)
{
    pb_begin(p, 2);
    put_span_ids(p, trace_id, span_id);
    put_attr_str(p, 9, S("k"), S("v"));
    pb_end(p);
}

TEST(decode_rejects_spans_with_bad_ids_alone)
{
    struct writing w;
    struct decoded d;
    struct pb_out *p = begin_request(&w);
    put_span_with_ids(p, TRACE_ID, SPAN_ID);
    put_span_with_ids(p, S("0123456789abcde"), SPAN_ID);
    put_span_with_ids(p, TRACE_ID, S("\0\0\0\0\0\0\0\0"));
    put_span_with_ids(p, S(""), SPAN_ID);
    put_span_with_ids(p, TRACE_ID, S("76543210"));
    end_request(&w, &d, SIGNAL_TRACES, NULL);
    CHECK_INT(d.status, ST_OK);
    CHECK_INT(d.batch->received, 5);
    CHECK_INT(d.batch->spans.n, 2);
    CHECK_INT(d.batch->rejected[REJECT_BAD_ID], 3);
    CHECK_STR(d.batch->first_rejection,
              S("resource_spans[0].scope_spans[0].spans[1]: trace_id has 15 bytes, not 16"));
    CHECK_INT(d.batch->n_attrs, 2); /* those of the rejected spans are gone */
    CHECK(memcmp(d.batch->spans.span_id[1], "76543210", 8) == 0);
    decoded_done(&d);
}

static void put_log_at(struct pb_out *p, uint64_t time)
{
    pb_begin(p, 2);
    pb_put_fixed64(p, 1, time);
    pb_put_str(p, 9, S("short"));
    pb_end(p);
}

TEST(decode_rejects_items_outside_of_the_time_bounds_alone)
{
    struct decode_options opt = {.received_at = 1000, .oldest = 100, .newest = 2000};
    struct writing w;
    struct decoded d;
    struct pb_out *p = begin_request(&w);
    put_log_at(p, 99);
    put_log_at(p, 100);
    put_log_at(p, 2000);
    put_log_at(p, 2001);
    put_log_at(p, UINT64_MAX);
    put_log_at(p, 0); /* arrival */
    end_request(&w, &d, SIGNAL_LOGS, &opt);
    CHECK_INT(d.status, ST_OK);
    CHECK_INT(d.batch->logs.n, 3);
    CHECK_INT(d.batch->rejected[REJECT_TOO_OLD], 1);
    CHECK_INT(d.batch->rejected[REJECT_IN_FUTURE], 2);
    CHECK_STR(d.batch->first_rejection, S("resource_logs[0].scope_logs[0].log_records[0]: "
                                          "time_unix_nano 99 is older than the oldest kept, 100"));
    static const uint8_t zeros[16];
    CHECK(memcmp(d.batch->logs.trace_id[0], zeros, 16) == 0); /* of another length: unset */
    decoded_done(&d);
}

TEST(decode_rejects_items_with_too_many_attributes_alone)
{
    struct decode_options opt = {.received_at = 1000, .max_attributes = 3};
    struct writing w;
    struct decoded d;
    struct pb_out *p = begin_request(&w);
    for (int n = 3; n <= 4; n++) {
        pb_begin(p, 2);
        for (int i = 0; i < n; i++) put_attr_int(p, 6, (str){&"abcd"[i], 1}, i);
        pb_end(p);
    }
    end_request(&w, &d, SIGNAL_LOGS, &opt);
    CHECK_INT(d.batch->logs.n, 1);
    CHECK_INT(d.batch->rejected[REJECT_TOO_MANY_ATTRIBUTES], 1);
    CHECK_STR(d.batch->first_rejection,
              S("resource_logs[0].scope_logs[0].log_records[1]: 4 attributes, limit 3"));
    decoded_done(&d);
}

TEST(decode_rejects_the_items_of_a_resource_with_too_many_attributes)
{
    struct decode_options opt = {.received_at = 1000, .max_attributes = 3};
    for (int n = 3; n <= 100; n += 97) {
        struct buf text;
        buf_init(&text, 1 << 16);
        struct pb_out p = pb_begin_in(&text);
        pb_begin(&p, 1);
        pb_begin(&p, 1);
        for (int i = 0; i < n; i++) {
            char key[8];
            int len = snprintf(key, sizeof key, "k%d", i);
            put_attr_int(&p, 1, (str){key, (size_t)len}, i);
        }
        pb_end(&p);
        pb_begin(&p, 2), put_log_at(&p, 1000), pb_end(&p);
        pb_end(&p);
        struct decoded d;
        decode_sample(&d, SIGNAL_LOGS, PAYLOAD_PROTOBUF, buf_str(&text), &opt);
        CHECK_INT(d.status, ST_OK);
        CHECK_INT(d.batch->logs.n, n == 3);
        CHECK_INT(d.batch->rejected[REJECT_TOO_MANY_ATTRIBUTES], n != 3);
        decoded_done(&d);
        buf_done(&text);
    }
}

static void put_histogram(struct pb_out *p, int n_counts, int n_bounds, double step)
{
    pb_begin(p, 2);
    pb_put_str(p, 1, S("h"));
    pb_begin(p, 9);
    pb_begin(p, 1);
    pb_put_fixed64(p, 3, SAMPLE_TIME);
    for (int i = 0; i < n_counts; i++) pb_put_fixed64(p, 6, 1); /* unpacked, and interleaved */
    for (int i = 0; i < n_bounds; i++) {
        pb_put_double(p, 7, i * step);
        put_attr_int(p, 9, (str){&"abcd"[i], 1}, i);
    }
    pb_end(p);
    pb_end(p);
    pb_end(p);
}

TEST(decode_rejects_histograms_whose_buckets_do_not_fit_alone)
{
    struct writing w;
    struct decoded d;
    struct pb_out *p = begin_request(&w);
    put_histogram(p, 3, 2, 1);
    put_histogram(p, 2, 2, 1);
    put_histogram(p, 0, 1, 1);
    put_histogram(p, 4, 3, 0); /* bounds that do not rise */
    put_histogram(p, 1, 0, 1);
    end_request(&w, &d, SIGNAL_METRICS, NULL);
    CHECK_INT(d.status, ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 2);
    CHECK_INT(d.batch->received, 5);
    CHECK_INT(d.batch->rejected[REJECT_BAD_BUCKETS], 3);
    CHECK_STR(d.batch->first_rejection, S("resource_metrics[0].scope_metrics[0].metrics[1]."
                                          "data_points[0]: 2 bucket_counts for 2 explicit_bounds"));
    CHECK_INT(c->bucket_counts[0].n, 3);
    CHECK_INT(c->explicit_bounds[0].n, 2);
    CHECK_INT(c->n_u64s, 4);
    CHECK_INT(c->attrs[0].n, 2);
    decoded_done(&d);
}

TEST(decode_of_duplicate_keys_keeps_the_last_value_in_the_first_place)
{
    for (int many = 0; many < 2; many++) { /* by scanning, and by the map */
        struct writing w;
        struct decoded d;
        struct pb_out *p = begin_request(&w);
        pb_begin(p, 2);
        put_attr_int(p, 6, S("a"), 1);
        put_attr_int(p, 6, S("b"), 2);
        put_attr_int(p, 6, S("a"), 3);
        for (int i = 0; i < 1000 * many; i++) {
            char key[16];
            int n = snprintf(key, sizeof key, "k%d", i % 500);
            put_attr_int(p, 6, (str){key, (size_t)n}, i);
        }
        put_attr_int(p, 6, S("b"), 4);
        pb_end(p);
        end_request(&w, &d, SIGNAL_LOGS, NULL);
        struct attr_range r = d.batch->logs.attrs[0];
        const struct attr *a = d.batch->attrs + r.at;
        CHECK_INT(r.n, 2 + 500 * many);
        CHECK_INT(d.batch->n_attrs, r.n);
        CHECK_STR(a[0].key, S("a"));
        CHECK_INT(a[0].value.i, 3);
        CHECK_INT(a[1].value.i, 4);
        if (many) CHECK_INT(a[2].value.i, 500);
        decoded_done(&d);
    }
}

TEST(decode_treats_a_known_field_of_a_wrong_wire_type_as_unknown)
{
    struct writing w;
    struct decoded d;
    struct pb_out *p = begin_request(&w);
    pb_begin(p, 2);
    put_span_ids(p, TRACE_ID, SPAN_ID);
    pb_put_varint(p, 1, 5);
    pb_put_fixed64(p, 5, 5);
    pb_put_str(p, 7, S("not a time"));
    pb_put_fixed32(p, 9, 5);
    pb_put_varint(p, 16, 5);
    pb_put_str(p, 12345, S("a field of the future"));
    pb_end(p);
    end_request(&w, &d, SIGNAL_TRACES, NULL);
    CHECK_INT(d.status, ST_OK);
    CHECK_INT(d.batch->spans.n, 1);
    CHECK_INT(d.batch->spans.start_time[0], SAMPLE_TIME);
    CHECK_STR(d.batch->spans.name[0], S(""));
    CHECK_INT(d.batch->spans.flags[0], 0);
    CHECK_INT(d.batch->spans.attrs[0].n, 0);
    decoded_done(&d);
}

TEST(decode_refuses_groups_field_zero_and_endless_varints_with_their_place)
{
    static const struct {
        str bytes;
        uint32_t pos;
    } cases[] = {
        {S("\x0b\x0c"), 1},                                         /* a group */
        {S("\x00\x00"), 1},                                         /* field 0 */
        {S("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1}, /* 11 bytes */
        {S("\x0a\x05"), 2},                                         /* longer than what is there */
        {S("\x0e"), 1},                                             /* wire type 6 */
        {S("\x09\x01\x02"), 1},                                     /* half a fixed64 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decoded d;
        decode_sample(&d, SIGNAL_LOGS, PAYLOAD_PROTOBUF, cases[i].bytes, NULL);
        CHECK_INT(d.status, ST_INVALID);
        CHECK_INT(d.err.pos, cases[i].pos);
        decoded_done(&d);
    }
    /* inside a record */
    struct decoded d;
    decode_sample(&d, SIGNAL_LOGS, PAYLOAD_PROTOBUF, S("\x0a\x06\x12\x04\x12\x02\x32\x07"), NULL);
    CHECK_INT(d.status, ST_INVALID);
    CHECK_STR(((str){d.err.msg, strlen(d.err.msg)}),
              S("resource_logs[0].scope_logs[0].log_records[0]: malformed LogRecord"));
    CHECK_INT(d.err.pos, 8);
    decoded_done(&d);
}

static status nested(int levels, str *ret_text, struct decoded *d)
{
    struct writing w;
    struct pb_out *p = begin_request(&w);
    pb_begin(p, 2);
    pb_begin(p, 5);
    for (int i = 0; i < levels; i++) {
        pb_begin(p, 5);
        pb_begin(p, 1);
    }
    end_request(&w, d, SIGNAL_LOGS, NULL);
    if (d->status == ST_OK) *ret_text = d->batch->logs.body[0].text;
    return d->status;
}

TEST(decode_refuses_values_nested_deeper_than_32_levels)
{
    struct decoded d;
    str text;
    CHECK_INT(nested(32, &text, &d), ST_OK);
    CHECK_INT(text.len, 32 * 2 + 4); /* [[...[null]...]] */
    decoded_done(&d);
    CHECK_INT(nested(33, &text, &d), ST_INVALID);
    CHECK_STR(((str){d.err.msg, strlen(d.err.msg)}),
              S("resource_logs[0].scope_logs[0].log_records[0]: a value nested deeper than the "
                "limit of 32 levels"));
    decoded_done(&d);
}

TEST(decode_merges_a_resource_that_comes_in_pieces_and_after_its_spans)
{
    struct buf text;
    buf_init(&text, 4096);
    struct pb_out p = pb_begin_in(&text);
    pb_begin(&p, 1);
    pb_begin(&p, 2), put_span_with_ids(&p, TRACE_ID, SPAN_ID), pb_end(&p);
    pb_begin(&p, 1), put_attr_str(&p, 1, S("service.name"), S("late")), pb_end(&p);
    pb_begin(&p, 1), put_attr_int(&p, 1, S("n"), 1), pb_end(&p);
    pb_end(&p);
    struct decoded d;
    decode_sample(&d, SIGNAL_TRACES, PAYLOAD_PROTOBUF, buf_str(&text), NULL);
    CHECK_INT(d.status, ST_OK);
    CHECK_INT(d.batch->n_resources, 1);
    CHECK_INT(d.batch->resources[0].attrs.n, 2);
    CHECK_STR(d.batch->resources[0].service_name, S("late"));
    CHECK_INT(d.batch->spans.n, 1);
    decoded_done(&d);
    buf_done(&text);
}

static uint64_t resource_hash(bool swapped, int64_t n)
{
    struct buf text;
    buf_init(&text, 4096);
    struct pb_out p = pb_begin_in(&text);
    pb_begin(&p, 1);
    pb_begin(&p, 1);
    if (swapped) put_attr_int(&p, 1, S("n"), n);
    put_attr_str(&p, 1, S("a"), S("b"));
    if (!swapped) put_attr_int(&p, 1, S("n"), n);
    pb_end(&p);
    pb_end(&p);
    struct decoded d;
    decode_sample(&d, SIGNAL_TRACES, PAYLOAD_PROTOBUF, buf_str(&text), NULL);
    CHECK_INT(d.status, ST_OK);
    uint64_t h = d.batch->resources[0].hash;
    decoded_done(&d);
    buf_done(&text);
    return h;
}

TEST(decode_resource_hash_is_stored_and_independent_of_the_order)
{
    CHECK(resource_hash(false, 1) == resource_hash(true, 1));
    CHECK(resource_hash(false, 1) != resource_hash(false, 2));
    CHECK_INT(resource_hash(false, 1), -3480947171295900089);
}

TEST(decode_past_the_budget_is_a_limit_and_not_memory)
{
    size_t n = 3 << 20; /* empty spans: 2 bytes each on the wire, more than 200 as columns */
    struct buf text;
    buf_init(&text, n + 100);
    struct pb_out p = pb_begin_in(&text);
    pb_begin(&p, 1), pb_begin(&p, 2);
    for (size_t i = 0; i < n / 2; i++) pb_begin(&p, 2), pb_end(&p);
    pb_end(&p), pb_end(&p);
    struct decoded d;
    decode_sample(&d, SIGNAL_TRACES, PAYLOAD_PROTOBUF, buf_str(&text), NULL);
    CHECK_INT(d.status, ST_LIMIT);
    CHECK(d.arena.used < 1 << 20);
    decoded_done(&d);
    buf_done(&text);
}

TEST(decode_of_a_span_takes_a_bounded_number_of_arena_bytes)
{
    enum { SPANS = 500, ATTRIBUTES = 9 };
    struct writing w;
    struct decoded d;
    struct pb_out *p = begin_request(&w);
    for (int i = 0; i < SPANS; i++) {
        pb_begin(p, 2);
        put_span_ids(p, TRACE_ID, SPAN_ID);
        for (int k = 0; k < ATTRIBUTES; k++)
            put_attr_str(p, 9, (str){&"abcdefghi"[k], 1}, S("a value of a usual length"));
        pb_end(p);
    }
    end_request(&w, &d, SIGNAL_TRACES, NULL);
    CHECK_INT(d.batch->spans.n, SPANS);
    CHECK(d.arena.used / SPANS < 200 + 2 * ATTRIBUTES * sizeof(struct attr));
    decoded_done(&d);
}
