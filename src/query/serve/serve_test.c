/* Over a real socket; the query threads are played by submit() below, on the loop's thread. */
#include "query/serve/serve.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/compress.h"
#include "testing/test.h"

static status echo(struct query_job *j, struct err *)
{
    buf_printf(&j->body, STR_FMT " " STR_FMT " [" STR_FMT "]", STR_ARG(j->method), STR_ARG(j->path),
               STR_ARG(j->segment));
    for (size_t i = 0; i < j->n_params; i++)
        buf_printf(&j->body, " " STR_FMT "=" STR_FMT, STR_ARG(j->params[i].name),
                   STR_ARG(j->params[i].value));
    j->content_type = S("text/plain");
    return ST_OK;
}

static status large(struct query_job *j, struct err *)
{
    for (int i = 0; i < 10000; i++) buf_add(&j->body, S("again and "));
    return ST_OK;
}

enum { HUGE = 24 << 20 };

static status huge(struct query_job *j, struct err *)
{
    for (unsigned i = 0; i < HUGE / 8; i++) buf_printf(&j->body, "%7u ", i);
    return ST_OK;
}

/* Pieces of a megabyte, each of one letter. */
enum { PIECE = 1 << 20, PIECES = 48 };
static atomic_uint pieces_made;

static void add_piece(struct query_job *j)
{
    static char text[PIECE];
    unsigned n = atomic_fetch_add(&pieces_made, 1);
    memset(text, 'a' + (int)(n % 26), PIECE);
    buf_add(&j->body, (str){text, PIECE});
    j->more = n + 1 < PIECES ? add_piece : NULL;
}

static status pieces(struct query_job *j, struct err *)
{
    atomic_store(&pieces_made, 0);
    add_piece(j);
    return ST_OK;
}

static status nothing(struct query_job *j, struct err *)
{
    j->http_status = 204;
    return ST_OK;
}

static const struct query_route routes[] = {
    {"GET", "/api/v1/huge", huge, QUERY_PROMETHEUS},
    {"GET", "/api/v1/pieces", pieces, QUERY_PROMETHEUS},
    {"GET", "/api/v1/nothing", nothing, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/query", echo, QUERY_PROMETHEUS},
    {"GET", "/api/services/{}/operations", echo, QUERY_JAEGER},
    {"GET", "/loki/api/v1/large", large, QUERY_LOKI},
    {0},
};
static const struct query_route *const tables[] = {routes, NULL};
static const struct query_limits limits = {.max_bytes = 64 << 20, .timeout_ms = 1000};

static _Atomic(struct serve_call *) held;
static enum { RUN, HOLD, FULL } mode;

static bool submit(void *, struct serve_call *c)
{
    if (mode == FULL) return false;
    if (mode == HOLD) {
        held = c;
        return true;
    }
    if (c->job.more) {
        buf_clear(&c->job.body);
        c->job.more(&c->job);
    } else {
        CHECK_INT(c->route->run(&c->job, NULL), ST_OK);
    }
    serve_done(c);
    return true;
}

static struct server *open_server(int how)
{
    struct server *s;
    struct serve_options opt = {
        .host = "127.0.0.1", .tables = tables, .limits = &limits, .submit = submit};
    mode = (typeof(mode))how;
    held = NULL;
    CHECK_INT(serve_open(&opt, &s, NULL), ST_OK);
    return s;
}

static int dial(const struct server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(serve_port(s)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 10},
                     sizeof(struct timeval)) == 0);
    return fd;
}

static void send_all(int fd, str s)
{
    while (s.len > 0) {
        ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);
        if (n <= 0) return; /* the other side has answered and closed */
        s = str_drop(s, (size_t)n);
    }
}

