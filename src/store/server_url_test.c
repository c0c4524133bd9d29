#include "store/server_url.h"

#include "testing/test.h"

static str url_of(const struct store_query *q, str database, enum server_url_use use)
{
    static struct buf out;
    buf_done(&out);
    buf_init(&out, 1 << 16);
    server_url(&out, database, q, use, false);
    return buf_str(&out);
}

TEST(a_select_is_read_only_and_has_the_drivers_settings)
{
    struct store_query q = {.sql = S("SELECT 1"), .format = S("Native"), .timeout_ms = 1500};
    CHECK_STR(url_of(&q, S("weir"), SERVER_URL_QUERY),
              S("/?default_format=Native&database=weir&wait_end_of_query=1&async_insert=0"
                "&http_write_exception_in_output_format=0&readonly=2"
                "&cancel_http_readonly_queries_on_client_close=1&max_execution_time=1.500"));
}

TEST(a_statements_own_settings_win)
{
    struct store_setting set[] = {{S("async_insert"), S("1")}, {S("x"), S("a&b=\xc3")}};
    struct store_query q = {
        .sql = S("OPTIMIZE TABLE t"), .format = S("Native"), .settings = set, .n_settings = 2};
    CHECK_STR(url_of(&q, (str){0}, SERVER_URL_QUERY),
              S("/?default_format=Native&wait_end_of_query=1"
                "&http_write_exception_in_output_format=0&async_insert=1&x=a%26b%3D%C3"));
}

TEST(an_inserts_statement_is_in_the_url_with_its_format)
{
    struct store_query q = {.sql = S("INSERT INTO `t` SETTINGS a='b'"), .format = S("Native")};
    str url = url_of(&q, S("weir"), SERVER_URL_INSERT);
    static const char tail[] =
        "&query=INSERT%20INTO%20%60t%60%20SETTINGS%20a%3D%27b%27%20FORMAT%20Native";
    CHECK(url.len > sizeof tail &&
          memcmp(url.ptr + url.len - sizeof tail + 1, tail, sizeof tail - 1) == 0);
    CHECK(memmem(url.ptr, url.len, "readonly", 8) == NULL);
}

TEST(parameters_are_escaped_and_encoded)
{
    struct store_param p = {S("a"), S("x\t1")};
    struct store_query q = {
        .sql = S("SELECT {a:String}"), .format = S("Native"), .params = &p, .n_params = 1};
    str url = url_of(&q, S("weir"), SERVER_URL_QUERY);
    CHECK(memmem(url.ptr, url.len, "&param_a=x%5Ct1", 15) != NULL);
    q.params_escaped = true;
    url = url_of(&q, S("weir"), SERVER_URL_QUERY);
    CHECK(memmem(url.ptr, url.len, "&param_a=x%091", 14) != NULL);
}

TEST(a_url_past_its_ceiling_says_so)
{
    struct buf out;
    buf_init(&out, 100);
    struct store_param p = {S("a"), S("0123456789012345678901234567890123456789")};
    struct store_query q = {
        .sql = S("SELECT {a:String}"), .format = S("Native"), .params = &p, .n_params = 1};
    server_url(&out, S("weir"), &q, SERVER_URL_QUERY, false);
    CHECK(out.over);
    buf_done(&out);
}

TEST(loopback_is_this_host)
{
    CHECK(server_url_is_loopback(S("http://localhost:8123")));
    CHECK(server_url_is_loopback(S("http://127.0.0.1")));
    CHECK(server_url_is_loopback(S("https://[::1]:8123/")));
    CHECK(!server_url_is_loopback(S("http://localhost.example:8123")));
    CHECK(!server_url_is_loopback(S("http://10.0.0.1/127.0.0.1")));
}

TEST(urls_that_are_no_store_are_refused)
{
    struct err err = {};
    CHECK_INT(server_url_check(S("http://clickhouse:8123"), &err), ST_OK);
    CHECK_INT(server_url_check(S("https://[::1]:8443/"), &err), ST_OK);
    const str bad[] = {S(""),
                       S("clickhouse:8123"),
                       S("ftp://h"),
                       S("http://"),
                       S("http://u:p@h"),
                       S("http://h/?a=b"),
                       S("http://h\r\nX: y"),
                       S("file:///etc")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(server_url_check(bad[i], &err), ST_INVALID);
}

TEST(an_answer_that_may_be_compressed_is_asked_for_so)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    struct store_query q = {.sql = S("SELECT 1"), .format = S("Native")};
    server_url(&out, S("weir"), &q, SERVER_URL_QUERY, true);
    CHECK(memmem(out.ptr, out.len, "&enable_http_compression=1", 26) != NULL);
    buf_done(&out);
}

TEST(only_selects_may_be_sent_twice)
{
    CHECK(server_url_reads_only(S(" select 1")));
    CHECK(server_url_reads_only(S("WITH 1 AS x SELECT x")));
    CHECK(!server_url_reads_only(S("INSERT INTO t SELECT 1")));
    CHECK(!server_url_reads_only(S("CREATE TABLE t (a Int8)")));
}
