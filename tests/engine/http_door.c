/* The HTTP door with an HTTP client: what it answers to whom. */
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "net/compress.h"

struct answer {
    long status;
    CURLcode result;
    struct buf headers, body;
};

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    buf_add(ctx, (str){data, size * n});
    return size * n;
}

/* `body` NULL: GET. The answer before is freed. */
static struct answer *ask(const char *target, const str *body, const char *header)
{
    static struct answer a;
    buf_done(&a.headers);
    buf_done(&a.body);
    a = (struct answer){};
    buf_init(&a.headers, 1 << 20);
    buf_init(&a.body, 1 << 30);
    char url[8192];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", engine_door_port(), target);
    CURL *c = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, header ? header : "X-Nothing: 1");
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    if (body) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body->ptr ? body->ptr : "");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    }
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &a.body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &a.headers);
    a.result = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
    curl_slist_free_all(list);
    curl_easy_cleanup(c);
    buf_char(&a.headers, '\0');
    return &a;
}

static struct answer *get(const char *target) { return ask(target, NULL, NULL); }
static struct answer *post(const char *target, str body) { return ask(target, &body, NULL); }
static bool has(const struct answer *a, const char *header)
{
    return strcasestr(a->headers.ptr, header) != NULL;
}
static bool says(const struct answer *a, const char *text)
{
    return memmem(a->body.ptr, a->body.len, text, strlen(text)) != NULL;
}

TEST(ping_and_the_root_say_ok)
{
    struct answer *a = get("/ping");
    CHECK_INT(a->status, 200);
    CHECK_STR(buf_str(&a->body), S("Ok.\n"));
    CHECK_STR(buf_str(&get("/")->body), S("Ok.\n"));
    CHECK_INT(get("/nowhere")->status, 404);
}

TEST(a_query_may_be_in_the_url_the_body_or_both)
{
    CHECK_STR(buf_str(&get("/?query=SELECT%201%2B1")->body), S("2\n"));
    CHECK_STR(buf_str(&post("/", S("SELECT 1+2"))->body), S("3\n"));
    CHECK_STR(buf_str(&post("/?query=SELECT", S("1+3"))->body), S("4\n"));
    CHECK_STR(buf_str(&post("/", S("SELECT 1, 'a' FORMAT CSV"))->body), S("1,\"a\"\n"));
    CHECK_STR(buf_str(&post("/?default_format=JSONEachRow", S("SELECT 1 AS x;"))->body),
              S("{\"x\":1}\n"));
    CHECK_STR(buf_str(&post("/", S("EXISTS TABLE nowhere"))->body), S("0\n"));
}

TEST(answers_carry_clickhouses_headers)
{
    struct answer *a = get("/?query=SELECT%201%20FORMAT%20JSON&query_id=mine&wait_end_of_query=1");
    CHECK_INT(a->status, 200);
    CHECK(has(a, "X-ClickHouse-Format: JSON\r\n"));
    CHECK(has(a, "X-ClickHouse-Query-Id: mine\r\n"));
    CHECK(has(a, "X-ClickHouse-Timezone: "));
    CHECK(has(a, "X-ClickHouse-Server-Display-Name: "));
    CHECK(has(a, "X-ClickHouse-Summary: {\"read_rows\":\"1\""));
    CHECK(has(a, "Content-Type: application/json; charset=UTF-8\r\n"));
}

TEST(errors_are_exceptions_with_clickhouses_status)
{
    struct answer *a = get("/?query=SELECT%20*%20FROM%20nowhere");
    CHECK_INT(a->status, 404);
    CHECK(has(a, "X-ClickHouse-Exception-Code: 60\r\n"));
    CHECK(says(a, "Code: 60. DB::Exception: ") && says(a, "(UNKNOWN_TABLE) (version 26."));
    CHECK_INT(post("/", S("SELEC 1"))->status, 400);
    CHECK_INT(post("/", S(""))->status, 400);
    CHECK_INT(post("/", S("SELECT 1; SELECT 2"))->status, 400);
    CHECK_INT(post("/?no_such_setting=1", S("SELECT 1"))->status, 404);
    CHECK_INT(post("/?database=nowhere", S("SELECT 1"))->status, 404);
    CHECK_INT(post("/?session_id=1", S("SELECT 1"))->status, 501);
    a = get("/?query=CREATE%20TABLE%20x%20(a%20Int8)%20ENGINE%3DMemory");
    CHECK_INT(a->status, 500);
    CHECK(has(a, "X-ClickHouse-Exception-Code: 164\r\n"));
    CHECK_INT(post("/", S("SELECT 1 INTO OUTFILE '/tmp/weir-never'"))->status, 400);
}

