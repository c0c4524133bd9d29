/* Columns that are plain arrays of the batch, gathered in the order of the rows. */
#include <assert.h>

#include "ingest/encode/insert.h"
#include "schema/migrate.h"

enum { AHEAD = 8 }; /* texts lie anywhere: ask for them early */

static const void *array_of(const struct telemetry_batch *b, const struct column_plan *c)
{
    const void *array;
    memcpy(&array, (const char *)b + c->at, sizeof array);
    return array;
}

static bool is_left_out(const struct insert *w, const struct column_plan *c)
{
    if (!(c->arg & OPTIONAL)) return false;
    for (size_t i = 0; i < w->block->n; i++)
        if (array_of(w->block->batches[i], c)) return false;
    return true;
}

void insert_put(struct insert *w, const char *table, const struct column_plan *plan, size_t n_plan)
{
    size_t at = 0, n = 0;
    for (size_t i = 0; i < n_plan; i++) n += !is_left_out(w, &plan[i]);
    native_put_block(w->out, n, w->n);
    for (size_t i = 0; i < n_schema_columns; i++) {
        const struct schema_column *c = &schema_columns[i];
        if (strcmp(c->table, table) != 0) continue;
        assert(at < n_plan && strcmp(c->column, plan[at].column) == 0);
        const struct column_plan *p = &plan[at++];
        if (is_left_out(w, p)) continue;
        native_put_column(w->out, (str){c->column, strlen(c->column)},
                          (str){c->type, strlen(c->type)});
        p->put(w, p);
    }
    assert(at == n_plan);
}

/* The entries of column `c` to `to`. `width` is a constant where it is inlined: a load and a store
 * each. Where the batches' arrays begin lies together, not in the batches. */
[[gnu::always_inline]] static inline void gather(struct insert *w, const struct column_plan *c,
                                                 void *to, size_t width)
{
    struct arena_mark m = arena_mark(w->arena);
    const char **arrays = arena_array(w->arena, const char *, w->block->n);
    for (size_t i = 0; i < w->block->n; i++) arrays[i] = array_of(w->block->batches[i], c);
    for (size_t i = 0; i < w->n; i++) {
        const char *from = arrays[w->rows[i].batch];
        if (from) /* else zeros: the batch has no such column */
            memcpy((char *)to + i * width, from + w->rows[i].row * width, width);
        else
            memset((char *)to + i * width, 0, width);
    }
    arena_rewind(w->arena, m);
}

#define GATHER(width)                                         \
    do {                                                      \
        void *to_ = native_put_space(w->out, w->n * (width)); \
        if (to_) gather(w, c, to_, (width));                  \
    } while (0)

void put_u8(struct insert *w, const struct column_plan *c) { GATHER(1u); }
void put_u8_zero(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n);
    if (to && w->n) memset(to, 0, w->n);
}
void put_u32(struct insert *w, const struct column_plan *c) { GATHER(4u); }
void put_u64(struct insert *w, const struct column_plan *c) { GATHER(8u); }
void put_id16(struct insert *w, const struct column_plan *c) { GATHER(16u); }

static uint64_t nanos_at(const struct insert *w, const struct column_plan *c, size_t i)
{
    return ((const uint64_t *)insert_array(w, c, i))[w->rows[i].row];
}

void put_millis(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++) {
        uint64_t v = nanos_at(w, c, i) / (uint64_t)NANOS_MS;
        memcpy(to + i * 8, &v, 8);
    }
}

void put_day(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 2);
    for (size_t i = 0; to && i < w->n; i++) {
        uint16_t v = (uint16_t)(nanos_at(w, c, i) / (uint64_t)NANOS_DAY);
        memcpy(to + i * 2, &v, 2);
    }
}

void put_hour(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 4);
    for (size_t i = 0; to && i < w->n; i++) {
        uint32_t v = (uint32_t)(nanos_at(w, c, i) / (uint64_t)NANOS_HOUR * 3600);
        memcpy(to + i * 4, &v, 4);
    }
}

void put_strings(struct buf *out, const str *texts, size_t n)
{
    size_t room = 0;
    for (size_t i = 0; i < n; i++)
        room += texts[i].len + (texts[i].len < 128 ? 1 : NATIVE_VARUINT_MAX);
    if (!buf_reserve(out, room)) return;
    char *to = out->ptr + out->len;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(texts[i + AHEAD].ptr);
        to += native_varuint(texts[i].len, to);
        if (texts[i].len) memcpy(to, texts[i].ptr, texts[i].len);
        to += texts[i].len;
    }
    out->len = (size_t)(to - out->ptr);
}

static str *texts_of(struct insert *w, const struct column_plan *c)
{
    str *texts = arena_array(w->arena, str, w->n);
    gather(w, c, texts, sizeof *texts);
    return texts;
}

void put_string(struct insert *w, const struct column_plan *c)
{
    struct arena_mark m = arena_mark(w->arena);
    put_strings(w->out, texts_of(w, c), w->n);
    arena_rewind(w->arena, m);
}

void put_lc_strings(struct insert *w, const str *texts, size_t n)
{
    struct native_dictionary d;
    native_dictionary_init(&d, w->arena);
    uint32_t *ids = arena_array(w->arena, uint32_t, n), last = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(texts[i + AHEAD].ptr);
        ids[i] = last = native_dictionary_id(&d, texts[i], last);
    }
    native_put_lc(w->out, &d, ids, n);
}

void put_lc_string(struct insert *w, const struct column_plan *c)
{
    struct arena_mark m = arena_mark(w->arena);
    native_put_lc_prefix(w->out);
    put_lc_strings(w, texts_of(w, c), w->n);
    arena_rewind(w->arena, m);
}
