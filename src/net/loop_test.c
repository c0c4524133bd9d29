#include "net/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "testing/test.h"

struct counter {
    struct loop *loop;
    sem_t done;
    int last, out_of_order, wrong_thread;
    int want;
};

struct step {
    struct counter *c;
    int n;
};

static void count(void *arg)
{
    struct step *s = arg;
    struct counter *c = s->c;
    if (s->n != c->last + 1) c->out_of_order++;
    if (!loop_is_mine(c->loop)) c->wrong_thread++;
    c->last = s->n;
    if (c->last == c->want) sem_post(&c->done);
}

static struct loop *running(void)
{
    struct loop *l;
    struct err err;
    CHECK_INT(loop_new("test", &l, &err), ST_OK);
    CHECK_INT(loop_start(l, &err), ST_OK);
    return l;
}

TEST(loop_post_runs_in_order_on_the_loops_thread)
{
    enum { N = 20000 };
    static struct step steps[N];
    struct counter c = {.want = N};
    sem_init(&c.done, 0, 0);
    c.loop = running();
    CHECK(!loop_is_mine(c.loop));
    for (int i = 0; i < N; i++) {
        steps[i] = (struct step){&c, i + 1};
        CHECK(loop_post(c.loop, count, &steps[i]));
    }
    sem_wait(&c.done);
    CHECK_INT(c.out_of_order, 0);
    CHECK_INT(c.wrong_thread, 0);
    loop_stop(c.loop);
    loop_join(c.loop);
    loop_free(c.loop);
}

struct chain {
    struct loop *l;
    struct loop_message message;
    char order[8];
    size_t n;
    sem_t over;
};

static void note(struct chain *c, char what)
{
    c->order[c->n++] = what;
    if (c->n == 4) sem_post(&c->over);
}
static void chain_b(void *ctx) { note(ctx, 'b'); }
static void chain_d(void *ctx) { note(ctx, 'd'); }
static void chain_c(void *ctx)
{
    note(ctx, 'c');
    struct chain *c = ctx;
    CHECK(loop_post(c->l, chain_d, c)); /* while its mail is being run */
}
static void chain_a(void *ctx)
{
    struct chain *c = ctx;
    note(c, 'a');
    c->message = (struct loop_message){.fn = chain_b, .ctx = c};
    CHECK(loop_post_message(c->l, &c->message));
    CHECK(loop_post(c->l, chain_c, c));
}

TEST(loop_post_from_its_own_thread_runs_in_order_though_nothing_wakes_it)
{
    struct chain c = {};
    struct err err;
    sem_init(&c.over, 0, 0);
    CHECK_INT(loop_new("chain", &c.l, &err), ST_OK);
    CHECK_INT(loop_start(c.l, &err), ST_OK);
    CHECK(loop_post(c.l, chain_a, &c));
    sem_wait(&c.over);
    CHECK_STR(((str){c.order, c.n}), S("abcd"));
    loop_free(c.l);
}

TEST(loop_stop_runs_what_was_posted_and_takes_no_more)
{
    static struct step steps[3];
    struct counter c = {.want = 3};
    sem_init(&c.done, 0, 0);
    c.loop = running();
    for (int i = 0; i < 3; i++) {
        steps[i] = (struct step){&c, i + 1};
        CHECK(loop_post(c.loop, count, &steps[i]));
    }
    loop_stop(c.loop);
    CHECK(!loop_post(c.loop, count, &steps[0]));
    loop_join(c.loop);
    CHECK_INT(c.last, 3);
    loop_free(c.loop);
}

static void wait_for(void *arg) { sem_wait(arg); }

static void nothing(void *) {}

TEST(loop_post_says_when_the_mailbox_is_full)
{
    struct loop *l = running();
    sem_t hold;
    sem_init(&hold, 0, 0);
    CHECK(loop_post(l, wait_for, &hold));
    int taken = 0;
    while (taken < 70000 && loop_post(l, nothing, NULL)) taken++;
    CHECK(taken >= 65535 && taken <= 65537);
    struct loop_message own = {.fn = nothing};
    CHECK(loop_post_message(l, &own)); /* there is always room for a message of one's own */
    sem_post(&hold);
    loop_stop(l);
    loop_join(l);
    loop_free(l);
}

struct ticker {
    struct loop *loop;
    struct loop_timer *timer;
    int n;
    sem_t done;
};

static void tick(void *arg)
{
    struct ticker *t = arg;
    if (++t->n == 3) {
        loop_timer_free(t->timer);
        CHECK(loop_now(t->loop) > 0);
        sem_post(&t->done);
    }
}

