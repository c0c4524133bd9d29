/* The receiver: a request's life, what the HTTP server calls, and the door. */
#include "ingest/receive/receive.h"

#include <assert.h>
#include <stdlib.h>

#include "ingest/receive/cors.h"
#include "ingest/receive/incoming.h"
#include "obs/metrics.h"

enum { REFUSED_RETRY_MS = 1000, ARENA_FACTOR = 8, CLOCK_MS = 100 };
#define DEFAULT_MAX ((uint64_t)64 << 20)

/* ---- life ---- */

static void unref(struct incoming *in)
{
    if (atomic_fetch_sub(&in->refs, 1) > 1) return;
    body_release(in);
    atomic_fetch_sub(&in->r->open, 1);
    free(in);
}

static struct incoming *incoming_new(struct receiver *r, struct http_exchange *x)
{
    struct incoming *in = calloc(1, sizeof *in);
    struct arena *a = malloc(sizeof *a);
    if (!in || !a) abort();
    /* Decoded columns are a few times their bytes; this bounds what hostile bytes can blow up to.
     */
    arena_init(a, r->opt.max_body_bytes + ARENA_FACTOR * r->opt.max_decompressed_bytes);
    in->req.arena = a;
    in->req.origin = in;
    in->r = r;
    in->x = x;
    atomic_init(&in->refs, 1);
    atomic_fetch_add(&r->open, 1);
    http_set_user(x, in);
    return in;
}

/* Receive's own no: the body, as far as it has come, is let go at once. */
static void refuse(struct incoming *in, const struct err *err)
{
    struct ingest_answer a = {.err = *err};
    if (err->code == ST_OVERLOADED || err->code == ST_UNAVAILABLE)
        a.retry_after_ms = REFUSED_RETRY_MS;
    respond(in, &a);
    body_release(in);
}

/* ---- deadlines ---- */

static void timed_add(struct incoming *in)
{
    struct receiver *r = in->r;
    in->deadline = clock_monotonic() + in->route.timeout;
    in->timed_next = r->timed;
    if (r->timed) r->timed->timed_prev = in;
    r->timed = in;
}

static void timed_remove(struct incoming *in)
{
    if (!in->deadline) return;
    if (in->timed_prev)
        in->timed_prev->timed_next = in->timed_next;
    else
        in->r->timed = in->timed_next;
    if (in->timed_next) in->timed_next->timed_prev = in->timed_prev;
    in->deadline = 0;
}

static bool is_late(const struct incoming *in, nanos now)
{
    return in->deadline && now > in->deadline;
}

static status too_late(struct err *err)
{
    return err_set(err, ST_TIMEOUT, ERR_NOPOS, "the call's grpc-timeout has passed");
}

/* Also those the sink has: what it does with them goes on, the answer it gives goes nowhere. */
static void end_late(void *ctx)
{
    struct receiver *r = ctx;
    nanos now = r->timed ? clock_monotonic() : 0;
    for (struct incoming *in = r->timed, *next; in; in = next) {
        next = in->timed_next;
        if (!is_late(in, now)) continue;
        struct ingest_answer a = {};
        too_late(&a.err);
        timed_remove(in);
        bool reading = !in->ended_at;
        respond(in, &a);
        if (reading) body_release(in);
    }
}

/* ---- the sink's answer ---- */

/* On the loop, or in the answering thread when the loop has stopped and nobody is left to tell. */
static void deliver(void *ctx)
{
    struct incoming *in = ctx;
    bool late = is_late(in, in->deadline ? clock_monotonic() : 0);
    timed_remove(in);
    if (late) {
        in->answer = (struct ingest_answer){};
        too_late(&in->answer.err);
    }
    if (!in->answered) respond(in, &in->answer);
    body_release(in);
    unref(in);
}

void receive_answer(struct ingest_request *req, const struct ingest_answer *answer)
{
    struct incoming *in = req->origin;
    in->answer = *answer;
    in->message = (struct loop_message){.fn = deliver, .ctx = in};
    if (loop_post_message(in->r->loop, &in->message)) return;
    body_release(in);
    unref(in);
}

/* ---- the service ---- */

/* A browser asks before it sends: which page, which headers. */
static status admit_preflight(struct incoming *in, const struct http_request *req, struct err *err)
{
    if (in->r->opt.cors.origins.len == 0) {
        in->route.http_status = 405;
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "OTLP is POST only: OPTIONS");
    }
    if (in->origin.len && http_header_get(req, S("access-control-request-method")).len)
        return ST_OK;
    in->route.http_status = 403;
    return err_set(err, ST_UNAUTHORIZED, ERR_NOPOS,
                   "not a preflight of an origin in receive.http.cors.allowed_origins");
}

static status authorise(struct incoming *in, const struct http_request *req, struct err *err)
{
    struct auth *auth = in->r->auth;
    if (!auth) return ST_OK;
    auth_refresh(auth, (uint64_t)(loop_now(in->r->loop) / NANOS_MS));
    str sent = http_header_get(req, S("authorization"));
    if (auth_allows(auth, sent)) return ST_OK;
    in->challenge = true;
    in->route.http_status = 0; /* 401, whatever else is wrong with it */
    return err_set(err, ST_UNAUTHORIZED, ERR_NOPOS,
                   sent.ptr ? "the credentials are not valid" : "credentials are needed");
}

