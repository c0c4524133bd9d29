/* Requests in, answers out, on one loop. A call is touched by its holder only: the loop, then
 * (after submit) a query thread, then (after serve_done's message) the loop again. `x` is NULL once
 * the exchange is over. */
#include "query/serve/serve.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/compress.h"
#include "net/http.h"
#include "net/loop.h"
#include "query/serve/params.h"
#include "query/serve/router.h"

struct server {
    struct loop *loop;
    struct http_listener *listener;
    struct serve_options opt;
    struct call *calls; /* thread: loop */
};

struct call {
    struct serve_call pub; /* first: serve_done casts back */
    struct server *server;
    struct http_exchange *x;
    struct call *prev, *next;
    struct loop_message back; /* carries it from the query thread to the loop */
    struct arena arena;
    struct buf sent;          /* the request's body */
    struct buf packed;        /* the answer, gzip; empty when not asked for or not worth it */
    struct gzip_stream *gzip; /* of an answer that is made piece by piece */
    bool is_form, wants_gzip;
    bool submitted; /* a query thread has it */
    bool answered;  /* refused before it was submitted */
    str rest;       /* of a long answer, or a piece of it: what was not handed on yet */
    bool streams;
};

/* An answer past STREAM_LEAST goes out in pieces: the connection holds no second copy of it. */
enum { GZIP_LEAST = 1024, GZIP_LEVEL = 2, STREAM_LEAST = 1 << 20, STREAM_PIECE = 256 << 10 };

static void call_free(struct call *c)
{
    assert(!c->submitted);
    struct server *s = c->server;
    if (c->prev) c->prev->next = c->next;
    if (c->next) c->next->prev = c->prev;
    if (s->calls == c) s->calls = c->next;
    buf_done(&c->sent);
    buf_done(&c->packed);
    gzip_stream_free(c->gzip);
    buf_done(&c->pub.job.body);
    arena_done(&c->arena);
    free(c);
}

/* --- answers */

static void respond_by(void (*send)(struct http_exchange *x, const struct http_answer *a),
                       struct http_exchange *x, unsigned http_status, str type, str body,
                       const struct http_header *more, size_t n_more)
{
    struct http_header h[12] = {
        {S("access-control-allow-origin"), S("*")},
        {S("access-control-allow-methods"), S("GET, POST, OPTIONS")},
        {S("access-control-allow-headers"), S("Accept, Accept-Encoding, Authorization, "
                                              "Content-Type, Origin, X-Query-Tags, X-Scope-OrgID")},
        {S("access-control-expose-headers"), S("Date, X-Weir-Resolution")},
    };
    size_t n = 4;
    if (type.len) h[n++] = (struct http_header){S("content-type"), type};
    for (size_t i = 0; i < n_more; i++) h[n++] = more[i];
    send(x,
         &(struct http_answer){.status = http_status, .headers = h, .n_headers = n, .body = body});
}

static void respond(struct http_exchange *x, unsigned http_status, str type, str body,
                    const struct http_header *more, size_t n_more)
{
    respond_by(http_respond, x, http_status, type, body, more, n_more);
}

static void refuse(struct http_exchange *x, enum query_api api, unsigned http_status,
                   const char *msg, const struct http_header *more, size_t n_more)
{
    struct buf b;
    buf_init(&b, 4096);
    str type = route_error(api, http_status, str_of(msg), &b);
    respond(x, http_status, type, buf_str(&b), more, n_more);
    buf_done(&b);
}

static void refuse_call(struct call *c, unsigned http_status, const char *msg)
{
    c->answered = true;
    struct http_header retry = {S("retry-after"), S("1")};
    refuse(c->x, c->pub.route->api, http_status, msg, &retry, http_status == 503);
}

void serve_fail(struct serve_call *c, unsigned http_status, const char *msg)
{
    buf_done(&c->job.body);
    buf_init(&c->job.body, 4096);
    c->job.content_type = route_error(c->route->api, http_status, str_of(msg), &c->job.body);
    c->job.http_status = http_status;
}

/* Of an answer that is made piece by piece. */
static void pack_piece(struct call *c)
{
    const struct query_job *j = &c->pub.job;
    if (!c->gzip) {
        c->gzip = gzip_stream_new(GZIP_LEVEL);
        buf_init(&c->packed, j->body.max + 4096);
    }
    buf_clear(&c->packed);
    gzip_stream_add(c->gzip, buf_str(&j->body), !j->more, &c->packed);
}

static void pack(struct call *c)
{
    struct buf *body = &c->pub.job.body;
    if (!c->wants_gzip || c->pub.job.content_encoding.len) return;
    if (c->pub.job.more || c->gzip) {
        pack_piece(c);
        return;
    }
    if (body->len < GZIP_LEAST) return;
    buf_init(&c->packed, body->len + body->len / 2 + 4096);
    if (compress_gzip(buf_str(body), GZIP_LEVEL, &c->packed, NULL) != ST_OK ||
        c->packed.len >= body->len) {
        buf_done(&c->packed); /* sent as it is */
        return;
    }
    buf_done(body);
}

