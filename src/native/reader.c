/* Blocks to columns. The layout is drawn in writer.h.
 *
 * Every count is compared with the bytes that are left before memory for it is taken, so a block
 * costs at most some 16 bytes of memory per byte of input. */
#include "native/reader.h"

#include "native/shape.h"

enum {
    MAX_COLUMNS = 10'000,
    LC_VERSION = 1,
    LC_WIDTH_MASK = 0xff,
    LC_GLOBAL_DICTIONARY = 1 << 8,
    LC_OWN_KEYS = 1 << 9,
};

struct block_reader {
    struct arena *arena;
    str in;
    size_t at;
    struct err *err;
};

static status fail(struct block_reader *r, status s, const char *why)
{
    uint32_t pos = r->at < ERR_NOPOS ? (uint32_t)r->at : ERR_NOPOS;
    return err_set(r->err, s, pos, "%s at byte %zu of the block", why, r->at);
}

static status cut(struct block_reader *r) { return fail(r, ST_LIMIT, "the bytes end"); }

static size_t left(const struct block_reader *r) { return r->in.len - r->at; }

static status read_varuint(struct block_reader *r, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (left(r) == 0) return cut(r);
        uint8_t byte = (uint8_t)r->in.ptr[r->at++];
        if (shift == 63 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = v;
            return ST_OK;
        }
    }
    return fail(r, ST_INVALID, "a length of more than 64 bits");
}

static status read_bytes(struct block_reader *r, uint64_t n, uint64_t width, const void **ret)
{
    uint64_t size;
    if (__builtin_mul_overflow(n, width, &size)) return fail(r, ST_INVALID, "too many rows");
    if (size > left(r)) return cut(r);
    *ret = r->in.ptr + r->at;
    r->at += size;
    return ST_OK;
}

static status read_u64(struct block_reader *r, uint64_t *ret)
{
    const void *p;
    TRY(read_bytes(r, 1, 8, &p));
    memcpy(ret, p, 8);
    return ST_OK;
}

static status read_str(struct block_reader *r, str *ret)
{
    uint64_t n;
    TRY(read_varuint(r, &n));
    if (n > left(r)) return cut(r);
    *ret = (str){r->in.ptr + r->at, n};
    r->at += n;
    return ST_OK;
}

/* The state prefixes of a column and all inside it come before any data of it. */
static status read_prefix(struct block_reader *r, const struct shape *s)
{
    if (s->low_cardinality) {
        uint64_t version;
        TRY(read_u64(r, &version));
        if (version != LC_VERSION)
            return fail(r, ST_INVALID, "a LowCardinality version that is not 1");
    }
    for (uint32_t i = 0; i < s->n_children; i++) TRY(read_prefix(r, &s->child[i]));
    return ST_OK;
}

/* `n` values of a scalar into data or strs. */
static status read_values(struct block_reader *r, const struct shape *s, uint64_t n,
                          struct native_column *c)
{
    if (s->kind != NATIVE_STRING) return read_bytes(r, n, s->width, &c->data);
    if (n > left(r)) return cut(r);
    str *strs = arena_array(r->arena, str, n);
    for (uint64_t i = 0; i < n; i++) TRY(read_str(r, &strs[i]));
    c->strs = strs;
    return ST_OK;
}

static status widen_index(struct block_reader *r, const void *from, uint32_t width,
                          struct native_column *c)
{
    uint32_t *index = arena_array(r->arena, uint32_t, c->rows);
    const uint8_t *p = from;
    for (uint64_t i = 0; i < c->rows; i++, p += width) {
        uint64_t v = 0;
        memcpy(&v, p, width);
        if (v >= c->dictionary) return fail(r, ST_INVALID, "a LowCardinality index past its keys");
        index[i] = (uint32_t)v;
    }
    c->index = index;
    return ST_OK;
}

