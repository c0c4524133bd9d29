#include "query/render/prometheus_json.h"

#include <math.h>

#include "testing/test.h"

static void check_value(const struct value *v, bool range, str data)
{
    struct buf b, want;
    buf_init(&b, 1 << 20);
    buf_init(&want, 1 << 20);
    buf_printf(&want, "{\"status\":\"success\",\"data\":" STR_FMT "}", STR_ARG(data));
    struct prometheus_answer a = {.value = v, .is_range = range}, slow = a;
    CHECK(prometheus_answer_write(&a, &b, 1 << 20));
    CHECK_STR(buf_str(&b), buf_str(&want));
    buf_clear(&b);
    while (!prometheus_answer_write(&slow, &b, 1)) continue; /* a row a call */
    CHECK_STR(buf_str(&b), buf_str(&want));
    buf_done(&b);
    buf_done(&want);
}

TEST(values_are_strings_and_times_have_three_decimals)
{
    double v[] = {1e-7, NAN, 1e21, -INFINITY};
    uint8_t has[] = {1, 0, 1, 1};
    struct label l[] = {{S("__name__"), S("x")}, {S("a"), S("\"")}};
    struct row row = {.labels = {l, 2}, .v = v, .has = has};
    struct value x = {
        .kind = VALUE_VECTOR, .grid = {1435781451781, 219, 4}, .rows = &row, .n_rows = 1};
    check_value(
        &x, true,
        S("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"x\",\"a\":\"\\\"\"},"
          "\"values\":"
          "[[1435781451.781,\"1e-07\"],[1435781452.219,\"1e+21\"],[1435781452.438,\"-Inf\"]]}]}"));
    x.grid = (struct grid){-1005, 5, 4}; /* before 1970, and whole */
    check_value(&x, true,
                S("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"x\","
                  "\"a\":\"\\\"\"},\"values\":[[-1.005,\"1e-07\"],[-0.995,\"1e+21\"],"
                  "[-0.990,\"-Inf\"]]}]}"));
}

TEST(histograms_stand_beside_numbers)
{
    double v[] = {0, 2}, counts[] = {3};
    uint8_t has[] = {POINT_HISTOGRAM, POINT_FLOAT};
    struct histogram h = {
        .count = 4, .sum = 5.5, .zero_threshold = 0.5, .zero_count = 1, .negative = {1, 1, counts}};
    const struct histogram *hs[] = {&h, NULL};
    struct row row = {.v = v, .has = has, .h = hs};
    struct value x = {.kind = VALUE_VECTOR, .grid = {1000, 1000, 2}, .rows = &row, .n_rows = 1};
    check_value(
        &x, true,
        S("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[2,\"2\"]],"
          "\"histograms\":[[1,{\"count\":\"4\",\"sum\":\"5.5\",\"buckets\":[[1,\"-2\",\"-1\","
          "\"3\"],[3,\"-0.5\",\"0.5\",\"1\"]]}]]}]}"));
}

TEST(scalars_and_nothing)
{
    double one = 1.5;
    struct value s = {.kind = VALUE_SCALAR, .grid = {2000, 1000, 1}, .scalar = &one};
    check_value(&s, false, S("{\"resultType\":\"scalar\",\"result\":[2,\"1.5\"]}"));
    struct value v = {.kind = VALUE_VECTOR, .grid = {2000, 1000, 1}};
    check_value(&v, false, S("{\"resultType\":\"vector\",\"result\":[]}"));
}

TEST(rows_are_written_some_at_a_time)
{
    double v[] = {1, 2};
    uint8_t has[] = {1, 1};
    struct label l[] = {{S("a"), S("x")}, {S("a"), S("y")}, {S("a"), S("z")}};
    struct row rows[3];
    for (int i = 0; i < 3; i++) rows[i] = (struct row){.labels = {&l[i], 1}, .v = v, .has = has};
    struct value x = {.kind = VALUE_VECTOR, .grid = {0, 1000, 2}, .rows = rows, .n_rows = 3};
    struct prometheus_answer a = {.value = &x, .is_range = true};
    struct buf b;
    buf_init(&b, 1 << 20);
    CHECK(!prometheus_answer_write(&a, &b, 1)); /* the head */
    buf_clear(&b);
    CHECK(!prometheus_answer_write(&a, &b, 1));
    CHECK_STR(buf_str(&b), S("{\"metric\":{\"a\":\"x\"},\"values\":[[0,\"1\"],[1,\"2\"]]}"));
    buf_clear(&b);
    CHECK(prometheus_answer_write(&a, &b, 1000));
    CHECK_STR(buf_str(&b), S(",{\"metric\":{\"a\":\"y\"},\"values\":[[0,\"1\"],[1,\"2\"]]}"
                             ",{\"metric\":{\"a\":\"z\"},\"values\":[[0,\"1\"],[1,\"2\"]]}]}}"));
    buf_done(&b);
    check_value(&x, true,
                S("{\"resultType\":\"matrix\",\"result\":["
                  "{\"metric\":{\"a\":\"x\"},\"values\":[[0,\"1\"],[1,\"2\"]]},"
                  "{\"metric\":{\"a\":\"y\"},\"values\":[[0,\"1\"],[1,\"2\"]]},"
                  "{\"metric\":{\"a\":\"z\"},\"values\":[[0,\"1\"],[1,\"2\"]]}]}"));
}

TEST(what_was_read_is_told_with_long_parameters_cut)
{
    char ids[300];
    memset(ids, '7', sizeof ids);
    struct sql_param params[] = {{S("p0"), S("up")}, {S("p1"), {ids, sizeof ids}}};
    struct query_statement s = {
        .sql = S("SELECT 1"), .params = params, .n_params = 2, .rows = 3, .rows_read = 9};
    struct query_read r = {.selector = S("up"), .from_ms = 1500, .series = 2, .sets = 1};
    struct query_trace t = {.statements = &s, .reads = &r};
    struct value v = {.kind = VALUE_VECTOR, .grid = {2000, 1000, 1}};
    struct buf b;
    buf_init(&b, 1 << 20);
    struct prometheus_answer a = {.value = &v, .trace = &t};
    CHECK(prometheus_answer_write(&a, &b, 1 << 20));
    static const char head[] =
        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[],\"explain\":{"
        "\"reads\":[{"
        "\"selector\":\"up\",\"from\":1.5,\"to\":0,\"series\":2,\"sets\":1,"
        "\"resolution\":\"\"}],\"statements\":[{\"sql\":\"SELECT 1\",\"params\":{"
        "\"p0\":\"up\",\"p1\":\"777";
    CHECK(b.len > sizeof head && memcmp(b.ptr, head, sizeof head - 1) == 0);
    static const char end[] = "777... (300 bytes)\"},\"rows\":3,\"rowsRead\":9,\"seconds\":0}]}}}";
    CHECK(b.len > sizeof end && memcmp(b.ptr + b.len - sizeof end + 1, end, sizeof end - 1) == 0);
    buf_done(&b);
}

TEST(errors_have_their_type_and_code)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    CHECK_INT(prometheus_error(&b, ST_EXECUTION, S("no")), 422);
    CHECK_STR(buf_str(&b),
              S("{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"no\"}"));
    buf_done(&b);
}
