/* A selection in batches: the stored series in the order of their ids, which is how their rows lie
 * in each hour of the table, as many as have two million samples
 * between them. */
#include <stdlib.h>
#include <string.h>

#include "query/promql_reading.h"

enum { BATCH_SAMPLES = 2 << 20, USUAL_INTERVAL_MS = 15'000 };

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

static uint64_t expected(const struct reading *r, const struct stored *s,
                         const struct promql_scope *scope)
{
    uint64_t n = (uint64_t)(scope->to_ms - scope->from_ms) / USUAL_INTERVAL_MS + 1;
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

static status read_batch(const struct reading *r, const struct promql_scope *scope,
                         struct arena *room, struct stored *list, uint32_t n,
                         const struct series_sink *sink, struct err *err)
{
    struct reading batch = *r;
    struct wanted wanted;
    struct series_set set;
    batch.room = room;
    batch.list = list;
    batch.n = n;
    batch.at = NULL;
    struct arena_mark mark = arena_mark(room);
    reading_wanted(&batch, &wanted);
    status st = reading_samples(&batch, scope, &wanted, err);
    if (st == ST_OK) {
        reading_collect(&batch, true, &set);
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

status reading_batches(struct reading *r, const struct promql_scope *scope,
                       const struct series_sink *sink, struct err *err)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < r->n; i++) total += expected(r, &r->list[i], scope);
    uint64_t most = r->batch_samples ? r->batch_samples : BATCH_SAMPLES;
    uint64_t batches = total / most + 1, each = total / batches + 1;
    uint32_t single = r->n;
    struct stored *list = r->list;
    if (batches > 1) {
        rank(r);
        list = in_order(r, &single);
    }
    struct arena room;
    arena_init(&room, 0);
    status st = ST_OK;
    for (uint32_t i = 0, end; i < r->n && st == ST_OK; i = end) {
        uint64_t held = 0;
        const struct arena *a = r->arena; /* the two have one budget */
        room.budget = a->budget > a->used ? a->budget - a->used : 0;
        for (end = i; end < r->n && (i >= single || (end < single && held < each)); end++)
            held += expected(r, &list[end], scope);
        st = read_batch(r, scope, &room, list + i, end - i, sink, err);
    }
    arena_done(&room);
    return st;
}
