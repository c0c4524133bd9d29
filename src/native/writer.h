/* clang-format off */
/* native writer: columns to ClickHouse Native blocks (protocol revision 0: HTTP, embedded, files).
 *
 *   block   := varuint columns | varuint rows | columns x { str name | str type | column }
 *   str     := varuint length | bytes                  varuint := LEB128; all numbers little-endian
 *   column  := state prefixes of it and of all that is nested in it, outermost first | data
 *              (nothing at all when the block has no rows)
 *
 *   type                    prefix          data for n entries
 *   ----------------------  --------------  ---------------------------------------------------------
 *   UInt, Int, Float, Date  -               n x width bytes; DateTime64 = Int64 ticks
 *   FixedString(N), UUID    -               n x N bytes; a UUID is two byte-reversed halves
 *   String                  -               n x str
 *   Nullable(T)             T's             n x u8 (1 = NULL) | T's data for all n
 *   LowCardinality(T)       u64 1           nothing when n = 0, else
 *                                           u64 0x600 + w | u64 keys | T's data for the keys, "" first
 *                                           | u64 n | n x index of 1, 2, 4, 8 bytes for w = 0, 1, 2, 3
 *   Array(T)                T's             n x u64 cumulative end | T's data for the last end's entries
 *   Map(K, V)               K's | V's       n x u64 cumulative end | K's data | V's data
 *   Tuple(A, B)             A's | B's       A's data | B's data
 *
 * So Map(LowCardinality(String), String) with {k:v}, {}, {k:w, x:y} is
 *
 *   01 00*7 | 01.. 01.. 03.. (u64) | 00 06 00*6 | 03 00*7 | 00  01 6b  01 78 | 03 00*7 | 01 01 02 | 01 76 01 77 01 79
 *   version   ends                   flags        keys      ""  "k"    "x"     n         index      "v" "w" "y"
 *
 * Several blocks may follow each other. The output's ceiling is sticky: check buf.over once at the end. */
/* clang-format on */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"

enum { NATIVE_VARUINT_MAX = 10 };

static inline size_t native_varuint(uint64_t v, char *out)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (char)(v | 0x80);
    out[n++] = (char)v;
    return n;
}

/* The text whose length and bytes were written at `at`. */
static inline str native_text_at(const char *at)
{
    size_t len = 0;
    unsigned shift = 0;
    for (; *at & 0x80; at++, shift += 7) len |= (size_t)(*at & 0x7f) << shift;
    len |= (size_t)*at << shift;
    return (str){at + 1, len};
}

void native_put_block(struct buf *out, uint64_t columns, uint64_t rows);
void native_put_column(struct buf *out, str name, str type); /* prefixes and data follow */
void native_put_lc_prefix(struct buf *out);

/* Room for `size` bytes that the caller fills before it puts anything else; NULL when that would
 * pass the ceiling. */
void *native_put_space(struct buf *out, size_t size);
void native_put_str(struct buf *out, str s);

/* A LowCardinality dictionary: key 0 is "". Keys are borrowed until they are written. */
struct native_dictionary {
    struct arena *arena;
    str *keys;
    struct native_slot {
        uint32_t hash, id_1; /* id + 1; 0 = empty */
    } * slots;
    uint32_t n, cap, mask;
};

void native_dictionary_init(struct native_dictionary *d, struct arena *a);
uint32_t native_dictionary_find_or_add(struct native_dictionary *d, str key);

/* str_eq for short texts, without a call. */
static inline bool native_same_text(str a, str b)
{
    if (a.len != b.len) return false;
    if (a.len < 8) return str_eq(a, b);
    for (size_t i = 0, last = a.len - 8;; i += 8) {
        uint64_t x, y;
        if (i > last) i = last;
        memcpy(&x, a.ptr + i, 8);
        memcpy(&y, b.ptr + i, 8);
        if (x != y) return false;
        if (i == last) return true;
    }
}

/* The id of `key`; `hint` is an id that may well be it: the one of the row before. */
static inline uint32_t native_dictionary_id(struct native_dictionary *d, str key, uint32_t hint)
{
    if (hint < d->n && native_same_text(d->keys[hint], key)) return hint;
    return native_dictionary_find_or_add(d, key);
}

/* Bytes of an index into `d`: 1, 2 or 4. */
static inline uint32_t native_index_width(const struct native_dictionary *d)
{
    return d->n <= 1u << 8 ? 1 : d->n <= 1u << 16 ? 2 : 4;
}

/* The data of `n` LowCardinality entries up to the index, for which it returns the room: n x
 * native_index_width bytes. NULL when nothing is to be written: n = 0, or past the ceiling. */
void *native_put_lc_head(struct buf *out, const struct native_dictionary *d, uint64_t n);

/* Ids as indices of `width` bytes. */
void native_narrow(void *to, const uint32_t *ids, size_t n, uint32_t width);

/* The whole data: head and index. */
void native_put_lc(struct buf *out, const struct native_dictionary *d, const uint32_t *ids,
                   uint64_t n);