static str next_piece(struct call *c)
{
    str piece = {c->rest.ptr, c->rest.len < STREAM_PIECE ? c->rest.len : STREAM_PIECE};
    c->rest = str_drop(c->rest, piece.len);
    return piece;
}

static void break_off(struct call *c)
{
    c->streams = false;
    http_respond_abort(c->x);
}

/* As much as the connection takes now. More is made only when it has taken what there is. */
static void go_on(struct call *c)
{
    bool room = true;
    struct serve_options *opt = &c->server->opt;
    while (c->rest.len && room) room = http_respond_write(c->x, next_piece(c));
    if (c->rest.len || (!room && c->pub.job.more)) return;
    if (c->pub.job.more) {
        c->submitted = true;
        if (opt->submit(opt->ctx, &c->pub)) return;
        c->submitted = false;
        break_off(c);
        return;
    }
    c->streams = false;
    http_respond_end(c->x);
}

/* A further piece is there. */
static void finish_piece(struct call *c)
{
    const struct query_job *j = &c->pub.job;
    if (j->body.over || c->packed.over || atomic_load(&j->cancelled)) {
        break_off(c);
        return;
    }
    c->rest = buf_str(c->gzip ? &c->packed : &j->body);
    go_on(c);
}

/* thread: loop */
static void finish(void *ctx)
{
    struct call *c = ctx;
    c->submitted = false;
    if (!c->x) {
        call_free(c);
        return;
    }
    if (c->streams) {
        finish_piece(c);
        return;
    }
    const struct query_job *j = &c->pub.job;
    struct http_header more[4];
    size_t n = 0;
    if (j->resolution.len) more[n++] = (struct http_header){S("x-weir-resolution"), j->resolution};
    if (j->content_encoding.len)
        more[n++] = (struct http_header){S("content-encoding"), j->content_encoding};
    if (c->packed.len) {
        more[n++] = (struct http_header){S("content-encoding"), S("gzip")};
        more[n++] = (struct http_header){S("vary"), S("Accept-Encoding")};
    }
    unsigned code = j->http_status ? j->http_status : 200;
    str type = j->content_type.len ? j->content_type : S("application/json");
    c->rest = buf_str(c->packed.len ? &c->packed : &j->body);
    if (code == 204) type = (str){0};
    if (c->rest.len < STREAM_LEAST && !j->more) {
        respond(c->x, code, type, c->rest, more, n);
        return;
    }
    c->streams = true;
    respond_by(http_respond_begin, c->x, code, type, next_piece(c), more, n);
    go_on(c);
}

static void on_writable(void *, struct http_exchange *x)
{
    struct call *c = http_user(x);
    if (c && c->streams && !c->submitted) go_on(c);
}

void serve_done(struct serve_call *pub)
{
    struct call *c = (struct call *)pub;
    if (!atomic_load_explicit(&pub->job.cancelled, memory_order_relaxed)) pack(c);
    c->back = (struct loop_message){.fn = finish, .ctx = c};
    bool posted = loop_post_message(c->server->loop, &c->back);
    assert(posted); /* the loop ends after the last call was given back */
    (void)posted;
}

/* --- requests */

static bool accepts_gzip(str v)
{
    while (v.len > 0) {
        const char *comma = memchr(v.ptr, ',', v.len);
        str one = {v.ptr, comma ? (size_t)(comma - v.ptr) : v.len};
        v = str_drop(v, one.len + 1);
        while (one.len && *one.ptr == ' ') one = str_drop(one, 1);
        if (one.len >= 4 && memcmp(one.ptr, "gzip", 4) == 0)
            return !memmem(one.ptr, one.len, "q=0", 3) || memmem(one.ptr, one.len, "q=0.", 4);
    }
    return false;
}

static void copy_headers(struct call *c, const struct http_request *req)
{
    struct query_param *h = arena_array(&c->arena, struct query_param, req->n_headers + 1);
    for (size_t i = 0; i < req->n_headers; i++)
        h[i] = (struct query_param){.name = arena_str(&c->arena, req->headers[i].name),
                                    .value = arena_str(&c->arena, req->headers[i].value)};
    c->pub.job.headers = h;
    c->pub.job.n_headers = req->n_headers;
}

static struct call *call_new(struct server *s, struct http_exchange *x,
                             const struct http_request *req, const struct route_match *m)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->server = s;
    c->x = x;
    c->next = s->calls;
    if (s->calls) s->calls->prev = c;
    s->calls = c;
    arena_init(&c->arena, s->opt.limits->max_bytes);
    buf_init(&c->sent, SERVE_BODY_MAX);
    c->pub.route = m->route;
    struct query_job *j = &c->pub.job;
    j->arena = &c->arena;
    j->limits = s->opt.limits;
    j->method = arena_str(&c->arena, req->method);
    j->path = http_decode(&c->arena, req->path, false);
    j->segment = http_decode(&c->arena, m->segment, false);
    buf_init(&j->body, s->opt.limits->max_bytes);
    copy_headers(c, req);
    c->is_form =
        str_eq(req->method, S("POST")) && params_is_form(http_header_get(req, S("content-type")));
    c->wants_gzip = accepts_gzip(http_header_get(req, S("accept-encoding")));
    return c;
}

