/* Who may send: credentials, and what browsers are told. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hex.h"
#include "ingest/receive/auth.h"
#include "ingest/receive/cors.h"
#include "ingest/receive/rig_test.h"
#include "testing/test.h"

static char path[40];

static const char *file_of(const char *text)
{
    snprintf(path, sizeof path, "/tmp/weir-auth-XXXXXX");
    int fd = mkstemp(path);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static struct auth *open_auth(struct receive_auth opt)
{
    struct err err;
    struct auth *a;
    CHECK_INT(auth_open(&opt, &a, &err), ST_OK);
    return a;
}

static str basic(const char *user_password)
{
    static char text[400];
    memcpy(text, "Basic ", 6);
    return (str){text, 6 + base64_encode(str_of(user_password), text + 6)};
}

TEST(auth_takes_the_token_of_the_option_and_those_of_the_file)
{
    struct auth *a = open_auth((struct receive_auth){
        .bearer_token = "one", .bearer_tokens_file = file_of("# ours\n\n two \r\nthree\n")});
    CHECK(auth_allows(a, S("Bearer one")));
    CHECK(auth_allows(a, S("bearer two")));
    CHECK(auth_allows(a, S("BEARER   three ")));
    static const char *const wrong[] = {
        "Bearer",    "Bearer ",   "Bearer on",  "Bearer onee", "Bearer # ours",  "one",
        "Bearerone", "Basic one", "Basic b25l", "Bearer One",  "Bearer one,two", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!auth_allows(a, str_of(wrong[i])));
    CHECK(!auth_allows(a, S("Bearer \0one")));
    CHECK(!auth_allows(a, S("Bearer one\0")));
    CHECK(!auth_allows(a, (str){0}));
    auth_close(a);
    unlink(path);
}

TEST(auth_takes_users_with_their_passwords)
{
    struct auth *a =
        open_auth((struct receive_auth){.basic_file = file_of("ann:secret\nbob:a:b \n")});
    CHECK(auth_allows(a, basic("ann:secret")));
    CHECK(auth_allows(a, basic("bob:a:b")));
    CHECK(!auth_allows(a, basic("ann:a:b")));
    CHECK(!auth_allows(a, basic("ann:secre")));
    CHECK(!auth_allows(a, basic("ann")));
    CHECK(!auth_allows(a, S("Basic !!!")));
    CHECK(!auth_allows(a, S("Bearer ann:secret")));
    auth_close(a);
    unlink(path);
}

TEST(auth_of_a_header_of_any_length_is_bounded)
{
    struct auth *a =
        open_auth((struct receive_auth){.bearer_token = "t", .basic_file = file_of("a:b")});
    char big[20000];
    memset(big, 'A', sizeof big);
    memcpy(big, "Basic ", 6);
    for (size_t n = 0; n < sizeof big; n++) CHECK(!auth_allows(a, (str){big, n}));
    auth_close(a);
    unlink(path);
}

static void refused_file(const char *text, bool is_basic, const char *why)
{
    struct err err;
    const char *p = file_of(text);
    struct receive_auth opt = {.bearer_tokens_file = is_basic ? NULL : p,
                               .basic_file = is_basic ? p : NULL};
    CHECK_INT(receive_auth_check(&opt, &err), ST_INVALID);
    CHECK(has(err.msg, why));
    CHECK(!strstr(err.msg, "hush"));
    unlink(p);
}

TEST(auth_files_are_refused_with_the_line_and_without_the_secret)
{
    refused_file("ann:x\nhush\n", true, ":2: not user:password");
    refused_file(":hush\n", true, ":1: not user:password");
    refused_file("hush hush\n", false, ":1: a token has no spaces");
    refused_file("# nobody\n", false, "nothing in it");
    struct err err;
    CHECK_INT(receive_auth_check(&(struct receive_auth){.basic_file = "/nowhere"}, &err),
              ST_INVALID);
    CHECK(has(err.msg, "/nowhere: No such file"));
    CHECK_INT(receive_auth_check(&(struct receive_auth){}, &err), ST_OK);
}

static void rewrite(const char *text)
{
    FILE *f = fopen(path, "we");
    CHECK(f && fputs(text, f) >= 0);
    fclose(f);
}

TEST(auth_files_are_read_again_when_they_change_and_only_if_they_are_right)
{
    struct auth *a = open_auth((struct receive_auth){.bearer_tokens_file = file_of("first\n")});
    auth_refresh(a, 10000);
    rewrite("another\n");
    auth_refresh(a, 11999);
    CHECK(auth_allows(a, S("Bearer first")));
    auth_refresh(a, 12000);
    CHECK(!auth_allows(a, S("Bearer first")));
    CHECK(auth_allows(a, S("Bearer another")));
    rewrite("");
    auth_refresh(a, 14000);
    CHECK(auth_allows(a, S("Bearer another")));
    auth_close(a);
    unlink(path);
}

TEST(auth_over_http_is_401_with_a_challenge_before_the_body_is_read)
{
    struct rig g = {.opt.auth = {.bearer_token = "t", .basic_file = file_of("u:p")}};
    rig_start(&g);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nContent-Length: 1000000", S(""));
    CHECK(has(a, "401 Unauthorized\r\ncontent-type: application/json"));
    CHECK(has(a, "www-authenticate: Bearer realm=\"weir\", Basic realm=\"weir\""));
    CHECK(has(a, "{\"code\":16,\"message\":\"credentials are needed\"}"));
    a = post(&g, "POST /v1/traces HTTP/1.1" PB "\r\nAuthorization: Bearer wrong", S("x"));
    CHECK(has(a, "401 Unauthorized\r\ncontent-type: application/x-protobuf"));
    CHECK(has(a, "\x08\x10\x12")); /* Status: code 16, message */
    CHECK(!strstr(a, "wrong"));
    CHECK(has(post(&g, "POST /nowhere HTTP/1.1" JS, S("{}")), "401")); /* it tells nothing else */
    CHECK_INT(g.calls, 0);
    CHECK(
        has(post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nAuthorization: Bearer t", S("{}")), "200"));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nAuthorization: Basic dTpw", S("{}")),
              "200"));
    CHECK(has(post(&g, "POST /nowhere HTTP/1.1" JS "\r\nAuthorization: Bearer t", S("{}")), "404"));
    rig_end(&g);
    unlink(path);
}

