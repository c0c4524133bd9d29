#include "ingest/decode/decode.h"

#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/sample_test.h"
#include "testing/test.h"

static const struct attr *attr_at(const struct telemetry_batch *b, struct attr_range r, uint32_t i)
{
    CHECK(i < r.n && r.at + i < b->n_attrs);
    return &b->attrs[r.at + i];
}

static void check_each_type(const struct telemetry_batch *b, struct attr_range r, uint32_t from)
{
    CHECK_INT(r.n, from + 8);
    CHECK_STR(attr_at(b, r, from)->key, S("s"));
    CHECK_STR(attr_at(b, r, from)->value.text, S("text"));
    CHECK_INT(attr_at(b, r, from + 1)->value.type, ATTR_BOOL);
    CHECK_INT(attr_at(b, r, from + 1)->value.i, 1);
    CHECK_INT(attr_at(b, r, from + 2)->value.type, ATTR_INT);
    CHECK_INT(attr_at(b, r, from + 2)->value.i, -9007199254740993);
    CHECK_INT(attr_at(b, r, from + 3)->value.type, ATTR_DOUBLE);
    CHECK_NEAR(attr_at(b, r, from + 3)->value.d, 0.1, 0);
    CHECK_INT(attr_at(b, r, from + 4)->value.type, ATTR_ARRAY);
    CHECK_STR(attr_at(b, r, from + 4)->value.text, S("[1,\"x\\\"y\",null,\"AAH/\"]"));
    CHECK_INT(attr_at(b, r, from + 5)->value.type, ATTR_KVLIST);
    CHECK_STR(attr_at(b, r, from + 5)->value.text, S("{\"k\":\"v\",\"deep\":{\"n\":7}}"));
    CHECK_INT(attr_at(b, r, from + 6)->value.type, ATTR_BYTES);
    CHECK_STR(attr_at(b, r, from + 6)->value.text, S("\x00\xfe"));
    CHECK_INT(attr_at(b, r, from + 7)->value.type, ATTR_EMPTY);
    CHECK_STR(attr_at(b, r, from + 7)->key, S("none"));
}

static void check_envelope(const struct telemetry_batch *b)
{
    CHECK_INT(b->n_resources, 1);
    CHECK_INT(b->n_scopes, 1);
    const struct resource *r = &b->resources[0];
    CHECK_STR(r->service_name, S("checkout"));
    CHECK_STR(r->schema_url, S("https://example.org/resource"));
    CHECK_INT(r->dropped_attributes, 3);
    CHECK(r->hash != 0);
    CHECK_STR(r->entity_refs,
              S("[{\"schemaUrl\":\"https://example.org/entity\",\"type\":\"service\","
                "\"idKeys\":[\"service.name\",\"service.namespace\"],"
                "\"descriptionKeys\":[\"service.version\"]}]"));
    check_each_type(b, r->attrs, 1);
    const struct scope *s = &b->scopes[0];
    CHECK_STR(s->name, S("scope"));
    CHECK_STR(s->version, S("1.2.3"));
    CHECK_STR(s->schema_url, S("https://example.org/scope"));
    CHECK_STR(attr_at(b, s->attrs, 0)->value.text, S("scope value"));
    CHECK_INT(s->dropped_attributes, 4);
}

static void decode_own(struct decoded *d, enum signal_kind signal)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    sample_request(signal, &b);
    decode_sample(d, signal, PAYLOAD_PROTOBUF, buf_str(&b), NULL);
    buf_done(&b);
    if (d->status != ST_OK) fprintf(stderr, "%s\n", d->err.msg);
    CHECK_INT(d->status, ST_OK);
    CHECK_INT(telemetry_batch_rejected(d->batch), 0);
    CHECK_INT(d->batch->received, telemetry_batch_rows(d->batch));
    check_envelope(d->batch);
}

