/* Attribute maps: Map(LowCardinality(String), String), and the letters of their types.
 *
 * One pass over the attributes makes the key dictionary, the types and the room the values need; a
 * second one writes the values without a further check. */
#include "base/hex.h"
#include "base/num.h"
#include "ingest/encode/insert.h"

struct attr_pass {
    const struct attr_run *runs;
    size_t n;
    uint64_t entries, value_bytes;
    struct native_dictionary keys, types;
    uint32_t *key_ids;  /* an entry each */
    uint32_t *type_ids; /* a run each */
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

struct attr_pass *attr_pass_new(struct insert *w, const struct attr_run *runs, size_t n)
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
    native_dictionary_init(&p->types, w->arena);
    p->key_ids = arena_array(w->arena, uint32_t, p->entries);
    p->type_ids = arena_array(w->arena, uint32_t, n);
    char *scratch = arena_alloc(w->arena, longest + 1, 1);

    uint32_t *ids = p->key_ids, types = 0;
    const uint32_t *before = NULL; /* the key ids of the run before */
    uint32_t n_before = 0;
    for (size_t i = 0; i < n; i++) {
        const struct attr_run *run = &runs[i];
        for (uint32_t j = 0; j < run->n; j++) {
            ids[j] = native_dictionary_id(&p->keys, run->at[j].key, j < n_before ? before[j] : 0);
            p->value_bytes += value_room(&run->at[j].value);
        }
        p->type_ids[i] = types = types_id(w, p, run, types, scratch);
        before = ids;
        n_before = run->n;
        ids += run->n;
    }
    return p;
}

void attr_pass_put_map(struct insert *w, const struct attr_pass *p)
{
    char *to = native_put_space(w->out, p->n * 8);
    uint64_t end = 0;
    for (size_t i = 0; to && i < p->n; i++, to += 8) {
        end += p->runs[i].n;
        memcpy(to, &end, 8);
    }
    native_put_lc(w->out, &p->keys, p->key_ids, p->entries);
    if (!buf_reserve(w->out, p->value_bytes)) return;
    to = w->out->ptr + w->out->len;
    for (size_t i = 0; i < p->n; i++)
        for (uint32_t j = 0; j < p->runs[i].n; j++) to = value_write(to, &p->runs[i].at[j].value);
    w->out->len = (size_t)(to - w->out->ptr);
}

void attr_pass_put_types(struct insert *w, const struct attr_pass *p)
{
    native_put_lc(w->out, &p->types, p->type_ids, p->n);
}

void put_attributes(struct insert *w, const struct column_plan *c)
{
    struct attr_run *runs = arena_array(w->arena, struct attr_run, w->n);
    for (size_t i = 0; i < w->n; i++) {
        struct attr_range r = ((const struct attr_range *)insert_array(w, c, i))[w->rows[i].row];
        runs[i] = (struct attr_run){r.n ? insert_batch(w, i)->attrs + r.at : NULL, r.n};
    }
    w->attrs = attr_pass_new(w, runs, w->n);
    native_put_lc_prefix(w->out);
    attr_pass_put_map(w, w->attrs);
}

void put_attribute_types(struct insert *w, const struct column_plan *)
{
    native_put_lc_prefix(w->out);
    attr_pass_put_types(w, w->attrs);
}
