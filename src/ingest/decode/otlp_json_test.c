#include "ingest/decode/otlp_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/json_number.h"
#include "ingest/decode/sample_test.h"
#include "testing/test.h"

/* The corpus has the own samples as JSON, behind a line that says the signal. */
static str json_sample(enum signal_kind signal)
{
    char path[80];
    snprintf(path, sizeof path, "fuzz/corpus/otlp_json/%s.json", signal_name(signal));
    str s = test_repository_file(path);
    CHECK(s.len > 2);
    return str_drop(s, 2);
}

TEST(otlp_json_and_protobuf_of_the_same_content_are_equal)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        enum signal_kind signal = (enum signal_kind)i;
        struct buf b;
        buf_init(&b, 1 << 20);
        buf_char(&b, (char)('0' + i));
        sample_request(signal, &b);
        char path[80];
        snprintf(path, sizeof path, "fuzz/corpus/otlp_protobuf/%s.pb", signal_name(signal));
        test_golden(path, buf_str(&b)); /* the fuzz target begins from the same samples */

        struct decoded pb, json;
        decode_sample(&pb, signal, PAYLOAD_PROTOBUF, str_drop(buf_str(&b), 1), NULL);
        decode_sample(&json, signal, PAYLOAD_JSON, json_sample(signal), NULL);
        if (json.status != ST_OK) fprintf(stderr, "%s\n", json.err.msg);
        CHECK_INT(json.status, ST_OK);
        check_equal_batches(pb.batch, json.batch);
        decoded_done(&pb);
        decoded_done(&json);
        buf_done(&b);
    }
}

TEST(otlp_json_every_truncation_is_refused_with_its_place)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        enum signal_kind signal = (enum signal_kind)i;
        str whole = json_sample(signal);
        while (whole.ptr[whole.len - 1] != '}') whole.len--;
        for (size_t n = 1; n < whole.len; n++) {
            struct decoded d;
            decode_sample(&d, signal, PAYLOAD_JSON, (str){whole.ptr, n}, NULL);
            CHECK_INT(d.status, ST_INVALID);
            CHECK(d.err.pos <= n && d.err.msg[0]);
            decoded_done(&d);
        }
    }
}

static str one_log(char out[2000], const char *members)
{
    int n = snprintf(out, 2000, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{%s}]}]}]}",
                     members);
    return (str){out, (size_t)n};
}

static void refused(const char *members, const char *want)
{
    char text[2000];
    struct decoded d;
    decode_sample(&d, SIGNAL_LOGS, PAYLOAD_JSON, one_log(text, members), NULL);
    CHECK_INT(d.status, ST_INVALID);
    CHECK_STR(((str){d.err.msg, strlen(d.err.msg)}), ((str){want, strlen(want)}));
    decoded_done(&d);
}

#define AT "resourceLogs[0].scopeLogs[0].logRecords[0]."

TEST(otlp_json_wrong_types_and_ids_are_refused_with_the_path)
{
    refused("\"traceId\":\"0102\"", AT "traceId: is not 32 hex digits");
    refused("\"spanId\":\"zz02030405060708\"", AT "spanId: is not 16 hex digits");
    refused("\"traceId\":5", AT "traceId: wants a string of hex digits");
    refused("\"severityText\":5", AT "severityText: wants a string");
    refused("\"timeUnixNano\":-1", AT "timeUnixNano: is not an unsigned 64-bit integer");
    refused("\"timeUnixNano\":1.5", AT "timeUnixNano: is not an unsigned 64-bit integer");
    refused("\"flags\":4294967296", AT "flags: is not an unsigned 32-bit integer");
    refused("\"severityNumber\":\"LOUD\"",
            AT "severityNumber: is neither an integer nor a name of this enum");
    refused("\"attributes\":{}", AT "attributes: wants an array");
    refused("\"body\":[]", AT "body: wants an object");
    refused("\"body\":{\"bytesValue\":\"?\"}", AT "body.bytesValue: is not base64");
    refused("\"body\":{\"boolValue\":1}", AT "body.boolValue: wants true or false");
    refused("\"attributes\":[null]", AT "attributes[0]: wants an object");
}

static struct log_columns *one(struct decoded *d, const char *members)
{
    char text[2000];
    decode_sample(d, SIGNAL_LOGS, PAYLOAD_JSON, one_log(text, members), NULL);
    if (d->status != ST_OK) fprintf(stderr, "%s\n", d->err.msg);
    CHECK_INT(d->status, ST_OK);
    CHECK_INT(d->batch->logs.n, 1);
    return &d->batch->logs;
}

