#include "query/cache/cache.h"

#include <pthread.h>
#include <stdio.h>

#include "obs/metrics.h"
#include "query/cache/envelope.h"
#include "query/cache/memory.h"
#include "testing/test.h"

static struct query_cache *open_cache(uint64_t max_bytes, str redis)
{
    struct query_cache *c;
    struct query_cache_options opt = {
        .max_bytes = max_bytes, .redis = redis, .redis_timeout_ms = 200};
    CHECK_INT(query_cache_open(&opt, &c, NULL), ST_OK);
    return c;
}

static void put(struct query_cache *c, str name, uint64_t generation, str payload)
{
    query_cache_put(c, &(struct cache_put){name, payload, generation}, 1);
}

static bool has(struct query_cache *c, str name, uint64_t generation, str payload)
{
    struct cache_ask a = {.name = name, .generation = generation};
    query_cache_find(c, &a, 1);
    bool found = a.entry && str_eq(cache_entry_payload(a.entry), payload);
    cache_entry_unref(a.entry);
    return found;
}

TEST(cache_finds_what_was_put_under_name_and_generation)
{
    struct query_cache *c = open_cache(1 << 20, (str){0});
    put(c, S("a"), 1, S("first"));
    CHECK(has(c, S("a"), 1, S("first")));
    CHECK(!has(c, S("a"), 2, S("first")) && !has(c, S("b"), 1, S("first")));
    put(c, S("a"), 2, S("second"));
    CHECK(has(c, S("a"), 2, S("second")) && !has(c, S("a"), 1, S("first")));
    query_cache_close(c);
}

TEST(cache_stays_below_its_bytes_and_drops_what_was_not_used)
{
    enum { BYTES = 100'000, PAYLOAD = 1000, MANY = 1000 };
    static char payload[PAYLOAD];
    struct memory_tier *m = memory_tier_new(BYTES);
    char name[32];
    uint64_t evictions = metric_get(M_CACHE_EVICTIONS, 0);
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(name, sizeof name, "entry %d", i);
        struct cache_entry *e = cache_entry_new((str){name, (size_t)n}, 7, (str){payload, PAYLOAD});
        memory_tier_put(m, e);
        cache_entry_unref(e);
        e = memory_tier_find(m, S("entry 0"), 7); /* used all the time */
        CHECK(e);
        cache_entry_unref(e);
        CHECK(memory_tier_bytes(m) <= BYTES);
    }
    struct cache_entry *last = memory_tier_find(m, S("entry 999"), 7);
    CHECK(last && !memory_tier_find(m, S("entry 1"), 7));
    CHECK(metric_get(M_CACHE_EVICTIONS, 0) - evictions > MANY / 2);
    memory_tier_free(m);
    CHECK_STR(cache_entry_name(last), S("entry 999")); /* who holds it may read on */
    cache_entry_unref(last);
}

TEST(cache_keeps_nothing_that_would_push_all_else_out)
{
    static char big[20'000];
    struct query_cache *c = open_cache(100'000, (str){0});
    put(c, S("small"), 1, S("x"));
    put(c, S("big"), 1, (str){big, sizeof big});
    CHECK(has(c, S("small"), 1, S("x")) && !has(c, S("big"), 1, (str){big, sizeof big}));
    query_cache_close(c);
}

TEST(cache_grows_its_table)
{
    struct query_cache *c = open_cache(64 << 20, (str){0});
    char name[32];
    for (int i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof name, "%d", i);
        put(c, (str){name, (size_t)n}, 1, (str){name, (size_t)n});
    }
    for (int i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof name, "%d", i);
        CHECK(has(c, (str){name, (size_t)n}, 1, (str){name, (size_t)n}));
    }
    query_cache_close(c);
}

TEST(envelope_damaged_anywhere_is_refused)
{
    char bytes[ENVELOPE_HEAD + 10];
    str name, payload;
    uint64_t generation;
    envelope_write(bytes, S("name"), 42, S("answer"));
    CHECK(envelope_read((str){bytes, sizeof bytes}, &name, &generation, &payload));
    CHECK_STR(name, S("name"));
    CHECK_STR(payload, S("answer"));
    CHECK_INT(generation, 42);
    for (size_t i = 0; i < sizeof bytes; i++) {
        CHECK(!envelope_read((str){bytes, i}, &name, &generation, &payload));
        bytes[i] = (char)(bytes[i] ^ 1);
        CHECK(!envelope_read((str){bytes, sizeof bytes}, &name, &generation, &payload));
        bytes[i] = (char)(bytes[i] ^ 1);
    }
}

TEST(redis_that_is_not_there_is_asked_once_and_then_rests)
{
    struct query_cache *c = open_cache(1 << 20, S("redis://127.0.0.1:1/0"));
    uint64_t errors = metric_get(M_CACHE_REDIS_ERRORS, 0);
    put(c, S("a"), 1, S("first"));
    for (int i = 0; i < 100; i++) CHECK(has(c, S("a"), 1, S("first")));
    CHECK(!has(c, S("b"), 1, S("")));
    uint64_t more = metric_get(M_CACHE_REDIS_ERRORS, 0) - errors;
    CHECK(more >= 1 && more < 10);
    query_cache_close(c);
}

enum { SHARERS = 4, TURNS = 3000, NAMES = 60 };

struct sharer {
    struct query_cache *cache;
    uint32_t random;
    unsigned found, wrong;
};

static uint32_t any(struct sharer *s, uint32_t below)
{
    s->random = s->random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)s->random * below) >> 32);
}

/* What an entry says is made of its name and generation. */
static str payload_of(uint32_t name, uint64_t generation, char out[64])
{
    return (str){out, (size_t)snprintf(out, 64, "answer of %u in %llu", name,
                                       (unsigned long long)generation)};
}

static void *share(void *ctx)
{
    struct sharer *s = ctx;
    char names[3][16], texts[3][64];
    for (int i = 0; i < TURNS; i++) {
        struct cache_put puts[3];
        struct cache_ask asks[3];
        for (int k = 0; k < 3; k++) {
            uint32_t name = any(s, NAMES);
            str n = {names[k], (size_t)snprintf(names[k], sizeof names[k], "entry %u", name)};
            puts[k] = (struct cache_put){.name = n, .generation = any(s, 2)};
            puts[k].payload = payload_of(name, puts[k].generation, texts[k]);
            asks[k] = (struct cache_ask){.name = n, .generation = puts[k].generation};
        }
        if (i % 3 == 0) query_cache_put(s->cache, puts, 3);
        query_cache_find(s->cache, asks, 3);
        for (int k = 0; k < 3; k++) {
            if (!asks[k].entry) continue;
            s->found++;
            s->wrong += !str_eq(cache_entry_payload(asks[k].entry), puts[k].payload);
            cache_entry_unref(asks[k].entry);
        }
    }
    return NULL;
}

TEST(cache_is_shared_by_threads)
{
    struct query_cache *c = open_cache(5000, (str){0}); /* some forty entries: they come and go */
    struct sharer sharers[SHARERS];
    pthread_t threads[SHARERS];
    for (unsigned i = 0; i < SHARERS; i++) {
        sharers[i] = (struct sharer){.cache = c, .random = i + 1};
        CHECK_INT(pthread_create(&threads[i], NULL, share, &sharers[i]), 0);
    }
    for (unsigned i = 0; i < SHARERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(sharers[i].wrong, 0);
        CHECK(sharers[i].found > 0);
    }
    query_cache_close(c);
}
