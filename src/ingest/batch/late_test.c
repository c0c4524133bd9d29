/* Which rows are late, by signal. */
#include "ingest/batch/batch.h"
#include "testing/test.h"

static const struct batch_partitioning hours = {.traces_seconds = 3600, .max_partitions = 4};

enum { ROWS = 6 };
static struct arena arena;

/* Log records or spans at these hours of day 100, received at 12:30 of it. */
static struct telemetry_batch *at_hours(enum signal_kind signal, const int hour[ROWS])
{
    static uint64_t time[ROWS];
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    struct telemetry_batch *b = arena_new(&arena, struct telemetry_batch);
    *b =
        (struct telemetry_batch){.arena = &arena,
                                 .signal = signal,
                                 .received_at = 100 * NANOS_DAY + 12 * NANOS_HOUR + NANOS_HOUR / 2};
    for (int i = 0; i < ROWS; i++) time[i] = (uint64_t)(100 * NANOS_DAY + hour[i] * NANOS_HOUR);
    if (signal == SIGNAL_TRACES) {
        b->spans.n = ROWS;
        b->spans.start_time = time;
    } else if (signal == SIGNAL_LOGS) {
        b->logs.n = ROWS;
        b->logs.time = time;
    } else {
        b->metrics.n = ROWS;
        b->metrics.time = time;
    }
    return b;
}

TEST(late_are_rows_of_neither_this_partition_nor_the_ones_beside_it)
{
    const int hour[ROWS] = {12, 11, 13, 10, 14, -30}, day[ROWS] = {0, -24, 24, -25, 48, -300};
    CHECK_INT(batch_late(at_hours(SIGNAL_TRACES, hour), &hours), 3);
    CHECK_INT(batch_late(at_hours(SIGNAL_LOGS, hour), &hours), 1);
    CHECK_INT(batch_late(at_hours(SIGNAL_LOGS, day), &hours), 3);
    CHECK_INT(batch_late(at_hours(SIGNAL_METRICS, day), &hours), 3);
    struct batch_partitioning days = hours;
    days.traces_seconds = 86400;
    CHECK_INT(batch_late(at_hours(SIGNAL_TRACES, hour), &days), 1);
}

TEST(a_receive_time_at_the_beginning_of_time_has_no_partition_before_it)
{
    const int hour[ROWS] = {0, 1, 2, 3, 4, 5};
    struct telemetry_batch *b = at_hours(SIGNAL_TRACES, hour);
    b->received_at = 0;
    CHECK_INT(batch_late(b, &hours), ROWS);
    for (int i = 0; i < ROWS; i++) b->spans.start_time[i] = (uint64_t)(hour[i] * NANOS_HOUR);
    CHECK_INT(batch_late(b, &hours), 4);
}
