/* A selection in batches: the stored series in the order of their ids, which is how their rows lie
 * in each hour of the table, as many as have two million samples
 * between them. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "query/promql_change.h"
#include "query/promql_found.h"

enum { BATCH_SAMPLES = 2 << 20, HOUR_MS = 3'600'000 };

struct ranked {
    struct stored *of;
    struct output *output;
};

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct ranked *)a)->output->labels,
                          ((const struct ranked *)b)->output->labels);
}

/* Gives the outputs their ranks, and finds the stored series that are one to Prometheus. */
static void rank(struct reading *r)
{
    uint64_t total = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n; i++) total += r->list[i].n_outputs;
    struct ranked *list = arena_array(r->arena, struct ranked, total + 1);
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->list[i].n_outputs; k++)
            list[n++] = (struct ranked){&r->list[i], &r->list[i].outputs[k]};
    if (n) qsort(list, n, sizeof *list, by_labels);
    for (uint32_t i = 0; i < n; i++) {
        list[i].output->rank = i;
        if (!i || !labels_equal(list[i - 1].output->labels, list[i].output->labels)) continue;
        list[i].output->rank = list[i - 1].output->rank;
        list[i].of->twin = list[i - 1].of->twin = true;
    }
    r->ranked = true;
}

struct told_apart {
    struct stored *of;
    struct labels by;
};

struct looking {
    const struct told_apart *list;
    struct labels labels;
};

static bool has_labels(const void *ctx, uint32_t at)
{
    const struct looking *x = ctx;
    return labels_equal(x->list[at].by, x->labels);
}

/* The same without ranks, and without sorting. Type and unit go with the name when something is
 * done to a metric: series that only they tell apart are then the same, which must be seen. */
static void find_twins(struct reading *r)
{
    static const str go[] = {{"__type__", 8}, {"__unit__", 8}};
    uint64_t total = 0;
    uint32_t n = 0, at;
    struct map index;
    for (uint32_t i = 0; i < r->n; i++) total += r->list[i].n_outputs;
    struct told_apart *list = arena_array(r->arena, struct told_apart, total + 1);
    map_init(&index, r->arena, (uint32_t)total);
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->list[i].n_outputs; k++) {
            struct labels l = r->list[i].outputs[k].labels;
            if (labels_get(l, go[0]).len || labels_get(l, go[1]).len)
                l = labels_drop(r->arena, l, go, 2);
            uint64_t h = labels_hash(l);
            if (map_find(&index, h, has_labels, &(struct looking){list, l}, &at)) {
                r->list[i].twin = list[at].of->twin = true;
                continue;
            }
            map_add(&index, h, n);
            list[n++] = (struct told_apart){&r->list[i], l};
        }
}

/* From here on the engine finds the number that is needed sooner than it hands over all
 * (docs/decisions/0034). */
static const int64_t needed_least_ms = 2 * (int64_t)HOUR_MS;

/* What is made of deltas and histograms needs their samples. */
static enum series_needs needs_of(const struct reading *r, const struct promql_scope *scope,
                                  enum series_needs asked)
{
    if (r->any_delta || scope->to_ms - scope->from_ms < needed_least_ms) return NEEDS_ALL;
    for (uint32_t i = 0; i < r->n && asked; i++)
        if (r->list[i].type != STORED_GAUGE && r->list[i].type != STORED_SUM) return NEEDS_ALL;
    return asked;
}

static bool has_windows(const struct reading *r)
{
    return r->needs == NEEDS_CHANGE || r->needs == NEEDS_SUM;
}

status reading_needs(struct reading *r, const struct promql_scope *scope, enum series_needs needs,
                     int64_t whole_ms, struct err *err)
{
    r->needs = needs_of(r, scope, needs);
    if (!has_windows(r)) return ST_OK;
    TRY(change_parts_of(r, scope, whole_ms, err));
    if (!r->change.hours_to) r->needs = NEEDS_ALL;
    return ST_OK;
}

static uint64_t expected(const struct reading *r, const struct stored *s,
                         const struct promql_scope *scope)
{
    uint64_t n = (uint64_t)(scope->to_ms - scope->from_ms) / USUAL_INTERVAL_MS + 1;
    if (has_windows(r))
        n = change_expected(&r->change, scope);
    else if (r->needs)
        return s->n_outputs;
    return n * s->n_outputs * (r->with_starts ? 2 : 1);
}

bool reading_can_batch(const struct reading *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        const struct stored *s = &r->list[i];
        if (s->type == STORED_SUMMARY) return false;
        for (uint32_t k = 0; k < s->n_outputs; k++)
            if (s->outputs[k].part == PART_NATIVE) return false;
    }
    return true;
}

/* `twins`: there may be equal labels among them. */
static status read_batch(struct reading *r, const struct promql_scope *scope, struct arena *room,
                         struct stored *list, uint32_t n, bool twins,
                         const struct series_sink *sink, struct err *err)
{
    struct reading batch = *r;
    struct wanted wanted;
    struct series_set set;
    batch.room = room;
    batch.list = list;
    batch.n = n;
    batch.at = NULL;
    batch.in_order = sink->in_order && !twins;
    if (twins) batch.needs = NEEDS_ALL; /* of one moment they have one sample between them */
    for (uint32_t i = 0; twins && r->has_ends && i < n; i++) change_forget(&list[i]);
    struct arena_mark mark = arena_mark(room);
    reading_wanted(&batch, &wanted);
    status st = has_windows(&batch) ? change_read(&batch, scope, &wanted, &r->used, err)
                                    : reading_samples(&batch, scope, &wanted, err);
    if (st == ST_OK) {
        reading_collect(&batch, true, &set);
        if (sink->tail_ms && batch.found && !found_has(batch.found, scope->from_ms, scope->to_ms))
            found_keep_tail(batch.found, list, n, scope->to_ms, sink->tail_ms);
        st = sink->take(sink->ctx, room, &set, err);
    }
    arena_rewind(room, mark);
    return st;
}

