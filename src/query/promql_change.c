#include "query/promql_change.h"

#include <math.h>

#include "query/promql_rolled.h"

/* At both ends so much at least is read as samples: they tell when a counter began to count, and
 * whether the series was there before and after its windows. */
static const int64_t end_ms = 5 * 60 * 1000;
/* Fewer hours are read as quickly. */
static const int64_t hours_least_ms = 2 * (int64_t)ROLLED_COARSE;

static int64_t floor_hour(int64_t t) { return t - t % ROLLED_COARSE; }

/* The longest time whose windows are fresh, of those that follow each other. */
struct fresh {
    struct query_job *j;
    int64_t after, upto; /* the longest so far */
    int64_t run_after, run_upto;
    bool open; /* the run goes on */
};

/* Hours by their ends, in the order of time, each with where its fresh windows end. */
static status add_fresh(void *ctx, const struct native_block *b, struct err *err)
{
    struct fresh *f = ctx;
    const struct native_column *t, *upto;
    TRY(reading_column(b, "t", &t, err));
    TRY(reading_column(b, "upto", &upto, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        int64_t end = native_i64(t, i) * 1000, to = native_i64(upto, i) * 1000;
        if (!f->open || end != floor_hour(f->run_upto) + ROLLED_COARSE) {
            int64_t begin = end - ROLLED_COARSE;
            f->run_after = f->run_upto = begin > f->after ? begin : f->after;
        }
        if (to > f->run_upto) f->run_upto = to;
        f->open = to == end;
        if (f->run_upto - f->run_after > f->upto - f->after) {
            f->after = f->run_after;
            f->upto = f->run_upto;
        }
    }
    return job_check(f->j, err);
}

/* Which part of (*io_after, *io_to] has fresh windows. */
static status fresh_of(struct query_job *j, bool hours, int64_t *io_after, int64_t *io_to,
                       struct err *err)
{
    struct fresh f = {.j = j, .after = *io_after, .upto = *io_after};
    struct sql sql;
    sql_init(&sql, j->arena);
    promql_plan_fresh(&sql, *io_after, *io_to, hours);
    TRY(fetch_rows(j->fetcher, &sql, add_fresh, &f, err));
    *io_after = f.after;
    if (f.upto < *io_to) *io_to = f.upto;
    return ST_OK;
}

/* Several ranges: hours only where all are of hours; before these are windows of 5 minutes. */
static status parts_of_several(struct query_job *j, const struct promql_scope *scope,
                               struct change_parts *c, struct err *err)
{
    bool hours = c->whole % ROLLED_COARSE == 0;
    int64_t from = scope->from_ms - 1, after = hours ? from : from + end_ms;
    int64_t to = scope->to_ms - end_ms;
    to -= to % (hours ? ROLLED_COARSE : ROLLED_FINE);
    if (from % c->whole || to - after < hours_least_ms) return ST_OK;
    TRY(fresh_of(j, hours, &after, &to, err));
    c->fine_after = hours ? after + end_ms : after;
    c->hours_after = hours ? after + ROLLED_COARSE : to;
    if (to - after >= hours_least_ms) c->hours_to = to;
    return ST_OK;
}

static status parts_of_one(struct query_job *j, const struct promql_scope *scope,
                           struct change_parts *c, struct err *err)
{
    /* A window of an hour begins behind the full hour, where the table's next hour has begun: the
     * one of 5 minutes before it is taken too, so that of this next hour no samples are read. */
    int64_t after = floor_hour(scope->from_ms - 1 + ROLLED_FINE + end_ms - 1);
    int64_t to = floor_hour(scope->to_ms - end_ms);
    if (to - after < hours_least_ms + ROLLED_COARSE) return ST_OK;
    TRY(fresh_of(j, true, &after, &to, err));
    c->hours_after = after + ROLLED_COARSE;
    c->fine_after = c->hours_after - ROLLED_FINE;
    if (to - c->hours_after >= hours_least_ms) c->hours_to = to;
    return ST_OK;
}

status change_parts_of(struct reading *r, const struct promql_scope *scope, int64_t whole_ms,
                       struct err *err)
{
    struct change_parts c = {.from = scope->from_ms, .to = scope->to_ms, .whole = whole_ms};
    const struct change_parts *known = r->known_parts;
    if (known && known->from == c.from && known->to == c.to && known->whole == whole_ms) {
        r->change = *known;
        return ST_OK;
    }
    TRY(whole_ms ? parts_of_several(r->job, scope, &c, err) : parts_of_one(r->job, scope, &c, err));
    if (r->known_parts) *r->known_parts = c;
    r->change = c;
    return ST_OK;
}

static uint32_t windows_of(const struct change_parts *c)
{
    return (uint32_t)((c->hours_to - c->hours_after) / ROLLED_COARSE +
                      (c->hours_after - c->fine_after) / ROLLED_FINE);
}

static uint64_t samples_of(const struct change_parts *c, const struct promql_scope *scope)
{
    int64_t raw = c->fine_after - scope->from_ms + scope->to_ms - c->hours_to;
    return (uint64_t)(raw / USUAL_INTERVAL_MS);
}

uint64_t change_expected(const struct change_parts *c, const struct promql_scope *scope)
{
    return samples_of(c, scope) + (uint64_t)windows_of(c) * 8 + 2;
}

uint64_t change_ends_expected(const struct change_parts *c, const struct promql_scope *scope)
{
    return samples_of(c, scope) + 2;
}

/* Sums of whole numbers below it are exact, in any order. */
static const double exact_most = 9007199254740992;

static bool is_whole(const struct rolled *w)
{
    return trunc(w->sum) == w->sum && trunc(w->min) == w->min && trunc(w->max) == w->max;
}

/* What a window says is what its samples say. One whose first sample lies before it, as the time
 * does in ms, belongs to another range than the window does. */
static bool is_window_told(const struct rolled *w, enum series_needs needs)
{
    if (!w->n || w->first.t <= w->end - w->width) return false;
    if (needs == NEEDS_SUM) return isfinite(w->sum) && is_whole(w);
    return isfinite(w->increase) && isfinite(w->first.v) && isfinite(w->last.v);
}

/* Did the counter begin to count once, as far as can be seen? At its end it says when: what came
 * after that moment says the same, and nothing is there from before it but samples that do. */
static bool is_one_beginning(const struct change_parts *c, const struct output *o, int64_t *ret)
{
    const struct output *starts = o->starts;
    *ret = 0;
    if (!o->n || o->samples[o->n - 1].t <= c->hours_to) return false;
    if (!starts || !starts->n) return true;
    double start = starts->samples[starts->n - 1].v;
    for (uint32_t i = 0; i < starts->n; i++)
        if (starts->samples[i].v != start) return false;
    *ret = (int64_t)start;
    return o->samples[0].t <= c->fine_after || !o->n_rolled || o->rolled[0].first.t >= *ret;
}

/* The samples at the ends are whole too. */
static bool is_sum_exact(const struct output *o)
{
    double total = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        double v = o->samples[i].v;
        if (is_stale(v)) continue;
        if (!isfinite(v) || trunc(v) != v) return false;
        total += fabs(v);
    }
    for (uint32_t i = 0; i < o->n_rolled; i++) total += fabs(o->rolled[i].sum);
    return total < exact_most;
}

