/* Reading back what lay in the journal when it was opened. It touches only what opening left for
 * it, and files. */
#include <stdlib.h>

#include "ingest/journal/state.h"
#include "obs/metrics.h"

typedef status (*replay_fn)(void *ctx, const struct journal_replayed *r, struct err *err);

static status replay_segment(struct journal *j, str bytes, replay_fn fn, void *ctx,
                             struct journal_replay_stats *stats, struct err *err)
{
    struct record_scan scan = record_scan_begin(bytes, j->seed);
    struct record r;
    while (record_next(&scan, &r)) {
        if (r.kind != RECORD_REQUEST) continue;
        pthread_mutex_lock(&j->segment_mutex);
        uint16_t waiting = segment_list_waiting(&j->segments, r.seq);
        pthread_mutex_unlock(&j->segment_mutex);
        if (waiting == 0) continue;
        const struct block_bounds *b = block_set_find(&j->blocks[__builtin_ctz(waiting)], r.seq);
        struct journal_replayed out = {.seq = r.seq,
                                       .block_first = b ? b->first : 0,
                                       .block_last = b ? b->last : 0,
                                       .request = {.signal = r.signal,
                                                   .format = r.format,
                                                   .compression = r.compression,
                                                   .items = r.items,
                                                   .received_at = r.received_at,
                                                   .payload = r.payload}};
        stats->requests++;
        stats->items += r.items;
        metric_add(M_JOURNAL_REPLAYED, r.signal, 1);
        TRY(fn(ctx, &out, err));
    }
    stats->segments++;
    return ST_OK;
}

status journal_replay(struct journal *j, replay_fn fn, void *ctx, struct journal_replay_stats *ret,
                      struct err *err)
{
    struct journal_replay_stats stats = {.lost_bytes = j->lost_bytes};
    status s = ST_OK;
    for (size_t i = 0; i < j->n_replay && s == ST_OK; i++) {
        str bytes;
        s = segment_load(j->dir_fd, j->replay_ordinals[i], &bytes, err);
        if (s == ST_NOT_FOUND) { /* all of it was replayed and stored meanwhile */
            s = ST_OK;
            continue;
        }
        if (s != ST_OK) break;
        s = replay_segment(j, bytes, fn, ctx, &stats, err);
        free((void *)(uintptr_t)bytes.ptr);
    }
    free(j->replay_ordinals);
    j->replay_ordinals = NULL;
    j->n_replay = 0;
    if (ret) *ret = stats;
    return s;
}
