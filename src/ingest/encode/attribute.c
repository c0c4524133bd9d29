/* Attribute maps: Map(LowCardinality(String), String), and the letters of their types.
 *
 * Rows are written in the table's order, but their attributes lie in the order they came in, and
 * there are far more of them than a cache holds. So one pass in the order of memory makes the key
 * ids, the types and the values' bytes, run by run; writing is then a copy of short runs. */
#include "base/hex.h"
#include "base/num.h"
#include "ingest/encode/filter_bits.h"
#include "ingest/encode/insert.h"

enum { SLAB = 1 << 18, AHEAD = 8 };

struct attr_pass {
    const struct attr_run *runs;
    size_t n;
    uint64_t entries, value_bytes;
    struct native_dictionary keys, types;
    struct noted {
        uint64_t hash;  /* for filters */
        uint32_t after; /* which key came after it the last time */
        uint32_t types; /* which types a run had that began with it */
    } * noted;          /* of each of `keys` */
    uint32_t n_noted, cap_noted;
    struct made {
        const uint32_t *key_ids;
        const char *values; /* as they are written: varuint length, bytes */
        uint32_t value_bytes, type_id;
    } * made; /* a run each */
};

size_t value_room(const struct attr_value *v)
{
    switch (v->type) {
    case ATTR_INT:
    case ATTR_DOUBLE:
    case ATTR_BOOL: return 1 + ATTR_SCALAR_MAX;
    case ATTR_EMPTY: return 1;
    case ATTR_BYTES: return NATIVE_VARUINT_MAX + base64_size(v->text.len);
    default: return v->text.len + (v->text.len < 128 ? 1 : NATIVE_VARUINT_MAX);
    }
}

char *value_write(char *to, const struct attr_value *v)
{
    switch (v->type) {
    case ATTR_INT: {
        size_t n = num_format_i64(v->i, to + 1);
        *to = (char)n;
        return to + 1 + n;
    }
    case ATTR_DOUBLE:
    case ATTR_BOOL:
    case ATTR_EMPTY: {
        char tmp[ATTR_SCALAR_MAX];
        str text = attr_text(v, tmp);
        *to = (char)text.len;
        if (text.len) memcpy(to + 1, text.ptr, text.len);
        return to + 1 + text.len;
    }
    case ATTR_BYTES:
        to += native_varuint(base64_size(v->text.len), to);
        return to + base64_encode(v->text, to);
    default:
        to += native_varuint(v->text.len, to);
        if (v->text.len) memcpy(to, v->text.ptr, v->text.len);
        return to + v->text.len;
    }
}

static bool all_strings(const struct attr *attrs, uint32_t n)
{
    unsigned types = 0;
    for (uint32_t i = 0; i < n; i++) types |= attrs[i].value.type;
    return types == ATTR_STRING;
}

static void letters(const struct attr *attrs, uint32_t n, char *out)
{
    for (uint32_t i = 0; i < n; i++) out[i] = attr_letter(attrs[i].value.type);
}

str attr_letters(struct arena *a, const struct attr *attrs, uint32_t n)
{
    if (all_strings(attrs, n)) return (str){0};
    char *out = arena_alloc(a, n, 1);
    letters(attrs, n, out);
    return (str){out, n};
}

/* `scratch` has room for the longest run's letters. */
static uint32_t types_id(struct insert *w, struct attr_pass *p, const struct attr_run *run,
                         uint32_t hint, char *scratch)
{
    if (all_strings(run->at, run->n)) return 0;
    letters(run->at, run->n, scratch);
    str text = {scratch, run->n};
    uint32_t before = p->types.n, id = native_dictionary_id(&p->types, text, hint);
    if (p->types.n > before) p->types.keys[id] = arena_str(w->arena, text);
    return id;
}

static size_t run_room(const struct attr_run *run)
{
    size_t room = 0;
    for (uint32_t j = 0; j < run->n; j++) room += value_room(&run->at[j].value);
    return room;
}

/* The bytes of a run's values, in a slab of the arena. */
static void values_make(struct arena *a, const struct attr_run *run, str *slab, struct made *io)
{
    size_t room = run_room(run);
    if (room > slab->len) {
        size_t size = room > SLAB ? room : SLAB;
        *slab = (str){arena_alloc(a, size, 1), size};
    }
    char *from = (char *)(uintptr_t)slab->ptr, *to = from;
    for (uint32_t j = 0; j < run->n; j++) to = value_write(to, &run->at[j].value);
    io->values = from;
    io->value_bytes = (uint32_t)(to - from);
    *slab = str_drop(*slab, io->value_bytes);
}

static void note_key(struct arena *a, struct attr_pass *p, str key)
{
    if (p->n_noted == p->cap_noted) {
        p->cap_noted = p->cap_noted ? p->cap_noted * 2 : 64;
        struct noted *wider = arena_array(a, struct noted, p->cap_noted);
        if (p->n_noted) memcpy(wider, p->noted, p->n_noted * sizeof *wider);
        p->noted = wider;
    }
    p->noted[p->n_noted++] = (struct noted){hash_str(key), 0, 0};
}

/* The id of a key; `before` is that of the key in front of it, of this run or the last. Keys mostly
 * come in the order they came in before. */
static uint32_t key_id(struct arena *a, struct attr_pass *p, str key, uint32_t before)
{
    uint32_t id = native_dictionary_id(&p->keys, key, p->noted[before].after);
    if (id == p->n_noted) note_key(a, p, key);
    p->noted[before].after = id;
    return id;
}