/* Do samples and windows of the output say what all the samples would? */
static bool is_told(const struct change_parts *c, struct output *o, const struct reading *r)
{
    int64_t start = 0;
    if (r->needs == NEEDS_SUM && !is_sum_exact(o)) return false;
    if (r->needs == NEEDS_CHANGE && r->with_starts && !is_one_beginning(c, o, &start)) return false;
    for (uint32_t i = 0; i < o->n_rolled; i++) {
        if (!is_window_told(&o->rolled[i], r->needs)) return false;
        o->rolled[i].start = start;
    }
    return true;
}

static void forget(struct output *o)
{
    *o = (struct output){.labels = o->labels, .part = o->part, .bound = o->bound, .rank = o->rank};
}

void change_forget(struct stored *s)
{
    for (uint32_t k = 0; k < s->n_outputs; k++) forget(&s->outputs[k]);
}

status change_read_ends(struct reading *r, const struct promql_scope *scope, const struct wanted *w,
                        struct err *err)
{
    struct promql_scope before = *scope, behind = *scope;
    before.to_ms = r->change.fine_after;
    behind.from_ms = r->change.hours_to + 1;
    TRY(reading_piece(r, &before, w, err));
    return reading_piece(r, &behind, w, err);
}

status change_read(struct reading *r, const struct promql_scope *scope, const struct wanted *w,
                   unsigned *io_used, struct err *err)
{
    const struct change_parts *c = &r->change;
    struct wanted of_windows = *w;
    of_windows.columns.ends_only = r->needs == NEEDS_CHANGE;
    r->windows = windows_of(c) + 1;
    if (!r->has_ends) TRY(change_read_ends(r, scope, w, err));
    TRY(rolled_windows(r, &of_windows, c->fine_after, c->hours_after, false, io_used, err));
    TRY(rolled_windows(r, &of_windows, c->hours_after, c->hours_to, true, io_used, err));
    for (uint32_t i = 0; i < r->n; i++) {
        struct stored *s = &r->list[i];
        s->raw = false;
        for (uint32_t k = 0; k < s->n_outputs; k++) s->raw |= !is_told(c, &s->outputs[k], r);
        if (s->raw) change_forget(s);
    }
    return reading_check(r, err);
}
