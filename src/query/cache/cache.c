#include "query/cache/cache.h"

#include <stdlib.h>

#include "base/arena.h"
#include "obs/metrics.h"
#include "query/cache/redis.h"

struct query_cache {
    struct query_cache_options opt;
    struct arena arena; /* of what the options say of Redis */
    struct memory_tier *memory;
    struct redis_tier *redis;
};

status query_cache_open(const struct query_cache_options *opt, struct query_cache **ret,
                        struct err *err)
{
    struct query_cache *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->opt = *opt;
    if (!c->opt.extent_ms) c->opt.extent_ms = 15 * 60 * 1000;
    if (!c->opt.redis_timeout_ms) c->opt.redis_timeout_ms = 50;
    if (!c->opt.redis_expire_s) c->opt.redis_expire_s = 24 * 3600;
    arena_init(&c->arena, 64 << 10);
    if (opt->redis.len) {
        struct redis_place at;
        status s = redis_place_read(&c->arena, opt->redis, &at, err);
        if (s != ST_OK) {
            query_cache_close(c);
            return s;
        }
        c->redis = redis_tier_new(&at, c->opt.redis_timeout_ms, c->opt.redis_expire_s);
    }
    if (opt->max_bytes) c->memory = memory_tier_new(opt->max_bytes);
    *ret = c;
    return ST_OK;
}

void query_cache_close(struct query_cache *c)
{
    if (!c) return;
    memory_tier_free(c->memory);
    redis_tier_free(c->redis);
    arena_done(&c->arena);
    free(c);
}

int64_t query_cache_extent_ms(const struct query_cache *c) { return c->opt.extent_ms; }
int64_t query_cache_settle_ms(const struct query_cache *c) { return c->opt.settle_ms; }
bool query_cache_asks(const struct query_cache *c) { return c->opt.asks; }

void query_cache_find(struct query_cache *c, struct cache_ask *asks, size_t n)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < n; i++)
        asks[i].entry =
            c->memory ? memory_tier_find(c->memory, asks[i].name, asks[i].generation) : NULL;
    if (c->redis) {
        bool *had = calloc(n + 1, sizeof *had);
        if (!had) abort();
        for (size_t i = 0; i < n; i++) had[i] = asks[i].entry != NULL;
        redis_tier_find(c->redis, asks, n);
        for (size_t i = 0; c->memory && i < n; i++)
            if (!had[i] && asks[i].entry) memory_tier_put(c->memory, asks[i].entry);
        free(had);
    }
    for (size_t i = 0; i < n; i++) hits += asks[i].entry != NULL;
    metric_add(M_CACHE_HITS, 0, hits);
    metric_add(M_CACHE_MISSES, 0, n - hits);
}

void query_cache_put(struct query_cache *c, const struct cache_put *puts, size_t n)
{
    struct cache_entry **list = calloc(n + 1, sizeof *list);
    if (!list) abort();
    for (size_t i = 0; i < n; i++) {
        list[i] = cache_entry_new(puts[i].name, puts[i].generation, puts[i].payload);
        if (c->memory) memory_tier_put(c->memory, list[i]);
    }
    if (c->redis) redis_tier_put(c->redis, list, n);
    for (size_t i = 0; i < n; i++) cache_entry_unref(list[i]);
    free(list);
}