TEST(otlp_json_takes_the_forms_that_senders_use)
{
    struct decoded d;
    CHECK_INT(one(&d, "\"timeUnixNano\":1.0e3")->time[0], 1000);
    decoded_done(&d);
    CHECK_INT(one(&d, "\"timeUnixNano\":\"15e2\"")->time[0], 1500);
    decoded_done(&d);
    CHECK_INT(one(&d, "\"severityNumber\":\"9\"")->severity_number[0], 9);
    decoded_done(&d);
    CHECK_INT(one(&d, "\"severityNumber\":\"SEVERITY_NUMBER_WARN2\"")->severity_number[0], 14);
    decoded_done(&d);
    CHECK_INT(one(&d, "\"traceId\":\"\",\"spanId\":null")->n, 1);
    decoded_done(&d);
    CHECK(isnan(one(&d, "\"body\":{\"doubleValue\":\"NaN\"}")->body[0].d));
    decoded_done(&d);
    CHECK(isinf(one(&d, "\"body\":{\"doubleValue\":\"-Infinity\"}")->body[0].d));
    decoded_done(&d);
    CHECK_NEAR(one(&d, "\"body\":{\"doubleValue\":\"2.5\"}")->body[0].d, 2.5, 0);
    decoded_done(&d);
    CHECK_STR(one(&d, "\"body\":{\"bytesValue\":\"_-8\"}")->body[0].text, S("\xff\xef"));
    decoded_done(&d);
    CHECK_STR(one(&d, "\"severityText\":\"\\u00e9\\n\"")->severity_text[0], S("\xc3\xa9\n"));
    decoded_done(&d);
}

TEST(otlp_json_ignores_what_it_does_not_know)
{
    struct decoded d;
    struct log_columns *c =
        one(&d, "\"severity_text\":\"snake\",\"new\":{\"a\":[1,{\"b\":null}]},\"eventName\":\"e\"");
    CHECK_STR(c->severity_text[0], S(""));
    CHECK_STR(c->event_name[0], S("e"));
    decoded_done(&d);
}

TEST(otlp_json_of_a_key_that_comes_twice_the_last_one_counts)
{
    struct decoded d;
    struct log_columns *c =
        one(&d, "\"attributes\":[{\"key\":\"a\"},{\"key\":\"b\"}],\"body\":{\"stringValue\":\"x\"},"
                "\"eventName\":\"first\",\"attributes\":[{\"key\":\"c\"}],\"eventName\":\"last\","
                "\"severityText\":\"s\",\"severityText\":null");
    CHECK_INT(c->attrs[0].n, 1);
    CHECK_STR(d.batch->attrs[c->attrs[0].at].key, S("c"));
    CHECK_STR(c->event_name[0], S("last"));
    CHECK_STR(c->severity_text[0], S(""));
    CHECK_STR(c->body[0].text, S("x"));
    decoded_done(&d);
}

TEST(otlp_json_empty_requests_are_empty_batches_and_other_texts_are_refused)
{
    static const char *const empty[] = {"", "{}", " {\"resourceLogs\":[]} ",
                                        "{\"resourceLogs\":null}"};
    static const char *const bad[] = {"\xef\xbb\xbf{}", "{} {}",   "{}x", "[]", "1", " ",
                                      "null",           "{\"a\":}"};
    struct decoded d;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        decode_sample(&d, SIGNAL_LOGS, PAYLOAD_JSON, (str){empty[i], strlen(empty[i])}, NULL);
        CHECK_INT(d.status, ST_OK);
        CHECK_INT(d.batch->received, 0);
        decoded_done(&d);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        decode_sample(&d, SIGNAL_LOGS, PAYLOAD_JSON, (str){bad[i], strlen(bad[i])}, NULL);
        CHECK_INT(d.status, ST_INVALID);
        decoded_done(&d);
    }
}

TEST(json_number_reads_whole_numbers_exactly_and_no_others)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"1.0e3", true, 1000},
        {"12E2", true, 1200},
        {"1200e-2", true, 12},
        {"0.5e1", true, 5},
        {"1.50e1", true, 15},
        {"100.00", true, 100},
        {"1.5446", false, 0},
        {"1.544712660300000000e18", true, 1544712660300000000},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"922337203685477580.7e1", true, INT64_MAX},
        {"1e19", false, 0},
        {"1e400", false, 0},
        {"0e99999", true, 0},
        {"", false, 0},
        {"-", false, 0},
        {".", false, 0},
        {"1.2.3", false, 0},
        {"1e", false, 0},
        {"0x10", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"--1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = 0;
        CHECK_INT(json_number_i64((str){cases[i].text, strlen(cases[i].text)}, &got), cases[i].ok);
        if (cases[i].ok) CHECK_INT(got, cases[i].want);
    }
    uint64_t u;
    CHECK(json_number_u64(S("18446744073709551615"), &u) && u == UINT64_MAX);
    CHECK(json_number_u64(S("1844674407370955161.5e1"), &u) && u == UINT64_MAX);
    CHECK(!json_number_u64(S("18446744073709551616"), &u));
    CHECK(!json_number_u64(S("-1"), &u));
}
