/* HTTP/1.1 on llhttp (rfc9112). One exchange at a time: while one is not answered, what follows it
 * is held back, so pipelined answers are in order.
 *
 * A request answered before its body has come is read to its end when that is near; else the answer
 * says Connection: close, and whoever holds the socket closes it gently. */
#include <llhttp.h>
#include <stdlib.h>

#include "base/num.h"
#include "net/http_core.h"

enum { HOLD_MAX = 64 << 10, DRAIN_MAX = 1 << 20, HEADERS_MAX = 256 };

struct http1 {
    struct http_core core;
    llhttp_t parser;
    struct http_exchange *x; /* the one there is, or NULL */
    struct buf head;         /* target, then names and values, as they come */
    struct {
        uint32_t at, name_len, value_len;
    } line[HEADERS_MAX];
    size_t target_len, n_lines;
    bool in_value, in_head, paused, dead, draining, peer_ended;
    unsigned refuse; /* an answer of our own, after a failed parse */
    struct buf held; /* came while the exchange was not over */
    struct buf tail; /* our own answer */
    size_t tail_at;
};

static struct http1 *of(struct http_core *c) { return (struct http1 *)c; }

static const char *reason(unsigned code)
{
    switch (code) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
    }
}

/* ---- in ---- */

static int refuse(struct http1 *h, unsigned code)
{
    h->refuse = code;
    return -1;
}

static int on_begin(llhttp_t *p)
{
    struct http1 *h = p->data;
    buf_clear(&h->head);
    h->target_len = h->n_lines = 0;
    h->in_value = false;
    h->in_head = true;
    h->core.header_since_ms = h->core.now_ms ? h->core.now_ms : 1;
    return 0;
}

static bool head_room(struct http1 *h, size_t n)
{
    return h->head.len + n <= h->core.limits->max_header_bytes;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    struct http1 *h = p->data;
    if (!head_room(h, n)) return refuse(h, 431);
    buf_add(&h->head, (str){at, n});
    h->target_len += n;
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct http1 *h = p->data;
    if (!head_room(h, n + 32)) return refuse(h, 431);
    if (!h->in_head) { /* trailers: bounded, not kept */
        buf_add(&h->head, (str){at, n});
        return 0;
    }
    if (h->n_lines == 0 || h->in_value) {
        if (h->n_lines == HEADERS_MAX) return refuse(h, 431);
        h->line[h->n_lines].at = (uint32_t)h->head.len;
        h->line[h->n_lines].name_len = h->line[h->n_lines].value_len = 0;
        h->n_lines++;
        h->in_value = false;
    }
    h->line[h->n_lines - 1].name_len += (uint32_t)n;
    buf_add(&h->head, (str){at, n});
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct http1 *h = p->data;
    if (!head_room(h, n)) return refuse(h, 431);
    buf_add(&h->head, (str){at, n});
    h->in_value = true;
    if (h->in_head && h->n_lines) h->line[h->n_lines - 1].value_len += (uint32_t)n;
    return 0;
}

static int on_value_end(llhttp_t *p)
{
    ((struct http1 *)p->data)->in_value = true; /* an empty value has no on_value */
    return 0;
}

static str trim(str s)
{
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) s.len--;
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = str_drop(s, 1);
    return s;
}

static void take_headers(struct http1 *h, struct http_exchange *x)
{
    char *copy = arena_alloc(&x->arena, h->head.len + 1, 1);
    if (h->head.len) memcpy(copy, h->head.ptr, h->head.len);
    struct http_header *list = arena_array(&x->arena, struct http_header, h->n_lines + 1);
    request_set_target(&x->req, (str){copy, h->target_len});
    for (size_t i = 0; i < h->n_lines; i++) {
        char *name = copy + h->line[i].at;
        for (size_t k = 0; k < h->line[i].name_len; k++)
            if (name[k] >= 'A' && name[k] <= 'Z') name[k] = (char)(name[k] | 32);
        list[i].name = (str){name, h->line[i].name_len};
        list[i].value = trim((str){name + h->line[i].name_len, h->line[i].value_len});
    }
    x->req.headers = list;
    x->req.n_headers = h->n_lines;
}

static int on_headers(llhttp_t *p)
{
    struct http1 *h = p->data;
    h->in_head = false;
    h->core.header_since_ms = 0;
    if (p->http_major != 1) return refuse(h, 505);
    if (p->method == HTTP_CONNECT) return refuse(h, 501);
    p->upgrade = 0; /* no other protocol is served: the request counts as it is (rfc9110 7.8) */

    struct http_exchange *x = h->x = exchange_new(&h->core);
    take_headers(h, x);
    const char *method = llhttp_method_name((llhttp_method_t)p->method);
    x->req.method = (str){method, strlen(method)};
    x->chunked = p->flags & F_CHUNKED;
    if (!x->chunked && (p->flags & F_CONTENT_LENGTH)) {
        if (p->content_length > INT64_MAX) return refuse(h, 413);
        x->req.content_length = (int64_t)p->content_length;
    }
    x->close_after = !llhttp_should_keep_alive(p);
    str expect = http_header_get(&x->req, S("expect"));
    if (expect.ptr && !str_eq_fold(expect, S("100-continue"))) return refuse(h, 417);
    x->expects_continue = expect.ptr && p->http_minor > 0;
    if (p->http_minor > 0 && !http_header_get(&x->req, S("host")).ptr) return refuse(h, 400);
    exchange_announce(x);
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct http1 *h = p->data;
    h->x->expects_continue = false; /* it did not wait */
    exchange_take(h->x, (str){at, n});
    return 0;
}

