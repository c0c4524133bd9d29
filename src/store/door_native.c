#include "store/door_native.h"

#include <stdlib.h>

#include "base/arena.h"
#include "native/reader.h"

enum { WITH_SERIALIZATION = 54454 };

struct door_native {
    uint64_t revision;
    struct buf pending; /* the beginning of a block */
    struct arena arena;
};

struct door_native *door_native_new(uint64_t revision)
{
    struct door_native *n = calloc(1, sizeof *n);
    if (!n) abort();
    n->revision = revision;
    buf_init(&n->pending, DOOR_NATIVE_MAX);
    arena_init(&n->arena, SIZE_MAX);
    return n;
}

void door_native_free(struct door_native *n)
{
    if (!n) return;
    buf_done(&n->pending);
    arena_done(&n->arena);
    free(n);
}

static void add_varuint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) buf_char(out, (char)(v | 0x80));
    buf_char(out, (char)v);
}

static void add_text(struct buf *out, str s)
{
    add_varuint(out, s.len);
    buf_add(out, s);
}

static void add_block(const struct door_native *n, const struct native_block *b, struct buf *out)
{
    /* Field 1: no totals beyond a limit. Field 2: the bucket of a two-level aggregation: none. */
    buf_add(out, (str){"\1\0\2\xff\xff\xff\xff\0", 8});
    add_varuint(out, b->n_columns);
    add_varuint(out, b->rows);
    for (uint32_t i = 0; i < b->n_columns; i++) {
        const struct native_column *c = &b->columns[i];
        add_text(out, c->name);
        add_text(out, c->type);
        if (n->revision >= WITH_SERIALIZATION) buf_char(out, '\0'); /* the type's usual one */
        buf_add(out, c->wire);
    }
}

status door_native_take(struct door_native *n, str piece, struct buf *out, struct err *err)
{
    str rest = piece;
    if (n->pending.len) {
        buf_add(&n->pending, piece);
        rest = buf_str(&n->pending);
    }
    status s = ST_OK;
    while (rest.len && s == ST_OK) {
        struct arena_mark mark = arena_mark(&n->arena);
        struct native_block b = {};
        struct err why = {};
        status read = native_read_block(&n->arena, &rest, &b, &why);
        if (read == ST_OK) add_block(n, &b, out);
        if (read == ST_INVALID)
            s = err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                        "FORMAT Native with client_protocol_version: %s", why.msg);
        arena_rewind(&n->arena, mark);
        if (read == ST_LIMIT) break;
    }
    if (n->pending.len) {
        memmove(n->pending.ptr, rest.ptr ? rest.ptr : n->pending.ptr, rest.len);
        n->pending.len = rest.len;
    } else {
        buf_add(&n->pending, rest);
    }
    if (n->pending.over)
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "a block of more than %d bytes", DOOR_NATIVE_MAX);
    return s;
}
