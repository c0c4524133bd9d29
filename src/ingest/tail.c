/* The tail: one thread that reads back what lies in the journals, for all lanes that are not fed by
 * their loop: what was there at the start, routes that are not the first of their signal, and those
 * whose destination fails.
 *
 *   for each lane in turn, a few requests:
 *     reader --> decode, process --> block --> lane        while fewer than two blocks wait there
 *
 * It waits for none of them. Requests of a block with bounds are collected into exactly that block,
 * which keeps its tokens. Requests over which a process has ended go alone, one in the whole
 * process at a time; the second time they go to dead/. */
#include <stdlib.h>

#include "ingest/state.h"
#include "obs/log.h"

enum { STEP_REQUESTS = 64, AHEAD = 2, IDLE_MS = 100, CRASHES_MAX = 2 };

/* ---- attempts: what a crash is blamed on ---- */

/* The journal keeps one range for a destination: what is sent and what is read, and what lies
 * between. Those that are suspected go alone, so that the second time it is exact. */
static void attempt_changed(struct lane *l)
{
    uint64_t first = UINT64_MAX, last = 0;
    for (int i = 0; i < ATTEMPT_KINDS; i++) {
        const struct attempt *a = &l->attempts[i];
        if (a->last == 0) continue;
        if (a->first < first) first = a->first;
        if (a->last > last) last = a->last;
    }
    if (last != 0)
        journal_attempt_begin(l->shard->journal, l->route->index, first, last);
    else
        journal_attempt_end(l->shard->journal, l->route->index);
}

void attempt_begin(struct lane *l, enum attempt_kind kind, uint64_t first, uint64_t last)
{
    pthread_mutex_lock(&l->shard->p->queue.mutex);
    l->attempts[kind] = (struct attempt){first, last};
    attempt_changed(l);
    pthread_mutex_unlock(&l->shard->p->queue.mutex);
}

void attempt_end(struct lane *l, enum attempt_kind kind) { attempt_begin(l, kind, 0, 0); }

/* ---- what is collected ---- */

static struct pipeline *pipeline_of(const struct lane *l) { return l->shard->p; }

static bool may_push(struct lane *l) { return atomic_load(&l->waiting) < AHEAD; }

static void push(struct lane *l)
{
    struct tail_lane *f = &l->feed;
    struct telemetry_block *block = open_block_seal(f->open);
    if (!block) return;
    if (f->last != 0) { /* also when a request of it is damaged: the bounds are what they were */
        block->first_seq = f->first;
        block->last_seq = f->last;
    }
    struct task *t = task_new(pipeline_of(l), l->route, l->shard->journal_id, block, f->held);
    t->begun = f->last != 0;
    t->aside = t->from_tail = true;
    t->suspect = f->suspect;
    f->held = (struct held_list){0};
    f->first = f->last = 0;
    f->suspect = false;
    queue_push(l, t);
}

static bool has_collected(const struct tail_lane *f) { return f->held.first != NULL; }

/* A request that cannot be decoded any more (a setting or the decoder has changed), or that ends
 * the process, goes to dead/. Its place in its block stays, with no rows. */
static status bury(struct lane *l, struct arena *a, struct held *h, bool was_counted,
                   const char *why, struct err *err)
{
    const struct journal_read *in = &l->feed.read;
    uint64_t items = late_share(l->route, in->request.items, in->request.late);
    struct dead_block b = {.journal_id = l->shard->journal_id,
                           .route = l->route,
                           .first_seq = in->seq,
                           .last_seq = in->seq,
                           .items = items,
                           .requests = h,
                           .reason = why};
    TRY(dead_write(pipeline_of(l)->dead_dir, &b, err));
    log_error("ingest", "a journaled request cannot be delivered, it is in dead/",
              LOG_CSTR("route", l->route->name), LOG_INT("sequence", in->seq),
              LOG_CSTR("why", why));
    if (!was_counted) ledger_replay(l->route, items);
    ledger_drop(l->route, DROP_DEAD, items);
    reread_nothing(a, h, l->route, in->request.received_at);
    return ST_OK;
}

static void add(struct lane *l, struct held *h)
{
    struct tail_lane *f = &l->feed;
    h->shard = l->shard;
    h->bytes = h->batch->arena->used;
    pipeline_charge(pipeline_of(l), true, h->bytes);
    collect(pipeline_of(l), l->route, true, f->open, &f->held, h);
}

