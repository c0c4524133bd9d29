/* Who feeds a lane.
 *
 *             the loop: live                          the tail thread: from the journal
 *   requests > live_after --> open block --> lane <-- blocks <-- requests tail_from .. tail_until
 *
 * The first route of a signal is live from the start, and the tail has what lay in the journal
 * before. When its destination fails, the loop lets go of all that has not been begun (feed_failed,
 * let_go): the journal has it, and the tail reads from the first of it on. When the tail has read
 * all there is and the destination works, it asks the loop to take over: the loop keeps what comes
 * from now on, and says up to where the tail still has to read (take_over). The two parts never
 * overlap, also when both are there at once.
 *
 * All other routes are always the tail's. */
#include <stdlib.h>

#include "ingest/state.h"
#include "obs/log.h"

/* Between a request's answer and its block nothing else happens than this. */
void feed_take(struct shard *s, struct held *h)
{
    enum signal_kind k = h->batch->signal;
    struct lane *l = live_lane(s, k);
    l->last_taken = h->seq;
    if (h->late) late_begin(s, h);
    if (!l->live || h->seq <= l->live_after) {
        pipeline_release(s->p, false, h->bytes);
        telemetry_batch_free(h->batch); /* `h` lies in its arena */
        return;
    }
    uint64_t before = h->batch->arena->used;
    late_split(s->p, l->route, h);
    pipeline_process(l->route, h->batch);
    uint64_t grown = h->batch->arena->used - before;
    if (grown > 0) {
        pipeline_charge(s->p, false, grown);
        h->bytes += grown;
    }
    collect(s->p, l->route, false, s->open[k], &s->held[k], h);
}

/* ---- live to journal ---- */

static void put_aside(struct task *t)
{
    if (t->aside) return;
    uint64_t bytes = t->encoded_bytes;
    for (struct held *h = t->held.first; h; h = h->next) bytes += h->bytes;
    pipeline_charge(t->p, true, bytes);
    pipeline_release(t->p, false, bytes);
    t->aside = true;
}

/* Takes the live blocks that have not been begun out of the lane. What has been begun stays, with
 * its bounds, and so does what the tail has read. All that goes lies behind all that stays: the
 * reader must not meet what still waits here. */
static struct task *take_unbegun(struct lane *l)
{
    uint64_t kept = 0;
    for (struct task *t = l->first; t; t = t->next) {
        bool stays = (t == l->first && l->running) || t->from_tail || t->begun;
        if (stays && t->last_seq > kept) kept = t->last_seq;
    }
    struct task *gone = NULL, **at = &l->first;
    while (*at) {
        struct task *t = *at;
        if (t->first_seq <= kept) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        atomic_fetch_sub(&l->waiting, 1);
        t->next = gone;
        gone = t;
    }
    l->last = at;
    return gone;
}

/* The first request that the tail has to read when the loop lets go of `gone` and of what is open.
 */
static uint64_t first_let_go(const struct lane *l, const struct task *gone, const struct held *open)
{
    uint64_t from = (l->live_after > l->last_taken ? l->live_after : l->last_taken) + 1;
    for (; gone; gone = gone->next)
        if (gone->first_seq < from) from = gone->first_seq;
    return open && open->seq < from ? open->seq : from;
}

static void tail_begin(struct lane *l, uint64_t from)
{
    if (l->tail) { /* still at something older: after that */
        l->tail_next = l->tail_next != 0 && l->tail_next < from ? l->tail_next : from;
    } else {
        l->tail = true;
        l->tail_from = from;
        l->tail_position = from - 1;
        l->tail_until = UINT64_MAX;
        l->tail_next = 0;
    }
    l->offered = false;
    pthread_cond_signal(&l->shard->p->queue.tail);
}

static void free_let_go(struct shard *s, enum signal_kind k, struct task *gone)
{
    uint64_t bytes = 0;
    for (struct held *h = s->held[k].first; h; h = h->next) bytes += h->bytes;
    pipeline_release(s->p, false, bytes);
    s->held[k] = (struct held_list){0};
    telemetry_block_free(open_block_seal(s->open[k]));
    for (struct task *next; gone; gone = next) {
        next = gone->next;
        task_free(gone);
    }
}

/* thread: loop */
static void let_go(void *lane)
{
    struct lane *l = lane;
    struct shard *s = l->shard;
    struct task *gone = NULL;
    pthread_mutex_lock(&s->p->queue.mutex);
    l->letting_go = false;
    bool failing = l->failures > 0 && l->live && !s->p->queue.closing;
    if (failing) {
        gone = take_unbegun(l);
        if (!l->first) l->failures = 0; /* nobody is left to say that it works again */
        l->live = false;
        tail_begin(l, first_let_go(l, gone, s->held[l->route->signal].first));
    }
    pthread_mutex_unlock(&s->p->queue.mutex);
    if (!failing) return;
    free_let_go(s, l->route->signal, gone);
    log_info("ingest", "the destination fails: what waits is read back from the journal later",
             LOG_CSTR("route", l->route->name), LOG_INT("shard", s->index));
}

void feed_failed(struct lane *l)
{
    struct shard *s = l->shard;
    if (!l->route->first || !s->loop || s->p->opt.ack == ACK_STORED) return;
    for (struct task *t = l->first; t; t = t->next) put_aside(t);
    if (l->letting_go) return;
    l->letting_go = true;
    l->let_go = (struct loop_message){.fn = let_go, .ctx = l};
    if (!loop_post_message(s->loop, &l->let_go)) l->letting_go = false;
}

/* ---- journal to live ---- */

/* thread: loop */
static void take_over(void *lane)
{
    struct lane *l = lane;
    struct pipeline *p = l->shard->p;
    pthread_mutex_lock(&p->queue.mutex);
    if (!p->queue.closing && l->offered && l->failures == 0) {
        l->live = true;
        l->live_after = l->last_taken > l->tail_position ? l->last_taken : l->tail_position;
        l->tail_until = l->live_after;
        pthread_cond_signal(&p->queue.tail);
    } else {
        l->offered = false;
    }
    pthread_mutex_unlock(&p->queue.mutex);
}

void feed_caught_up(struct lane *l)
{
    struct shard *s = l->shard;
    if (!l->route->first || !s->loop || l->offered || l->tail_until != UINT64_MAX || l->failures)
        return;
    l->offered = true;
    l->take_over = (struct loop_message){.fn = take_over, .ctx = l};
    if (!loop_post_message(s->loop, &l->take_over)) l->offered = false;
}

/* ---- the start ---- */

void feed_begin(struct lane *l)
{
    struct shard *s = l->shard;
    uint64_t before = journal_first_new(s->journal) - 1;
    l->live = l->route->first && s->loop;
    l->live_after = before;
    l->tail_from = 1;
    l->tail_until = l->live || !s->loop ? before : UINT64_MAX;
    l->tail = l->tail_until > 0;
}
