#include "store/door_request.h"

#include "testing/test.h"

static struct arena a;

static status read_query(str query, struct door_request *ret, int *code)
{
    static struct http_header h[] = {{S("x-clickhouse-format"), S("CSV")},
                                     {S("content-encoding"), S("zstd")}};
    struct http_request req = {
        .method = S("POST"), .path = S("/"), .query = query, .headers = h, .n_headers = 2};
    struct err err = {};
    arena_done(&a);
    arena_init(&a, 1 << 20);
    *code = 0;
    return door_request_read(&a, &req, ret, code, &err);
}

TEST(door_url_fields_are_query_parameters_and_settings)
{
    struct door_request r;
    int code;
    CHECK_INT(read_query(S("query=SELECT+%7Ba%3AString%7D&param_a=x%26&max_threads=3&&database=d&"
                           "query_id=i&wait_end_of_query=1"),
                         &r, &code),
              ST_OK);
    CHECK_STR(r.query, S("SELECT {a:String}"));
    CHECK_INT(r.n_params, 1);
    CHECK_STR(r.params[0].name, S("a"));
    CHECK_STR(r.params[0].value, S("x&"));
    CHECK_INT(r.n_settings, 1);
    CHECK_STR(r.settings[0].name, S("max_threads"));
    CHECK_STR(r.settings[0].value, S("3"));
    CHECK_STR(r.database, S("d"));
    CHECK_STR(r.query_id, S("i"));
    CHECK_STR(r.format, S("CSV"));
    CHECK(r.whole && !r.read_only && r.encoding == PAYLOAD_ZSTD);
    CHECK_INT(read_query(S(""), &r, &code), ST_OK);
    CHECK(!r.has_query && !r.whole);
    CHECK_INT(read_query(S("query"), &r, &code), ST_OK);
    CHECK(r.has_query && r.query.len == 0);
    arena_done(&a);
}

TEST(door_fields_that_cannot_be_served_are_refused)
{
    struct door_request r;
    int code;
    CHECK_INT(read_query(S("session_id=1"), &r, &code), ST_UNSUPPORTED);
    CHECK_INT(code, 48);
    CHECK_INT(read_query(S("compress=0"), &r, &code), ST_OK);
    CHECK_INT(read_query(S("compress=1"), &r, &code), ST_UNSUPPORTED);
    CHECK_INT(read_query(S("a%27b=1"), &r, &code), ST_INVALID);
    CHECK_INT(code, 115);
    char many[DOOR_FIELDS_MAX * 2 + 2];
    for (size_t i = 0; i < sizeof many; i++) many[i] = i % 2 ? '&' : 'a';
    CHECK_INT(read_query((str){many, sizeof many}, &r, &code), ST_LIMIT);
    arena_done(&a);
}
