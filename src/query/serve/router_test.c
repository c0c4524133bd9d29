#include "query/serve/router.h"

#include "testing/test.h"

static status nothing(struct query_job *, struct err *) { return ST_OK; }

static const struct query_route first[] = {
    {"GET POST", "/api/v1/query", nothing, QUERY_PROMETHEUS},
    {"GET", "/api/v1/label/{}/values", nothing, QUERY_PROMETHEUS},
    {0},
};
static const struct query_route second[] = {
    {"GET", "/api/traces/{}", nothing, QUERY_JAEGER},
    {"GET", "/api/services/{}/operations", nothing, QUERY_JAEGER},
    {"GET", "/loki/api/v1/labels", nothing, QUERY_LOKI},
    {0},
};
static const struct query_route *const tables[] = {first, second, NULL};

static enum route_answer find(str method, str path, struct route_match *m)
{
    return route_find(tables, method, path, m);
}

TEST(route_is_found_by_path_and_method)
{
    struct route_match m;
    CHECK_INT(find(S("POST"), S("/api/v1/query"), &m), ROUTE_FOUND);
    CHECK(m.route == &first[0]);
    CHECK_INT(find(S("GET"), S("/loki/api/v1/labels"), &m), ROUTE_FOUND);
    CHECK(m.route == &second[2]);
    CHECK_INT(find(S("DELETE"), S("/api/v1/query"), &m), ROUTE_NO_METHOD);
    CHECK_INT(find(S("POS"), S("/api/v1/query"), &m), ROUTE_NO_METHOD);
    CHECK_INT(find(S("GET"), S("/api/v1/query/"), &m), ROUTE_NO_PATH);
    CHECK_INT(find(S("GET"), S(""), &m), ROUTE_NO_PATH);
}

TEST(route_segment_is_one_segment_and_not_empty)
{
    struct route_match m;
    CHECK_INT(find(S("GET"), S("/api/services/a%2Fb/operations"), &m), ROUTE_FOUND);
    CHECK_STR(m.segment, S("a%2Fb"));
    CHECK_INT(find(S("GET"), S("/api/services/a/b/operations"), &m), ROUTE_NO_PATH);
    CHECK_INT(find(S("GET"), S("/api/services//operations"), &m), ROUTE_NO_PATH);
    CHECK_INT(find(S("GET"), S("/api/services/operations"), &m), ROUTE_NO_PATH);
    CHECK_INT(find(S("GET"), S("/api/traces/"), &m), ROUTE_NO_PATH);
    CHECK_INT(find(S("GET"), S("/api/traces/1f"), &m), ROUTE_FOUND);
    CHECK_STR(m.segment, S("1f"));
    CHECK_INT(find(S("GET"), S("/api/v1/label/x/values"), &m), ROUTE_FOUND);
    CHECK_INT(find(S("GET"), S("/api/v1/label/values"), &m), ROUTE_NO_PATH);
}

TEST(route_allow_lists_the_methods_of_a_path)
{
    struct buf b;
    buf_init(&b, 256);
    route_allow(tables, S("/api/v1/query"), &b);
    CHECK_STR(buf_str(&b), S("GET, POST, OPTIONS"));
    buf_done(&b);
}

static void check_error(enum query_api api, unsigned http_status, str msg, str want)
{
    struct buf b;
    buf_init(&b, 4096);
    route_error(api, http_status, msg, &b);
    CHECK_STR(buf_str(&b), want);
    buf_done(&b);
}

TEST(route_error_speaks_the_dialect)
{
    check_error(QUERY_PROMETHEUS, 404, S("no \"x\""),
                S("{\"status\":\"error\",\"errorType\":\"not_found\",\"error\":\"no \\\"x\\\"\"}"));
    check_error(QUERY_LOKI, 404, S("no \"x\""), S("no \"x\""));
    check_error(QUERY_JAEGER, 404, S("no \"x\""),
                S("{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{\"code\":404,"
                  "\"msg\":\"no \\\"x\\\"\"}]}\n"));
}

TEST(route_guesses_the_dialect_of_an_unknown_path)
{
    CHECK_INT(route_guess_api(S("/loki/api/v1/nothing")), QUERY_LOKI);
    CHECK_INT(route_guess_api(S("/api/v1/nothing")), QUERY_PROMETHEUS);
    CHECK_INT(route_guess_api(S("/api/nothing")), QUERY_JAEGER);
    CHECK_INT(route_guess_api(S("/")), QUERY_PROMETHEUS);
}
