/* What an exchange is in both protocols, and the service's side of http.h: each call goes to the
 * core. */
#include <stdlib.h>
#include <time.h>

#include "base/hex.h"
#include "net/http_core.h"

struct http_limits http_limits_fill(const struct http_limits *l)
{
    struct http_limits r = l ? *l : (struct http_limits){};
    if (!r.max_header_bytes) r.max_header_bytes = 32 << 10;
    if (!r.window_bytes) r.window_bytes = 4 << 20;
    if (!r.max_streams) r.max_streams = 256;
    if (!r.max_connections) r.max_connections = 10000;
    if (!r.max_handshakes) r.max_handshakes = 1000;
    if (!r.header_timeout_ms) r.header_timeout_ms = 10000;
    if (!r.body_timeout_ms) r.body_timeout_ms = 30000;
    if (!r.body_grace_ms) r.body_grace_ms = 10000;
    if (!r.min_body_rate) r.min_body_rate = 240;
    if (!r.idle_timeout_ms) r.idle_timeout_ms = 120000;
    if (!r.write_timeout_ms) r.write_timeout_ms = 60000;
    return r;
}

struct http_exchange *exchange_new(struct http_core *c)
{
    struct http_exchange *x = calloc(1, sizeof *x);
    if (!x) abort();
    x->core = c;
    arena_init(&x->arena, SIZE_MAX);
    buf_init(&x->unsent, SIZE_MAX / 4);
    x->body_at_ms = x->write_at_ms = c->now_ms;
    x->req.content_length = -1;
    x->req.peer = c->peer;
    x->next = c->exchanges;
    if (x->next) x->next->prev = x;
    c->exchanges = x;
    c->n_exchanges++;
    if (c->n_open) ++*c->n_open;
    return x;
}

void exchange_free(struct http_exchange *x)
{
    struct http_core *c = x->core;
    if (x->announced) c->service->on_close(c->service->ctx, x);
    if (!x->request_done) c->held -= x->unconsumed;
    if (x->prev)
        x->prev->next = x->next;
    else
        c->exchanges = x->next;
    if (x->next) x->next->prev = x->prev;
    c->n_exchanges--;
    if (c->n_open) --*c->n_open;
    c->idle_since_ms = c->now_ms;
    arena_done(&x->arena);
    buf_done(&x->unsent);
    free(x);
}

void exchange_announce(struct http_exchange *x)
{
    x->announced = true;
    x->body_at_ms = x->body_swept_ms = x->core->now_ms;
    x->no_body = str_eq(x->req.method, S("HEAD"));
    x->core->service->on_request(x->core->service->ctx, x, &x->req);
}

void exchange_take(struct http_exchange *x, str bytes)
{
    x->body_bytes += bytes.len;
    x->body_at_ms = x->core->now_ms;
    if (x->answer_done || x->aborted || bytes.len == 0) return;
    x->unconsumed += bytes.len;
    x->core->held += bytes.len;
    x->core->service->on_data(x->core->service->ctx, x, bytes);
}

void exchange_ended(struct http_exchange *x)
{
    if (x->request_done) return;
    x->request_done = true;
    x->core->held -= x->unconsumed;
    if (!x->answer_done && !x->aborted) x->core->service->on_end(x->core->service->ctx, x);
}

bool exchange_is_late(struct http_exchange *x, bool wanted)
{
    const struct http_limits *l = x->core->limits;
    uint64_t now = x->core->now_ms, slice = now - x->body_swept_ms;
    x->body_swept_ms = now;
    if (!wanted) {
        x->body_at_ms = now;
        return false;
    }
    x->body_wanted_ms += slice;
    if (now - x->body_at_ms > l->body_timeout_ms) return true;
    if (x->body_wanted_ms <= l->body_grace_ms) return false;
    return x->body_bytes < (x->body_wanted_ms - l->body_grace_ms) * l->min_body_rate / 1000;
}

void exchange_unfill(struct http_exchange *x)
{
    if (!x->full || x->answer_done || x->aborted ||
        exchange_unsent(x) >= x->core->limits->window_bytes)
        return;
    x->full = false;
    if (x->core->service->on_writable) x->core->service->on_writable(x->core->service->ctx, x);
}

size_t exchange_move(struct http_exchange *x, char *to, size_t most)
{
    size_t n = exchange_unsent(x);
    if (n > most) n = most;
    if (n == 0) return 0;
    memcpy(to, x->unsent.ptr + x->unsent_at, n);
    x->unsent_at += n;
    x->write_at_ms = x->core->now_ms;
    if (x->unsent_at == x->unsent.len) {
        x->unsent_at = 0;
        buf_clear(&x->unsent);
    } else if (x->unsent_at > 1 << 20 && x->unsent_at > x->unsent.len / 2) {
        memmove(x->unsent.ptr, x->unsent.ptr + x->unsent_at, exchange_unsent(x));
        x->unsent.len -= x->unsent_at;
        x->unsent_at = 0;
    }
    return n;
}