/* Twins come last, in one batch: a series has to be whole. */
static struct stored *in_order(struct reading *r, uint32_t *ret_single)
{
    struct stored *list = arena_array(r->arena, struct stored, r->n + 1);
    uint32_t n = 0;
    for (int twins = 0; twins < 2; twins++) {
        for (uint32_t i = 0; i < r->n; i++)
            if (r->list[i].twin == twins) list[n++] = r->list[i];
        if (!twins) *ret_single = n;
    }
    return list;
}

static uint64_t batch_most(const struct reading *r)
{
    return r->batch_samples ? r->batch_samples : BATCH_SAMPLES;
}

int64_t reading_slice(const struct reading *r, const struct promql_scope *scope, int64_t tail_ms)
{
    struct promql_scope hour = {.from_ms = 0, .to_ms = HOUR_MS - 1};
    uint64_t total = 0, in_hour = 0;
    if (!r->found || r->n_targets || r->any_delta || r->with_starts || !reading_can_batch(r))
        return 0;
    for (uint32_t i = 0; i < r->n; i++) {
        total += expected(r, &r->list[i], scope);
        in_hour += expected(r, &r->list[i], &hour);
    }
    if (total <= batch_most(r) || !in_hour) return 0;
    int64_t hours = (int64_t)(batch_most(r) / in_hour);
    if (hours * HOUR_MS < 4 * tail_ms || !hours) return 0;
    int64_t all = (scope->to_ms - scope->from_ms) / HOUR_MS + 1, slices = (all + hours - 1) / hours;
    return (all + slices - 1) / slices * HOUR_MS;
}

/* Some at a time; from `single` on all at once. */
static status each_batch(struct reading *r, const struct promql_scope *scope, struct stored *list,
                         uint32_t n, uint32_t single, const struct series_sink *sink,
                         struct err *err)
{
    uint64_t total = 0;
    struct arena room;
    status st = ST_OK;
    arena_init(&room, 0);
    for (uint32_t i = 0; i < n; i++) total += expected(r, &list[i], scope);
    uint64_t each = total / (total / batch_most(r) + 1) + 1;
    for (uint32_t i = 0, end; i < n && st == ST_OK; i = end) {
        uint64_t held = 0;
        const struct arena *a = r->arena; /* the two have one budget */
        size_t used = a->used + found_held(r->found);
        room.budget = a->budget > used ? a->budget - used : 0;
        for (end = i; end < n && (i >= single || (end < single && held < each)); end++)
            held += expected(r, &list[end], scope);
        st = read_batch(r, scope, &room, list + i, end - i, i >= single, sink, err);
    }
    arena_done(&room);
    return st;
}

/* The samples at both ends of all series at once, while they are no more than those of a batch:
 * each batch would read the same granules again. */
static status read_ends(struct reading *r, const struct promql_scope *scope, struct err *err)
{
    uint64_t total = 0;
    struct wanted wanted;
    for (uint32_t i = 0; i < r->n; i++)
        total += change_ends_expected(&r->change, scope) * r->list[i].n_outputs;
    if (total > batch_most(r)) return ST_OK;
    reading_wanted(r, &wanted);
    TRY(change_read_ends(r, scope, &wanted, err));
    r->has_ends = true;
    r->at = NULL;
    return ST_OK;
}

/* Those that windows did not tell of. */
static status read_raw(struct reading *r, const struct promql_scope *scope, struct stored *list,
                       uint32_t n, const struct series_sink *sink, struct err *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (list[i].raw) list[kept++] = list[i];
    r->needs = NEEDS_ALL;
    return each_batch(r, scope, list, kept, kept, sink, err);
}

status reading_batches(struct reading *r, const struct promql_scope *scope,
                       const struct series_sink *sink, struct err *err)
{
    uint64_t total = 0;
    TRY(reading_needs(r, scope, sink->needs, sink->whole_ms, err));
    int64_t tail_ms = has_windows(r) ? 0 : sink->tail_ms;
    for (uint32_t i = 0; i < r->n; i++) total += expected(r, &r->list[i], scope);
    bool several = total >= batch_most(r);
    if (several && tail_ms > (scope->to_ms - scope->from_ms) / 2) tail_ms = 0; /* too much */
    const struct series_sink with_tail = {sink->take, sink->ctx, sink->in_order,
                                          tail_ms,    r->needs,  0};
    uint32_t single = r->n;
    struct stored *list = r->list;
    if (sink->in_order)
        find_twins(r);
    else if (several || r->needs)
        rank(r);
    if (sink->in_order || several || r->needs) list = in_order(r, &single);
    if (has_windows(r)) TRY(read_ends(r, scope, err));
    status st = each_batch(r, scope, list, r->n, single, &with_tail, err);
    if (st == ST_OK && has_windows(r)) st = read_raw(r, scope, list, single, &with_tail, err);
    bool stays = tail_ms && r->found && found_has(r->found, scope->from_ms, scope->to_ms);
    if (r->found && st == ST_OK && !stays) found_tail_kept(r->found, scope->to_ms, tail_ms);
    return st;
}
