/* otel_traces_red_5m: the sums of a block's spans, those too that were sampled out of it. A
 * function of the block: nothing is left out because it was told before. */
#include "ingest/encode/side.h"

static void find_red(const struct telemetry_block *, const struct encode_rows *,
                     struct encode_seen *, struct side_rows *ret)
{
    for (uint32_t i = 0; i < ret->red->n; i++) {
        const struct red_row *r = &ret->red->rows[i];
        side_add(ret, (struct side_row){.partition = r->time / 86400,
                                        .a = r->service_name,
                                        .b = r->span_name,
                                        .u = r->kind,
                                        .v = r->time,
                                        .red = r});
    }
}

static void put_time(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 4);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 4, &w->side[i].red->time, 4);
}

/* `at` is the offset in struct red_row. */
static void put_text(struct insert *w, const struct column_plan *c)
{
    str *texts = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++)
        memcpy(&texts[i], (const char *)w->side[i].red + c->at, sizeof *texts);
    native_put_lc_prefix(w->out);
    put_lc_strings(w, texts, w->n);
}

static void put_kind(struct insert *w, const struct column_plan *)
{
    uint8_t *to = native_put_space(w->out, w->n);
    for (size_t i = 0; to && i < w->n; i++) to[i] = w->side[i].red->kind;
}

/* Eight bytes at offset `at` of struct red_row. */
static void put_sum(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++)
        memcpy(to + i * 8, (const char *)w->side[i].red + c->at, 8);
}

/* Where the entries of each row end; how many there are. */
static uint64_t put_ends(struct insert *w)
{
    uint64_t end = 0;
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; i < w->n; i++) {
        end += w->side[i].red->n_buckets;
        if (to) memcpy(to + i * 8, &end, 8);
    }
    return end;
}

/* A tuple of two arrays of the same lengths: indices, counts. */
static void put_histogram(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, put_ends(w) * 2);
    for (size_t i = 0; to && i < w->n; i++)
        for (uint32_t k = 0; k < w->side[i].red->n_buckets; k++, to += 2)
            memcpy(to, &w->side[i].red->buckets[k].index, 2);
    to = native_put_space(w->out, put_ends(w) * 8);
    for (size_t i = 0; to && i < w->n; i++)
        for (uint32_t k = 0; k < w->side[i].red->n_buckets; k++, to += 8)
            memcpy(to, &w->side[i].red->buckets[k].count, 8);
}

static void put_red(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"time", put_time, 0, 0},
        {"service_name", put_text, offsetof(struct red_row, service_name), 0},
        {"span_name", put_text, offsetof(struct red_row, span_name), 0},
        {"span_kind", put_kind, 0, 0},
        {"count", put_sum, offsetof(struct red_row, count), 0},
        {"errors", put_sum, offsetof(struct red_row, errors), 0},
        {"duration_sum", put_sum, offsetof(struct red_row, duration_sum), 0},
        {"duration_max", put_sum, offsetof(struct red_row, duration_max), 0},
        {"histogram", put_histogram, 0, 0},
    };
    insert_put(w, "otel_traces_red_5m", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_red = {S("otel_traces_red_5m"), find_red, put_red};
