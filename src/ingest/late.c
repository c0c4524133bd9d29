/* Late rows: those of a store's route that belong to other partitions than the rows around them
 * (batch_late). They have a route of their own, "traces>clickhouse>late", with its own place in the
 * journal, which only requests with late rows concern:
 *
 *   request --> the route: all rows but the late ones
 *          \-> journal --> tail thread --> the late route: the others, without their requests
 *
 * So blocks are not spread over many partitions, and what comes in time does not wait for the turns
 * of inserts that are. How many rows of a request are late is in its record: what was journaled
 * without that (by an earlier version, or under `ack: stored`) is whole in the route. */
#include "ingest/state.h"

uint32_t late_rows(const struct pipeline *p, const struct telemetry_batch *b)
{
    if (p->opt.ack == ACK_STORED) return 0; /* an answer waits for one block */
    for (unsigned i = 0; i < p->n_routes; i++)
        if (p->routes[i].signal == b->signal && p->routes[i].late)
            return batch_late(b, &p->opt.partitioning);
    return 0;
}

void late_split(const struct pipeline *p, const struct route *r, struct held *h)
{
    if (h->late && (r->late || r->late_of))
        batch_keep_late(h->batch, &p->opt.partitioning, r->late_of != NULL);
}

uint32_t late_share(const struct route *r, uint32_t items, uint32_t late)
{
    return r->late_of ? late : r->late ? items - late : items;
}

void late_begin(struct shard *s, const struct held *h)
{
    struct pipeline *p = s->p;
    pthread_mutex_lock(&p->queue.mutex);
    for (unsigned i = 0; i < p->n_routes; i++) {
        struct lane *l = &s->lanes[i];
        if (!l->route->late_of || l->route->signal != h->batch->signal) continue;
        if (l->tail || h->seq <= l->tail_position) continue; /* is or was read already */
        l->tail = true;
        l->tail_from = h->seq;
        l->tail_position = h->seq - 1;
        l->tail_until = UINT64_MAX;
        pthread_cond_signal(&p->queue.tail);
    }
    pthread_mutex_unlock(&p->queue.mutex);
}

/* While nobody reads, the journal keeps its pages to write the next requests to. */
void late_caught_up(struct lane *l)
{
    l->tail = false;
    journal_reader_close(l->feed.reader);
    l->feed.reader = NULL;
}
