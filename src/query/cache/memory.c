#include "query/cache/memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "obs/metrics.h"
#include "query/cache/envelope.h"

/* One entry in its bucket's chain and in the order of use. */
struct slot {
    struct slot *chain, *newer, *older;
    struct cache_entry *entry;
    uint64_t hash;
};

struct memory_tier {
    pthread_mutex_t lock;
    uint64_t max_bytes, bytes;
    struct slot **buckets;
    size_t n_buckets, n; /* buckets: a power of two */
    struct slot *newest, *oldest;
};

struct cache_entry *cache_entry_new(str name, uint64_t generation, str payload)
{
    size_t len = envelope_size(name.len, payload.len);
    struct cache_entry *e = malloc(sizeof *e + len);
    if (!e) abort();
    *e = (struct cache_entry){.generation = generation, .name_len = name.len, .len = len};
    atomic_init(&e->refs, 1);
    envelope_write(e->bytes, name, generation, payload);
    return e;
}

struct cache_entry *cache_entry_ref(struct cache_entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

void cache_entry_unref(struct cache_entry *e)
{
    if (e && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1) free(e);
}

str cache_entry_name(const struct cache_entry *e)
{
    return (str){e->bytes + ENVELOPE_HEAD, e->name_len};
}

str cache_entry_payload(const struct cache_entry *e)
{
    size_t at = ENVELOPE_HEAD + e->name_len;
    return (str){e->bytes + at, e->len - at};
}

struct memory_tier *memory_tier_new(uint64_t max_bytes)
{
    struct memory_tier *m = calloc(1, sizeof *m);
    if (!m) abort();
    m->max_bytes = max_bytes;
    m->n_buckets = 256;
    m->buckets = calloc(m->n_buckets, sizeof *m->buckets);
    if (!m->buckets) abort();
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

static uint64_t cost(const struct cache_entry *e)
{
    return sizeof(struct slot) + sizeof *e + e->len;
}

static void unlink_use(struct memory_tier *m, struct slot *s)
{
    if (s->newer)
        s->newer->older = s->older;
    else
        m->newest = s->older;
    if (s->older)
        s->older->newer = s->newer;
    else
        m->oldest = s->newer;
}

static void link_newest(struct memory_tier *m, struct slot *s)
{
    s->newer = NULL;
    s->older = m->newest;
    *(m->newest ? &m->newest->newer : &m->oldest) = s;
    m->newest = s;
}

static void drop(struct memory_tier *m, struct slot *s)
{
    struct slot **at = &m->buckets[s->hash & (m->n_buckets - 1)];
    while (*at != s) at = &(*at)->chain;
    *at = s->chain;
    unlink_use(m, s);
    m->bytes -= cost(s->entry);
    m->n--;
    cache_entry_unref(s->entry);
    free(s);
}

void memory_tier_free(struct memory_tier *m)
{
    if (!m) return;
    while (m->oldest) drop(m, m->oldest);
    free(m->buckets);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static struct slot *find(struct memory_tier *m, str name, uint64_t hash)
{
    struct slot *s = m->buckets[hash & (m->n_buckets - 1)];
    while (s && (s->hash != hash || !str_eq(cache_entry_name(s->entry), name))) s = s->chain;
    return s;
}

struct cache_entry *memory_tier_find(struct memory_tier *m, str name, uint64_t generation)
{
    struct cache_entry *e = NULL;
    uint64_t hash = hash_str(name);
    pthread_mutex_lock(&m->lock);
    struct slot *s = find(m, name, hash);
    if (s && s->entry->generation == generation) {
        e = cache_entry_ref(s->entry);
        unlink_use(m, s);
        link_newest(m, s);
    }
    pthread_mutex_unlock(&m->lock);
    return e;
}

static void grow(struct memory_tier *m)
{
    size_t n = m->n_buckets * 2;
    struct slot **buckets = calloc(n, sizeof *buckets);
    if (!buckets) abort();
    for (struct slot *s = m->newest; s; s = s->older) {
        s->chain = buckets[s->hash & (n - 1)];
        buckets[s->hash & (n - 1)] = s;
    }
    free(m->buckets);
    m->buckets = buckets;
    m->n_buckets = n;
}

void memory_tier_put(struct memory_tier *m, struct cache_entry *e)
{
    uint64_t size = cost(e);
    if (size > m->max_bytes / 8) return; /* one may not push all others out */
    struct slot *s = calloc(1, sizeof *s);
    if (!s) abort();
    *s = (struct slot){.entry = cache_entry_ref(e), .hash = hash_str(cache_entry_name(e))};
    uint64_t evicted = 0;
    pthread_mutex_lock(&m->lock);
    struct slot *before = find(m, cache_entry_name(e), s->hash);
    if (before) drop(m, before);
    for (; m->bytes + size > m->max_bytes; evicted++)
        drop(m, m->oldest); /* NOLINT(clang-analyzer-unix.Malloc): it leaves the order of use */
    if (m->n >= m->n_buckets) grow(m);
    s->chain = m->buckets[s->hash & (m->n_buckets - 1)];
    m->buckets[s->hash & (m->n_buckets - 1)] = s;
    link_newest(m, s);
    m->bytes += size;
    m->n++;
    metric_set(M_CACHE_BYTES, 0, (int64_t)m->bytes);
    pthread_mutex_unlock(&m->lock);
    metric_add(M_CACHE_EVICTIONS, 0, evicted);
}

uint64_t memory_tier_bytes(struct memory_tier *m)
{
    pthread_mutex_lock(&m->lock);
    uint64_t bytes = m->bytes;
    pthread_mutex_unlock(&m->lock);
    return bytes;
}
