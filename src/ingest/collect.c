/* A decoded and processed request into a block that is being collected, and what of it is held in
 * memory from then on. */
#include "ingest/state.h"
#include "model/batch_copy.h"

/* For a store a block is rows; other exporters, and an answer that waits, need the request. */
static bool may_fold(const struct route *r, const struct held *h)
{
    return r->signal == SIGNAL_METRICS && !r->outlet->spec.exporter && !h->req;
}

static void fold(struct pipeline *p, bool aside, struct open_block *open, struct held_list *list,
                 const struct held *h)
{
    struct open_fold f = open_block_fold(open, h->batch, h->seq, clock_monotonic());
    if (f.is_new) {
        struct held *all = arena_new(f.batch->arena, struct held);
        *all = (struct held){.shard = h->shard,
                             .batch = f.batch,
                             .seq = h->seq,
                             .received_at = h->received_at,
                             .is_fold = true};
        held_list_add(list, all);
    }
    list->last->bytes += f.grown;
    pipeline_charge(p, aside, f.grown);
    pipeline_release(p, aside, h->bytes);
    telemetry_batch_free(h->batch); /* `h` lies in its arena */
}

/* A few rows that wait for others: without the request they came in. */
static struct held *copy(struct pipeline *p, bool aside, const struct held *h)
{
    struct telemetry_batch *b = batch_copy(h->batch);
    struct held *rows = arena_new(b->arena, struct held);
    *rows = (struct held){.shard = h->shard,
                          .batch = b,
                          .seq = h->seq,
                          .received_at = h->received_at,
                          .late = h->late,
                          .bytes = b->arena->used,
                          .is_fold = true};
    pipeline_charge(p, aside, rows->bytes);
    pipeline_release(p, aside, h->bytes);
    telemetry_batch_free(h->batch); /* `h` lies in its arena */
    return rows;
}

void collect(struct pipeline *p, const struct route *r, bool aside, struct open_block *open,
             struct held_list *list, struct held *h)
{
    if (may_fold(r, h)) {
        fold(p, aside, open, list, h);
        return;
    }
    if (r->late_of) h = copy(p, aside, h);
    open_block_add(open, h->batch, h->seq, clock_monotonic());
    held_list_add(list, h);
}
