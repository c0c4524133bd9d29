#include "query/cache/redis.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "query/cache/envelope.h"

enum {
    KEY_LEN = 4 + 32, /* "wqc:" and a hash of the name */
    VALUE_MAX = 1 << 20,
    BATCH = 64,
    IDLE_MAX = 8,
    REST_MOST_S = 30
};

struct redis_tier {
    struct redis_place at;
    uint32_t timeout_ms;
    char expire[16];
    pthread_mutex_t lock; /* the members below */
    redisContext *idle[IDLE_MAX];
    unsigned n_idle;
    nanos rests_until; /* monotonic */
    unsigned failures; /* in a row */
};

struct redis_tier *redis_tier_new(const struct redis_place *at, uint32_t timeout_ms,
                                  uint32_t expire_s)
{
    struct redis_tier *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->at = *at;
    r->timeout_ms = timeout_ms;
    snprintf(r->expire, sizeof r->expire, "%u", expire_s);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void redis_tier_free(struct redis_tier *r)
{
    if (!r) return;
    for (unsigned i = 0; i < r->n_idle; i++) redisFree(r->idle[i]);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* --- one exchange */

struct exchange {
    struct redis_tier *tier;
    redisContext *to;
    nanos begun;
    char why[128]; /* it failed */
};

static void failed(struct exchange *x, const char *why)
{
    if (!x->why[0]) snprintf(x->why, sizeof x->why, "%s", why);
}

/* The next reply; NULL: the exchange failed. An answer that is an error of Redis' is one too. */
static redisReply *reply(struct exchange *x)
{
    void *got = NULL;
    if (x->why[0]) return NULL;
    if (clock_monotonic() - x->begun > x->tier->timeout_ms * NANOS_MS)
        failed(x, "it took longer than query.cache.redis_timeout");
    else if (redisGetReply(x->to, &got) != REDIS_OK)
        failed(x, x->to->errstr);
    redisReply *r = got;
    if (r && r->type == REDIS_REPLY_ERROR) {
        failed(x, r->str);
        freeReplyObject(r);
        return NULL;
    }
    return r;
}

static void expect_ok(struct exchange *x)
{
    redisReply *r = reply(x);
    if (r) freeReplyObject(r);
}

static void greet(struct exchange *x)
{
    const struct redis_place *p = &x->tier->at;
    const char *auth[] = {"AUTH", p->user ? p->user : p->password, p->password};
    char database[16];
    const char *choose[] = {"SELECT", database};
    snprintf(database, sizeof database, "%u", p->database);
    if (p->password) {
        redisAppendCommandArgv(x->to, p->user ? 3 : 2, auth, NULL);
        expect_ok(x);
    }
    if (p->database) {
        redisAppendCommandArgv(x->to, 2, choose, NULL);
        expect_ok(x);
    }
}

static void connect_to(struct exchange *x)
{
    const struct redis_tier *r = x->tier;
    struct timeval most = {r->timeout_ms / 1000, (suseconds_t)(r->timeout_ms % 1000) * 1000};
    x->to = redisConnectWithTimeout(r->at.host, r->at.port, most);
    if (!x->to)
        failed(x, "no memory");
    else if (x->to->err)
        failed(x, x->to->errstr);
    else if (redisSetTimeout(x->to, most) != REDIS_OK)
        failed(x, x->to->errstr);
    else
        greet(x);
}

/* False: Redis rests. */
static bool begin(struct redis_tier *r, struct exchange *x)
{
    *x = (struct exchange){.tier = r, .begun = clock_monotonic()};
    pthread_mutex_lock(&r->lock);
    bool rests = x->begun < r->rests_until;
    if (!rests && r->n_idle) x->to = r->idle[--r->n_idle];
    pthread_mutex_unlock(&r->lock);
    if (rests) return false;
    if (!x->to) connect_to(x);
    return true;
}

/* Says once that it went away, and once that it is back. */
static void end(struct exchange *x)
{
    struct redis_tier *r = x->tier;
    bool ok = !x->why[0];
    redisContext *close[IDLE_MAX + 1];
    unsigned n = 0;
    pthread_mutex_lock(&r->lock);
    unsigned before = r->failures;
    r->failures = ok ? 0 : r->failures + 1;
    if (ok && r->n_idle < IDLE_MAX)
        r->idle[r->n_idle++] = x->to;
    else if (x->to)
        close[n++] = x->to;
    if (!ok) {
        unsigned rest = r->failures > 5 ? REST_MOST_S : 1u << (r->failures - 1);
        r->rests_until = clock_monotonic() + rest * NANOS_S;
        while (r->n_idle) close[n++] = r->idle[--r->n_idle]; /* they are likely gone as well */
    }
    pthread_mutex_unlock(&r->lock);
    while (n) redisFree(close[--n]);
    if (!ok) metric_add(M_CACHE_REDIS_ERRORS, 0, 1);
    if (!ok && !before)
        log_warn("query", "redis is away: answers are kept in memory only",
                 LOG_CSTR("host", r->at.host), LOG_INT("port", r->at.port),
                 LOG_CSTR("error", x->why));
    if (ok && before)
        log_info("query", "redis is back", LOG_CSTR("host", r->at.host),
                 LOG_INT("port", r->at.port));
}

/* --- find, put */

static void key_of(str name, char out[static KEY_LEN])
{
    XXH128_canonical_t digest;
    static const char hex[] = "0123456789abcdef";
    XXH128_canonicalFromHash(&digest, XXH3_128bits(name.ptr, name.len));
    memcpy(out, "wqc:", 4);
    for (unsigned i = 0; i < 16; i++) {
        out[4 + 2 * i] = hex[digest.digest[i] >> 4];
        out[5 + 2 * i] = hex[digest.digest[i] & 15];
    }
}

/* Longer values than are ever written are not read whole: they are not ours. */
static void send_get(struct exchange *x, str name)
{
    char key[KEY_LEN], last[16];
    key_of(name, key);
    int n = snprintf(last, sizeof last, "%d", VALUE_MAX);
    const char *command[] = {"GETRANGE", key, "0", last};
    size_t lengths[] = {8, KEY_LEN, 1, (size_t)n};
    redisAppendCommandArgv(x->to, 4, command, lengths);
}

static void take(struct cache_ask *a, const redisReply *r)
{
    str name, payload;
    uint64_t generation;
    if (r->type != REDIS_REPLY_STRING || !r->len || r->len > VALUE_MAX) return;
    if (!envelope_read((str){r->str, (size_t)r->len}, &name, &generation, &payload)) {
        metric_add(M_CACHE_REDIS_ERRORS, 0, 1);
        return;
    }
    if (generation != a->generation || !str_eq(name, a->name)) return;
    a->entry = cache_entry_new(name, generation, payload);
    metric_add(M_CACHE_REDIS_HITS, 0, 1);
}

void redis_tier_find(struct redis_tier *r, struct cache_ask *asks, size_t n)
{
    struct exchange x;
    size_t missing = 0;
    for (size_t i = 0; i < n; i++) missing += !asks[i].entry;
    if (!missing || !begin(r, &x)) return;
    for (size_t at = 0; at < n && !x.why[0];) {
        struct cache_ask *sent[BATCH];
        unsigned k = 0;
        for (; at < n && k < BATCH; at++)
            if (!asks[at].entry) sent[k++] = &asks[at];
        for (unsigned i = 0; i < k; i++) send_get(&x, sent[i]->name);
        for (unsigned i = 0; i < k; i++) {
            redisReply *got = reply(&x);
            if (!got) break;
            take(sent[i], got);
            freeReplyObject(got);
        }
    }
    end(&x);
}

static void send_set(struct exchange *x, const struct cache_entry *e)
{
    char key[KEY_LEN];
    key_of(cache_entry_name(e), key);
    const char *expire = x->tier->expire, *command[] = {"SET", key, e->bytes, "EX", expire};
    size_t lengths[] = {3, KEY_LEN, e->len, 2, strlen(expire)};
    redisAppendCommandArgv(x->to, 5, command, lengths);
}

void redis_tier_put(struct redis_tier *r, struct cache_entry *const *entries, size_t n)
{
    struct exchange x;
    if (!n || !begin(r, &x)) return;
    for (size_t at = 0; at < n && !x.why[0];) {
        unsigned sent = 0;
        for (; at < n && sent < BATCH; at++) {
            if (entries[at]->len > VALUE_MAX) continue;
            send_set(&x, entries[at]);
            sent++;
        }
        while (sent-- && !x.why[0]) expect_ok(&x);
    }
    end(&x);
}
