#include "store/door_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/door_encode.h"
#include "store/door_native.h"

enum { HELD_BYTES = 64 << 20, PIECE_BYTES = 1 << 20, CODED_MAX = 1 << 30, STAGES = 2 };
#define SPOOL_BYTES (16ull << 30)

struct door_output {
    struct door_exchange *e;
    void (*begin)(void *ctx);
    void *ctx;
    struct door_native *native; /* NULL: as the engine writes it */
    struct buf blocks;          /* out of `native` */
    bool streaming;
    bool whole;      /* everything is held back */
    size_t first;    /* so much is held back before the first byte */
    struct buf held; /* then into `spool`, when it is everything */
    FILE *spool;
    uint64_t spooled;
    struct door_encoder *encoder[STAGES]; /* ClickHouse's frames, inside HTTP's coding */
    struct buf coded[STAGES];
};

struct door_output *door_output_new(struct door_exchange *e, void (*begin)(void *ctx), void *ctx)
{
    struct door_output *o = calloc(1, sizeof *o);
    if (!o) abort();
    const struct door_request *r = door_exchange_request(e);
    o->e = e;
    o->begin = begin;
    o->ctx = ctx;
    o->whole = r->whole;
    o->first = r->buffer_size < HELD_BYTES ? (size_t)r->buffer_size : HELD_BYTES;
    o->encoder[0] = door_encoder_new(r->frames_out ? DOOR_FRAMES : DOOR_IDENTITY);
    o->encoder[1] = door_encoder_new(r->answer_encoding);
    buf_init(&o->held, 2ull * HELD_BYTES);
    buf_init(&o->blocks, 2ull * DOOR_NATIVE_MAX);
    for (int i = 0; i < STAGES; i++) buf_init(&o->coded[i], CODED_MAX);
    return o;
}

void door_output_free(struct door_output *o)
{
    door_native_free(o->native);
    for (int i = 0; i < STAGES; i++) {
        door_encoder_free(o->encoder[i]);
        buf_done(&o->coded[i]);
    }
    if (o->spool) fclose(o->spool);
    buf_done(&o->held);
    buf_done(&o->blocks);
    free(o);
}

void door_output_format(struct door_output *o, bool native)
{
    uint64_t revision = door_exchange_request(o->e)->revision;
    if (native && revision) o->native = door_native_new(revision);
}

bool door_output_streaming(const struct door_output *o) { return o->streaming; }

/* Through both codings to the exchange; false: the peer has left. */
static bool send(struct door_output *o, str piece, bool end)
{
    do {
        str some = {piece.ptr, piece.len < PIECE_BYTES ? piece.len : PIECE_BYTES};
        piece = str_drop(piece, some.len);
        bool last = end && !piece.len;
        for (int i = 0; i < STAGES; i++) {
            buf_clear(&o->coded[i]);
            door_encode(o->encoder[i], some, last, &o->coded[i]);
            some = buf_str(&o->coded[i]);
        }
        if (some.len && !door_exchange_write(o->e, some)) return false;
    } while (piece.len);
    return true;
}

static status gone(struct err *err)
{
    return err_set(err, ST_CANCELLED, ERR_NOPOS, "the client has left");
}

static status no_room(struct err *err)
{
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                   "wait_end_of_query: the answer cannot be held back in a temporary file: %s",
                   strerror(errno));
}

static status spool(struct door_output *o, struct err *err)
{
    if (!o->spool && !(o->spool = tmpfile())) return no_room(err);
    if (fwrite(o->held.ptr, 1, o->held.len, o->spool) != o->held.len) return no_room(err);
    o->spooled += o->held.len;
    buf_clear(&o->held);
    if (o->spooled <= SPOOL_BYTES) return ST_OK;
    return err_set(err, ST_LIMIT, ERR_NOPOS, "wait_end_of_query: an answer of more than %llu bytes",
                   SPOOL_BYTES);
}

static status start_streaming(struct door_output *o, struct err *err)
{
    o->begin(o->ctx);
    o->streaming = true;
    char piece[64 << 10];
    if (o->spool) {
        rewind(o->spool);
        for (size_t n; (n = fread(piece, 1, sizeof piece, o->spool)) > 0;)
            if (!send(o, (str){piece, n}, false)) return gone(err);
        if (ferror(o->spool)) return no_room(err);
    }
    bool ok = !o->held.len || send(o, buf_str(&o->held), false);
    buf_done(&o->held);
    return ok ? ST_OK : gone(err);
}

static status hold(struct door_output *o, str piece, struct err *err)
{
    for (str some = piece; some.len; some = str_drop(some, HELD_BYTES)) {
        buf_add(&o->held, (str){some.ptr, some.len < HELD_BYTES ? some.len : HELD_BYTES});
        if (o->whole && o->held.len >= HELD_BYTES) TRY(spool(o, err));
    }
    return ST_OK;
}

status door_output_take(struct door_output *o, str piece, struct err *err)
{
    if (o->native) {
        buf_clear(&o->blocks);
        TRY(door_native_take(o->native, piece, &o->blocks, err));
        if (o->blocks.over)
            return err_set(err, ST_LIMIT, ERR_NOPOS, "a block of more than %d bytes",
                           DOOR_NATIVE_MAX);
        piece = buf_str(&o->blocks);
    }
    if (!piece.len) return ST_OK;
    if (!o->streaming && (o->whole || o->held.len + piece.len <= o->first))
        return hold(o, piece, err);
    if (!o->streaming) TRY(start_streaming(o, err));
    return send(o, piece, false) ? ST_OK : gone(err);
}

void door_output_end(struct door_output *o)
{
    bool ok = o->streaming || start_streaming(o, NULL) == ST_OK;
    if (ok) ok = send(o, (str){0}, true);
    door_exchange_end(o->e, ok);
}

void door_output_fail(struct door_output *o, str text)
{
    send(o, text, true);
    door_exchange_end(o->e, !o->streaming);
}