TEST(decode_traces_keeps_every_field_of_a_span)
{
    struct decoded d;
    decode_own(&d, SIGNAL_TRACES);
    const struct telemetry_batch *b = d.batch;
    const struct span_columns *c = &b->spans;
    CHECK_INT(c->n, 4);
    for (uint32_t i = 0; i < c->n; i++) {
        CHECK(memcmp(c->trace_id[i], "0123456789abcdef", 16) == 0);
        CHECK(memcmp(c->span_id[i], "01234567", 8) == 0);
        CHECK(memcmp(c->parent_span_id[i], "76543210", 8) == 0);
        CHECK_INT(c->start_time[i], SAMPLE_TIME);
        CHECK_INT(c->end_time[i], SAMPLE_TIME + 1000);
        CHECK_STR(c->name[i], S("GET /things"));
        CHECK_STR(c->trace_state[i], S("vendor=1,ot=th:8"));
        CHECK_NEAR(c->adjusted_count[i], 2, 0);
        CHECK_STR(c->status_message[i], S("it failed"));
        CHECK_INT(c->status_code[i], 2);
        CHECK_INT(c->kind[i], 2);
        CHECK_INT(c->flags[i], 0x101);
        CHECK_INT(c->dropped_attributes[i], 1);
        CHECK_INT(c->dropped_events[i], 2);
        CHECK_INT(c->dropped_links[i], 3);
        check_each_type(b, c->attrs[i], 0);
        CHECK_INT(c->events[i].n, 2);
        const struct span_event *e = &c->event[c->events[i].at + 1];
        CHECK_STR(e->name, S("exception"));
        CHECK_INT(e->time, SAMPLE_TIME + 5);
        CHECK_STR(attr_at(b, e->attrs, 0)->key, S("exception.type"));
        CHECK_INT(e->dropped_attributes, 9);
        CHECK_INT(c->links[i].n, 1);
        const struct span_link *l = &c->link[c->links[i].at];
        CHECK(memcmp(l->trace_id, "fedcba9876543210", 16) == 0);
        CHECK(memcmp(l->span_id, "abcdefgh", 8) == 0);
        CHECK_STR(l->trace_state, S("a=b"));
        CHECK_INT(attr_at(b, l->attrs, 0)->value.i, 5);
        CHECK_INT(l->dropped_attributes, 6);
        CHECK_INT(l->flags, 0x301);
    }
    decoded_done(&d);
}

TEST(decode_logs_keeps_every_field_of_a_record)
{
    struct decoded d;
    decode_own(&d, SIGNAL_LOGS);
    const struct telemetry_batch *b = d.batch;
    const struct log_columns *c = &b->logs;
    CHECK_INT(c->n, 4);
    CHECK_INT(c->time[3], SAMPLE_TIME);
    CHECK_INT(c->observed_time[3], SAMPLE_TIME + 3);
    CHECK_INT(c->time_origin[3], LOG_TIME_OWN);
    CHECK_INT(c->severity_number[3], 17);
    CHECK_STR(c->severity_text[3], S("ERROR"));
    CHECK_STR(c->event_name[3], S("device.crash"));
    CHECK_INT(c->flags[3], 1);
    CHECK(memcmp(c->trace_id[3], "0123456789abcdef", 16) == 0);
    CHECK(memcmp(c->span_id[3], "01234567", 8) == 0);
    CHECK_INT(c->dropped_attributes[3], 1);
    CHECK_INT(c->body[3].type, ATTR_KVLIST);
    CHECK_STR(c->body[3].text,
              S("{\"s\":\"text\",\"b\":true,\"i\":-9007199254740993,\"d\":0.1,"
                "\"array\":[1,\"x\\\"y\",null,\"AAH/\"],\"list\":{\"k\":\"v\",\"deep\":{\"n\":7}},"
                "\"bytes\":\"AP4=\",\"none\":null}"));
    check_each_type(b, c->attrs[3], 0);
    decoded_done(&d);
}

