/* http_service: what the fuzz targets of both HTTP cores put behind them. It checks the order of
 * the calls, and answers at the head, at the end, in pieces or not at all. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "net/http_core.h"

struct fuzz_exchange {
    bool ended;
    size_t bytes;
};

struct fuzz_service {
    unsigned how;
    int open;
    uint64_t seen; /* a hash of what was asked, in order */
};

static void fuzz_see(struct fuzz_service *s, str text) { s->seen = hash_seed(text, s->seen + 1); }

static void fuzz_answer(struct fuzz_service *s, struct http_exchange *x)
{
    struct http_header h[2] = {{S("content-type"), S("text/plain")}, {S("x"), S("a\r\nb")}};
    struct http_answer a = {.status = 200, .headers = h, .n_headers = 2, .body = S("hello")};
    switch (s->how & 3) {
    case 0: http_respond(x, &a); break;
    case 1:
        http_respond_begin(x, &a);
        http_respond_write(x, S("more"));
        http_respond_end(x);
        break;
    case 2:
        http_respond_begin(x, &a);
        http_respond_abort(x);
        break;
    default: break; /* never */
    }
}

static void fuzz_on_request(void *ctx, struct http_exchange *x, const struct http_request *r)
{
    struct fuzz_service *s = ctx;
    s->open++;
    http_set_user(x, calloc(1, sizeof(struct fuzz_exchange)));
    if (!http_user(x)) abort();
    for (size_t i = 0; i < r->n_headers; i++)
        for (size_t k = 0; k < r->headers[i].name.len; k++)
            assert(r->headers[i].name.ptr[k] < 'A' || r->headers[i].name.ptr[k] > 'Z');
    assert(r->path.len + r->query.len <= r->target.len + 1);
    fuzz_see(s, r->method);
    fuzz_see(s, r->target);
    for (size_t i = 0; i < r->n_headers; i++)
        fuzz_see(s, r->headers[i].name), fuzz_see(s, r->headers[i].value);
    if (s->how & 4)
        fuzz_answer(s, x);
    else
        http_continue(x);
}

static void fuzz_on_data(void *, struct http_exchange *x, str bytes)
{
    struct fuzz_exchange *e = http_user(x);
    assert(!e->ended && bytes.len > 0);
    e->bytes += bytes.len;
    http_consume(x, bytes.len);
}

static void fuzz_on_end(void *ctx, struct http_exchange *x)
{
    struct fuzz_service *s = ctx;
    struct fuzz_exchange *e = http_user(x);
    assert(!e->ended);
    e->ended = true;
    fuzz_see(s, (str){(const char *)&e->bytes, sizeof e->bytes});
    if (!(s->how & 4)) fuzz_answer(s, x);
}

static void fuzz_on_close(void *ctx, struct http_exchange *x)
{
    struct fuzz_service *s = ctx;
    free(http_user(x));
    s->open--;
    assert(s->open >= 0);
}

/* `how`: the low three bits are the service's, the others how long the pieces are. Returns what was
 * asked. `begin` may be NULL. */
static uint64_t fuzz_core(struct http_core *c, void (*begin)(struct http_core *), unsigned how,
                          str in)
{
    struct fuzz_service s = {.how = how & 7};
    struct http_service service = {&s,          fuzz_on_request, fuzz_on_data,
                                   fuzz_on_end, fuzz_on_close,   NULL};
    struct http_limits limits = http_limits_fill(
        &(struct http_limits){.max_header_bytes = 4096, .window_bytes = 70000, .max_streams = 16});
    struct buf out;
    buf_init(&out, 64 << 20);
    c->service = &service;
    c->limits = &limits;
    c->now_ms = 1;
    if (begin) begin(c);
    size_t cut = how >> 3 ? (size_t)(how >> 3) * 3 : in.len;
    while (in.len && !c->wants_close) {
        str piece = {in.ptr, in.len < cut ? in.len : cut};
        in = str_drop(in, piece.len);
        c->ops->input(c, piece);
        c->ops->step(c);
        buf_clear(&out);
        c->ops->output(c, &out, 1 << 16);
        c->now_ms++;
    }
    c->ops->input_end(c);
    c->ops->step(c);
    c->ops->output(c, &out, 1 << 16);
    c->now_ms += 1000000;
    c->ops->sweep(c);
    c->ops->free(c);
    assert(s.open == 0);
    buf_done(&out);
    return s.seen;
}
