#include "ingest/export/answer.h"

#include "ingest/export/export.h"
#include "testing/test.h"

TEST(answer_text_is_one_line_of_utf8_and_is_cut_between_characters)
{
    char out[8];
    answer_text(S("a\nb\xff\xc3\xa4 \r\n"), out, sizeof out);
    CHECK_STR(str_of(out), S("a b?\xc3\xa4"));
    answer_text(S("abcdef\xc3\xa4"), out, sizeof out);
    CHECK_STR(str_of(out), S("abcdef"));
    answer_text((str){0}, out, sizeof out);
    CHECK_STR(str_of(out), S(""));
}

TEST(answer_partial_of_what_cannot_be_read_rejects_nothing)
{
    static const str bodies[] = {{"\x0a", 1}, {"\x0a\x02\x08", 3}, {"\x0b", 1}, {"{", 1}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (int f = 0; f < 2; f++) {
            struct answer_partial p =
                answer_partial_read(bodies[i], (enum payload_format)f, SIGNAL_LOGS);
            CHECK_INT(p.rejected, 0);
            CHECK_STR(str_of(p.message), S(""));
        }
    /* -1 as an int64 */
    struct answer_partial p = answer_partial_read(
        S("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), PAYLOAD_PROTOBUF, SIGNAL_TRACES);
    CHECK_INT(p.rejected, 0);
    p = answer_partial_read(S("{\"x\":[1],\"partialSuccess\":{\"y\":{},\"rejectedSpans\":7}}"),
                            PAYLOAD_JSON, SIGNAL_TRACES);
    CHECK_INT(p.rejected, 7);
    p = answer_partial_read(S("{\"partialSuccess\":null}"), PAYLOAD_JSON, SIGNAL_TRACES);
    CHECK_INT(p.rejected, 0);
}

TEST(answer_retry_after_is_seconds_or_a_date_ahead)
{
    nanos now = 784111777 * NANOS_S; /* Sun, 06 Nov 1994 08:49:37 GMT */
    CHECK_INT(answer_retry_after(S("120"), now), 120000);
    CHECK_INT(answer_retry_after(S("99999999999"), now), UINT32_MAX);
    CHECK_INT(answer_retry_after(S("Sun, 06 Nov 1994 08:50:37 GMT"), now), 60000);
    CHECK_INT(answer_retry_after(S("Sun, 06 Nov 1994 08:49:00 GMT"), now), 0);
    CHECK_INT(answer_retry_after(S("-3"), now), 0);
    CHECK_INT(answer_retry_after(S("soon"), now), 0);
    CHECK_INT(answer_retry_after(S(""), now), 0);
}

TEST(answer_grpc_message_is_percent_decoded_and_bad_escapes_stay)
{
    char out[ANSWER_TEXT_MAX];
    export_answer_message(S("a%20b%C3%A4%zz%4"), out);
    CHECK_STR(str_of(out), S("a b\xc3\xa4%zz%4"));
}

TEST(export_types_have_the_collectors_older_and_newer_names)
{
    static const char *const names[] = {"otlp",  "otlp_grpc", "otlphttp", "otlp_http",
                                        "debug", "logging",   "file"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(exporter_is_type(str_of(names[i])));
    CHECK(!exporter_is_type(S("clickhouse")));
    CHECK(!exporter_is_type(S("otlp/2")));
    CHECK(!exporter_is_type(S("")));
}
