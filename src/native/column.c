/* Reading single values of a column that native_read_block has made. */
#include <assert.h>

#include "native/reader.h"

/* Where row `r`'s packed value lies; NULL for a NULL row. */
static const uint8_t *value_at(const struct native_column *c, uint64_t r)
{
    assert(r < c->rows);
    if (c->nulls && c->nulls[r]) return NULL;
    return (const uint8_t *)c->data + (c->index ? c->index[r] : r) * c->width;
}

bool native_is_null(const struct native_column *c, uint64_t r)
{
    assert(r < c->rows);
    return c->nulls && c->nulls[r];
}

str native_str(const struct native_column *c, uint64_t r)
{
    assert(c->kind == NATIVE_STRING || c->kind == NATIVE_FIXED);
    if (c->kind == NATIVE_FIXED) {
        const uint8_t *p = value_at(c, r);
        return p ? (str){(const char *)p, c->width} : (str){0};
    }
    assert(r < c->rows);
    if (c->nulls && c->nulls[r]) return (str){0};
    return c->strs[c->index ? c->index[r] : r];
}

uint64_t native_u64(const struct native_column *c, uint64_t r)
{
    assert(c->kind == NATIVE_UINT || c->kind == NATIVE_INT);
    const uint8_t *p = value_at(c, r);
    if (!p) return 0;
    uint64_t v = 0;
    memcpy(&v, p, c->width);
    if (c->kind == NATIVE_UINT || c->width == 8) return v;
    uint64_t sign = (uint64_t)1 << (c->width * 8 - 1);
    return (v ^ sign) - sign;
}

int64_t native_i64(const struct native_column *c, uint64_t r) { return (int64_t)native_u64(c, r); }

double native_f64(const struct native_column *c, uint64_t r)
{
    if (c->kind == NATIVE_UINT) return (double)native_u64(c, r);
    if (c->kind == NATIVE_INT) return (double)native_i64(c, r);
    assert(c->kind == NATIVE_FLOAT);
    const uint8_t *p = value_at(c, r);
    if (!p) return 0;
    if (c->width == 4) {
        float f;
        memcpy(&f, p, 4);
        return (double)f;
    }
    double d;
    memcpy(&d, p, 8);
    return d;
}
