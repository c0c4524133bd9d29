#include "admin/admin.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing/test.h"

static atomic_bool is_ready;
static atomic_uint flushed_with;

static status ready(void *, struct err *err)
{
    if (atomic_load(&is_ready)) return ST_OK;
    return err_set(err, ST_OVERLOADED, ERR_NOPOS, "the store does not answer");
}

static status flush(void *, uint32_t timeout_ms, struct err *err)
{
    atomic_store(&flushed_with, timeout_ms);
    if (timeout_ms == 1) return err_set(err, ST_TIMEOUT, ERR_NOPOS, "not stored in time");
    return ST_OK;
}

static void config(void *, struct buf *out) { buf_add(out, S("store:\n  password: ***\n")); }

static char retried[300];

static status dead_retry(void *, str id, struct err *err)
{
    snprintf(retried, sizeof retried, STR_FMT, STR_ARG(id));
    if (str_eq(id, S("gone"))) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "no such folder");
    return ST_OK;
}

static char asked[2][300];

static status backup(void *, str to, str base, struct buf *out, struct err *)
{
    snprintf(asked[0], sizeof asked[0], STR_FMT, STR_ARG(to));
    snprintf(asked[1], sizeof asked[1], STR_FMT, STR_ARG(base));
    buf_add(out, S("{\"id\":\"b1\"}\n"));
    return ST_OK;
}

static status backup_state(void *, str id, struct buf *out, struct err *err)
{
    if (!str_eq(id, S("b1"))) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "no backup of that id");
    buf_add(out, S("{\"running\":false}\n"));
    return ST_OK;
}

static void tell(void *, struct buf *out) { buf_add(out, S("{\"version\":\"1\"}\n")); }

static status reload(void *, struct err *err)
{
    if (atomic_load(&is_ready)) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "weir.yaml:2:3: no");
}

static struct admin *open_admin(bool with_calls)
{
    struct admin *a;
    struct admin_options opt = {.host = "127.0.0.1"};
    if (with_calls)
        opt.ready = ready, opt.flush = flush, opt.config = config, opt.dead_retry = dead_retry,
        opt.status = tell, opt.backup = backup, opt.backup_state = backup_state,
        opt.reload = reload;
    CHECK_INT(admin_open(&opt, &a, NULL), ST_OK);
    return a;
}

static str ask(const struct admin *a, const char *method, const char *target)
{
    static char answer[1 << 20];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(admin_port(a)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 10},
                     sizeof(struct timeval)) == 0);
    int len = snprintf(answer, sizeof answer,
                       "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, target);
    CHECK(send(fd, answer, (size_t)len, MSG_NOSIGNAL) == len);
    size_t n = 0;
    for (ssize_t got; n < sizeof answer && (got = recv(fd, answer + n, sizeof answer - n, 0)) > 0;)
        n += (size_t)got;
    close(fd);
    return (str){answer, n};
}

static bool has(str s, const char *what)
{
    return memmem(s.ptr, s.len, what, strlen(what)) != NULL;
}

TEST(admin_health_and_metrics)
{
    struct admin *a = open_admin(false);
    CHECK(has(ask(a, "GET", "/health"), "HTTP/1.1 200"));
    CHECK(has(ask(a, "GET", "/ready"), "HTTP/1.1 200"));
    str m = ask(a, "GET", "/metrics");
    CHECK(has(m, "content-type: text/plain; version=0.0.4"));
    CHECK(has(m, "\nprocess_resident_memory_bytes ") &&
          !has(m, "\nprocess_resident_memory_bytes 0\n"));
    CHECK(has(m, "\nweir_process_cpu_milliseconds "));
    CHECK(has(ask(a, "GET", "/"), "HTTP/1.1 404"));
    CHECK(has(ask(a, "POST", "/flush"), "HTTP/1.1 501"));
    CHECK(has(ask(a, "GET", "/debug/config"), "HTTP/1.1 404"));
    admin_close(a);
}

TEST(admin_ready_says_why_not)
{
    struct admin *a = open_admin(true);
    atomic_store(&is_ready, false);
    str not = ask(a, "GET", "/ready");
    CHECK(has(not, "HTTP/1.1 503") && has(not, "the store does not answer\n"));
    atomic_store(&is_ready, true);
    CHECK(has(ask(a, "GET", "/ready"), "HTTP/1.1 200"));
    CHECK(has(ask(a, "GET", "/debug/config"), "password: ***"));
    admin_close(a);
}

