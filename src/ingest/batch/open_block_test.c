#include <stdlib.h>

#include "ingest/batch/batch.h"
#include "testing/test.h"

static const struct batch_limits limits = {
    .send_batch_size = 10, .max_rows = 100, .max_bytes = 1 << 20, .timeout = 10 * NANOS_S};

static struct telemetry_batch *batch_of(uint32_t rows, size_t bytes)
{
    struct arena *a = malloc(sizeof *a);
    if (!a) abort();
    arena_init(a, 1 << 24);
    struct telemetry_batch *b = arena_new(a, struct telemetry_batch);
    b->arena = a;
    b->signal = SIGNAL_LOGS;
    b->logs.n = rows;
    if (bytes) arena_alloc(a, bytes, 1);
    return b;
}

TEST(a_block_is_due_by_rows_or_by_the_age_of_its_first_request)
{
    struct open_block *b = open_block_new(SIGNAL_LOGS, 1);
    CHECK(!open_block_due(b, &limits, false, 100 * NANOS_S));
    open_block_add(b, batch_of(0, 0), 4, 7 * NANOS_S); /* all of it filtered: it still counts */
    CHECK(!open_block_due(b, &limits, false, 16 * NANOS_S));
    CHECK(open_block_due(b, &limits, false, 17 * NANOS_S));
    open_block_add(b, batch_of(3, 0), 5, 8 * NANOS_S);
    CHECK(!open_block_due(b, &limits, false, 16 * NANOS_S));
    open_block_add(b, batch_of(7, 0), 6, 8 * NANOS_S);
    CHECK_INT(open_block_rows(b), 10);
    CHECK(open_block_due(b, &limits, false, 8 * NANOS_S));
    open_block_free(b);
}

TEST(while_an_insert_is_in_flight_only_the_hard_limits_count)
{
    struct open_block *b = open_block_new(SIGNAL_LOGS, 1);
    open_block_add(b, batch_of(99, 0), 1, 0);
    CHECK(!open_block_due(b, &limits, true, 100 * NANOS_S));
    open_block_add(b, batch_of(1, 0), 2, 0);
    CHECK(open_block_due(b, &limits, true, 0));
    open_block_free(b);

    b = open_block_new(SIGNAL_LOGS, 1);
    open_block_add(b, batch_of(1, 2 << 20), 1, 0);
    CHECK(open_block_bytes(b) >= 2 << 20);
    CHECK(open_block_due(b, &limits, true, 0));
    open_block_free(b);
}

TEST(sealing_takes_all_and_begins_anew)
{
    struct open_block *b = open_block_new(SIGNAL_LOGS, 3);
    CHECK(open_block_seal(b) == NULL);
    for (uint64_t seq = 10; seq < 50; seq++) open_block_add(b, batch_of(2, 0), seq, 0);
    struct telemetry_block *sealed = open_block_seal(b);
    CHECK_INT(sealed->shard, 3);
    CHECK_INT(sealed->signal, SIGNAL_LOGS);
    CHECK_INT(sealed->first_seq, 10);
    CHECK_INT(sealed->last_seq, 49);
    CHECK_INT(sealed->n, 40);
    CHECK_INT(sealed->rows, 80);
    CHECK_INT(open_block_rows(b), 0);
    CHECK(open_block_seal(b) == NULL);
    open_block_add(b, batch_of(1, 0), 50, 0);
    telemetry_block_free(sealed);
    telemetry_block_free(NULL);
    open_block_free(b);
    open_block_free(NULL);
}
