#include "query/plan/promql_written.h"

#include <stdlib.h>

#include "base/hash.h"
#include "query/plan/promql_plan.h"

enum { WINDOW_MS = 300'000 };
static const int64_t day_ms = 86'400'000;

enum written_kind { WRITTEN_WINDOW, WRITTEN_DAY, WRITTEN_NOW, WRITTEN_TARGETS };

static void targets_too(struct sql *q, int64_t from_ms, int64_t to_ms)
{
    sql_add(q,
            S("\nUNION ALL\nSELECT 3, intDiv(toUnixTimestamp64Milli(timestamp) + 299999, 300000) "
              "* 300000 AS end, count(), 0\nFROM otel_metric_targets\n"
              "WHERE toStartOfHour(timestamp) >= toStartOfHour("));
    sql_bind_time_ms(q, from_ms);
    sql_add(q, S(") AND toStartOfHour(timestamp) <= toStartOfHour("));
    sql_bind_time_ms(q, to_ms + WINDOW_MS);
    sql_add(q, S(")\nGROUP BY end"));
}

void promql_plan_written(struct sql *q, int64_t from_ms, int64_t to_ms, bool targets)
{
    int64_t most = (int64_t)PROMQL_TIME_MAX * 1000; /* what the table's times can hold */
    from_ms = from_ms < 0 ? 0 : from_ms > most ? most : from_ms;
    to_ms = to_ms < 0 ? 0 : to_ms > most ? most : to_ms;
    sql_add(q, S("SELECT 0 AS kind, toInt64(toUnixTimestamp(time)) * 1000 AS t, sum(rows) AS a, "
                 "toUnixTimestamp64Milli(max(touched)) AS b\n"
                 "FROM weir_rollup_touched\nWHERE source = 'metrics' AND time >= toDateTime("));
    sql_bind_time_ms(q, from_ms);
    sql_add(q, S(") AND time <= toDateTime("));
    sql_bind_time_ms(q, to_ms + WINDOW_MS);
    sql_add(q, S(")\nGROUP BY time\nUNION ALL\n"
                 "SELECT 1, toInt64(toUnixTimestamp(toDateTime(toDateOrZero(partition), 'UTC'))) * "
                 "1000, groupBitXor(cityHash64(name)), 0\nFROM system.parts\n"
                 "WHERE database = currentDatabase() AND table = 'otel_metrics' AND active "
                 "AND partition >= toString(toDate("));
    sql_bind_time_ms(q, from_ms);
    sql_add(q, S(")) AND partition <= toString(toDate("));
    sql_bind_time_ms(q, to_ms);
    sql_add(q, S("))\nGROUP BY partition\nUNION ALL\n"
                 "SELECT 2, toUnixTimestamp64Milli(now64(3)), cityHash64(toString(uuid)), 0\n"
                 "FROM system.tables WHERE database = currentDatabase() AND name = "
                 "'otel_metrics' AND engine = 'MergeTree'"));
    if (targets) targets_too(q, from_ms, to_ms);
}

void promql_written_window(struct written *w, int64_t t, uint64_t rows, int64_t touched)
{
    if (w->n == w->cap) {
        uint32_t cap = w->cap * 2 + 64;
        struct written_window *list = arena_array(w->arena, struct written_window, cap);
        if (w->n) memcpy(list, w->windows, w->n * sizeof *list);
        w->windows = list;
        w->cap = cap;
    }
    uint64_t hash = hash_mix(hash_mix(hash_mix(1, (uint64_t)t), rows), (uint64_t)touched);
    w->windows[w->n++] = (struct written_window){t, touched, 0, hash};
}

static void add_day(struct written *w, struct written_day day)
{
    if (w->n_days == w->cap_days) {
        uint32_t cap = w->cap_days * 2 + 16;
        struct written_day *list = arena_array(w->arena, struct written_day, cap);
        if (w->n_days) memcpy(list, w->days, w->n_days * sizeof *list);
        w->days = list;
        w->cap_days = cap;
    }
    w->days[w->n_days++] = day;
}

void promql_written_add(struct written *w, uint64_t kind, int64_t t, uint64_t a, int64_t b)
{
    switch (kind) {
    case WRITTEN_WINDOW:
    case WRITTEN_TARGETS: promql_written_window(w, t, a, b); break;
    case WRITTEN_DAY: add_day(w, (struct written_day){.start_ms = t, .parts = a}); break;
    case WRITTEN_NOW:
        w->now_ms = t;
        w->table = a;
        break;
    default: break;
    }
}

void promql_written_known(struct written *w, uint64_t epoch, int64_t epoch_ms, int64_t now_ms)
{
    w->table = epoch ? epoch : 1;
    w->least_ms = epoch_ms;
    w->now_ms = now_ms;
}

static int by_end(const void *pa, const void *pb)
{
    const struct written_window *a = pa, *b = pb;
    return (a->end_ms > b->end_ms) - (a->end_ms < b->end_ms);
}

void promql_written_end(struct written *w)
{
    uint64_t sum = 0;
    if (w->n) qsort(w->windows, w->n, sizeof *w->windows, by_end);
    for (uint32_t i = 0; i < w->n; i++) {
        w->windows[i].sum = sum;
        sum += w->windows[i].hash;
    }
}

/* The first window that ends at `ms` or later. */
static uint32_t at_or_after(const struct written *w, int64_t ms)
{
    uint32_t lo = 0, hi = w->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (w->windows[mid].end_ms < ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static uint64_t sum_before(const struct written *w, uint32_t i)
{
    if (i < w->n) return w->windows[i].sum;
    return w->n ? w->windows[w->n - 1].sum + w->windows[w->n - 1].hash : 0;
}

static bool is_on(const struct written_day *d, int64_t from_ms, int64_t to_ms)
{
    return d->start_ms <= to_ms && d->start_ms + day_ms > from_ms;
}

uint64_t promql_written_generation(const struct written *w, int64_t from_ms, int64_t to_ms)
{
    /* A window that ends at e has samples of (e - WINDOW_MS, e]. */
    uint32_t first = at_or_after(w, from_ms), last = at_or_after(w, to_ms + WINDOW_MS);
    uint64_t g = hash_mix(w->table, sum_before(w, last) - sum_before(w, first)), days = 0;
    for (uint32_t i = 0; i < w->n_days; i++) {
        const struct written_day *d = &w->days[i];
        if (!is_on(d, from_ms, to_ms)) continue;
        bool over = d->start_ms + 2 * day_ms <= w->now_ms; /* before, parts come and go */
        days += hash_mix(hash_mix(2, (uint64_t)d->start_ms), over ? d->parts : 1);
    }
    return hash_mix(g, days);
}

int64_t promql_written_last(const struct written *w, int64_t from_ms, int64_t to_ms)
{
    uint32_t last = at_or_after(w, to_ms + WINDOW_MS);
    int64_t t = w->least_ms;
    for (uint32_t i = at_or_after(w, from_ms); i < last; i++)
        if (w->windows[i].touched_ms > t) t = w->windows[i].touched_ms;
    return t;
}