static int on_complete(llhttp_t *p)
{
    struct http1 *h = p->data;
    exchange_ended(h->x);
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static void render(struct buf *out, struct http_core *c, struct http_exchange *x,
                   const struct http_answer *a, bool whole, bool close);

/* No more requests on this connection; `code` is told when the peer can still hear it. */
static void give_up(struct http1 *h, unsigned code)
{
    if (h->dead) return;
    h->dead = true;
    bool said = h->x && h->x->answered;
    if (said && !h->x->aborted && exchange_unsent(h->x) && h->x->answer_done) {
        h->x->close_after = true; /* a whole answer lies ready: let it out first */
        h->x->request_done = true;
        return;
    }
    if (h->x) exchange_free(h->x);
    h->x = NULL;
    if (!said && code)
        render(&h->tail, &h->core, NULL, &(struct http_answer){.status = code}, true, true);
    h->core.wants_close = true;
}

/* Returns how many bytes were used. */
static size_t feed(struct http1 *h, str in)
{
    if (h->paused) llhttp_resume(&h->parser);
    h->paused = false;
    llhttp_errno_t e = llhttp_execute(&h->parser, in.ptr, in.len);
    if (e == HPE_OK) return in.len;
    if (e == HPE_PAUSED) {
        h->paused = true;
        return (size_t)(llhttp_get_error_pos(&h->parser) - in.ptr);
    }
    give_up(h, h->refuse ? h->refuse : 400);
    return in.len;
}

static void note_reading(struct http1 *h)
{
    h->core.stops_reading =
        h->held.len >= HOLD_MAX || (h->x && h->x->unconsumed > h->core.limits->window_bytes);
}

static void http1_step(struct http_core *c)
{
    struct http1 *h = of(c);
    for (;;) {
        struct http_exchange *x = h->x;
        if (x) exchange_unfill(x);
        if (x && x->answer_done && exchange_unsent(x) == 0 && (x->request_done || x->close_after)) {
            bool close = x->close_after || h->dead || h->draining;
            h->x = NULL;
            exchange_free(x);
            if (close) h->dead = c->wants_close = true;
        }
        if (h->dead || h->x || !h->paused) break;
        if (h->held.len == 0) {
            if (h->peer_ended) h->dead = c->wants_close = true;
            break;
        }
        struct buf held = h->held;
        buf_init(&h->held, SIZE_MAX / 4);
        size_t used = feed(h, buf_str(&held));
        buf_add(&h->held, str_drop(buf_str(&held), used));
        buf_done(&held);
        if (h->held.len == 0 && h->peer_ended) c->ops->input_end(c);
    }
    if (h->dead && !h->x) c->wants_close = true;
    note_reading(h);
}

static void http1_input(struct http_core *c, str bytes)
{
    struct http1 *h = of(c);
    if (h->dead) return; /* an answer is on its way out; the rest is not for us */
    if (h->paused) {
        buf_add(&h->held, bytes);
    } else {
        size_t used = feed(h, bytes);
        buf_add(&h->held, str_drop(bytes, used));
    }
    http1_step(c);
}

static void http1_input_end(struct http_core *c)
{
    struct http1 *h = of(c);
    h->peer_ended = true;
    if (h->dead) return;
    if (h->x && h->x->request_done) return; /* it still wants its answer */
    if (!h->x && !h->in_head) {
        h->dead = c->wants_close = true;
        return;
    }
    give_up(h, 400);
}

static void http1_sweep(struct http_core *c)
{
    struct http1 *h = of(c);
    const struct http_limits *l = c->limits;
    if (h->dead) return;
    if (!h->x && c->header_since_ms && c->now_ms - c->header_since_ms > l->header_timeout_ms)
        give_up(h, 408);
    else if (!h->x && !c->header_since_ms && c->now_ms - c->idle_since_ms > l->idle_timeout_ms)
        h->dead = c->wants_close = true;
    else if (h->x && !h->x->request_done && exchange_is_late(h->x, !c->stops_reading))
        give_up(h, 408);
}

static void http1_drain(struct http_core *c)
{
    struct http1 *h = of(c);
    h->draining = true;
    if (!h->x && !h->in_head) h->dead = c->wants_close = true;
}

static void http1_free(struct http_core *c)
{
    struct http1 *h = of(c);
    if (h->x) exchange_free(h->x);
    buf_done(&h->head);
    buf_done(&h->held);
    buf_done(&h->tail);
    free(h);
}

/* ---- out ---- */

static void line(struct buf *out, str name, str value)
{
    buf_add(out, name);
    buf_add(out, S(": "));
    buf_add(out, value);
    buf_add(out, S("\r\n"));
}

static void render(struct buf *out, struct http_core *c, struct http_exchange *x,
                   const struct http_answer *a, bool whole, bool close)
{
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX);
    buf_printf(out, "HTTP/1.1 %u %s\r\n", a->status, reason(a->status));
    for (size_t i = 0; i < a->n_headers; i++)
        line(out, a->headers[i].name, header_clean(&scratch, a->headers[i].value));
    arena_done(&scratch);
    str date = http_date(c);
    if (date.len) line(out, S("date"), date);
    bool never_a_body = a->status < 200 || a->status == 204 || a->status == 304;
    char digits[NUM_MAX];
    if (whole && !never_a_body)
        line(out, S("content-length"), (str){digits, num_format_u64(a->body.len, digits)});
    if (!whole && !never_a_body && x->chunked) line(out, S("transfer-encoding"), S("chunked"));
    if (close)
        line(out, S("connection"), S("close"));
    else if (of(c)->parser.http_minor == 0)
        line(out, S("connection"), S("keep-alive"));
    buf_add(out, S("\r\n"));
}

