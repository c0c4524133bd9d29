#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max) { *b = (struct buf){.max = max}; }

void buf_done(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){.max = b->max};
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (b->cap - b->len >= n) return true;
    if (n > b->max || b->len > b->max - n) {
        b->over = true;
        return false;
    }
    size_t cap = b->cap ? b->cap : b->max < 256 ? b->max : 256;
    while (cap - b->len < n) cap = cap > b->max / 2 ? b->max : cap * 2;
    char *p = realloc(b->ptr, cap);
    if (!p) abort();
    b->ptr = p;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, str s)
{
    if (s.len == 0 || !buf_reserve(b, s.len)) return;
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
}

void buf_char(struct buf *b, char c)
{
    if (!buf_reserve(b, 1)) return;
    b->ptr[b->len++] = c;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0 && buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}