TEST(decode_logs_time_is_own_then_observed_then_arrival)
{
    struct buf out;
    buf_init(&out, 1000);
    struct pb_out p = pb_begin_in(&out);
    pb_begin(&p, 1), pb_begin(&p, 2);
    pb_begin(&p, 2), pb_put_fixed64(&p, 1, 5), pb_put_fixed64(&p, 11, 6), pb_end(&p);
    pb_begin(&p, 2), pb_put_fixed64(&p, 11, 6), pb_end(&p);
    pb_begin(&p, 2), pb_end(&p);
    pb_end(&p), pb_end(&p);
    struct decoded d;
    decode_sample(&d, SIGNAL_LOGS, PAYLOAD_PROTOBUF, buf_str(&out), NULL);
    CHECK_INT(d.status, ST_OK);
    const struct log_columns *c = &d.batch->logs;
    CHECK_INT(c->n, 3);
    CHECK_INT(c->time[0], 5);
    CHECK_INT(c->time_origin[0], LOG_TIME_OWN);
    CHECK_INT(c->time[1], 6);
    CHECK_INT(c->time_origin[1], LOG_TIME_OBSERVED);
    CHECK_INT(c->time[2], SAMPLE_TIME);
    CHECK_INT(c->time_origin[2], LOG_TIME_ARRIVAL);
    CHECK_INT(c->observed_time[2], 0);
    CHECK_INT(c->body[2].type, ATTR_EMPTY);
    decoded_done(&d);
    buf_done(&out);
}

TEST(decode_metrics_keeps_numbers_and_their_exemplars)
{
    struct decoded d;
    decode_own(&d, SIGNAL_METRICS);
    const struct telemetry_batch *b = d.batch;
    const struct metric_columns *c = &b->metrics;
    CHECK_INT(c->n, 14);
    CHECK_INT(c->n_descs, 12);
    CHECK_STR(c->descs[0].name, S("temperature"));
    CHECK_STR(c->descs[0].description, S("what it is"));
    CHECK_STR(c->descs[0].unit, S("ms"));
    CHECK_INT(c->descs[0].type, METRIC_GAUGE);
    CHECK_STR(attr_at(b, c->descs[0].metadata, 0)->value.text, S("data"));
    CHECK_INT(c->descs[1].type, METRIC_SUM);
    CHECK_INT(c->descs[1].temporality, TEMPORALITY_CUMULATIVE);
    CHECK(c->descs[1].monotonic);
    CHECK_INT(c->descs[5].type, METRIC_NONE);

    CHECK_NEAR(c->value[0], -1.5, 0);
    CHECK_INT(c->present[0], 0);
    CHECK_INT(c->flags[0], 1);
    CHECK_INT(c->time[0], SAMPLE_TIME);
    CHECK_INT(c->start_time[0], SAMPLE_TIME - 1000);
    CHECK_STR(attr_at(b, c->attrs[0], 0)->value.text, S("/a"));
    CHECK_INT(attr_at(b, c->attrs[0], 1)->value.i, 200);
    CHECK_INT(c->present[1], POINT_NO_VALUE);
    CHECK_INT(c->present[2], POINT_IS_INT);
    CHECK_INT(c->int_value[2], 9007199254740993);
    CHECK_INT(c->desc[2], 1);

    CHECK_INT(c->n_exemplars, 10);
    const struct exemplar *e = &c->exemplar[1];
    CHECK_INT(e->point, 2);
    CHECK_INT(e->present, POINT_IS_INT);
    CHECK_INT(e->int_value, 42);
    CHECK_INT(e->time, SAMPLE_TIME);
    CHECK(memcmp(e->trace_id, "0123456789abcdef", 16) == 0);
    CHECK(memcmp(e->span_id, "01234567", 8) == 0);
    CHECK_STR(attr_at(b, e->attrs, 0)->key, S("filtered"));
    CHECK_NEAR(c->exemplar[2].value, 4.5, 0);
    decoded_done(&d);
}