TEST(auth_over_grpc_is_unauthenticated_in_trailers_only)
{
    struct rig g = {.opt.auth.bearer_token = "t"};
    rig_start(&g);
    struct call c;
    call_init(&c);
    frame(&c, false, S("x"));
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=16;grpc-message=credentials are needed;"));
    CHECK(has(c.headers.ptr, "www-authenticate=Bearer realm=\"weir\";"));
    CHECK_INT(c.body.len, 0);
    call_done(&c);
    CHECK_INT(g.calls, 0);
    call_init(&c);
    c.more[0] = "authorization";
    c.more[1] = "Bearer t";
    frame(&c, false, S("x"));
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=0;"));
    call_done(&c);
    rig_end(&g);
}

TEST(cors_patterns_fit_whole_origins_only)
{
    static const struct {
        const char *list, *origin;
        bool allowed;
    } cases[] = {
        {"https://a.example", "https://a.example", true},
        {"https://a.example", "HTTPS://A.example", true},
        {"https://a.example", "https://a.example.evil", false},
        {"https://a.example", "https://b.a.example", false},
        {"https://*.example", "https://b.a.example", true},
        {"https://*.example", "https://example", false},
        {"https://*.example", "https://x.example.evil", false},
        {"http://localhost:*", "http://localhost:3000", true},
        {"http://localhost:*", "http://localhost", false},
        {"https://*.a.*", "https://x.a.b", true},
        {"https://*a*b*", "https://xxabxb", true},
        {"https://*a*bc", "https://abcab", false},
        {"*", "null", true},
        {"", "https://a.example", false},
        {" https://a , https://b ", "https://b", true},
        {"https://a,,", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cors_allows(str_of(cases[i].list), str_of(cases[i].origin)), cases[i].allowed);
}

#define ASK \
    "\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,x-a"

TEST(cors_is_off_unless_origins_are_named)
{
    struct rig g = {};
    rig_start(&g);
    char *a = post(&g, "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://a" ASK, S(""));
    CHECK(has(a, "405 Method Not Allowed"));
    CHECK(!strstr(a, "access-control"));
    CHECK(!strstr(post(&g, "POST /v1/traces HTTP/1.1\r\nOrigin: https://a" JS, S("{}")),
                  "access-control"));
    rig_end(&g);
}

TEST(cors_preflights_of_allowed_origins_are_answered_and_others_refused)
{
    struct rig g = {.opt.cors = {S("https://*.a.example, https://b"), S("content-type"), 600},
                    .opt.auth.bearer_token = "t"};
    rig_start(&g);
    char *a = post(&g, "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://x.a.example" ASK, S(""));
    CHECK(has(a, "204 No Content"));
    CHECK(has(a, "access-control-allow-origin: https://x.a.example\r\n"));
    CHECK(has(a, "access-control-allow-methods: POST\r\n"));
    CHECK(has(a, "access-control-allow-headers: content-type\r\n"));
    CHECK(has(a, "access-control-max-age: 600\r\n"));
    CHECK(has(a, "vary: origin"));
    a = post(&g, "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://c" ASK, S(""));
    CHECK(has(a, "403 Forbidden"));
    CHECK(!strstr(a, "access-control"));
    CHECK(has(post(&g, "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://b", S("")), "403"));
    CHECK(has(post(&g, "OPTIONS /v1/traces HTTP/1.1", S("")), "403"));
    CHECK(has(post(&g, "OPTIONS /nowhere HTTP/1.1\r\nOrigin: https://b" ASK, S("")), "401"));
    rig_end(&g);
}

TEST(cors_lets_a_page_read_answers_and_errors)
{
    struct rig g = {.opt.cors = {S("https://a"), S("*"), 1}};
    rig_start(&g);
    char *a = post(&g, "POST /v1/traces HTTP/1.1\r\nOrigin: https://a" JS, S("{}"));
    CHECK(has(a, "200 OK"));
    CHECK(has(a, "access-control-allow-origin: https://a\r\n"));
    CHECK(has(a, "access-control-expose-headers: retry-after\r\n"));
    CHECK(has(a, "vary: origin\r\n"));
    a = post(&g, "POST /v1/traces HTTP/1.1\r\nOrigin: https://a\r\nContent-Type: text/plain",
             S("x"));
    CHECK(has(a, "415"));
    CHECK(has(a, "access-control-allow-origin: https://a\r\n"));
    a = post(&g, "POST /v1/traces HTTP/1.1\r\nOrigin: https://b" JS, S("{}"));
    CHECK(has(a, "200 OK"));
    CHECK(!strstr(a, "access-control"));
    CHECK(has(a, "vary: origin\r\n"));
    a = post(&g, "OPTIONS /v1/logs HTTP/1.1\r\nOrigin: https://a" ASK, S(""));
    CHECK(has(a, "access-control-allow-headers: content-type,x-a\r\n"));
    rig_end(&g);
    struct rig all = {.opt.cors = {S("*"), S("content-type"), 1}};
    rig_start(&all);
    a = post(&all, "POST /v1/traces HTTP/1.1\r\nOrigin: https://a" JS, S("{}"));
    CHECK(has(a, "access-control-allow-origin: *\r\n"));
    CHECK(!strstr(a, "vary"));
    rig_end(&all);
}