TEST(loop_timer_repeats_until_it_is_freed)
{
    struct err err;
    struct ticker t = {};
    sem_init(&t.done, 0, 0);
    CHECK_INT(loop_new("ticker", &t.loop, &err), ST_OK);
    t.timer = loop_timer_new(t.loop, 1, tick, &t);
    (void)loop_timer_new(t.loop, 1000000, nothing, NULL); /* freed with the loop */
    CHECK_INT(loop_start(t.loop, &err), ST_OK);
    sem_wait(&t.done);
    loop_stop(t.loop);
    loop_join(t.loop);
    CHECK_INT(t.n, 3);
    loop_free(t.loop);
}

struct paced {
    struct loop *loop;
    uint64_t pace_ms;
    int ticks, ticks_then;
    sem_t done;
};

static void count_tick(void *arg)
{
    struct paced *p = arg;
    if (++p->ticks > p->ticks_then && p->pace_ms == 0) sem_post(&p->done);
}

static void set_pace(void *arg)
{
    struct paced *p = arg;
    loop_set_pace(p->loop, p->pace_ms);
    p->ticks_then = p->ticks;
    sem_post(&p->done);
}

static void look_at_ticks(void *arg)
{
    struct paced *p = arg;
    p->ticks_then = p->ticks;
    sem_post(&p->done);
}

/* An hour: what is not mail would not come while the test runs. */
TEST(loop_with_a_pace_takes_mail_at_once_and_leaves_all_else_until_it_is_time)
{
    struct err err;
    struct paced p = {.pace_ms = 3600000};
    sem_init(&p.done, 0, 0);
    CHECK_INT(loop_new("paced", &p.loop, &err), ST_OK);
    (void)loop_timer_new(p.loop, 1, count_tick, &p);
    CHECK_INT(loop_start(p.loop, &err), ST_OK);
    CHECK(loop_post(p.loop, set_pace, &p));
    sem_wait(&p.done);
    for (int i = 0; i < 3; i++) { /* the last at the latest runs in the nap, as all that follows */
        CHECK(loop_post(p.loop, look_at_ticks, &p));
        sem_wait(&p.done);
    }
    int then = p.ticks_then;
    for (int i = 0; i < 200; i++) {
        CHECK(loop_post(p.loop, look_at_ticks, &p));
        sem_wait(&p.done);
        CHECK_INT(p.ticks_then, then);
    }
    p.pace_ms = 0;
    CHECK(loop_post(p.loop, set_pace, &p));
    sem_wait(&p.done);
    sem_wait(&p.done); /* a tick */
    loop_stop(p.loop);
    loop_join(p.loop);
    loop_free(p.loop);
}

TEST(loop_stop_ends_a_loop_with_a_pace)
{
    struct err err;
    struct paced p = {.pace_ms = 3600000};
    sem_init(&p.done, 0, 0);
    CHECK_INT(loop_new("paced", &p.loop, &err), ST_OK);
    CHECK_INT(loop_start(p.loop, &err), ST_OK);
    CHECK(loop_post(p.loop, set_pace, &p));
    CHECK(loop_post(p.loop, look_at_ticks, &p));
    sem_wait(&p.done);
    sem_wait(&p.done);
    loop_stop(p.loop);
    loop_join(p.loop);
    loop_free(p.loop);
}

TEST(loop_free_without_start_leaks_nothing)
{
    struct err err;
    struct loop *l;
    CHECK_INT(loop_new("never", &l, &err), ST_OK);
    (void)loop_timer_new(l, 10, nothing, NULL);
    loop_free(l);
}

struct poster {
    struct loop *loop;
    atomic_int *n;
};

static void add_one(void *arg) { atomic_fetch_add((atomic_int *)arg, 1); }

static void *post_many(void *arg)
{
    struct poster *p = arg;
    for (int i = 0; i < 2000; i++)
        if (!loop_post(p->loop, add_one, p->n)) return arg;
    return NULL;
}

TEST(loop_post_from_many_threads_loses_nothing)
{
    struct loop *l = running();
    atomic_int n = 0;
    struct poster p = {l, &n};
    pthread_t t[4];
    for (int i = 0; i < 4; i++) CHECK_INT(pthread_create(&t[i], NULL, post_many, &p), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(t[i], &failed);
        CHECK(!failed);
    }
    loop_stop(l);
    loop_join(l);
    CHECK_INT(atomic_load(&n), 8000);
    loop_free(l);
}