TEST(decode_metrics_keeps_histograms_exponential_ones_and_summaries)
{
    struct decoded d;
    decode_own(&d, SIGNAL_METRICS);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->present[3], POINT_HAS_SUM | POINT_HAS_MIN | POINT_HAS_MAX);
    CHECK_INT(c->count[3], 6);
    CHECK_NEAR(c->sum[3], 0, 0);
    CHECK_NEAR(c->min[3], -2, 0);
    CHECK_NEAR(c->max[3], 1e300, 0);
    CHECK_INT(c->bucket_counts[3].n, 3);
    CHECK_INT(c->u64s[c->bucket_counts[3].at + 2], 3);
    CHECK_INT(c->explicit_bounds[3].n, 2);
    CHECK_NEAR(c->f64s[c->explicit_bounds[3].at], 0.5, 0);
    CHECK_INT(c->present[4], 0);
    CHECK_INT(c->bucket_counts[4].n, 0);
    CHECK(c->series_id[3] != c->series_id[4]); /* other bounds */

    CHECK_INT(c->scale[5], -3);
    CHECK_INT(c->zero_count[5], 1);
    CHECK_NEAR(c->zero_threshold[5], 1e-9, 0);
    CHECK_INT(c->positive_offset[5], 5);
    CHECK_INT(c->negative_offset[5], -5);
    CHECK_INT(c->positive_counts[5].n, 3);
    CHECK_INT(c->u64s[c->positive_counts[5].at + 1], 300);
    CHECK_INT(c->u64s[c->negative_counts[5].at + 2], 1ll << 60);

    CHECK_INT(c->quantiles[6].n, 3);
    CHECK_INT(c->quantile_values[6].n, 3);
    CHECK_NEAR(c->f64s[c->quantiles[6].at + 2], 0.75, 0);
    CHECK_NEAR(c->f64s[c->quantile_values[6].at + 2], 300, 0);
    CHECK_NEAR(c->sum[6], 34, 0);
    CHECK_INT(c->series_id[6], c->series_id[13]); /* the same series in the second group */
    decoded_done(&d);
}

TEST(decode_every_truncation_is_refused_or_a_shorter_request)
{
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        sample_request((enum signal_kind)signal, &b);
        size_t whole = 0;
        for (size_t n = 0; n < b.len; n++) {
            struct decoded d;
            decode_sample(&d, (enum signal_kind)signal, PAYLOAD_PROTOBUF, (str){b.ptr, n}, NULL);
            CHECK(d.status == ST_OK || d.status == ST_INVALID);
            if (d.status == ST_OK)
                whole++;
            else
                CHECK(d.err.pos <= n && d.err.msg[0]);
            decoded_done(&d);
        }
        CHECK_INT(whole, 2); /* nothing, and the first group alone */
        buf_done(&b);
    }
}

static void check_text(size_t key_len, size_t text_len, bool twice)
{
    static char bytes[400];
    memset(bytes, 'x', sizeof bytes);
    str key = {bytes, key_len}, text = {bytes, text_len};
    struct buf out;
    buf_init(&out, 4000);
    struct pb_out p = pb_begin_in(&out);
    pb_begin(&p, 1), pb_begin(&p, 2), pb_begin(&p, 2);
    if (twice) { /* the last value counts */
        begin_attr(&p, 6, key), pb_put_str(&p, 1, S("first")), pb_end(&p);
        pb_begin(&p, 2), pb_put_str(&p, 1, text), pb_end(&p);
        pb_end(&p);
    } else {
        put_attr_str(&p, 6, key, text);
    }
    pb_end(&p), pb_end(&p), pb_end(&p);
    struct decoded d;
    decode_sample(&d, SIGNAL_LOGS, PAYLOAD_PROTOBUF, buf_str(&out), NULL);
    CHECK_INT(d.status, ST_OK);
    CHECK_INT(d.batch->logs.n, 1);
    const struct attr *a = attr_at(d.batch, d.batch->logs.attrs[0], 0);
    CHECK_STR(a->key, key);
    CHECK_INT(a->value.type, ATTR_STRING);
    CHECK_STR(a->value.text, text);
    decoded_done(&d);
    buf_done(&out);
}

TEST(decode_reads_attributes_of_every_length_around_one_byte_of_length)
{
    static const size_t keys[] = {0, 1, 117, 118, 126, 127, 128, 200};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t text = 0; text < 3; text++) check_text(keys[k], text, text == 2);
        for (size_t text = 118; text < 134; text++) check_text(keys[k], text, text % 2);
    }
}