static status read_low_cardinality(struct block_reader *r, const struct shape *s,
                                   struct native_column *c)
{
    if (c->rows == 0) return ST_OK;
    uint64_t flags, n;
    TRY(read_u64(r, &flags));
    if ((flags & LC_WIDTH_MASK) > 3 || (flags & LC_GLOBAL_DICTIONARY) || !(flags & LC_OWN_KEYS))
        return fail(r, ST_INVALID, "LowCardinality flags that are not read here");
    TRY(read_u64(r, &c->dictionary));
    if (c->dictionary > UINT32_MAX) return fail(r, ST_INVALID, "too many LowCardinality keys");
    TRY(read_values(r, s, c->dictionary, c));
    TRY(read_u64(r, &n));
    if (n != c->rows) return fail(r, ST_INVALID, "LowCardinality rows that are not the column's");
    uint32_t width = 1u << (flags & LC_WIDTH_MASK);
    const void *index;
    TRY(read_bytes(r, n, width, &index));
    TRY(widen_index(r, index, width, c));
    if (s->nullable) {
        uint8_t *nulls = arena_array(r->arena, uint8_t, n);
        for (uint64_t i = 0; i < n; i++) nulls[i] = c->index[i] == 0;
        c->nulls = nulls;
    }
    return ST_OK;
}

static status read_offsets(struct block_reader *r, struct native_column *c, uint64_t *ret_entries)
{
    const void *p;
    TRY(read_bytes(r, c->rows, 8, &p));
    uint64_t *offsets = arena_array(r->arena, uint64_t, c->rows), last = 0;
    if (c->rows) memcpy(offsets, p, c->rows * 8);
    for (uint64_t i = 0; i < c->rows; i++) {
        if (offsets[i] < last) return fail(r, ST_INVALID, "array offsets that fall");
        last = offsets[i];
    }
    c->offsets = offsets;
    *ret_entries = last;
    return ST_OK;
}

static status read_data(struct block_reader *r, const struct shape *s, uint64_t rows,
                        struct native_column *c)
{
    *c = (struct native_column){
        .name = s->name, .type = s->text, .kind = s->kind, .width = s->width, .rows = rows};
    if (s->low_cardinality) return read_low_cardinality(r, s, c);
    if (s->nullable) {
        const void *nulls;
        TRY(read_bytes(r, rows, 1, &nulls));
        c->nulls = nulls;
    }
    if (s->n_children == 0) return read_values(r, s, rows, c);

    uint64_t entries = rows;
    if (s->kind != NATIVE_TUPLE) TRY(read_offsets(r, c, &entries));
    c->n_children = s->n_children;
    c->child = arena_array(r->arena, struct native_column, s->n_children);
    for (uint32_t i = 0; i < s->n_children; i++)
        TRY(read_data(r, &s->child[i], entries, &c->child[i]));
    return ST_OK;
}

static status read_column(struct block_reader *r, uint64_t rows, struct native_column *c)
{
    str name, type;
    TRY(read_str(r, &name));
    TRY(read_str(r, &type));
    size_t start = r->at;
    struct shape shape;
    status s = shape_read(r->arena, type, &shape, r->err);
    if (s == ST_OK) {
        shape.name = name;
        if (rows) s = read_prefix(r, &shape);
    }
    if (s == ST_OK) s = read_data(r, &shape, rows, c);
    if (s == ST_OK) {
        c->wire = (str){r->in.ptr + start, r->at - start};
        return ST_OK;
    }
    return err_wrap(r->err, s, "column '%.*s'", name.len < 60 ? (int)name.len : 60, name.ptr);
}

static status read_block(struct block_reader *r, struct native_block *ret)
{
    uint64_t columns, rows;
    TRY(read_varuint(r, &columns));
    TRY(read_varuint(r, &rows));
    if (columns > MAX_COLUMNS) return fail(r, ST_INVALID, "more than 10000 columns");
    if (columns == 0 && rows != 0) return fail(r, ST_INVALID, "rows without columns");
    if (columns * 2 > left(r)) return cut(r);
    ret->rows = rows;
    ret->n_columns = (uint32_t)columns;
    ret->columns = arena_array(r->arena, struct native_column, columns);
    for (uint64_t i = 0; i < columns; i++) TRY(read_column(r, rows, &ret->columns[i]));
    return ST_OK;
}

status native_read_block(struct arena *a, str *in, struct native_block *ret, struct err *err)
{
    if (in->len == 0) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "no more blocks");
    struct arena_mark mark = arena_mark(a);
    struct block_reader r = {.arena = a, .in = *in, .err = err};
    struct native_block block;
    status s = read_block(&r, &block);
    if (s != ST_OK) {
        arena_rewind(a, mark);
        return s;
    }
    *ret = block;
    *in = str_drop(*in, r.at);
    return ST_OK;
}

const struct native_column *native_find(const struct native_block *b, str name)
{
    for (uint32_t i = 0; i < b->n_columns; i++)
        if (str_eq(b->columns[i].name, name)) return &b->columns[i];
    return NULL;
}
