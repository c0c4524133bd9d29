/* The query threads and their queue, over a real socket, with handlers that ask no store. */
#include "query/engine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "obs/metrics.h"
#include "testing/test.h"

static atomic_int inside;
static atomic_bool go;

static status works(struct query_job *j, struct err *)
{
    buf_add(&j->body, S("{}"));
    return ST_OK;
}

static status fails(struct query_job *, struct err *err)
{
    return err_set(err, ST_EXECUTION, ERR_NOPOS, "it cannot be answered");
}

static status floods(struct query_job *j, struct err *)
{
    while (!j->body.over) buf_add(&j->body, S("0123456789"));
    return ST_OK;
}

/* Until it is let go, or should stop. */
static status waits(struct query_job *j, struct err *err)
{
    atomic_fetch_add(&inside, 1);
    status st = ST_OK;
    while (st == ST_OK && !atomic_load(&go)) {
        usleep(1000);
        st = job_check(j, err);
    }
    atomic_fetch_sub(&inside, 1);
    if (st == ST_OK) buf_add(&j->body, S("waited"));
    return st;
}

static void next_of_ten(struct query_job *j)
{
    uintptr_t n = (uintptr_t)j->more_ctx;
    for (int i = 0; i < 1000; i++) buf_char(&j->body, (char)('0' + n));
    j->more_ctx = (void *)(n + 1); /* NOLINT: a number */
    j->more = n == 9 ? NULL : next_of_ten;
}

static status is_long(struct query_job *j, struct err *)
{
    next_of_ten(j);
    return ST_OK;
}

static const struct query_route routes[] = {
    {"GET", "/long", is_long, QUERY_PROMETHEUS}, {"GET", "/works", works, QUERY_PROMETHEUS},
    {"GET", "/fails", fails, QUERY_PROMETHEUS},  {"GET", "/floods", floods, QUERY_LOKI},
    {"GET", "/waits", waits, QUERY_JAEGER},      {0},
};
static const struct query_route *const tables[] = {routes, NULL};

static struct engine *open_engine(uint32_t timeout_ms)
{
    struct engine *e;
    struct engine_options opt = {.host = "127.0.0.1",
                                 .threads = 1,
                                 .max_queued = 1,
                                 .limits = {.max_bytes = 1 << 20, .timeout_ms = timeout_ms},
                                 .tables = tables};
    atomic_store(&go, false);
    CHECK_INT(engine_open(&opt, NULL, &e, NULL), ST_OK);
    return e;
}

static int begin(const struct engine *e, const char *path)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(engine_port(e)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 10},
                     sizeof(struct timeval)) == 0);
    char text[200];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     path);
    CHECK(send(fd, text, (size_t)n, MSG_NOSIGNAL) == n);
    return fd;
}

static str end(int fd)
{
    static char answer[1 << 16];
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

#define WAIT_FOR(c)                                              \
    do {                                                         \
        for (int i_ = 0; i_ < 10000 && !(c); i_++) usleep(1000); \
        CHECK(c);                                                \
    } while (0)

TEST(engine_runs_handlers_and_counts_them)
{
    struct engine *e = open_engine(5000);
    uint64_t queries = metric_get(M_QUERIES, QUERY_PROMETHEUS);
    uint64_t errors = metric_get(M_QUERY_ERRORS, QUERY_PROMETHEUS);
    str a = end(begin(e, "/works"));
    CHECK(has(a, "HTTP/1.1 200") && has(a, "application/json"));
    a = end(begin(e, "/fails"));
    CHECK(has(a, "HTTP/1.1 422") && has(a, "\"error\":\"it cannot be answered\""));
    CHECK_INT(metric_get(M_QUERIES, QUERY_PROMETHEUS) - queries, 2);
    CHECK_INT(metric_get(M_QUERY_ERRORS, QUERY_PROMETHEUS) - errors, 1);
    engine_close(e);
}

TEST(engine_answers_503_until_the_tables_are_there)
{
    struct engine *e;
    struct engine_options opt = {.host = "127.0.0.1", .tables = tables, .begin_later = true};
    CHECK_INT(engine_open(&opt, NULL, &e, NULL), ST_OK);
    str a = end(begin(e, "/works"));
    CHECK(has(a, "HTTP/1.1 503") && has(a, "the tables are being loaded"));
    engine_begin(e);
    CHECK(has(end(begin(e, "/works")), "HTTP/1.1 200"));
    engine_close(e);
}

TEST(engine_warms_up_once_when_queries_begin_and_ends_it_when_it_closes)
{
    struct engine *e;
    struct engine_options opt = {
        .host = "127.0.0.1", .threads = 2, .tables = tables, .begin_later = true, .warm_up = waits};
    atomic_store(&go, false);
    CHECK_INT(engine_open(&opt, NULL, &e, NULL), ST_OK);
    CHECK(has(end(begin(e, "/works")), "HTTP/1.1 503"));
    CHECK_INT(atomic_load(&inside), 0);
    engine_begin(e);
    WAIT_FOR(atomic_load(&inside) == 1);
    CHECK(has(end(begin(e, "/works")), "{}")); /* the other thread */
    CHECK_INT(atomic_load(&inside), 1);
    engine_close(e);
    CHECK_INT(atomic_load(&inside), 0);
}

TEST(engine_makes_long_answers_piece_by_piece_and_counts_them_once)
{
    struct engine *e = open_engine(5000);
    uint64_t queries = metric_get(M_QUERIES, QUERY_PROMETHEUS);
    str a = end(begin(e, "/long"));
    CHECK(has(a, "HTTP/1.1 200"));
    for (int d = 0; d < 10; d++) {
        char run[1001] = {};
        memset(run, '0' + d, 1000);
        CHECK(has(a, run));
    }
    CHECK_INT(metric_get(M_QUERIES, QUERY_PROMETHEUS) - queries, 1);
    engine_close(e);
}

TEST(engine_bounds_the_answer)
{
    struct engine *e = open_engine(5000);
    str a = end(begin(e, "/floods"));
    CHECK(has(a, "HTTP/1.1 422") && has(a, "limit of 1048576 bytes"));
    engine_close(e);
}

TEST(engine_answers_503_when_its_queue_is_full)
{
    struct engine *e = open_engine(10000);
    int running = begin(e, "/waits");
    WAIT_FOR(atomic_load(&inside) == 1);
    uint64_t errors = metric_get(M_QUERY_ERRORS, QUERY_JAEGER);
    int second = begin(e, "/waits"), third = begin(e, "/waits"); /* one waits, one is refused */
    WAIT_FOR(metric_get(M_QUERY_ERRORS, QUERY_JAEGER) > errors);
    atomic_store(&go, true);
    CHECK(has(end(running), "waited"));
    str a = end(second);
    bool refused = has(a, "HTTP/1.1 503");
    str b = end(third);
    CHECK(refused != has(b, "HTTP/1.1 503"));
    engine_close(e);
}

TEST(engine_ends_a_query_at_its_deadline)
{
    struct engine *e = open_engine(50);
    str a = end(begin(e, "/waits"));
    CHECK(has(a, "HTTP/1.1 504") && has(a, "\"data\":null") && has(a, "timeout of 50 ms"));
    engine_close(e);
}

TEST(engine_close_cancels_what_runs_and_what_waits)
{
    struct engine *e = open_engine(600'000);
    int running = begin(e, "/waits"), waiting = begin(e, "/waits");
    WAIT_FOR(atomic_load(&inside) == 1);
    engine_close(e);
    CHECK_INT(atomic_load(&inside), 0);
    close(running);
    close(waiting);
}