static void refuse_route(struct server *s, struct http_exchange *x, const struct http_request *req,
                         enum route_answer found, const struct route_match *m)
{
    if (found == ROUTE_NO_PATH) {
        refuse(x, route_guess_api(req->path), 404, "no such path", NULL, 0);
        return;
    }
    struct buf allow;
    buf_init(&allow, 256);
    route_allow(s->opt.tables, req->path, &allow);
    struct http_header h = {S("allow"), buf_str(&allow)};
    refuse(x, m->route->api, 405, "this method is not served on this path", &h, 1);
    buf_done(&allow);
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *req)
{
    struct server *s = ctx;
    http_set_user(x, NULL);
    if (str_eq(req->method, S("OPTIONS"))) {
        struct http_header age = {S("access-control-max-age"), S("86400")};
        respond(x, 204, (str){0}, (str){0}, &age, 1);
        return;
    }
    struct route_match m;
    enum route_answer found = route_find(s->opt.tables, req->method, req->path, &m);
    if (found != ROUTE_FOUND) {
        refuse_route(s, x, req, found, &m);
        return;
    }
    if (req->content_length > SERVE_BODY_MAX) {
        refuse(x, m.route->api, 413, "the request body is larger than 4 MiB", NULL, 0);
        return;
    }
    struct call *c = call_new(s, x, req, &m);
    http_set_user(x, c);
    struct param_list url = {0};
    struct err err;
    if (params_add(&url, &c->arena, req->query, &err) != ST_OK) {
        refuse_call(c, 400, err.msg);
        return;
    }
    c->pub.job.params = url.v;
    c->pub.job.n_params = url.n;
    if (req->content_length != 0) http_continue(x);
}

static void on_data(void *, struct http_exchange *x, str bytes)
{
    struct call *c = http_user(x);
    http_consume(x, bytes.len);
    if (!c || c->answered) return;
    buf_add(&c->sent, bytes);
    if (c->sent.over) refuse_call(c, 413, "the request body is larger than 4 MiB");
}

/* The body's parameters come first, so that they win over the URL's. */
static status add_form(struct call *c, struct err *err)
{
    struct query_job *j = &c->pub.job;
    struct param_list form = {0};
    TRY(params_add(&form, &c->arena, buf_str(&c->sent), err));
    size_t n = form.n + j->n_params;
    struct query_param *all = arena_array(&c->arena, struct query_param, n);
    if (form.n) memcpy(all, form.v, form.n * sizeof *all);
    if (j->n_params) memcpy(all + form.n, j->params, j->n_params * sizeof *all);
    j->params = all;
    j->n_params = n;
    buf_done(&c->sent);
    return ST_OK;
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct server *s = ctx;
    struct call *c = http_user(x);
    if (!c || c->answered) return;
    struct err err;
    if (c->is_form && c->sent.len && add_form(c, &err) != ST_OK) {
        refuse_call(c, 400, err.msg);
        return;
    }
    struct query_job *j = &c->pub.job;
    j->sent = buf_str(&c->sent);
    j->now = clock_now();
    c->pub.begun = clock_monotonic();
    j->arrived = c->pub.begun;
    j->deadline = c->pub.begun + (nanos)j->limits->timeout_ms * NANOS_MS;
    c->submitted = true;
    if (!s->opt.submit(s->opt.ctx, &c->pub)) {
        c->submitted = false;
        refuse_call(c, 503, "too many queries are waiting: try again");
    }
}

static void on_close(void *, struct http_exchange *x)
{
    struct call *c = http_user(x);
    if (!c) return;
    c->x = NULL;
    if (c->submitted)
        atomic_store_explicit(&c->pub.job.cancelled, true, memory_order_relaxed);
    else
        call_free(c);
}

/* --- life */

status serve_open(const struct serve_options *opt, struct server **ret, struct err *err)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->opt = *opt;
    struct http_service service = {.ctx = s,
                                   .on_request = on_request,
                                   .on_data = on_data,
                                   .on_end = on_end,
                                   .on_close = on_close,
                                   .on_writable = on_writable};
    struct http_limits limits = {.half_close_ends = true};
    status st = loop_new("query-http", &s->loop, err);
    if (st == ST_OK)
        st = http_listen(s->loop, opt->host, opt->port, &service, &limits, &s->listener, err);
    if (st == ST_OK) st = loop_start(s->loop, err);
    if (st != ST_OK) {
        if (s->loop) loop_free(s->loop);
        free(s);
        return err_wrap(err, st, "query API");
    }
    *ret = s;
    return ST_OK;
}

uint16_t serve_port(const struct server *s) { return http_listener_port(s->listener); }

void serve_close(struct server *s)
{
    if (!s) return;
    loop_stop(s->loop);
    loop_join(s->loop);
    loop_free(s->loop);
    assert(!s->calls);
    free(s);
}
