/* Which rows of a request are late. */
#include "ingest/batch/batch.h"

#include "model/batch_edit.h"

struct late_bounds {
    const uint64_t *time;
    uint64_t from, until; /* what is in time */
};

static struct late_bounds bounds(const struct telemetry_batch *b,
                                 const struct batch_partitioning *p)
{
    uint64_t width = b->signal == SIGNAL_TRACES ? p->traces_seconds * (uint64_t)NANOS_S : NANOS_DAY;
    uint64_t now = (uint64_t)b->received_at / width;
    return (struct late_bounds){.time = b->signal == SIGNAL_TRACES ? b->spans.start_time
                                        : b->signal == SIGNAL_LOGS ? b->logs.time
                                                                   : b->metrics.time,
                                .from = (now ? now - 1 : 0) * width,
                                .until = (now + 2) * width};
}

uint32_t batch_late(const struct telemetry_batch *b, const struct batch_partitioning *p)
{
    struct late_bounds l = bounds(b, p);
    uint32_t late = 0, n = telemetry_batch_rows(b);
    for (uint32_t i = 0; i < n; i++) late += l.time[i] < l.from || l.time[i] >= l.until;
    return late;
}

void batch_keep_late(struct telemetry_batch *b, const struct batch_partitioning *p, bool late)
{
    struct late_bounds l = bounds(b, p);
    uint32_t n = telemetry_batch_rows(b);
    struct batch_edit e = batch_edit_begin(b);
    struct arena_mark mark = arena_mark(b->arena);
    uint64_t *keep = bitmap_full(b->arena, n);
    for (uint32_t i = 0; i < n; i++)
        if ((l.time[i] < l.from || l.time[i] >= l.until) != late) bitmap_clear(keep, i);
    batch_edit_keep(&e, keep);
    arena_rewind(b->arena, mark);
}
