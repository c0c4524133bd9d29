/* A block of dead/ sent again: the same requests, decoded and processed by the time they came, in
 * one block under its first token. Should the process end between delivery and removal, it can be
 * sent once more: a store knows the token. */
#include <stdlib.h>

#include "ingest/dead_folder.h"
#include "ingest/state.h"
#include "obs/log.h"

static status add(struct pipeline *p, const struct route *r, const struct dead_request *in,
                  struct open_block *block, struct held_list *held, struct err *err)
{
    struct journal_request q = {.signal = r->signal,
                                .format = (uint8_t)in->format,
                                .compression = (uint8_t)in->compression,
                                .received_at = in->received_at,
                                .late = in->late,
                                .payload = in->wire};
    struct arena *a = reread_arena();
    struct held *h;
    status s = reread(r, p, in->seq, &q, a, &h, err);
    if (s != ST_OK) {
        arena_done(a);
        free(a);
        return err_wrap(err, s, "request %llu", (unsigned long long)in->seq);
    }
    ledger_replay(r, telemetry_batch_rows(h->batch));
    pipeline_process(r, h->batch);
    h->bytes = a->used;
    pipeline_charge(p, true, h->bytes);
    collect(p, r, true, block, held, h);
    return ST_OK;
}

/* All requests of the folder, as a task that is in no lane. */
static status build(struct pipeline *p, const struct route *r, const struct dead_id *d, str id,
                    struct task **ret, struct err *err)
{
    struct arena files;
    arena_init(&files, SIZE_MAX / 2);
    struct dead_request *all;
    size_t n;
    struct open_block *open = open_block_new(r->signal, 0);
    struct held_list held = {0};
    status s = dead_read(&files, p->dead_dir, id, &all, &n, err);
    for (size_t i = 0; s == ST_OK && i < n; i++) s = add(p, r, &all[i], open, &held, err);
    arena_done(&files);
    struct telemetry_block *block = open_block_seal(open);
    open_block_free(open);
    if (!block) return s;
    block->first_seq = d->first_seq;
    block->last_seq = d->last_seq;
    *ret = task_new(p, r, d->journal_id, block, held);
    (*ret)->begun = (*ret)->aside = true;
    return s;
}

/* One at a time; outlets_stop ends it. */
static status begin(struct pipeline *p, struct task *t, struct err *err)
{
    status s = ST_OK;
    pthread_mutex_lock(&p->queue.mutex);
    if (p->queue.closing)
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down");
    else if (p->again)
        s = err_set(err, ST_OVERLOADED, ERR_NOPOS, "another block is being sent again");
    else
        p->again = t;
    pthread_mutex_unlock(&p->queue.mutex);
    return s;
}

static status send(struct pipeline *p, struct task *t, struct err *err)
{
    uint32_t retry_after_ms;
    TRY(begin(p, t, err));
    enum deliver_outcome outcome = deliver(t, &retry_after_ms, err);
    pthread_mutex_lock(&p->queue.mutex);
    p->again = NULL;
    pthread_mutex_unlock(&p->queue.mutex);
    if (outcome == DELIVER_DONE) return ST_OK;
    return err_wrap(err, err->code, "not delivered, it stays in dead/");
}

status pipeline_dead_retry(struct pipeline *p, str id, struct err *err)
{
    struct dead_id d;
    if (!dead_id_parse(id, &d))
        return err_set(err, ST_INVALID, ERR_NOPOS, "this is not the name of a folder of dead/");
    const struct route *r = routes_find(p, d.route);
    if (!r)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                       "no pipeline has this route any more: " STR_FMT, STR_ARG(d.route));
    struct task *t = NULL;
    status s = build(p, r, &d, id, &t, err);
    if (s == ST_OK) s = send(p, t, err);
    if (t) {
        task_count(t, s == ST_OK ? t->block->rows - t->progress.rejected : delivered_rows(t),
                   s == ST_OK ? DROP_REFUSED : DROP_DEAD);
        task_free(t);
    }
    if (s != ST_OK) return s;
    log_info("ingest", "a block of dead/ was sent again and delivered", LOG_CSTR("route", r->name),
             LOG_STR("id", id));
    return dead_remove(p->dead_dir, id, err);
}
