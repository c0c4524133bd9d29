#include "store/changes.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/hash.h"
#include "native/reader.h"

enum { WINDOW_MS = 300'000, WINDOWS_MOST = 200'000, ASK_AGAIN_MS = 1000 };

struct changes {
    pthread_mutex_t lock;
    uint64_t seed;      /* of the process */
    uint64_t steps;     /* of epochs and windows; none is used twice */
    uint64_t epoch;     /* the step it began with */
    uint64_t series;    /* the step of the last insert into a catalogue */
    int64_t epoch_ms;   /* when something made it begin; 0: the process did */
    unsigned under_way; /* statements */
    uint64_t unsure;    /* counts what may go on behind its statement: at first the process
                           before this one */
    uint64_t settled;   /* what `unsure` was when nothing went on */
    bool foreign;
    nanos ask_again;              /* monotonic */
    struct store_window *windows; /* ascending */
    uint32_t n, cap;
};

static int64_t now_ms(void) { return clock_now() / NANOS_MS; }

struct changes *changes_new(void)
{
    struct changes *c = calloc(1, sizeof *c);
    if (!c) abort();
    pthread_mutex_init(&c->lock, NULL);
    c->unsure = 1;
    if (getrandom(&c->seed, sizeof c->seed, 0) != (ssize_t)sizeof c->seed)
        c->seed = hash_mix((uint64_t)clock_now(), (uint64_t)clock_monotonic());
    return c;
}

void changes_free(struct changes *c)
{
    if (!c) return;
    free(c->windows);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void begin_epoch(struct changes *c)
{
    c->epoch = ++c->steps;
    c->epoch_ms = now_ms();
    c->n = 0;
}

void changes_begin(struct changes *c, enum change kind)
{
    if (kind < CHANGE_ROWS) return;
    pthread_mutex_lock(&c->lock);
    c->under_way++;
    pthread_mutex_unlock(&c->lock);
}

void changes_end(struct changes *c, enum change kind)
{
    if (kind < CHANGE_ROWS) return;
    pthread_mutex_lock(&c->lock);
    c->under_way--;
    if (kind == CHANGE_ANY) {
        c->unsure++;
        c->ask_again = 0;
    }
    begin_epoch(c);
    pthread_mutex_unlock(&c->lock);
}

/* The first window that ends at `ms` or later. */
static uint32_t at_or_after(const struct changes *c, int64_t ms)
{
    uint32_t lo = 0, hi = c->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (c->windows[mid].end_ms < ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void grow(struct changes *c)
{
    c->cap = c->cap * 2 + 64;
    c->windows = reallocarray(c->windows, c->cap, sizeof *c->windows);
    if (!c->windows) abort();
}

/* False: there are too many. */
static bool touch(struct changes *c, int64_t end_ms, int64_t now)
{
    uint32_t at = at_or_after(c, end_ms);
    if (at == c->n || c->windows[at].end_ms != end_ms) {
        if (c->n == WINDOWS_MOST) return false;
        if (c->n == c->cap) grow(c);
        memmove(c->windows + at + 1, c->windows + at, (c->n - at) * sizeof *c->windows);
        c->n++;
    }
    c->windows[at] = (struct store_window){end_ms, ++c->steps, now};
    return true;
}

/* The windows of a column of times, each as often as it comes anew: rows lie by hour and series. */
static bool touch_all(struct changes *c, const struct native_column *t, int64_t now)
{
    int64_t end = INT64_MIN;
    for (uint64_t i = 0; i < t->rows; i++) {
        int64_t ms = native_i64(t, i);
        if (ms <= end && ms > end - WINDOW_MS) continue;
        int64_t past = (ms % WINDOW_MS + WINDOW_MS) % WINDOW_MS;
        end = past ? ms - past + WINDOW_MS : ms;
        if (!touch(c, end, now)) return false;
    }
    return true;
}

/* False: not all of what was inserted can be told. */
static bool touch_body(struct changes *c, str body, int64_t now)
{
    struct arena a;
    struct native_block b;
    bool ok = true;
    arena_init(&a, 256 << 20);
    while (ok && body.len) {
        struct arena_mark mark = arena_mark(&a);
        ok = native_read_block(&a, &body, &b, NULL) == ST_OK && !arena_over(&a);
        const struct native_column *t = ok ? native_find(&b, S("timestamp")) : NULL;
        ok = t && str_eq(t->type, S("DateTime64(3, 'UTC')"));
        if (ok) {
            pthread_mutex_lock(&c->lock);
            ok = touch_all(c, t, now);
            pthread_mutex_unlock(&c->lock);
        }
        arena_rewind(&a, mark);
    }
    arena_done(&a);
    return ok;
}

void changes_inserted(struct changes *c, const str *body, size_t n)
{
    if (n == 1 && touch_body(c, body[0], now_ms())) return;
    pthread_mutex_lock(&c->lock);
    begin_epoch(c);
    pthread_mutex_unlock(&c->lock);
}

void changes_series(struct changes *c)
{
    pthread_mutex_lock(&c->lock);
    c->series = ++c->steps;
    pthread_mutex_unlock(&c->lock);
}

static void copy_windows(const struct changes *c, struct arena *a, int64_t from_ms, int64_t to_ms,
                         struct store_changes *ret)
{
    uint32_t first = at_or_after(c, from_ms), last = at_or_after(c, to_ms + WINDOW_MS);
    *ret = (struct store_changes){.epoch = hash_mix(c->seed, c->epoch),
                                  .epoch_ms = c->epoch_ms,
                                  .series = c->series,
                                  .n = last > first ? last - first : 0};
    struct store_window *list = arena_array(a, struct store_window, ret->n + 1);
    if (ret->n) memcpy(list, c->windows + first, ret->n * sizeof *list);
    ret->windows = list;
}

enum changes_state changes_read(struct changes *c, struct arena *a, int64_t from_ms, int64_t to_ms,
                                struct store_changes *ret, uint64_t *ret_unsure)
{
    enum changes_state state = CHANGES_SETTLED;
    pthread_mutex_lock(&c->lock);
    if (c->under_way) {
        state = CHANGES_UNDER_WAY;
    } else if (c->unsure != c->settled) {
        nanos now = clock_monotonic();
        state = now < c->ask_again ? CHANGES_UNDER_WAY : CHANGES_UNSURE;
        if (state == CHANGES_UNSURE) c->ask_again = now + ASK_AGAIN_MS * NANOS_MS;
        *ret_unsure = c->unsure;
    } else {
        copy_windows(c, a, from_ms, to_ms, ret);
    }
    pthread_mutex_unlock(&c->lock);
    return state;
}

void changes_settle(struct changes *c, uint64_t unsure, bool foreign)
{
    pthread_mutex_lock(&c->lock);
    c->settled = unsure;
    c->foreign = foreign;
    c->epoch = ++c->steps;
    pthread_mutex_unlock(&c->lock);
}

bool changes_are_foreign(struct changes *c)
{
    pthread_mutex_lock(&c->lock);
    bool foreign = c->foreign;
    pthread_mutex_unlock(&c->lock);
    return foreign;
}
