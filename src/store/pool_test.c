#include "store/pool.h"

#include <pthread.h>
#include <unistd.h>

#include "testing/test.h"

static nanos soon(void) { return clock_monotonic() + 20 * NANOS_MS; }
static nanos late(void) { return clock_monotonic() + 20 * NANOS_S; }

TEST(pool_the_slot_given_back_last_comes_first)
{
    struct pool *p = pool_new(3, 0);
    unsigned a = 9, b = 9;
    CHECK_INT(pool_take(p, POOL_QUERY, late(), NULL, &a, NULL), ST_OK);
    CHECK_INT(pool_take(p, POOL_QUERY, late(), NULL, &b, NULL), ST_OK);
    CHECK(a != b);
    pool_give(p, a);
    unsigned c = 9;
    CHECK_INT(pool_take(p, POOL_QUERY, late(), NULL, &c, NULL), ST_OK);
    CHECK_INT(c, a);
    pool_give(p, b);
    pool_give(p, c);
    pool_free(p);
}

TEST(pool_queries_leave_the_reserved_slots_to_inserts)
{
    struct pool *p = pool_new(2, 1);
    unsigned a, b;
    struct err err = {};
    CHECK_INT(pool_take(p, POOL_QUERY, soon(), NULL, &a, &err), ST_OK);
    CHECK_INT(pool_take(p, POOL_QUERY, soon(), NULL, &b, &err), ST_OVERLOADED);
    CHECK_INT(pool_take(p, POOL_INSERT, soon(), NULL, &b, &err), ST_OK);
    CHECK_INT(pool_take(p, POOL_INSERT, soon(), NULL, &b, &err), ST_OVERLOADED);
    pool_give(p, a);
    pool_give(p, b);
    pool_free(p);
}

TEST(pool_a_cancelled_waiter_leaves_the_queue)
{
    struct pool *p = pool_new(1, 0);
    unsigned a, b;
    atomic_bool cancel = true;
    struct err err = {};
    CHECK_INT(pool_take(p, POOL_QUERY, late(), NULL, &a, &err), ST_OK);
    CHECK_INT(pool_take(p, POOL_QUERY, late(), &cancel, &b, &err), ST_CANCELLED);
    pool_give(p, a);
    CHECK_INT(pool_take(p, POOL_INSERT, late(), NULL, &b, &err), ST_OK);
    pool_give(p, b);
    pool_free(p);
}

enum { THREADS = 8, ROUNDS = 2000, SLOTS = 3 };

static struct pool *shared;
static atomic_int used[SLOTS];

static void *hammer(void *ctx)
{
    enum pool_use use = *(int *)ctx % 2 ? POOL_INSERT : POOL_QUERY;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned slot = SLOTS;
        if (pool_take(shared, use, late(), NULL, &slot, NULL) != ST_OK) return ctx;
        if (atomic_fetch_add(&used[slot], 1) != 0) return ctx;
        atomic_fetch_sub(&used[slot], 1);
        pool_give(shared, slot);
    }
    return NULL;
}

TEST(pool_a_slot_belongs_to_one_thread_at_a_time)
{
    shared = pool_new(SLOTS, 1);
    pthread_t thread[THREADS];
    int number[THREADS];
    for (int i = 0; i < THREADS; i++) {
        number[i] = i;
        CHECK_INT(pthread_create(&thread[i], NULL, hammer, &number[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *bad = NULL;
        pthread_join(thread[i], &bad);
        CHECK(bad == NULL);
    }
    pool_free(shared);
}
