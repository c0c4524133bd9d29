/* Any bytes: the reader must end, borrow only from its input, and give columns whose accessors are
 * safe. */
#include <assert.h>
#include <stdint.h>

#include "native/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum;

static void touch(const struct native_column *c, str whole)
{
    for (uint64_t r = 0; r < c->rows; r++) {
        switch (c->kind) {
        case NATIVE_UINT:
        case NATIVE_INT: sum += native_u64(c, r); break;
        case NATIVE_FLOAT: sum += native_f64(c, r) > 0; break;
        case NATIVE_STRING:
        case NATIVE_FIXED: {
            str s = native_str(c, r);
            assert(s.len == 0 || (s.ptr >= whole.ptr && s.ptr + s.len <= whole.ptr + whole.len));
            for (size_t i = 0; i < s.len; i++) sum += (uint8_t)s.ptr[i];
            break;
        }
        case NATIVE_ARRAY:
        case NATIVE_MAP:
            assert(native_begin(c, r) <= native_end(c, r));
            assert(native_end(c, r) <= c->child[0].rows);
            break;
        case NATIVE_TUPLE: assert(c->child[0].rows == c->rows); break;
        }
        sum += native_is_null(c, r);
    }
    for (uint32_t i = 0; i < c->n_children; i++) touch(&c->child[i], whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    str whole = {(const char *)data, size}, in = whole;
    struct native_block b;
    struct err err;
    for (;;) {
        str before = in;
        status s = native_read_block(&a, &in, &b, &err);
        if (s != ST_OK) {
            assert(s == (before.len == 0 ? ST_NOT_FOUND : err.code));
            assert(s == ST_NOT_FOUND || s == ST_LIMIT || s == ST_INVALID);
            assert(s != ST_LIMIT || (in.ptr == before.ptr && in.len == before.len));
            break;
        }
        assert(in.len < before.len && (in.len == 0 || in.ptr + in.len == whole.ptr + whole.len));
        for (uint32_t i = 0; i < b.n_columns; i++) {
            assert(b.columns[i].rows == b.rows);
            touch(&b.columns[i], whole);
        }
    }
    assert(a.used <= 4096 + size * 400);
    arena_done(&a);
    return 0;
}