static status served(const struct receiver *r, const struct route *route, struct err *err)
{
    if (!(r->opt.unserved & 1u << route->signal)) return ST_OK;
    return err_set(err, route->protocol == OTLP_GRPC ? ST_UNSUPPORTED : ST_NOT_FOUND, ERR_NOPOS,
                   "no pipeline takes %s here", signal_name(route->signal));
}

static status admit(struct incoming *in, const struct http_request *req, struct err *err)
{
    struct receiver *r = in->r;
    status routed = route_request(req, &in->route, err);
    if (routed == ST_OK && in->route.preflight) return admit_preflight(in, req, err);
    TRY(authorise(in, req, err));
    if (routed != ST_OK) return routed;
    metric_add(M_REQUESTS, in->route.protocol, 1);
    TRY(served(r, &in->route, err));
    if (atomic_load_explicit(&r->opt.gate->closed, memory_order_relaxed))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down");
    if (in->route.protocol != OTLP_GRPC && req->content_length >= 0)
        return body_expect(in, (uint64_t)req->content_length, err);
    /* The size is told later, or never: there must be room for something at least. */
    if (!body_fits(in))
        return err_set(err, ST_OVERLOADED, ERR_NOPOS, "too many bytes of requests in flight");
    if (req->content_length > 5 && (uint64_t)req->content_length - 5 > r->opt.max_body_bytes)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "body is larger than %llu bytes",
                       (unsigned long long)r->opt.max_body_bytes);
    return ST_OK;
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *req)
{
    struct incoming *in = incoming_new(ctx, x);
    str origin = http_header_get(req, S("origin"));
    if (origin.len && cors_allows(in->r->opt.cors.origins, origin)) in->origin = origin;
    in->takes_gzip = route_takes_gzip(req);
    struct err err;
    if (admit(in, req, &err) != ST_OK) return refuse(in, &err);
    if (in->route.preflight) return respond_preflight(in, req);
    if (in->route.timeout) timed_add(in);
    http_continue(x);
}

static void on_data(void *, struct http_exchange *x, str bytes)
{
    struct incoming *in = http_user(x);
    struct err err;
    /* The peer gets the window back when the pipeline has answered (the exchange closes then),
     * unless the rest of a body needs it to come at all; the gate bounds what is copied. */
    if (!http_may_hold(x)) http_consume(x, bytes.len);
    if (!in->answered && body_take(in, bytes, &err) != ST_OK) {
        timed_remove(in);
        refuse(in, &err);
    }
}

static void on_end(void *, struct http_exchange *x)
{
    struct incoming *in = http_user(x);
    struct err err;
    if (in->answered) return;
    in->ended_at = clock_monotonic();
    status st = is_late(in, in->ended_at) ? too_late(&err) : body_finish(in, &err);
    if (st != ST_OK) {
        timed_remove(in);
        return refuse(in, &err);
    }
    atomic_fetch_add(&in->refs, 1);
    in->r->opt.sink(in->r->opt.ctx, &in->req);
}

static void on_close(void *, struct http_exchange *x)
{
    struct incoming *in = http_user(x);
    timed_remove(in);
    in->x = NULL;
    unref(in);
}

/* ---- the door ---- */

static void drain_now(void *ctx) { http_listener_drain(((struct receiver *)ctx)->listener); }

status receive_open(struct loop *l, const char *host, uint16_t port,
                    const struct receive_options *opt, struct receiver **ret, struct err *err)
{
    struct receiver *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->loop = l;
    r->opt = *opt;
    if (!r->opt.max_body_bytes) r->opt.max_body_bytes = DEFAULT_MAX;
    if (!r->opt.max_decompressed_bytes) r->opt.max_decompressed_bytes = DEFAULT_MAX;
    r->drain = (struct loop_message){.fn = drain_now, .ctx = r};
    struct http_service service = {r, on_request, on_data, on_end, on_close, NULL};
    status st = auth_open(&opt->auth, &r->auth, err);
    if (st == ST_OK) st = http_listen(l, host, port, &service, &opt->http, &r->listener, err);
    if (st != ST_OK) {
        auth_close(r->auth);
        free(r);
        return st;
    }
    r->clock = loop_timer_new(l, CLOCK_MS, end_late, r);
    r->port = http_listener_port(r->listener);
    *ret = r;
    return ST_OK;
}

status receive_auth_check(const struct receive_auth *opt, struct err *err)
{
    struct auth *a;
    TRY(auth_open(opt, &a, err));
    auth_close(a);
    return ST_OK;
}

uint16_t receive_port(const struct receiver *r) { return r ? r->port : 0; }

void receive_drain(struct receiver *r)
{
    if (!r || atomic_exchange(&r->draining, true)) return;
    if (loop_is_mine(r->loop))
        drain_now(r);
    else if (!loop_post_message(r->loop, &r->drain))
        return; /* it has ended: nothing is open */
}

uint32_t receive_open_requests(const struct receiver *r) { return r ? atomic_load(&r->open) : 0; }

uint32_t receive_connections(const struct receiver *r)
{
    return r ? http_listener_connections(r->listener) : 0;
}

void receive_close(struct receiver *r)
{
    if (!r) return;
    http_listener_close(r->listener);
    assert(atomic_load(&r->open) == 0);
    auth_close(r->auth);
    free(r);
}