/* The whole answer, up to the end of the connection. Static memory. */
static str exchange(const struct server *s, str request)
{
    static char answer[1 << 20];
    int fd = dial(s);
    send_all(fd, request);
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

static str body_of(str answer)
{
    const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    CHECK(end != NULL);
    return str_drop(answer, (size_t)(end + 4 - answer.ptr));
}

#define CLOSE "Host: x\r\nConnection: close\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

TEST(serve_decodes_path_and_parameters)
{
    struct server *s = open_server(RUN);
    str a = exchange(
        s, S("GET /api/services/a%2Fb%20c/operations?x=1%2C2&x=3 HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK(has(a, "HTTP/1.1 200"));
    CHECK(has(a, "access-control-allow-origin: *"));
    CHECK(has(a, "content-type: text/plain"));
    CHECK_STR(body_of(a), S("GET /api/services/a/b c/operations [a/b c] x=1,2 x=3"));
    serve_close(s);
}

TEST(serve_reads_the_form_before_the_url)
{
    struct server *s = open_server(RUN);
    str a = exchange(s, S("POST /api/v1/query?query=url&more=1 HTTP/1.1\r\n" CLOSE FORM
                          "Content-Length: 18\r\n\r\nquery=up+or+down&t"));
    CHECK_STR(body_of(a), S("POST /api/v1/query [] query=up or down t= query=url more=1"));
    a = exchange(s, S("POST /api/v1/query?query=url HTTP/1.1\r\n" CLOSE
                      "Content-Type: application/json\r\nContent-Length: 3\r\n\r\na=b"));
    CHECK_STR(body_of(a), S("POST /api/v1/query [] query=url"));
    serve_close(s);
}

TEST(serve_answers_unknown_paths_in_the_dialect)
{
    struct server *s = open_server(RUN);
    str a = exchange(s, S("GET /loki/api/v1/nothing HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK(has(a, "HTTP/1.1 404") && has(a, "access-control-allow-origin: *"));
    CHECK_STR(body_of(a), S("no such path"));
    a = exchange(s, S("GET /api/nothing HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK(has(a, "HTTP/1.1 404") && has(a, "{\"data\":null,"));
    a = exchange(s, S("DELETE /api/v1/query HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK(has(a, "HTTP/1.1 405") && has(a, "allow: GET, POST, OPTIONS"));
    CHECK(has(a, "\"status\":\"error\""));
    serve_close(s);
}

TEST(serve_answers_preflight)
{
    struct server *s = open_server(RUN);
    str a = exchange(s, S("OPTIONS /api/v1/query HTTP/1.1\r\n" CLOSE
                          "Origin: http://grafana\r\nAccess-Control-Request-Method: POST\r\n\r\n"));
    CHECK(has(a, "HTTP/1.1 204") && has(a, "access-control-allow-methods: GET, POST, OPTIONS"));
    serve_close(s);
}

TEST(serve_compresses_when_asked)
{
    struct server *s = open_server(RUN);
    str plain = exchange(s, S("GET /loki/api/v1/large HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK_INT(body_of(plain).len, 100'000);
    plain = exchange(
        s, S("GET /loki/api/v1/large HTTP/1.1\r\n" CLOSE "Accept-Encoding: gzip;q=0, br\r\n\r\n"));
    CHECK_INT(body_of(plain).len, 100'000);
    str a = exchange(
        s, S("GET /loki/api/v1/large HTTP/1.1\r\n" CLOSE "Accept-Encoding: br, gzip\r\n\r\n"));
    CHECK(has(a, "content-encoding: gzip"));
    CHECK(body_of(a).len < 5000);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    str out;
    CHECK_INT(decompress(&arena, PAYLOAD_GZIP, body_of(a), 1 << 20, &out, NULL), ST_OK);
    CHECK_INT(out.len, 100'000);
    arena_done(&arena);
    serve_close(s);
}

/* HTTP/1.0: the body ends with the connection, without chunks in it. */
TEST(serve_sends_long_answers_in_pieces)
{
    struct server *s = open_server(RUN);
    int fd = dial(s);
    send_all(fd, S("GET /api/v1/huge HTTP/1.0\r\n\r\n"));
    struct buf b;
    buf_init(&b, HUGE + 4096);
    static char piece[1 << 16];
    for (ssize_t got; (got = recv(fd, piece, sizeof piece, 0)) > 0;)
        buf_add(&b, (str){piece, (size_t)got});
    close(fd);
    CHECK(!b.over && !has(buf_str(&b), "content-length"));
    str body = body_of(buf_str(&b));
    CHECK_INT(body.len, HUGE);
    for (unsigned i = 0; i < HUGE / 8; i += 4099) {
        char want[9];
        snprintf(want, sizeof want, "%7u ", i);
        CHECK(memcmp(body.ptr + 8 * (size_t)i, want, 8) == 0);
    }
    buf_done(&b);
    serve_close(s);
}

TEST(serve_forgets_a_long_answer_whose_client_left)
{
    struct server *s = open_server(RUN);
    int fd = dial(s);
    send_all(fd, S("GET /api/v1/huge HTTP/1.1\r\nHost: x\r\n\r\n"));
    char first[16];
    CHECK(recv(fd, first, sizeof first, 0) > 0);
    close(fd);
    CHECK(has(exchange(s, S("GET /api/v1/query HTTP/1.1\r\n" CLOSE "\r\n")), "200"));
    serve_close(s);
}

TEST(serve_makes_a_long_answer_as_its_client_takes_it)
{
    struct server *s = open_server(RUN);
    int fd = dial(s);
    send_all(fd, S("GET /api/v1/pieces HTTP/1.0\r\n\r\n"));
    static char piece[1 << 16];
    ssize_t got = recv(fd, piece, sizeof piece, 0);
    CHECK(got > 0);
    CHECK(has(exchange(s, S("GET /api/v1/query HTTP/1.1\r\n" CLOSE "\r\n")), "200"));
    CHECK(atomic_load(&pieces_made) < PIECES / 2); /* the window, and what sockets hold */
    str head = {piece, (size_t)got};
    size_t n = body_of(head).len, wrong = 0;
    while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
        for (ssize_t i = 0; i < got; i++, n++) wrong += piece[i] != (char)('a' + n / PIECE % 26);
    close(fd);
    CHECK_INT(n, (size_t)PIECES * PIECE);
    CHECK_INT(wrong, 0);
    serve_close(s);
}

TEST(serve_compresses_pieces_as_one)
{
    struct server *s = open_server(RUN);
    str a = exchange(s, S("GET /api/v1/pieces HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"));
    CHECK(has(a, "content-encoding: gzip"));
    struct arena arena;
    arena_init(&arena, 256 << 20);
    str out;
    CHECK_INT(decompress(&arena, PAYLOAD_GZIP, body_of(a), 128 << 20, &out, NULL), ST_OK);
    CHECK_INT(out.len, (size_t)PIECES * PIECE);
    CHECK(out.ptr[0] == 'a' && out.ptr[PIECE] == 'b' &&
          out.ptr[out.len - 1] == 'a' + (PIECES - 1) % 26);
    arena_done(&arena);
    serve_close(s);
}

TEST(serve_makes_no_more_for_a_client_that_left)
{
    struct server *s = open_server(RUN);
    int fd = dial(s);
    send_all(fd, S("GET /api/v1/pieces HTTP/1.1\r\nHost: x\r\n\r\n"));
    char first[16];
    CHECK(recv(fd, first, sizeof first, 0) > 0);
    close(fd);
    CHECK(has(exchange(s, S("GET /api/v1/query HTTP/1.1\r\n" CLOSE "\r\n")), "200"));
    serve_close(s);
    CHECK(atomic_load(&pieces_made) < PIECES);
}

TEST(serve_sends_nothing_with_204)
{
    struct server *s = open_server(RUN);
    str a = exchange(s, S("GET /api/v1/nothing HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK(has(a, "HTTP/1.1 204") && !has(a, "content-type") && body_of(a).len == 0);
    serve_close(s);
}

TEST(serve_refuses_large_bodies)
{
    struct server *s = open_server(RUN);
    str a = exchange(
        s, S("POST /api/v1/query HTTP/1.1\r\n" CLOSE FORM "Content-Length: 4194305\r\n\r\n"));
    CHECK(has(a, "HTTP/1.1 413"));

    struct buf b; /* the same without saying so before */
    buf_init(&b, 8 << 20);
    buf_add(&b,
            S("POST /api/v1/query HTTP/1.1\r\n" CLOSE FORM "Transfer-Encoding: chunked\r\n\r\n"));
    buf_add(&b, S("400001\r\n"));
    for (int i = 0; i < 0x400001; i++) buf_char(&b, 'a');
    buf_add(&b, S("\r\n0\r\n\r\n"));
    a = exchange(s, buf_str(&b));
    CHECK(has(a, "HTTP/1.1 413"));
    buf_done(&b);
    serve_close(s);
}

TEST(serve_says_503_when_nobody_takes_the_call)
{
    struct server *s = open_server(FULL);
    str a = exchange(s, S("GET /api/v1/query HTTP/1.1\r\n" CLOSE "\r\n"));
    CHECK(has(a, "HTTP/1.1 503") && has(a, "\"errorType\":\"unavailable\"") &&
          has(a, "retry-after: 1"));
    serve_close(s);
}

/* Waits for another thread, at most ten seconds. */
#define WAIT_FOR(c)                                              \
    do {                                                         \
        for (int i_ = 0; i_ < 10000 && !(c); i_++) usleep(1000); \
        CHECK(c);                                                \
    } while (0)

TEST(serve_cancels_the_call_of_a_client_that_left)
{
    struct server *s = open_server(HOLD);
    int fd = dial(s);
    send_all(fd, S("GET /api/v1/query HTTP/1.1\r\nHost: x\r\n\r\n"));
    WAIT_FOR(held);
    struct serve_call *c = held;
    CHECK(!atomic_load(&c->job.cancelled));
    close(fd);
    WAIT_FOR(atomic_load(&c->job.cancelled));
    serve_done(c);
    serve_close(s);
}

TEST(serve_breaks_an_answer_off_whose_rest_nobody_makes)
{
    struct server *s = open_server(HOLD);
    int fd = dial(s);
    send_all(fd, S("GET /api/v1/pieces HTTP/1.1\r\nHost: x\r\n\r\n"));
    WAIT_FOR(held);
    struct serve_call *c = held;
    CHECK_INT(c->route->run(&c->job, NULL), ST_OK);
    mode = FULL;
    serve_done(c);
    size_t n = 0;
    static char piece[1 << 16];
    str last = {0};
    for (ssize_t got; (got = recv(fd, piece, sizeof piece, 0)) > 0; n += (size_t)got)
        last = (str){piece, (size_t)got};
    close(fd);
    CHECK(n >= PIECE && n < 2 * PIECE);
    CHECK(last.len < 5 || memcmp(last.ptr + last.len - 5, "0\r\n\r\n", 5) != 0); /* no end */
    serve_close(s);
}

TEST(serve_closes_with_a_connection_open)
{
    struct server *s = open_server(RUN);
    int fd = dial(s);
    send_all(fd, S("POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"));
    usleep(1000);
    serve_close(s);
    close(fd);
}