/* "*", "/path?query", or the absolute form a proxy's client sends (rfc9112 3.2). */
void request_set_target(struct http_request *r, str target)
{
    r->target = target;
    str rest = target;
    if (rest.len && rest.ptr[0] != '/') {
        const char *scheme = memmem(rest.ptr, rest.len, "://", 3);
        if (scheme) {
            rest = str_drop(rest, (size_t)(scheme - rest.ptr) + 3);
            const char *slash = rest.len ? memchr(rest.ptr, '/', rest.len) : NULL;
            rest = slash ? str_drop(rest, (size_t)(slash - rest.ptr)) : S("/");
        }
    }
    const char *mark = rest.len ? memchr(rest.ptr, '?', rest.len) : NULL;
    r->path = mark ? (str){rest.ptr, (size_t)(mark - rest.ptr)} : rest;
    r->query = mark ? str_drop(rest, (size_t)(mark - rest.ptr) + 1) : (str){0};
}

str http_date(struct http_core *c)
{
    struct http_date *d = c->date;
    if (!d) return (str){0};
    int64_t s = loop_now(c->loop) / NANOS_S;
    if (s != d->s) {
        time_t t = s;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(d->text, sizeof d->text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        d->s = s;
    }
    return str_of(d->text);
}

static bool is_control(char ch) { return ((unsigned char)ch < 32 && ch != '\t') || ch == 127; }

str header_clean(struct arena *a, str value)
{
    size_t bad = 0;
    while (bad < value.len && !is_control(value.ptr[bad])) bad++;
    if (bad == value.len) return value;
    char *p = arena_alloc(a, value.len, 1);
    for (size_t i = 0; i < value.len; i++) p[i] = is_control(value.ptr[i]) ? ' ' : value.ptr[i];
    return (str){p, value.len};
}

str http_header_get(const struct http_request *r, str name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(r->headers[i].name, name)) return r->headers[i].value;
    return (str){0};
}

void http_set_user(struct http_exchange *x, void *user) { x->user = user; }
void *http_user(const struct http_exchange *x) { return x->user; }
struct loop *http_loop(const struct http_exchange *x) { return x->core->loop; }

static void wake(struct http_exchange *x)
{
    if (x->core->wake) x->core->wake(x->core->wake_ctx);
}

void http_consume(struct http_exchange *x, size_t n)
{
    assert(n <= x->unconsumed);
    x->unconsumed -= n;
    if (!x->request_done) x->core->held -= n;
    x->core->ops->consume(x, n);
    wake(x);
}

bool http_may_hold(const struct http_exchange *x)
{
    size_t window = x->core->limits->window_bytes; /* a connection has four times that */
    return x->unconsumed <= window / 4 && x->core->held <= window;
}

static void answer(struct http_exchange *x, const struct http_answer *a, bool whole)
{
    assert(!x->answered);
    x->answered = true;
    x->answer_done = whole;
    x->write_at_ms = x->core->now_ms;
    if (x->aborted) return;
    if (a->status == 204 || a->status == 304) x->no_body = true;
    x->core->ops->answer(x, a, whole);
    wake(x);
}

void http_respond(struct http_exchange *x, const struct http_answer *a) { answer(x, a, true); }
void http_respond_begin(struct http_exchange *x, const struct http_answer *a)
{
    answer(x, a, false);
}

bool http_respond_write(struct http_exchange *x, str piece)
{
    assert(x->aborted || (x->answered && !x->answer_done));
    if (piece.len && !x->aborted && !x->no_body) {
        if (exchange_unsent(x) == 0) x->write_at_ms = x->core->now_ms;
        x->core->ops->write(x, piece);
        wake(x);
    }
    if (exchange_unsent(x) > x->core->limits->window_bytes) x->full = true;
    return !x->full;
}

void http_respond_end(struct http_exchange *x)
{
    assert(x->aborted || (x->answered && !x->answer_done));
    x->answer_done = true;
    if (x->aborted) return;
    x->core->ops->end(x);
    wake(x);
}

void http_respond_abort(struct http_exchange *x)
{
    if (x->aborted) return;
    x->aborted = x->answered = x->answer_done = true;
    x->core->ops->abort(x);
    wake(x);
}

void http_continue(struct http_exchange *x)
{
    if (!x->answered) x->core->ops->proceed(x);
    wake(x);
}

str http_decode(struct arena *a, str s, bool form)
{
    if (s.len == 0) return s;
    char *out = arena_alloc(a, s.len, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = form && s.ptr[i] == '+' ? ' ' : s.ptr[i];
        }
    }
    return (str){out, n};
}
