/* otel_metrics. */
#include "ingest/encode/insert.h"

static const struct metric_columns *points(const struct insert *w, size_t i)
{
    return &insert_batch(w, i)->metrics;
}

static const struct metric_desc *desc_at(const struct insert *w, size_t i)
{
    const struct metric_columns *c = points(w, i);
    return &c->descs[c->desc[w->rows[i].row]];
}

static void put_name(struct insert *w, const struct column_plan *)
{
    str *names = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++) names[i] = desc_at(w, i)->name;
    native_put_lc_prefix(w->out);
    put_lc_strings(w, names, w->n);
}

static void put_type(struct insert *w, const struct column_plan *)
{
    uint8_t *to = native_put_space(w->out, w->n);
    for (size_t i = 0; to && i < w->n; i++) to[i] = (uint8_t)desc_at(w, i)->type;
}

/* Exact as an integer, and not zero, whose sign an integer has not. */
static bool is_whole(double v)
{
    return v >= -0x1p63 && v < 0x1p63 && v != 0 && (double)(int64_t)v == v;
}

/* The number is in `int_value` where it is an integer, sent as one or not, else in `value`; the
 * other is zero (docs/decisions/0025). */
static void put_value(struct insert *w, const struct column_plan *)
{
    double *to = native_put_space(w->out, w->n * sizeof *to);
    for (size_t i = 0; to && i < w->n; i++) {
        const struct metric_columns *c = points(w, i);
        uint32_t row = w->rows[i].row;
        double v = c->value[row];
        v = (c->present[row] & POINT_IS_INT) || is_whole(v) ? 0 : v;
        memcpy(to + i, &v, sizeof v);
    }
}

static void put_int_value(struct insert *w, const struct column_plan *)
{
    int64_t *to = native_put_space(w->out, w->n * sizeof *to);
    for (size_t i = 0; to && i < w->n; i++) {
        const struct metric_columns *c = points(w, i);
        uint32_t row = w->rows[i].row;
        int64_t n = 0;
        if (c->present[row] & POINT_IS_INT)
            n = c->int_value[row];
        else if (is_whole(c->value[row]))
            n = (int64_t)c->value[row];
        memcpy(to + i, &n, sizeof n);
    }
}

static struct num_range numbers_at(const struct insert *w, const struct column_plan *c, size_t i)
{
    const struct num_range *runs = insert_array(w, c, i);
    return runs ? runs[w->rows[i].row] : (struct num_range){};
}

void put_numbers(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 8);
    uint64_t end = 0;
    for (size_t i = 0; i < w->n; i++) {
        end += numbers_at(w, c, i).n;
        if (to) memcpy(to + i * 8, &end, 8);
    }
    to = native_put_space(w->out, end * 8);
    for (size_t i = 0; to && end && i < w->n; i++) {
        struct num_range r = numbers_at(w, c, i);
        const struct metric_columns *m = points(w, i);
        if (r.n == 0) continue;
        memcpy(to,
               (c->arg & ~OPTIONAL) == IN_F64S ? (const void *)(m->f64s + r.at) : m->u64s + r.at,
               (size_t)r.n * 8);
        to += (size_t)r.n * 8;
    }
}

static const struct column_plan plan[] = {
    {"timestamp", put_millis, BATCH_AT(metrics.time), 0},
    {"start_timestamp", put_millis, BATCH_AT(metrics.start_time), 0},
    {"metric_name", put_name, 0, 0},
    {"series_id", put_u64, BATCH_AT(metrics.series_id), 0},
    {"type", put_type, 0, 0},
    {"flags", put_u32, BATCH_AT(metrics.flags), 0},
    {"present", put_u8, BATCH_AT(metrics.present), 0},
    {"value", put_value, 0, 0},
    {"int_value", put_int_value, 0, 0},
    {"count", put_u64, BATCH_AT(metrics.count), OPTIONAL},
    {"sum", put_u64, BATCH_AT(metrics.sum), OPTIONAL},
    {"min", put_u64, BATCH_AT(metrics.min), OPTIONAL},
    {"max", put_u64, BATCH_AT(metrics.max), OPTIONAL},
    {"bucket_counts", put_numbers, BATCH_AT(metrics.bucket_counts), IN_U64S | OPTIONAL},
    {"scale", put_u32, BATCH_AT(metrics.scale), OPTIONAL},
    {"zero_count", put_u64, BATCH_AT(metrics.zero_count), OPTIONAL},
    {"zero_threshold", put_u64, BATCH_AT(metrics.zero_threshold), OPTIONAL},
    {"positive_offset", put_u32, BATCH_AT(metrics.positive_offset), OPTIONAL},
    {"positive_counts", put_numbers, BATCH_AT(metrics.positive_counts), IN_U64S | OPTIONAL},
    {"negative_offset", put_u32, BATCH_AT(metrics.negative_offset), OPTIONAL},
    {"negative_counts", put_numbers, BATCH_AT(metrics.negative_counts), IN_U64S | OPTIONAL},
    {"quantiles", put_numbers, BATCH_AT(metrics.quantiles), IN_F64S | OPTIONAL},
    {"quantile_values", put_numbers, BATCH_AT(metrics.quantile_values), IN_F64S | OPTIONAL},
};

void metrics_put(struct insert *w)
{
    insert_put(w, "otel_metrics", plan, sizeof plan / sizeof *plan);
}
