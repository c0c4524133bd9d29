/* otel_metric_series: what all samples of a series share, and what Prometheus calls it; a row for
 * each day seen. */
#include "base/hash.h"
#include "ingest/encode/seen.h"
#include "ingest/encode/side.h"
#include "model/prometheus_name.h"

enum { SAYS_SERIES = 4 };

static const struct metric_desc *desc_at(const struct insert *w, size_t i)
{
    const struct metric_columns *c = &insert_batch(w, i)->metrics;
    return &c->descs[c->desc[w->rows[i].row]];
}

/* A metric whose name comes to nothing answers to no Prometheus query, under the name "". */
static str name_of(struct arena *a, const struct metric_desc *d, const struct attr *batch_attrs)
{
    static const struct prometheus_namer standard = {PROMETHEUS_UNDERSCORES_WITH_SUFFIXES, {0}};
    str name = {0};
    if (prometheus_is_verbatim(d, batch_attrs)) return d->name;
    (void)!prometheus_metric_name(a, &standard, d->name, d->unit, prometheus_kind_of(d), &name,
                                  NULL);
    return name;
}

static void find_series(const struct telemetry_block *b, const struct encode_rows *rows,
                        struct encode_seen *seen, struct side_rows *ret)
{
    uint64_t last_series = 0, last_day = UINT64_MAX;
    for (size_t i = 0; i < rows->n; i++) {
        struct row_ref r = rows->rows[i];
        const struct metric_columns *c = &b->batches[r.batch]->metrics;
        uint64_t series = c->series_id[r.row], day = side_day(c->time[r.row]);
        if (series == last_series && day == last_day) continue;
        last_series = series;
        last_day = day;
        if (!seen_add(seen, hash_mix(hash_mix(SAYS_SERIES, day), series))) continue;
        side_add(ret, (struct side_row){.partition = side_month(day),
                                        .a = name_of(ret->arena, &c->descs[c->desc[r.row]],
                                                     b->batches[r.batch]->attrs),
                                        .u = series,
                                        .v = day,
                                        .ref = r});
    }
}

static void put_prometheus_name(struct insert *w, const struct column_plan *)
{
    str *names = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++) names[i] = w->side[i].a;
    native_put_lc_prefix(w->out);
    put_lc_strings(w, names, w->n);
}

static void put_labels(struct insert *w, const struct column_plan *)
{
    static const struct prometheus_naming standard = {};
    struct attr_run *runs = arena_array(w->arena, struct attr_run, w->n);
    for (size_t i = 0; i < w->n; i++) {
        const struct telemetry_batch *b = insert_batch(w, i);
        struct attr_range r = b->metrics.attrs[w->rows[i].row];
        const struct origin *o = &w->resources.list[w->resources.of_row[i]];
        const struct prometheus_series from = {.verbatim =
                                                   prometheus_is_verbatim(desc_at(w, i), b->attrs),
                                               .attrs = r.n ? b->attrs + r.at : NULL,
                                               .n_attrs = r.n,
                                               .resource = o->attrs,
                                               .n_resource = o->n_attrs};
        struct attr *labels;
        uint32_t n = (uint32_t)prometheus_labels(w->arena, &standard, &from, &labels);
        runs[i] = (struct attr_run){labels, NULL, n};
    }
    struct attr_pass *p = attr_pass_new(w, runs, w->n, NULL);
    native_put_lc_prefix(w->out);
    attr_pass_put_map(w, p);
}

/* A text of the metric: `at` is its offset in struct metric_desc. */
static void put_desc_text(struct insert *w, const struct column_plan *c)
{
    str *texts = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++)
        memcpy(&texts[i], (const char *)desc_at(w, i) + c->at, sizeof *texts);
    native_put_lc_prefix(w->out);
    put_lc_strings(w, texts, w->n);
}

enum { DESC_TYPE, DESC_TEMPORALITY, DESC_MONOTONIC };

static void put_desc_u8(struct insert *w, const struct column_plan *c)
{
    uint8_t *to = native_put_space(w->out, w->n);
    for (size_t i = 0; to && i < w->n; i++) {
        const struct metric_desc *d = desc_at(w, i);
        to[i] = c->arg == DESC_TYPE          ? (uint8_t)d->type
                : c->arg == DESC_TEMPORALITY ? d->temporality
                                             : d->monotonic;
    }
}

static void put_metadata(struct insert *w, const struct column_plan *)
{
    struct attr_run *runs = arena_array(w->arena, struct attr_run, w->n);
    for (size_t i = 0; i < w->n; i++) {
        struct attr_range r = desc_at(w, i)->metadata;
        runs[i] = attr_run_of(insert_batch(w, i), r, NULL);
    }
    w->attrs = attr_pass_new(w, runs, w->n, NULL);
    native_put_lc_prefix(w->out);
    attr_pass_put_map(w, w->attrs);
}

static void put_series(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"day", put_day, BATCH_AT(metrics.time), 0},
        {"series_id", put_u64, BATCH_AT(metrics.series_id), 0},
        {"prometheus_name", put_prometheus_name, 0, 0},
        {"prometheus_labels", put_labels, 0, 0},
        {"metric_name", put_desc_text, offsetof(struct metric_desc, name), 0},
        {"type", put_desc_u8, 0, DESC_TYPE},
        {"temporality", put_desc_u8, 0, DESC_TEMPORALITY},
        {"monotonic", put_desc_u8, 0, DESC_MONOTONIC},
        {"unit", put_desc_text, offsetof(struct metric_desc, unit), 0},
        {"description", put_desc_text, offsetof(struct metric_desc, description), 0},
        {"metadata", put_metadata, 0, 0},
        {"metadata_types", put_attribute_types, 0, 0},
        {"explicit_bounds", put_numbers, BATCH_AT(metrics.explicit_bounds), IN_F64S},
        {"attributes", put_attributes, BATCH_AT(metrics.attrs), 0},
        {"attribute_types", put_attribute_types, 0, 0},
        SERVICE_NAME_PLAN,
        RESOURCE_PLANS,
        SCOPE_PLANS,
    };
    origins_find(w);
    insert_put(w, "otel_metric_series", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_metric_series = {S("otel_metric_series"), find_series, put_series};