TEST(admin_flush_waits_as_long_as_asked)
{
    struct admin *a = open_admin(true);
    CHECK(has(ask(a, "POST", "/flush"), "HTTP/1.1 200"));
    CHECK_INT(atomic_load(&flushed_with), 60000);
    CHECK(has(ask(a, "POST", "/flush?timeout_ms=250"), "HTTP/1.1 200"));
    CHECK_INT(atomic_load(&flushed_with), 250);
    str late = ask(a, "POST", "/flush?timeout_ms=1");
    CHECK(has(late, "HTTP/1.1 504") && has(late, "not stored in time"));
    CHECK(has(ask(a, "POST", "/flush?timeout_ms=x"), "HTTP/1.1 400"));
    CHECK(has(ask(a, "POST", "/flush?other=1"), "HTTP/1.1 400"));
    CHECK(has(ask(a, "GET", "/flush"), "HTTP/1.1 405"));
    admin_close(a);
}

TEST(admin_dead_retry_names_one_folder)
{
    struct admin *a = open_admin(true);
    CHECK(has(ask(a, "POST", "/dead/retry?id=ab-traces%2Ceu%7eotlp-1-2"), "HTTP/1.1 200"));
    CHECK_STR(str_of(retried), S("ab-traces,eu~otlp-1-2"));
    str gone = ask(a, "POST", "/dead/retry?id=gone");
    CHECK(has(gone, "HTTP/1.1 404") && has(gone, "no such folder\n"));
    CHECK(has(ask(a, "POST", "/dead/retry"), "HTTP/1.1 400"));
    CHECK(has(ask(a, "POST", "/dead/retry?id="), "HTTP/1.1 400"));
    CHECK(has(ask(a, "POST", "/dead/retry?id=%2"), "HTTP/1.1 400"));
    CHECK(has(ask(a, "POST", "/dead/retry?id=a&b=c"), "HTTP/1.1 400"));
    CHECK(has(ask(a, "GET", "/dead/retry?id=a"), "HTTP/1.1 405"));
    admin_close(a);
    a = open_admin(false);
    CHECK(has(ask(a, "POST", "/dead/retry?id=a"), "HTTP/1.1 501"));
    admin_close(a);
}

TEST(admin_reload_says_what_is_wrong)
{
    struct admin *a = open_admin(true);
    atomic_store(&is_ready, true);
    CHECK(has(ask(a, "POST", "/reload"), "HTTP/1.1 200"));
    atomic_store(&is_ready, false);
    str wrong = ask(a, "POST", "/reload");
    CHECK(has(wrong, "HTTP/1.1 400") && has(wrong, "weir.yaml:2:3: no\n"));
    atomic_store(&is_ready, true);
    CHECK(has(ask(a, "GET", "/reload"), "HTTP/1.1 405"));
    admin_close(a);
    a = open_admin(false);
    CHECK(has(ask(a, "POST", "/reload"), "HTTP/1.1 501"));
    admin_close(a);
}

TEST(admin_status_is_json)
{
    struct admin *a = open_admin(true);
    str s = ask(a, "GET", "/status");
    CHECK(has(s, "content-type: application/json") && has(s, "{\"version\":\"1\"}"));
    admin_close(a);
    a = open_admin(false);
    CHECK(has(ask(a, "GET", "/status"), "HTTP/1.1 404"));
    admin_close(a);
}

TEST(a_backup_is_begun_and_asked_for_by_its_id)
{
    struct admin *a = open_admin(true);
    str r = ask(a, "POST", "/backup?base=%2Fb%2Fone&to=%2Fb%2Ftwo%26x");
    CHECK(memmem(r.ptr, r.len, "200", 3) && memmem(r.ptr, r.len, "{\"id\":\"b1\"}", 11));
    CHECK_STR(str_of(asked[0]), S("/b/two&x"));
    CHECK_STR(str_of(asked[1]), S("/b/one"));
    r = ask(a, "POST", "/backup?to=/b");
    CHECK_STR(str_of(asked[1]), (str){0});
    r = ask(a, "GET", "/backup?id=b1");
    CHECK(memmem(r.ptr, r.len, "application/json", 16) && memmem(r.ptr, r.len, "false", 5));
    r = ask(a, "GET", "/backup?id=b2");
    CHECK(memmem(r.ptr, r.len, "404", 3));
    const char *const bad[] = {"/backup",          "/backup?base=/b",     "/backup?to=",
                               "/backup?to=%zz",   "/backup?to=/b&base=", "/backup?to=%00",
                               "/backup?to=/b&x=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r = ask(a, "POST", bad[i]);
        CHECK(memmem(r.ptr, r.len, "400", 3));
    }
    admin_close(a);
    a = open_admin(false);
    r = ask(a, "POST", "/backup?to=/b");
    CHECK(memmem(r.ptr, r.len, "501", 3));
    admin_close(a);
}
