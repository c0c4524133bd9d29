#include "query/promql_change.h"

#include <math.h>

#include "query/promql_rolled.h"

/* At both ends so much at least is read as samples: they tell when a counter began to count, and
 * whether the series was there before and after its windows. */
static const int64_t end_ms = 5 * 60 * 1000;
/* Fewer hours are read as quickly. */
static const int64_t hours_least_ms = 2 * (int64_t)ROLLED_COARSE;

static int64_t floor_hour(int64_t t) { return t - t % ROLLED_COARSE; }

struct fresh {
    struct query_job *j;
    struct change_parts *parts;
};

/* Hours by their ends, in the order of time: what follows the hour before without a gap. */
static status add_fresh(void *ctx, const struct native_block *b, struct err *err)
{
    struct fresh *f = ctx;
    const struct native_column *t;
    TRY(reading_column(b, "t", &t, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        int64_t end = native_i64(t, i) * 1000, due = f->parts->hours_to + ROLLED_COARSE;
        if (!f->parts->hours_to && end == f->parts->hours_after)
            f->parts->hours_to = end; /* the windows of 5 minutes before the first are there too */
        else if (f->parts->hours_to && end == due)
            f->parts->hours_to = end;
    }
    return job_check(f->j, err);
}

status change_parts_of(struct query_job *j, const struct promql_scope *scope,
                       struct change_parts *ret, struct err *err)
{
    /* A window of an hour begins behind the full hour, where the table's next hour has begun: the
     * one of 5 minutes before it is taken too, so that of this next hour no samples are read. */
    int64_t after = floor_hour(scope->from_ms - 1 + ROLLED_FINE + end_ms + ROLLED_COARSE - 1);
    int64_t to = floor_hour(scope->to_ms - end_ms);
    struct sql sql;
    *ret = (struct change_parts){.hours_after = after};
    if (to - after >= hours_least_ms) {
        sql_init(&sql, j->arena);
        promql_plan_fresh(&sql, after, to);
        TRY(fetch_rows(j->fetcher, &sql, add_fresh, &(struct fresh){j, ret}, err));
    }
    if (ret->hours_to - after < hours_least_ms)
        *ret = (struct change_parts){0};
    else
        ret->fine_after = after - ROLLED_FINE;
    return ST_OK;
}

uint64_t change_expected(const struct change_parts *c, const struct promql_scope *scope)
{
    int64_t raw = c->fine_after - scope->from_ms + scope->to_ms - c->hours_to;
    return (uint64_t)(raw / USUAL_INTERVAL_MS + (c->hours_to - c->hours_after) / ROLLED_COARSE * 8 +
                      2);
}

/* Has the output a window for each hour, and samples at both ends that tell of one beginning? */
static bool is_told(const struct change_parts *c, struct output *o)
{
    uint32_t hours = (uint32_t)((c->hours_to - c->hours_after) / ROLLED_COARSE);
    const struct output *starts = o->starts;
    if (!o->n || o->n_rolled != hours + 1 || o->rolled[0].width != ROLLED_FINE ||
        o->samples[0].t > c->fine_after || o->samples[o->n - 1].t <= c->hours_to)
        return false;
    for (uint32_t i = 0; starts && i < starts->n; i++)
        if (starts->samples[i].v != starts->samples[0].v) return false;
    for (uint32_t i = 0; i < o->n_rolled; i++) {
        struct rolled *w = &o->rolled[i];
        if (!w->n || !isfinite(w->increase) || !isfinite(w->first.v) || !isfinite(w->last.v))
            return false;
        w->start = starts && starts->n ? (int64_t)starts->samples[0].v : 0;
    }
    return true;
}

static void forget(struct output *o)
{
    *o = (struct output){.labels = o->labels, .part = o->part, .bound = o->bound, .rank = o->rank};
}

status change_read(struct reading *r, const struct promql_scope *scope, const struct wanted *w,
                   unsigned *io_used, struct err *err)
{
    const struct change_parts *c = &r->change;
    struct promql_scope before = *scope, behind = *scope;
    before.to_ms = c->fine_after;
    behind.from_ms = c->hours_to + 1;
    TRY(reading_piece(r, &before, w, err));
    TRY(reading_piece(r, &behind, w, err));
    TRY(rolled_windows(r, w, c->fine_after, c->hours_after, false, io_used, err));
    TRY(rolled_windows(r, w, c->hours_after, c->hours_to, true, io_used, err));
    for (uint32_t i = 0; i < r->n; i++) {
        struct stored *s = &r->list[i];
        s->raw = false;
        for (uint32_t k = 0; k < s->n_outputs; k++) s->raw |= !is_told(c, &s->outputs[k]);
        for (uint32_t k = 0; s->raw && k < s->n_outputs; k++) forget(&s->outputs[k]);
    }
    return reading_check(r, err);
}
