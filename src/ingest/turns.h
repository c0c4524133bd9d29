/* turns: how often something may be done, by whomever: so many times a second on average, a few at
 * once after a rest (the generic cell rate algorithm); and which inserts have to wait for that.
 * Pure but for the atomic; thread: any. */
#pragma once

#include <stdatomic.h>

#include "base/clock.h"
#include "ingest/encode/encode.h"

/* Takes the next turn at `now` (monotonic): how long to wait for it. `free_at` begins as 0; `every`
 * is the time of a turn, `at_once` how many need not wait after a rest. */
nanos turn_take(atomic_int_fast64_t *free_at, nanos now, nanos every, unsigned at_once);

enum { WIDE_ROWS = 50000 };

/* Not one of a wide insert, `in` of block `b`: there it is the rows that bound the parts. Those
 * into side tables, which come with each block, go at once too when all of its main table are wide.
 */
bool needs_turn(const struct encoded_block *b, const struct encoded_insert *in);

/* A table of spans, log records or data points themselves. */
bool is_main_table(str table);
