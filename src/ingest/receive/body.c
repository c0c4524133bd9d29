/* A request's bytes: read into its arena, or into a heap block that grows when they are many;
 * unframed, decompressed; every byte of memory asked of the gate before it is allocated. */
#include <stdlib.h>
#include <string.h>

#include "ingest/receive/incoming.h"
#include "net/compress.h"
#include "obs/metrics.h"

enum { SLACK = 64, FIRST_ROOM = 16384, WHOLE_ROOM = 256 << 10 };

/* ---- the gate ---- */

static bool fits(const struct receive_gate *g, uint64_t n)
{
    uint64_t held = atomic_load_explicit(&g->bytes, memory_order_relaxed);
    return held < g->max_bytes && n <= g->max_bytes - held;
}

bool body_fits(const struct incoming *in) { return fits(in->r->opt.gate, 1); }

static bool charge(struct incoming *in, uint64_t n)
{
    struct receive_gate *g = in->r->opt.gate;
    uint64_t before = atomic_fetch_add_explicit(&g->bytes, n, memory_order_relaxed);
    if (before > g->max_bytes || n > g->max_bytes - before) {
        atomic_fetch_sub_explicit(&g->bytes, n, memory_order_relaxed);
        return false;
    }
    in->charged += n;
    metric_move(M_INFLIGHT_BYTES, 0, (int64_t)n);
    return true;
}

static void discharge(struct incoming *in, uint64_t n)
{
    if (n == 0) return;
    atomic_fetch_sub_explicit(&in->r->opt.gate->bytes, n, memory_order_relaxed);
    metric_move(M_INFLIGHT_BYTES, 0, -(int64_t)n);
    in->charged -= n;
}

static bool charge_more(void *ctx, size_t n) { return charge(ctx, n); }

void body_release(struct incoming *in)
{
    if (in->on_heap) free(in->at);
    in->at = NULL;
    in->on_heap = false;
    if (in->req.arena) {
        arena_done(in->req.arena);
        free(in->req.arena);
        in->req.arena = NULL;
    }
    discharge(in, in->charged);
}

/* ---- its bytes ---- */

static status too_large(const struct receiver *r, struct err *err)
{
    return err_set(err, ST_LIMIT, ERR_NOPOS, "body is larger than %llu bytes",
                   (unsigned long long)r->opt.max_body_bytes);
}

static status no_room(struct err *err)
{
    return err_set(err, ST_OVERLOADED, ERR_NOPOS, "too many bytes of requests in flight");
}

/* A body of ordinary size gets all its room at once. A large one must fit now, but is charged as it
 * comes: what one client states and does not send must not keep many others out. */
status body_expect(struct incoming *in, uint64_t n, struct err *err)
{
    if (n > in->r->opt.max_body_bytes) return too_large(in->r, err);
    if (!fits(in->r->opt.gate, n)) return no_room(err);
    in->stated = n;
    if (n > WHOLE_ROOM) return ST_OK;
    if (!charge(in, n)) return no_room(err);
    in->at = arena_alloc(in->req.arena, n + SLACK, 16);
    in->room = n;
    return ST_OK;
}

static status grow(struct incoming *in, size_t need, struct err *err)
{
    size_t most = in->stated ? in->stated : (size_t)in->r->opt.max_body_bytes;
    size_t room = in->room ? in->room * 2 : FIRST_ROOM;
    while (room < need) room *= 2;
    if (room > most) room = most;
    if (!charge(in, room - in->room)) return no_room(err);
    char *p = realloc(in->at, room + SLACK);
    if (!p) abort();
    in->at = p;
    in->on_heap = true;
    in->room = room;
    return ST_OK;
}

static status append(struct incoming *in, str bytes, struct err *err)
{
    bool more = bytes.len > in->room - in->len;
    if (more && in->stated && bytes.len > in->stated - in->len)
        return err_set(err, ST_INVALID, ERR_NOPOS, "body is longer than %zu bytes as stated",
                       in->stated);
    if (bytes.len > in->r->opt.max_body_bytes - in->len) return too_large(in->r, err);
    if (more) TRY(grow(in, in->len + bytes.len, err));
    memcpy(in->at + in->len, bytes.ptr, bytes.len);
    in->len += bytes.len;
    return ST_OK;
}

status body_take(struct incoming *in, str bytes, struct err *err)
{
    if (in->route.protocol != OTLP_GRPC) return append(in, bytes, err);
    bool knew = grpc_frame_has_length(&in->frame);
    str message;
    TRY(grpc_frame_take(&in->frame, bytes, in->r->opt.max_body_bytes, &message, err));
    if (!knew && grpc_frame_has_length(&in->frame)) TRY(body_expect(in, in->frame.length, err));
    return message.len ? append(in, message, err) : ST_OK;
}

static status inflate(struct incoming *in, struct err *err)
{
    struct ingest_request *q = &in->req;
    uint64_t before = in->charged;
    struct decompress_room room = {charge_more, in};
    TRY(decompress_within(q->arena, q->compression, q->wire, in->r->opt.max_decompressed_bytes,
                          &room, &q->body, err));
    discharge(in, in->charged - before - q->body.len); /* what was a guess too much */
    memset((char *)(uintptr_t)q->body.ptr + q->body.len, 0, SLACK);
    return ST_OK;
}

/* The block goes with the arena from here on, and is counted there: what holds the request holds it
 * too. Room that doubling left over is given back. */
static void heap_to_arena(struct incoming *in)
{
    struct arena *a = in->req.arena;
    if (in->room > in->len) {
        char *p = realloc(in->at, in->len + SLACK);
        if (!p) abort();
        in->at = p;
    }
    arena_defer(a, free, in->at);
    a->used += in->len;
    in->on_heap = false;
}

status body_finish(struct incoming *in, struct err *err)
{
    struct ingest_request *q = &in->req;
    q->compression = in->route.compression;
    if (in->route.protocol == OTLP_GRPC) {
        TRY(grpc_frame_end(&in->frame, q->compression != PAYLOAD_IDENTITY, err));
        if (!in->frame.compressed) q->compression = PAYLOAD_IDENTITY;
    }
    if (!in->at) TRY(body_expect(in, 0, err));
    if (in->on_heap) heap_to_arena(in);
    memset(in->at + in->len, 0, SLACK);
    discharge(in, in->room - in->len);
    in->room = in->len;
    q->wire = q->body = (str){in->at, in->len};
    if (q->compression == PAYLOAD_IDENTITY && in->len > in->r->opt.max_decompressed_bytes)
        return too_large(in->r, err);
    if (q->compression != PAYLOAD_IDENTITY) TRY(inflate(in, err));
    q->signal = in->route.signal;
    static const enum payload_format formats[OTLP_PROTOCOLS] = {
        [OTLP_HTTP_JSON] = PAYLOAD_JSON,
        [REMOTE_WRITE_1] = PAYLOAD_REMOTE_WRITE_1,
        [REMOTE_WRITE_2] = PAYLOAD_REMOTE_WRITE_2};
    q->format = formats[in->route.protocol];
    q->received_at = loop_now(in->r->loop);
    return ST_OK;
}
