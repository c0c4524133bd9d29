/* turns: how often something may be done, by whomever: so many times a second on average, a few at
 * once after a rest (the generic cell rate algorithm). Pure but for the atomic; thread: any. */
#pragma once

#include <stdatomic.h>

#include "base/clock.h"

/* Takes the next turn at `now` (monotonic): how long to wait for it. `free_at` begins as 0; `every`
 * is the time of a turn, `at_once` how many need not wait after a rest. */
nanos turn_take(atomic_int_fast64_t *free_at, nanos now, nanos every, unsigned at_once);
