#include "query/ir/trace.h"

#include "testing/test.h"

TEST(trace_id_may_miss_leading_zeros)
{
    struct trace_id a, b;
    CHECK(trace_id_parse(S("1f"), &a));
    CHECK(trace_id_parse(S("0000000000000000000000000000001F"), &b));
    CHECK(trace_id_eq(&a, &b));
    CHECK_INT(a.bytes[15], 0x1f);
    CHECK(trace_id_parse(S("83a9efd15c1c98a977e0711cc93ee28b"), &a));
    CHECK_INT(a.bytes[0], 0x83);
    CHECK(!trace_id_parse(S(""), &a));
    CHECK(!trace_id_parse(S("zz"), &a));
    CHECK(!trace_id_parse(S("000000000000000000000000000000001"), &a));
}

TEST(span_kind_reads_back_its_names)
{
    uint8_t k;
    for (uint8_t i = 0; i <= SPAN_KIND_CONSUMER; i++)
        CHECK(span_kind_parse(span_kind_name(i), &k) && k == i);
    CHECK(!span_kind_parse(S("Server"), &k));
    CHECK_STR(span_kind_name(200), S(""));
}

TEST(trace_service_without_a_name_is_shown_under_one)
{
    CHECK_STR(trace_service_shown((str){0}), S("OTLPResourceNoServiceName"));
    CHECK_STR(trace_service_stored(S("OTLPResourceNoServiceName")), S(""));
    CHECK_STR(trace_service_stored(S("cart")), S("cart"));
}