/* The values are as they were written. */
static void pairs_note(const struct attr_pass *p, const struct attr_run *run,
                       const struct made *made)
{
    filter_pairs_room(run->pairs, run->n);
    const char *at = made->values;
    for (uint32_t j = 0; j < run->n; j++) {
        str value = native_text_at(at);
        filter_pairs_add(run->pairs, filter_pair_of(p->noted[made->key_ids[j]].hash, value));
        at = value.ptr + value.len;
    }
}

struct attr_pass *attr_pass_new(struct insert *w, const struct attr_run *runs, size_t n,
                                const uint32_t *visit)
{
    struct attr_pass *p = arena_new(w->arena, struct attr_pass);
    p->runs = runs;
    p->n = n;
    uint32_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        p->entries += runs[i].n;
        if (runs[i].n > longest) longest = runs[i].n;
    }
    native_dictionary_init(&p->keys, w->arena);
    note_key(w->arena, p, (str){0});
    native_dictionary_init(&p->types, w->arena);
    p->made = arena_array(w->arena, struct made, n);
    uint32_t *ids = arena_array(w->arena, uint32_t, p->entries), key = 0;
    char *scratch = arena_alloc(w->arena, longest + 1, 1);

    str slab = {0};
    for (size_t k = 0; k < n; k++) {
        size_t i = visit ? visit[k] : k;
        const struct attr_run *run = &runs[i];
        struct made *made = &p->made[i];
        for (uint32_t j = 0; j < run->n; j++)
            ids[j] = key = key_id(w->arena, p, run->at[j].key, key);
        values_make(w->arena, run, &slab, made);
        p->value_bytes += made->value_bytes;
        if (run->n) {
            uint32_t *types = &p->noted[ids[0]].types;
            made->type_id = *types = types_id(w, p, run, *types, scratch);
        } else {
            made->type_id = 0;
        }
        made->key_ids = ids;
        ids += run->n;
        if (run->pairs) pairs_note(p, run, made);
    }
    return p;
}

static void put_keys(struct insert *w, const struct attr_pass *p)
{
    uint32_t width = native_index_width(&p->keys);
    char *to = native_put_lc_head(w->out, &p->keys, p->entries);
    for (size_t i = 0; to && i < p->n; i++) {
        if (i + AHEAD < p->n) __builtin_prefetch(p->made[i + AHEAD].key_ids);
        native_narrow(to, p->made[i].key_ids, p->runs[i].n, width);
        to += (size_t)p->runs[i].n * width;
    }
}

static void put_values(struct insert *w, const struct attr_pass *p)
{
    char *to = native_put_space(w->out, p->value_bytes);
    for (size_t i = 0; to && i < p->n; i++) {
        if (i + AHEAD < p->n) {
            __builtin_prefetch(p->made[i + AHEAD].values);
            __builtin_prefetch(p->made[i + AHEAD].values + 64);
            __builtin_prefetch(p->made[i + AHEAD].values + 128);
        }
        size_t size = p->made[i].value_bytes;
        if (size) memcpy(to, p->made[i].values, size);
        to += size;
    }
}

void attr_pass_put_map(struct insert *w, const struct attr_pass *p)
{
    char *to = native_put_space(w->out, p->n * 8);
    uint64_t end = 0;
    for (size_t i = 0; to && i < p->n; i++, to += 8) {
        end += p->runs[i].n;
        memcpy(to, &end, 8);
    }
    put_keys(w, p);
    put_values(w, p);
}

void attr_pass_put_types(struct insert *w, const struct attr_pass *p)
{
    uint32_t width = native_index_width(&p->types);
    char *to = native_put_lc_head(w->out, &p->types, p->n);
    for (size_t i = 0; to && i < p->n; i++)
        native_narrow(to + i * width, &p->made[i].type_id, 1, width);
}

/* The rows in the order in which they lie in memory; NULL when they are too few to care. */
static const uint32_t *rows_in_memory_order(struct insert *w)
{
    if (w->n * 4 < w->block->rows || w->n > UINT32_MAX - 1) return NULL;
    uint64_t *first = arena_array(w->arena, uint64_t, w->block->n), all = 0;
    for (size_t i = 0; i < w->block->n; i++) {
        first[i] = all;
        all += telemetry_batch_rows(w->block->batches[i]);
    }
    uint32_t *at_1 = arena_array(w->arena, uint32_t, all); /* place + 1; 0 = not among the rows */
    memset(at_1, 0, all * sizeof *at_1);
    for (size_t i = 0; i < w->n; i++)
        at_1[first[w->rows[i].batch] + w->rows[i].row] = (uint32_t)i + 1;
    uint32_t *visit = arena_array(w->arena, uint32_t, w->n);
    size_t n = 0;
    for (uint64_t i = 0; i < all; i++)
        if (at_1[i]) visit[n++] = at_1[i] - 1;
    return n == w->n ? visit : NULL;
}

void put_attributes(struct insert *w, const struct column_plan *c)
{
    const uint32_t *visit = rows_in_memory_order(w);
    struct attr_run *runs = arena_array(w->arena, struct attr_run, w->n);
    for (size_t k = 0; k < w->n; k++) {
        size_t i = visit ? visit[k] : k;
        struct attr_range r = ((const struct attr_range *)insert_array(w, c, i))[w->rows[i].row];
        runs[i] = attr_run_of(insert_batch(w, i), r, w->pairs ? w->pairs[i] : NULL);
    }
    w->attrs = attr_pass_new(w, runs, w->n, visit);
    native_put_lc_prefix(w->out);
    attr_pass_put_map(w, w->attrs);
}

void put_attribute_types(struct insert *w, const struct column_plan *)
{
    native_put_lc_prefix(w->out);
    attr_pass_put_types(w, w->attrs);
}
