/* otel_metric_resources and otel_metric_targets: what target_info is made of. Resources that have
 * none are left out. */
#include "base/hash.h"
#include "ingest/encode/seen.h"
#include "ingest/encode/side.h"
#include "model/prometheus_name.h"

enum { SAYS_RESOURCE = 5, MOMENTS_MAX = 1000 }; /* of a resource in a request */

static const uint64_t target_interval_ns = 150'000'000'000; /* half of Prometheus' lookback */

static const struct resource *resource_of(const struct telemetry_batch *b, uint32_t row)
{
    return &b->resources[b->metrics.descs[b->metrics.desc[row]].resource];
}

static bool has_target(const struct telemetry_batch *b, const struct resource *r)
{
    return prometheus_has_target(r->attrs.n ? b->attrs + r->attrs.at : NULL, r->attrs.n);
}

static void find_resources(const struct telemetry_block *b, const struct encode_rows *rows,
                           struct encode_seen *seen, struct side_rows *ret)
{
    uint64_t last_id = 0, last_day = UINT64_MAX;
    for (size_t i = 0; i < rows->n; i++) {
        struct row_ref r = rows->rows[i];
        const struct telemetry_batch *t = b->batches[r.batch];
        const struct resource *resource = resource_of(t, r.row);
        uint64_t day = side_day(t->metrics.time[r.row]);
        if (resource->hash == last_id && day == last_day) continue;
        last_id = resource->hash;
        last_day = day;
        if (!has_target(t, resource) ||
            !seen_add(seen, hash_mix(hash_mix(SAYS_RESOURCE, day), last_id)))
            continue;
        side_add(ret, (struct side_row){.partition = side_month(day),
                                        .a = resource->service_name,
                                        .u = last_id,
                                        .v = day,
                                        .ref = r});
    }
}

/* When a resource of a batch is spoken of. */
struct span {
    uint64_t first, last;
    struct row_ref ref;
    bool any;
};

static struct span **spans_of(struct arena *a, const struct telemetry_block *b,
                              const struct encode_rows *rows)
{
    struct span **of = arena_array(a, struct span *, b->n);
    for (size_t i = 0; i < b->n; i++) {
        of[i] = arena_array(a, struct span, b->batches[i]->n_resources);
        memset(of[i], 0, b->batches[i]->n_resources * sizeof *of[i]);
    }
    for (size_t i = 0; i < rows->n; i++) {
        struct row_ref r = rows->rows[i];
        const struct metric_columns *c = &b->batches[r.batch]->metrics;
        struct span *s = &of[r.batch][c->descs[c->desc[r.row]].resource];
        uint64_t t = c->time[r.row];
        if (!s->any || t < s->first) s->first = t;
        if (!s->any || t > s->last) s->last = t;
        if (!s->any) s->ref = r;
        s->any = true;
    }
    return of;
}

static void add_moment(struct side_rows *ret, const struct span *s, uint64_t id, uint64_t t)
{
    side_add(ret, (struct side_row){
                      .partition = side_month(side_day(t)), .u = id, .v = t, .ref = s->ref});
}

static void find_targets(const struct telemetry_block *b, const struct encode_rows *rows,
                         struct encode_seen *, struct side_rows *ret)
{
    struct span **of = spans_of(ret->arena, b, rows);
    for (size_t i = 0; i < b->n; i++)
        for (uint32_t k = 0; k < b->batches[i]->n_resources; k++) {
            const struct span *s = &of[i][k];
            const struct resource *r = &b->batches[i]->resources[k];
            if (!s->any || !has_target(b->batches[i], r)) continue;
            uint64_t step = (s->last - s->first) / MOMENTS_MAX;
            if (step < target_interval_ns) step = target_interval_ns;
            for (uint64_t t = s->first; t < s->last; t += step) add_moment(ret, s, r->hash, t);
            add_moment(ret, s, r->hash, s->last);
        }
}

static void put_resource_id(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 8, &w->side[i].u, 8);
}

static void put_moment(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++) {
        int64_t ms = (int64_t)(w->side[i].v / (uint64_t)NANOS_MS);
        memcpy(to + i * 8, &ms, sizeof ms);
    }
}

static void put_resources(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"day", put_day, BATCH_AT(metrics.time), 0},
        {"resource_id", put_resource_id, 0, 0},
        SERVICE_NAME_PLAN,
        {"resource_attributes", put_origin_attributes, 0, FROM_RESOURCE},
    };
    origins_find(w);
    insert_put(w, "otel_metric_resources", plan, sizeof plan / sizeof *plan);
}

static void put_targets(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"timestamp", put_moment, 0, 0},
        {"resource_id", put_resource_id, 0, 0},
    };
    insert_put(w, "otel_metric_targets", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_metric_resources = {S("otel_metric_resources"), find_resources,
                                                 put_resources};
const struct side_table side_metric_targets = {S("otel_metric_targets"), find_targets, put_targets};
