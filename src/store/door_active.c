#include "store/door_active.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { SQL_BYTES = 1000, LOOK_EVERY_MS = 50 };

struct door_active_entry {
    struct door_active_entry *next, **link;
    const struct door_user *user;
    atomic_bool *cancel;
    uint64_t number;
    char sql[SQL_BYTES];
    size_t sql_len, id_len;
    char id[];
};

struct door_active {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    uint64_t number;
    struct door_active_entry *first;
};

struct door_active *door_active_new(void)
{
    struct door_active *a = calloc(1, sizeof *a);
    if (!a) abort();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void door_active_free(struct door_active *a)
{
    if (!a) return;
    pthread_cond_destroy(&a->ended);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* With the lock held. */
static struct door_active_entry *find(struct door_active *a, str id)
{
    for (struct door_active_entry *e = a->first; e; e = e->next)
        if (str_eq((str){e->id, e->id_len}, id)) return e;
    return NULL;
}

static uint64_t count(const struct door_active *a, const struct door_user *user)
{
    uint64_t n = 0;
    for (const struct door_active_entry *e = a->first; e; e = e->next) n += e->user == user;
    return n;
}

status door_active_begin(struct door_active *a, str id, const struct door_user *user,
                         atomic_bool *cancel, struct door_active_entry **ret, int *ret_code,
                         struct err *err)
{
    struct door_active_entry *e = calloc(1, sizeof *e + id.len);
    if (!e) abort();
    e->user = user;
    e->cancel = cancel;
    e->id_len = id.len;
    memcpy(e->id, id.ptr, id.len);
    status s = ST_OK;
    pthread_mutex_lock(&a->lock);
    uint64_t n = count(a, user);
    if (find(a, id)) {
        *ret_code = 216;
        s = err_set(err, ST_INVALID, ERR_NOPOS, "Query with id = " STR_FMT " is already running",
                    STR_ARG(id));
    } else if (user->concurrent && n >= user->concurrent) {
        *ret_code = 202;
        s = err_set(
            err, ST_OVERLOADED, ERR_NOPOS,
            "Too many simultaneous queries for user " STR_FMT ". Current: %llu, maximum: %llu",
            STR_ARG(user->name), (unsigned long long)n, (unsigned long long)user->concurrent);
    } else {
        e->number = ++a->number;
        e->next = a->first;
        e->link = &a->first;
        if (e->next) e->next->link = &e->next;
        a->first = e;
    }
    pthread_mutex_unlock(&a->lock);
    if (s != ST_OK)
        free(e);
    else
        *ret = e;
    return s;
}

void door_active_describe(struct door_active *a, struct door_active_entry *e, str sql)
{
    pthread_mutex_lock(&a->lock);
    e->sql_len = sql.len < SQL_BYTES ? sql.len : SQL_BYTES;
    if (e->sql_len) memcpy(e->sql, sql.ptr, e->sql_len);
    pthread_mutex_unlock(&a->lock);
}

void door_active_end(struct door_active *a, struct door_active_entry *e)
{
    if (!e) return;
    pthread_mutex_lock(&a->lock);
    *e->link = e->next;
    if (e->next) e->next->link = e->link;
    pthread_cond_broadcast(&a->ended);
    pthread_mutex_unlock(&a->lock);
    free(e);
}

/* With the lock held. */
static void wait_for(struct door_active *a, str id, uint64_t number, const atomic_bool *give_up)
{
    for (;;) {
        struct door_active_entry *e = find(a, id);
        if (!e || e->number != number || atomic_load(give_up)) return;
        nanos at = clock_monotonic() + LOOK_EVERY_MS * NANOS_MS;
        struct timespec t = {.tv_sec = at / NANOS_S, .tv_nsec = at % NANOS_S};
        pthread_cond_timedwait(&a->ended, &a->lock, &t);
    }
}

bool door_active_kill(struct door_active *a, str id, const struct door_user *by, bool wait,
                      const atomic_bool *give_up, struct arena *arena, struct door_killed *ret)
{
    pthread_mutex_lock(&a->lock);
    struct door_active_entry *e = find(a, id);
    bool may = e && (e->user == by || !by->read_only);
    if (may) {
        ret->user = e->user->name;
        ret->sql = arena_str(arena, (str){e->sql, e->sql_len});
        atomic_store(e->cancel, true);
        if (wait) wait_for(a, id, e->number, give_up);
    }
    pthread_mutex_unlock(&a->lock);
    return may;
}