static void http1_write(struct http_exchange *x, str piece)
{
    if (x->chunked) buf_printf(&x->unsent, "%zx\r\n", piece.len);
    buf_add(&x->unsent, piece);
    if (x->chunked) buf_add(&x->unsent, S("\r\n"));
}

/* Is the rest of the body too long, or not sure to come, so that the connection must end? */
static bool body_is_far(const struct http_exchange *x)
{
    if (x->request_done) return false;
    if (x->expects_continue) return true;
    if (x->chunked) return true;
    return x->req.content_length > 0 && (size_t)x->req.content_length - x->body_bytes > DRAIN_MAX;
}

static void http1_answer(struct http_exchange *x, const struct http_answer *a, bool whole)
{
    struct http1 *h = of(x->core);
    if (a->close || h->draining || (whole && body_is_far(x))) x->close_after = true;
    /* From here on `chunked` is about the answer. A client of HTTP/1.0 reads to the end instead. */
    x->chunked = !whole && !x->no_body && h->parser.http_minor > 0;
    if (!whole && !x->no_body && !x->chunked) x->close_after = true;
    render(&x->unsent, x->core, x, a, whole, x->close_after);
    if (x->no_body || a->body.len == 0) return;
    if (whole)
        buf_add(&x->unsent, a->body);
    else
        http1_write(x, a->body);
}

static void http1_end(struct http_exchange *x)
{
    if (x->chunked) buf_add(&x->unsent, S("0\r\n\r\n"));
    if (!x->request_done) x->close_after = true;
}

static void http1_abort(struct http_exchange *x)
{
    x->close_after = true;
    /* Without chunks a plain close would look like the end of the answer. */
    if (!x->chunked) x->core->wants_reset = true;
}

static void http1_consume(struct http_exchange *x, size_t) { note_reading(of(x->core)); }

static void http1_proceed(struct http_exchange *x)
{
    if (x->expects_continue) buf_add(&x->unsent, S("HTTP/1.1 100 Continue\r\n\r\n"));
    x->expects_continue = false;
}

static void http1_output(struct http_core *c, struct buf *out, size_t most)
{
    struct http1 *h = of(c);
    if (h->x) {
        size_t n = exchange_unsent(h->x) < most ? exchange_unsent(h->x) : most;
        if (n && buf_reserve(out, n)) out->len += exchange_move(h->x, out->ptr + out->len, n);
        return;
    }
    buf_add(out, str_drop(buf_str(&h->tail), h->tail_at));
    h->tail_at = h->tail.len;
}

static const struct http_core_ops ops = {
    .input = http1_input,
    .input_end = http1_input_end,
    .step = http1_step,
    .output = http1_output,
    .sweep = http1_sweep,
    .drain = http1_drain,
    .free = http1_free,
    .answer = http1_answer,
    .write = http1_write,
    .end = http1_end,
    .abort = http1_abort,
    .consume = http1_consume,
    .proceed = http1_proceed,
};

struct http_core *http1_new(void)
{
    struct http1 *h = calloc(1, sizeof *h);
    if (!h) abort();
    h->core.ops = &ops;
    llhttp_init(&h->parser, HTTP_REQUEST, &settings);
    h->parser.data = h;
    buf_init(&h->head, 1 << 24);
    buf_init(&h->held, SIZE_MAX / 4);
    buf_init(&h->tail, 1 << 16);
    return &h->core;
}