/* The request that was read, as a batch into what is collected. */
static status take(struct lane *l, struct err *err)
{
    struct tail_lane *f = &l->feed;
    struct pipeline *p = pipeline_of(l);
    const struct journal_read *in = &f->read;
    bool was_counted = in->seq >= journal_first_new(l->shard->journal);
    struct arena *a = reread_arena();
    struct held *h;
    struct err why;
    status s = ST_OK;
    if (in->crashes >= CRASHES_MAX) {
        reread_wire(a, in->seq, &in->request, &h);
        s = bury(l, a, h, was_counted, "the process has ended twice while it was delivered", err);
    } else {
        attempt_begin(l, ATTEMPT_READ, in->seq, in->seq);
        if (reread(l->route, p, in->seq, &in->request, a, &h, &why) == ST_OK) {
            if (!was_counted) ledger_replay(l->route, telemetry_batch_rows(h->batch));
            pipeline_process(l->route, h->batch);
        } else {
            s = bury(l, a, h, was_counted, why.msg, err);
        }
        attempt_end(l, ATTEMPT_READ);
    }
    if (s != ST_OK) {
        arena_done(a);
        free(a);
        return s;
    }
    add(l, h);
    return ST_OK;
}

/* Makes what is collected such that the request that was read may go to it. False: not now. */
static bool make_place(struct lane *l)
{
    struct tail_lane *f = &l->feed;
    struct pipeline *p = pipeline_of(l);
    const struct journal_read *in = &f->read;
    bool suspect = in->crashes > 0, same = in->block_last != 0 && in->block_last == f->last;
    bool apart = in->block_last != 0 || f->last != 0 || suspect || f->suspect;
    if (has_collected(f) && apart && !same) {
        if (!may_push(l)) return false;
        push(l);
    }
    if (!f->suspect && atomic_load(&l->suspect)) return false; /* it is being tried, alone */
    if (suspect && !f->suspect) {
        if (atomic_load(&l->waiting) > 0 || atomic_load(&p->suspects) > 0) return false;
        atomic_fetch_add(&p->suspects, 1);
        atomic_store(&l->suspect, true);
        f->suspect = true;
    }
    f->first = in->block_first;
    f->last = in->block_last;
    return true;
}

/* Is what is collected to be pushed now? `position`: all up to here has been read. */
static bool is_due(const struct lane *l, uint64_t position, uint64_t flush_to, bool ending)
{
    const struct tail_lane *f = &l->feed;
    if (!has_collected(f)) return false;
    if (f->last != 0) return position >= f->last;
    if (f->suspect || ending || open_block_bytes(f->open) >= pipeline_of(l)->tail_block_bytes)
        return true;
    if (f->held.first->seq <= flush_to && position >= flush_to) return true;
    return open_block_due(f->open, &l->route->batch, atomic_load(&l->waiting) > 0,
                          clock_monotonic());
}

/* ---- a lane's turn ---- */

static void disk_failed(struct lane *l, const struct err *err)
{
    l->feed.not_before = clock_monotonic() + 5 * NANOS_S;
    log_error("ingest", "the journal cannot be read back, it is tried again",
              LOG_CSTR("route", l->route->name), LOG_INT("shard", l->shard->index),
              LOG_CSTR("why", err->msg));
}

static bool open_reader(struct lane *l, uint64_t from)
{
    struct tail_lane *f = &l->feed;
    if (f->reader && f->at == from) return true;
    journal_reader_close(f->reader);
    f->reader = NULL;
    f->has_read = false;
    struct err err;
    if (journal_reader_open(l->shard->journal, l->route->index, from, &f->reader, &err) != ST_OK) {
        disk_failed(l, &err);
        return false;
    }
    f->at = from;
    return true;
}

static uint64_t position(const struct tail_lane *f)
{
    return f->has_read ? f->read.seq - 1 : journal_reader_position(f->reader);
}

/* Reads a few requests. *ret_end: nothing more is there for now. */
static bool read_some(struct lane *l, uint64_t until, bool *ret_end)
{
    struct tail_lane *f = &l->feed;
    bool did = false;
    struct err err;
    for (int n = 0; n < STEP_REQUESTS && may_push(l); n++) {
        if (!f->has_read) {
            status s = journal_reader_next(f->reader, &f->read, &err);
            if (s != ST_OK && s != ST_NOT_FOUND) disk_failed(l, &err);
            *ret_end = s == ST_NOT_FOUND;
            if (s != ST_OK) return did;
            f->has_read = true;
        }
        if (f->read.seq > until) return did;
        if (!make_place(l)) return did;
        if (take(l, &err) != ST_OK) {
            disk_failed(l, &err);
            return did;
        }
        f->has_read = false;
        did = true;
        if (is_due(l, position(f), 0, false)) return did;
    }
    return did;
}

/* Nothing is left that the tail is to read: it goes on elsewhere, or the lane is the loop's alone.
 */
static void part_done(struct lane *l)
{
    if (l->tail_next != 0) {
        l->tail_from = l->tail_next;
        l->tail_position = l->tail_next - 1;
        l->tail_until = UINT64_MAX;
        l->tail_next = 0;
    } else {
        l->tail = false;
        journal_reader_close(l->feed.reader);
        l->feed.reader = NULL;
    }
}