TEST(parameters_settings_and_database_come_from_the_url)
{
    CHECK_STR(buf_str(&get("/?query=SELECT%20%7Ba:String%7D&param_a=x%5Cty%26")->body),
              S("x\\ty&\n"));
    CHECK_STR(buf_str(&get("/?query=SELECT%20getSetting('max_threads')&max_threads=3")->body),
              S("3\n"));
    CHECK_STR(buf_str(&get("/?query=SELECT%20currentDatabase()&database=system")->body),
              S("system\n"));
    CHECK_STR(buf_str(&get("/?query=SELECT%20currentDatabase()")->body), S("weir\n"));
}

TEST(an_insert_takes_its_data_from_the_body_in_any_encoding)
{
    engine_do(engine_store(),
              "CREATE TABLE door (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    const char *target = "/?query=INSERT%20INTO%20door%20FORMAT%20CSV";
    CHECK_INT(post(target, S("1,x\n2,\"y\nz\"\n"))->status, 200);
    CHECK_INT(post("/", S("INSERT INTO door FORMAT TSV\n3\tx\n"))->status, 200);
    CHECK_INT(post("/", S("INSERT INTO door VALUES (4, 'v'), (5, 'w')"))->status, 200);
    CHECK_INT(post("/", S("INSERT INTO door (b, a) SELECT 'x', 6"))->status, 200);
    struct buf packed;
    struct err err = {};
    buf_init(&packed, 1 << 20);
    WANT(compress_zstd(S("7,x\n"), 3, &packed, &err), ST_OK);
    str body = buf_str(&packed);
    CHECK_INT(ask(target, &body, "Content-Encoding: zstd")->status, 200);
    buf_clear(&packed);
    WANT(compress_gzip(S("8,x\n"), 3, &packed, &err), ST_OK);
    body = buf_str(&packed);
    CHECK_INT(ask(target, &body, "Content-Encoding: gzip")->status, 200);
    body = S("nonsense");
    CHECK_INT(ask(target, &body, "Content-Encoding: zstd")->status, 400);
    CHECK_INT(ask(target, &body, "Content-Encoding: br")->status, 400);
    CHECK_INT(ask(target, &body, "Content-Encoding: snappy")->status, 501);
    CHECK_STR(engine_ask(engine_store(), "SELECT count(), sum(a) FROM door"), S("8\t36"));
    CHECK_INT(post(target, S("a,x\n"))->status, 400);
    CHECK_INT(post("/?query=INSERT%20INTO%20nowhere%20FORMAT%20CSV", S("1,x\n"))->status, 404);
    engine_do(engine_store(), "DROP TABLE door SYNC");
}

TEST(a_large_insert_streams_through_a_small_window)
{
    engine_do(engine_store(), "CREATE TABLE large (a UInt64) ENGINE = MergeTree ORDER BY a");
    struct answer *a =
        get("/?query=SELECT%20number%20AS%20a%20FROM%20numbers(8000000)%20FORMAT%20Native");
    CHECK_INT(a->result, CURLE_OK);
    CHECK(a->body.len > 64000000);
    str copy = {malloc(a->body.len), a->body.len};
    memcpy((char *)copy.ptr, a->body.ptr, copy.len);
    a = post("/?query=INSERT%20INTO%20large%20FORMAT%20Native", copy);
    CHECK_INT(a->status, 200);
    CHECK_STR(engine_ask(engine_store(), "SELECT count(), sum(a) FROM large"),
              S("8000000\t31999996000000"));
    CHECK_INT(post("/?query=INSERT%20INTO%20large%20FORMAT%20Native", (str){copy.ptr, copy.len - 5})
                  ->status,
              500);
    free((char *)copy.ptr);
    engine_do(engine_store(), "DROP TABLE large SYNC");
}

TEST(an_error_after_the_first_byte_breaks_the_answer)
{
    str sql = S("SELECT throwIf(number = 3000000) FROM numbers(10000000) SETTINGS max_threads = 1");
    struct answer *a = post("/", sql);
    CHECK_INT(a->status, 200);
    CHECK(a->result != CURLE_OK);
    CHECK(says(a, "Code: 395. DB::Exception"));
    a = post("/?wait_end_of_query=1", sql);
    CHECK_INT(a->result, CURLE_OK);
    CHECK_INT(a->status, 500);
    CHECK(has(a, "X-ClickHouse-Exception-Code: 395\r\n"));
}

TEST(a_client_that_leaves_cancels_its_statement)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(engine_door_port()),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    static const char text[] =
        "GET "
        "/?query=SELECT%20sum(sleepEachRow(0.01))%20FROM%20numbers(3000)%20SETTINGS%20max_block_"
        "size=10,function_sleep_max_microseconds_per_block=0 HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK_INT(write(fd, text, sizeof text - 1), (long)sizeof text - 1);
    const char *running =
        "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sleepEachRow%'";
    nanos until = clock_monotonic() + 5 * NANOS_S;
    while (!str_eq(engine_ask(engine_store(), running), S("1"))) CHECK(clock_monotonic() < until);
    close(fd);
    while (!str_eq(engine_ask(engine_store(), running), S("0"))) CHECK(clock_monotonic() < until);
}
