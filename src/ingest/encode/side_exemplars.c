/* otel_metric_exemplars. A row_ref's row is the number of the exemplar in its batch. */
#include "ingest/encode/side.h"

static bool has_exemplars(const struct telemetry_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->batches[i]->metrics.n_exemplars) return true;
    return false;
}

/* Which points of each batch are among the rows: theirs are the exemplars to write. */
static bool **points_of(struct arena *a, const struct telemetry_block *b,
                        const struct encode_rows *rows)
{
    bool **in = arena_array(a, bool *, b->n);
    for (size_t i = 0; i < b->n; i++) {
        in[i] = arena_array(a, bool, b->batches[i]->metrics.n);
        memset(in[i], 0, b->batches[i]->metrics.n);
    }
    for (size_t i = 0; i < rows->n; i++) in[rows->rows[i].batch][rows->rows[i].row] = true;
    return in;
}

static void find_exemplars(const struct telemetry_block *b, const struct encode_rows *rows,
                           struct encode_seen *, struct side_rows *ret)
{
    if (!has_exemplars(b)) return;
    bool **in = points_of(ret->arena, b, rows);
    for (uint32_t i = 0; i < b->n; i++) {
        const struct metric_columns *c = &b->batches[i]->metrics;
        for (uint32_t e = 0; e < c->n_exemplars; e++) {
            const struct exemplar *x = &c->exemplar[e];
            if (!in[i][x->point]) continue;
            side_add(ret, (struct side_row){.partition = side_day(x->time),
                                            .a = c->descs[c->desc[x->point]].name,
                                            .u = c->series_id[x->point],
                                            .v = x->time,
                                            .ref = {i, e}});
        }
    }
}

static const struct exemplar *exemplar_at(const struct insert *w, size_t i)
{
    return &insert_batch(w, i)->metrics.exemplar[w->rows[i].row];
}

#define PUT_MEMBER(name, member)                                     \
    static void name(struct insert *w, const struct column_plan *)   \
    {                                                                \
        const size_t size = sizeof((struct exemplar *)0)->member;    \
        char *to = native_put_space(w->out, w->n * size);            \
        for (size_t i = 0; to && i < w->n; i++)                      \
            memcpy(to + i * size, &exemplar_at(w, i)->member, size); \
    }

PUT_MEMBER(put_time, time)
PUT_MEMBER(put_present, present)
PUT_MEMBER(put_value, value)
PUT_MEMBER(put_int_value, int_value)
PUT_MEMBER(put_trace_id, trace_id)
PUT_MEMBER(put_span_id, span_id)

static void put_name(struct insert *w, const struct column_plan *)
{
    str *names = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++) names[i] = w->side[i].a;
    native_put_lc_prefix(w->out);
    put_lc_strings(w, names, w->n);
}

static void put_series_id(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 8, &w->side[i].u, 8);
}

static void put_exemplar_attributes(struct insert *w, const struct column_plan *)
{
    struct attr_run *runs = arena_array(w->arena, struct attr_run, w->n);
    for (size_t i = 0; i < w->n; i++) {
        struct attr_range r = exemplar_at(w, i)->attrs;
        runs[i] = attr_run_of(insert_batch(w, i), r, NULL);
    }
    w->attrs = attr_pass_new(w, runs, w->n, NULL);
    native_put_lc_prefix(w->out);
    attr_pass_put_map(w, w->attrs);
}

static void put_exemplars(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"timestamp", put_time, 0, 0},
        {"metric_name", put_name, 0, 0},
        {"series_id", put_series_id, 0, 0},
        {"present", put_present, 0, 0},
        {"value", put_value, 0, 0},
        {"int_value", put_int_value, 0, 0},
        {"trace_id", put_trace_id, 0, 0},
        {"span_id", put_span_id, 0, 0},
        {"attributes", put_exemplar_attributes, 0, 0},
        {"attribute_types", put_attribute_types, 0, 0},
    };
    insert_put(w, "otel_metric_exemplars", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_exemplars = {S("otel_metric_exemplars"), find_exemplars,
                                          put_exemplars};
