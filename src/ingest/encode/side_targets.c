/* otel_metric_resources and otel_metric_targets: what target_info is made of. Resources that have
 * none are left out. */
#include <stdlib.h>

#include "base/hash.h"
#include "ingest/encode/seen.h"
#include "ingest/encode/side.h"
#include "model/prometheus_name.h"

enum { SAYS_RESOURCE = 5, MOMENTS_MAX = 1000 }; /* of a resource in a block */

static const uint64_t target_interval_ns = 150'000'000'000; /* half of Prometheus' lookback */

/* When a resource of a batch is spoken of. */
struct span {
    uint64_t first, last;
    uint32_t row; /* any of its points */
    bool any;
};

static void note(struct span *s, uint64_t t, uint32_t row)
{
    if (!s->any || t < s->first) s->first = t;
    if (!s->any || t > s->last) s->last = t;
    s->row = row;
    s->any = true;
}

/* Of each resource of the batch; those that have no target_info are none. In the order the points
 * came in: in that of the table each would be of another batch. */
static struct span *spans_of(struct arena *a, const struct telemetry_batch *b)
{
    const struct metric_columns *c = &b->metrics;
    struct span *of = arena_array(a, struct span, b->n_resources);
    memset(of, 0, b->n_resources * sizeof *of);
    for (uint32_t i = 0; i < c->n; i++) note(&of[c->descs[c->desc[i]].resource], c->time[i], i);
    for (uint32_t i = 0; i < b->n_resources; i++) {
        struct attr_range r = b->resources[i].attrs;
        of[i].any = of[i].any && prometheus_has_target(r.n ? b->attrs + r.at : NULL, r.n);
    }
    return of;
}

static void add_days(struct side_rows *ret, struct encode_seen *seen, const struct resource *r,
                     const struct span *s, uint32_t batch)
{
    uint64_t first = side_day(s->first), last = side_day(s->last);
    for (uint64_t day = first; day <= last; day += 1 + (last - first) / MOMENTS_MAX)
        if (seen_add(seen, hash_mix(hash_mix(SAYS_RESOURCE, day), r->hash)))
            side_add(ret, (struct side_row){.partition = side_month(day),
                                            .a = r->service_name,
                                            .u = r->hash,
                                            .v = day,
                                            .ref = {batch, s->row}});
}

static void find_resources(const struct telemetry_block *b, const struct encode_rows *rows,
                           struct encode_seen *seen, struct side_rows *ret)
{
    for (uint32_t i = 0; i < b->n && rows->n; i++) {
        const struct span *of = spans_of(ret->arena, b->batches[i]);
        for (uint32_t k = 0; k < b->batches[i]->n_resources; k++)
            if (of[k].any) add_days(ret, seen, &b->batches[i]->resources[k], &of[k], i);
    }
}

static void add_moments(struct side_rows *ret, uint64_t id, const struct span *s, uint32_t batch)
{
    uint64_t step = (s->last - s->first) / MOMENTS_MAX;
    if (step < target_interval_ns) step = target_interval_ns;
    for (uint64_t t = s->first;; t = s->last - t > step ? t + step : s->last) {
        side_add(ret, (struct side_row){.partition = side_month(side_day(t)),
                                        .u = id,
                                        .v = t,
                                        .ref = {batch, s->row}});
        if (t == s->last) return;
    }
}

/* A resource in one batch. */
struct sighting {
    uint64_t id;
    uint32_t batch;
    struct span span;
};

static int by_id(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return (a->batch > b->batch) - (a->batch < b->batch);
}

/* Of a resource the first and the last moment of the whole block: requests may be batches of their
 * own or folded into one, and the rows are the same. */
static void find_targets(const struct telemetry_block *b, const struct encode_rows *rows,
                         struct encode_seen *, struct side_rows *ret)
{
    size_t n = 0, most = 0;
    for (uint32_t i = 0; i < b->n; i++) most += b->batches[i]->n_resources;
    struct sighting *list = arena_array(ret->arena, struct sighting, most + 1);
    for (uint32_t i = 0; i < b->n && rows->n; i++) {
        const struct span *of = spans_of(ret->arena, b->batches[i]);
        for (uint32_t k = 0; k < b->batches[i]->n_resources; k++)
            if (of[k].any)
                list[n++] = (struct sighting){b->batches[i]->resources[k].hash, i, of[k]};
    }
    if (n) qsort(list, n, sizeof *list, by_id);
    for (size_t i = 0, to; i < n; i = to) {
        struct span *s = &list[i].span;
        for (to = i + 1; to < n && list[to].id == list[i].id; to++) {
            if (list[to].span.first < s->first) s->first = list[to].span.first;
            if (list[to].span.last > s->last) s->last = list[to].span.last;
        }
        add_moments(ret, list[i].id, s, list[i].batch);
    }
}

static void put_target_day(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 2);
    for (size_t i = 0; to && i < w->n; i++) {
        uint16_t day = (uint16_t)w->side[i].v;
        memcpy(to + i * 2, &day, 2);
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
        {"day", put_target_day, 0, 0},
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
