#include "lifecycle/jobs.h"

#include <pthread.h>

#include "testing/test.h"

/* A job that counts, waits for `stop` when it is told to, and tells who waits for its runs. */
struct counting {
    pthread_mutex_t lock;
    pthread_cond_t ran;
    unsigned runs;
    bool fails, until_stop;
};

static status count(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct counting *c = ctx;
    CHECK(r->now > 0);
    pthread_mutex_lock(&c->lock);
    c->runs++;
    pthread_cond_broadcast(&c->ran);
    pthread_mutex_unlock(&c->lock);
    while (c->until_stop && !atomic_load(r->stop)) sched_yield();
    if (c->until_stop) return err_set(err, ST_CANCELLED, ERR_NOPOS, "stopped");
    return c->fails ? err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no luck") : ST_OK;
}

static void wait_for(struct counting *c, unsigned runs)
{
    pthread_mutex_lock(&c->lock);
    while (c->runs < runs) pthread_cond_wait(&c->ran, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static struct counting counting(void)
{
    return (struct counting){.lock = PTHREAD_MUTEX_INITIALIZER, .ran = PTHREAD_COND_INITIALIZER};
}

TEST(a_job_runs_at_once_and_then_after_its_interval)
{
    struct counting often = counting(), rare = counting();
    const struct lifecycle_job jobs[] = {{"often", NANOS_MS, count, &often},
                                         {"rare", 3650 * NANOS_DAY, count, &rare}};
    struct lifecycle_jobs *j;
    struct err err;
    CHECK_INT(lifecycle_jobs_start(NULL, jobs, 2, &j, &err), ST_OK);
    wait_for(&often, 3);
    wait_for(&rare, 1);
    lifecycle_jobs_stop(j);
    CHECK_INT(rare.runs, 1);
}

TEST(a_job_that_is_woken_runs_before_its_interval)
{
    struct counting rare = counting();
    const struct lifecycle_job job = {"rare", 3650 * NANOS_DAY, count, &rare};
    struct lifecycle_jobs *j;
    struct err err;
    CHECK_INT(lifecycle_jobs_start(NULL, &job, 1, &j, &err), ST_OK);
    for (unsigned i = 1; i < 4; i++) {
        wait_for(&rare, i);
        lifecycle_jobs_wake(j, "rare");
    }
    wait_for(&rare, 4);
    lifecycle_jobs_stop(j);
}

TEST(a_job_that_waits_does_not_hold_up_another_and_ends_at_stop)
{
    struct counting slow = counting(), quick = counting();
    slow.until_stop = true;
    const struct lifecycle_job jobs[] = {{"slow", NANOS_MS, count, &slow},
                                         {"quick", NANOS_MS, count, &quick}};
    struct lifecycle_jobs *j;
    struct err err;
    CHECK_INT(lifecycle_jobs_start(NULL, jobs, 2, &j, &err), ST_OK);
    wait_for(&slow, 1);
    wait_for(&quick, 3);
    lifecycle_jobs_stop(j);
    CHECK_INT(slow.runs, 1);
}

TEST(a_failure_is_told_in_the_status)
{
    struct counting c = counting();
    c.fails = true;
    const struct lifecycle_job job = {"luckless", NANOS_MS, count, &c};
    struct lifecycle_jobs *j;
    struct err err;
    CHECK_INT(lifecycle_jobs_start(NULL, &job, 1, &j, &err), ST_OK);
    wait_for(&c, 2); /* the first has been noted */
    struct buf b;
    buf_init(&b, 1 << 16);
    struct json_out out = json_begin(&b);
    json_object(&out);
    lifecycle_jobs_status(j, &out);
    json_end(&out);
    buf_char(&b, 0);
    CHECK(strstr(b.ptr, "\"name\":\"luckless\"") != NULL);
    CHECK(strstr(b.ptr, "\"error\":\"no luck\"") != NULL);
    buf_done(&b);
    lifecycle_jobs_stop(j);
}
