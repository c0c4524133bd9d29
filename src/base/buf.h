/* buf: a growable run of bytes that is told its ceiling when it is born.
 *
 * Going past the ceiling sets `over` and drops what did not fit; the owner checks once at the end.
 * Failure of malloc aborts. Not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf {
    char *ptr;
    size_t len, cap, max;
    bool over;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b); /* accepts zeroed */

/* Makes room for `n` more bytes; false (and `over`) when that would pass the ceiling. */
bool buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, str s);
void buf_char(struct buf *b, char c);
[[gnu::format(printf, 2, 3)]] void buf_printf(struct buf *b, const char *fmt, ...);

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    b->over = false;
}
static inline str buf_str(const struct buf *b) { return (str){b->ptr, b->len}; }
