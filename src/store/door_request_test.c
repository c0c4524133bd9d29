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
    CHECK(r.whole && !r.read_only && r.encoding == DOOR_ZSTD);
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
    CHECK_INT(read_query(S("session_id="), &r, &code), ST_OK);
    CHECK_INT(read_query(S("http_write_exception_in_output_format=1"), &r, &code), ST_UNSUPPORTED);
    CHECK_INT(read_query(S("client_protocol_version=99999"), &r, &code), ST_UNSUPPORTED);
    CHECK_INT(read_query(S("buffer_size=x"), &r, &code), ST_INVALID);
    CHECK_INT(read_query(S("a%27b=1"), &r, &code), ST_INVALID);
    CHECK_INT(code, 115);
    char many[DOOR_FIELDS_MAX * 2 + 2];
    for (size_t i = 0; i < sizeof many; i++) many[i] = i % 2 ? '&' : 'a';
    CHECK_INT(read_query((str){many, sizeof many}, &r, &code), ST_LIMIT);
    arena_done(&a);
}

TEST(door_fields_say_how_an_answer_is_sent)
{
    struct door_request r;
    int code;
    CHECK_INT(read_query(S("compress=1&decompress=1&buffer_size=77&client_protocol_version=54460&"
                           "send_progress_in_http_headers=1"),
                         &r, &code),
              ST_OK);
    CHECK(r.frames_in && r.frames_out && r.progress);
    CHECK_INT(r.buffer_size, 77);
    CHECK_INT(r.revision, 54460);
    CHECK_INT(r.answer_encoding, DOOR_IDENTITY);
    CHECK_INT(r.n_settings, 0);
    arena_done(&a);
}

static status ask_with(str query, const struct http_header *h, size_t n, struct door_request *ret)
{
    struct http_request req = {
        .method = S("GET"), .path = S("/"), .query = query, .headers = h, .n_headers = n};
    struct err err = {};
    int code = 0;
    arena_done(&a);
    arena_init(&a, 1 << 20);
    status s = door_request_read(&a, &req, ret, &code, &err);
    if (s == ST_UNAUTHORIZED) CHECK_INT(code, 516);
    return s;
}

TEST(door_encodings_of_answers_are_asked_for_twice)
{
    struct door_request r;
    struct http_header h = {S("accept-encoding"), S("gzip, br")};
    CHECK_INT(ask_with(S("enable_http_compression=1"), &h, 1, &r), ST_OK);
    CHECK_INT(r.answer_encoding, DOOR_BROTLI);
    CHECK_INT(ask_with(S("query=x"), &h, 1, &r), ST_OK);
    CHECK_INT(r.answer_encoding, DOOR_IDENTITY);
    struct http_header odd = {S("content-encoding"), S("snappy")},
                       form = {S("content-type"), S("multipart/form-data; boundary=x")};
    CHECK_INT(ask_with(S(""), &odd, 1, &r), ST_UNSUPPORTED);
    CHECK_INT(ask_with(S(""), &form, 1, &r), ST_UNSUPPORTED);
    arena_done(&a);
}

TEST(door_credentials_come_one_way_at_a_time)
{
    struct door_request r;
    struct http_header basic = {S("authorization"), S("Basic Ym9iOmE6Yg==")};
    struct http_header both[] = {{S("x-clickhouse-user"), S("eve")},
                                 {S("x-clickhouse-key"), S("k")}};
    CHECK_INT(ask_with(S(""), NULL, 0, &r), ST_OK);
    CHECK_STR(r.user, S("default"));
    CHECK_INT(r.password.len, 0);
    CHECK_INT(ask_with(S(""), &basic, 1, &r), ST_OK);
    CHECK_STR(r.user, S("bob"));
    CHECK_STR(r.password, S("a:b"));
    CHECK_INT(ask_with(S(""), both, 2, &r), ST_OK);
    CHECK_STR(r.user, S("eve"));
    CHECK_STR(r.password, S("k"));
    CHECK_INT(ask_with(S("user=u&password=p%20"), NULL, 0, &r), ST_OK);
    CHECK_STR(r.user, S("u"));
    CHECK_STR(r.password, S("p "));
    CHECK_INT(ask_with(S("user=u"), &basic, 1, &r), ST_UNAUTHORIZED);
    CHECK_INT(ask_with(S("password=u"), both, 1, &r), ST_UNAUTHORIZED);
    struct http_header three[] = {basic, both[0]}, bearer = {S("authorization"), S("Bearer x")},
                       bad = {S("authorization"), S("Basic !!")},
                       nocolon = {S("authorization"), S("Basic Ym9i")};
    CHECK_INT(ask_with(S(""), three, 2, &r), ST_UNAUTHORIZED);
    CHECK_INT(ask_with(S(""), &bearer, 1, &r), ST_UNAUTHORIZED);
    CHECK_INT(ask_with(S(""), &bad, 1, &r), ST_UNAUTHORIZED);
    CHECK_INT(ask_with(S(""), &nocolon, 1, &r), ST_UNAUTHORIZED);
    arena_done(&a);
}
