/* native reader: ClickHouse Native blocks (protocol revision 0: HTTP, embedded, files) into
 * columns.
 *
 * Reads the types our SQL selects: UInt*, Int*, Float32/64, Bool, Date, Date32, DateTime,
 * DateTime64, Enum8/16, String, FixedString, UUID, Nullable(T), LowCardinality(T), Array(T),
 * Map(K,V), Tuple(T...), Nothing. Pure. Columns borrow from the input bytes where they can; the
 * rest lies in the arena. Any bytes are safe: malformed input is ST_INVALID, never a crash or an
 * allocation larger than the input implies.
 *
 * Format: shared with native/writer.h; see there for the layout. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum native_kind {
    NATIVE_UINT, /* width 1, 2, 4, 8; Bool is width 1; Date width 2, DateTime width 4 */
    NATIVE_INT,  /* width 1, 2, 4, 8; DateTime64 is width 8 (ticks), Date32 width 4, Enum8/16 1/2 */
    NATIVE_FLOAT,  /* width 4, 8 */
    NATIVE_STRING, /* `strs` */
    NATIVE_FIXED,  /* width N: FixedString, UUID (16), UInt128, Int128 */
    NATIVE_ARRAY,  /* `offsets` into `child[0]` */
    NATIVE_MAP,    /* `offsets` into `child[0]` (keys) and `child[1]` (values) */
    NATIVE_TUPLE,  /* `child[0..n_children)`, same rows */
};

/* LowCardinality is resolved: a NATIVE_STRING (or other kind) with `index`: row r is dictionary
 * entry index(r); native_* accessors do that. Nullable has `nulls`: nulls[r] != 0 means NULL. */
struct native_column {
    str name, type;
    str wire; /* of a block's own columns: the bytes behind name and type */
    enum native_kind kind;
    uint32_t width;
    uint64_t rows;
    const uint8_t *nulls;
    const void *data; /* packed, unaligned, little-endian */
    const str *strs;
    const uint64_t *offsets; /* cumulative ends, aligned copy */
    const uint32_t *index;   /* dictionary index per row, or NULL */
    uint64_t dictionary;     /* entries in data/strs when index is set */
    uint32_t n_children;
    struct native_column *child;
};

struct native_block {
    uint64_t rows;
    uint32_t n_columns;
    struct native_column *columns;
};

/* Reads one block from the front of *in and moves *in past it.
 * ST_NOT_FOUND: *in is empty. ST_LIMIT: *in ends inside a block (more bytes may come: *in is
 * unmoved). ST_INVALID: malformed, or a type that is not read here; the error names the column. */
[[nodiscard]] status native_read_block(struct arena *a, str *in, struct native_block *ret,
                                       struct err *err);

/* NULL when there is no such column. */
const struct native_column *native_find(const struct native_block *b, str name);

/* The value of row `r`. The kind must fit (asserted). NULL rows read as zero or empty. */
str native_str(const struct native_column *c, uint64_t r);      /* STRING, FIXED */
uint64_t native_u64(const struct native_column *c, uint64_t r); /* UINT, INT (sign-extended) */
int64_t native_i64(const struct native_column *c, uint64_t r);
double native_f64(const struct native_column *c, uint64_t r); /* FLOAT; UINT and INT converted */
bool native_is_null(const struct native_column *c, uint64_t r);

/* ARRAY, MAP: row r covers entries [native_begin, native_end) of the children. */
static inline uint64_t native_begin(const struct native_column *c, uint64_t r)
{
    return r ? c->offsets[r - 1] : 0;
}
static inline uint64_t native_end(const struct native_column *c, uint64_t r)
{
    return c->offsets[r];
}
