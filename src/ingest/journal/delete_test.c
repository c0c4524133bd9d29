/* Finished segments and the store's word that it has what it confirmed. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/journal/scratch_test.h"
#include "testing/test.h"

enum { FAILS, BLOCKS, SUCCEEDS };

struct store {
    atomic_int behaviour, calls;
    atomic_bool too_soon;
    nanos last;
    sem_t go_on;
};

static status confirm(void *ctx, struct err *err)
{
    struct store *s = ctx;
    nanos now = clock_monotonic();
    if (s->last != 0 && now - s->last < 900 * NANOS_MS) atomic_store(&s->too_soon, true);
    s->last = now;
    atomic_fetch_add(&s->calls, 1);
    int behaviour = atomic_load(&s->behaviour);
    if (behaviour == BLOCKS)
        while (sem_wait(&s->go_on) != 0) continue;
    if (behaviour == FAILS)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "syncfs: Input/output error");
    return ST_OK;
}

static void wait_for_calls(struct store *s, int n)
{
    while (atomic_load(&s->calls) < n) sched_yield();
}

static struct journal *open_before(const char *dir, struct store *s)
{
    return open_with(dir, (struct journal_options){.sync = true,
                                                   .max_bytes = 400000,
                                                   .before_delete = confirm,
                                                   .before_delete_ctx = s});
}

/* Until the cap refuses. How many. */
static int fill(struct journal *j)
{
    static char payload[20000];
    struct tally t = {0};
    uint64_t first = 0, seq = 0;
    int n = 0;
    for (; append(j, SIGNAL_TRACES, (str){payload, sizeof payload}, &t, &seq) == ST_OK; n++)
        if (n == 0) first = seq;
    wait_for(&t, n);
    CHECK_INT(t.ok, n);
    journal_block_done(j, SIGNAL_TRACES, first, seq);
    return n;
}

TEST(finished_segments_stay_until_the_store_is_durable_and_never_hold_up_appends)
{
    const char *dir = new_dir();
    struct store s = {.behaviour = FAILS};
    sem_init(&s.go_on, 0, 0);
    struct journal *j = open_before(dir, &s);
    CHECK(fill(j) > 10);
    int many = count_segments(dir);
    wait_for_calls(&s, 2); /* it is tried again */
    CHECK_INT(count_segments(dir), many);
    struct err err;
    uint64_t seq;
    struct journal_request r = {.payload = {(char[20000]){0}, 20000}};
    CHECK_INT(journal_append(j, &r, count_done, NULL, &seq, &err), ST_OVERLOADED);
    CHECK(strstr(err.msg, "cap") != NULL); /* what waits counts */

    atomic_store(&s.behaviour, BLOCKS);
    wait_for_calls(&s, atomic_load(&s.calls) + 1);
    append_n(j, SIGNAL_LOGS, S("durable meanwhile"), 1);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, 1, 1, NULL), ST_OK);
    CHECK(count_segments(dir) >= many);
    atomic_store(&s.behaviour, SUCCEEDS);
    sem_post(&s.go_on);
    wait_for_segments(dir, 3);
    struct tally t = {0};
    while (append(j, SIGNAL_LOGS, S("x"), &t, &seq) != ST_OK) sched_yield();
    journal_close(j);
    CHECK(!atomic_load(&s.too_soon));
    sem_destroy(&s.go_on);
    remove_dir(dir);
}

TEST(what_the_store_had_not_confirmed_at_closing_is_deleted_by_the_next_start)
{
    const char *dir = new_dir();
    struct store s = {.behaviour = FAILS};
    struct journal *j = open_before(dir, &s);
    CHECK(fill(j) > 10);
    wait_for_calls(&s, 1);
    journal_close(j);
    int many = count_segments(dir);
    CHECK(many > 5);
    struct store next = {.behaviour = SUCCEEDS};
    j = open_before(dir, &next);
    wait_for_segments(dir, 2);
    CHECK(atomic_load(&next.calls) >= 1);
    struct journal_reader *r;
    struct journal_read in;
    CHECK_INT(journal_reader_open(j, SIGNAL_TRACES, 0, &r, NULL), ST_OK);
    CHECK_INT(journal_reader_next(r, &in, NULL), ST_NOT_FOUND);
    journal_reader_close(r);
    journal_close(j);
    remove_dir(dir);
}