static bool step(struct lane *l)
{
    struct pipeline *p = pipeline_of(l);
    struct tail_lane *f = &l->feed;
    pthread_mutex_lock(&p->queue.mutex);
    bool mine = l->tail && !(l->offered && l->tail_until == UINT64_MAX);
    uint64_t from = l->tail_from, until = l->tail_until, flush_to = l->flush_to;
    pthread_mutex_unlock(&p->queue.mutex);
    if (!mine || f->not_before > clock_monotonic() || !open_reader(l, from)) return false;

    bool end = false, did = read_some(l, until, &end);
    uint64_t at = position(f);
    bool ending = at >= until;
    if (is_due(l, at, flush_to, ending) && may_push(l)) {
        push(l);
        did = true;
    }
    pthread_mutex_lock(&p->queue.mutex);
    l->tail_position = at;
    l->tail_collected = has_collected(f) ? f->held.first->seq : 0;
    if (ending && !has_collected(f))
        part_done(l);
    else if (end && l->route->late_of && !has_collected(f))
        late_caught_up(l);
    else if (end)
        feed_caught_up(l);
    if (did || ending) pthread_cond_broadcast(&p->queue.progress);
    pthread_mutex_unlock(&p->queue.mutex);
    return did;
}

/* ---- room in a full journal ---- */

/* The first request that the lane is not done with. Queue mutex held. */
static uint64_t oldest_of(const struct lane *l)
{
    uint64_t oldest = UINT64_MAX;
    for (const struct task *t = l->first; t; t = t->next)
        if (t->first_seq < oldest) oldest = t->first_seq;
    if (!l->tail) return oldest;
    if (l->tail_collected != 0 && l->tail_collected < oldest) oldest = l->tail_collected;
    return l->tail_position + 1 < oldest ? l->tail_position + 1 : oldest;
}

/* The lane that holds the journal's oldest requests gives up its first block, when its exporter
 * would rather lose that than have requests refused. */
static void make_room(struct shard *s)
{
    struct pipeline *p = s->p;
    struct lane *last = NULL;
    uint64_t oldest = UINT64_MAX;
    uint64_t wanted = atomic_load(&s->no_room_for);
    if (wanted == 0) return;
    if (journal_bytes(s->journal) + wanted <= p->opt.journal_max_bytes / p->n_workers &&
        journal_room(s->journal, 1, NULL) == ST_OK) {
        atomic_store(&s->no_room_for, 0);
        return;
    }
    pthread_mutex_lock(&p->queue.mutex);
    for (unsigned k = 0; k < p->n_routes; k++) {
        uint64_t o = oldest_of(&s->lanes[k]);
        if (o >= oldest) continue;
        oldest = o;
        last = &s->lanes[k];
    }
    if (last && !last->route->outlet->spec.block_on_overflow && last->first &&
        !atomic_load(&last->first->overrun)) {
        atomic_store(&last->first->overrun, true);
        atomic_store(&last->first->cancel, true); /* when it runs */
        pthread_cond_signal(&last->route->outlet->work);
    }
    pthread_mutex_unlock(&p->queue.mutex);
}

/* ---- the thread ---- */

static bool turn(struct pipeline *p)
{
    bool did = false;
    for (unsigned i = 0; i < p->n_shards; i++) {
        make_room(&p->shards[i]);
        for (unsigned k = 0; k < p->n_routes && !atomic_load(&p->stopping); k++)
            did |= step(&p->shards[i].lanes[k]);
    }
    return did;
}

static bool has_work(const struct pipeline *p)
{
    for (unsigned i = 0; i < p->n_shards; i++) {
        if (atomic_load(&p->shards[i].no_room_for) > 0) return true;
        for (unsigned k = 0; k < p->n_routes; k++)
            if (p->shards[i].lanes[k].tail) return true;
    }
    return false;
}

static void *tail_loop(void *pipeline)
{
    struct pipeline *p = pipeline;
    while (!atomic_load(&p->stopping)) {
        if (turn(p)) continue;
        pthread_mutex_lock(&p->queue.mutex);
        if (atomic_load(&p->stopping)) {
        } else if (has_work(p)) {
            queue_wait_on(p, &p->queue.tail, clock_monotonic() + IDLE_MS * NANOS_MS);
        } else {
            pthread_cond_wait(&p->queue.tail, &p->queue.mutex);
        }
        pthread_mutex_unlock(&p->queue.mutex);
    }
    return NULL;
}

status tail_start(struct pipeline *p, struct err *err)
{
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes; k++)
            p->shards[i].lanes[k].feed.open =
                open_block_new(p->routes[k].signal, p->shards[i].index);
    if (pthread_create(&p->tail, NULL, tail_loop, p) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot start the tail thread");
    pthread_setname_np(p->tail, "tail");
    p->tail_started = true;
    return ST_OK;
}

void tail_stop(struct pipeline *p)
{
    if (p->tail_started) pthread_join(p->tail, NULL);
    p->tail_started = false;
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes && p->shards[i].lanes; k++) {
            struct tail_lane *f = &p->shards[i].lanes[k].feed;
            for (struct held *h = f->held.first; h; h = h->next)
                pipeline_release(p, true, h->bytes);
            open_block_free(f->open);
            journal_reader_close(f->reader);
            *f = (struct tail_lane){0};
        }
}
