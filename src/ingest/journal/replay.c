/* Reading back what lay in the journal when it was opened, for all destinations at once. */
#include "ingest/journal/state.h"

status journal_replay(struct journal *j,
                      status (*fn)(void *ctx, const struct journal_replayed *r, struct err *err),
                      void *ctx, struct journal_replay_stats *ret, struct err *err)
{
    struct journal_replay_stats stats = {.lost_bytes = j->lost_bytes};
    struct journal_reader *r = reader_new(j, UINT16_MAX, 0);
    struct journal_read in;
    status s;
    while ((s = journal_reader_next(r, &in, err)) == ST_OK && in.seq < j->first_new) {
        struct journal_replayed out = {.seq = in.seq,
                                       .block_first = in.block_first,
                                       .block_last = in.block_last,
                                       .request = in.request};
        stats.requests++;
        stats.items += in.request.items;
        if ((s = fn(ctx, &out, err)) != ST_OK) break;
    }
    journal_reader_close(r);
    if (ret) *ret = stats;
    return s == ST_NOT_FOUND ? ST_OK : s;
}
