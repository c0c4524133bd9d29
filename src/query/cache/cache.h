/* cache: answers of parts of range queries, by name. In memory up to a number of bytes, the least
 * recently used go first; and in a Redis that several processes may share.
 *
 * An entry is found under its name and the generation of the samples it was made of, or not at all:
 * who asks with the generation of now never sees an older answer. What Redis says is checked (name,
 * generation, checksum); a Redis that is away, slow or wrong is as one that has nothing.
 * thread: any */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct query_cache;

struct query_cache_options {
    uint64_t max_bytes;        /* in memory; 0: nothing is kept there */
    str redis;                 /* [redis://][[user]:password@]host:port[/database]; empty: none */
    uint32_t redis_timeout_ms; /* of one exchange; 0: 50 */
    uint32_t redis_expire_s;   /* of an entry there; 0: a day */
    int64_t extent_ms;         /* answers are cut at multiples of it; 0: 15 minutes */
    int64_t settle_ms;         /* what is older, and was not written to for as long, is kept */
    bool asks; /* the store is asked what was written where that is not known in the process */
};

/* ST_INVALID: `redis` cannot be read. Connects to nothing. Strings are copied. */
[[nodiscard]] status query_cache_open(const struct query_cache_options *opt,
                                      struct query_cache **ret, struct err *err);
void query_cache_close(struct query_cache *c); /* accepts NULL */
int64_t query_cache_extent_ms(const struct query_cache *c);
int64_t query_cache_settle_ms(const struct query_cache *c);
bool query_cache_asks(const struct query_cache *c);

struct cache_entry; /* counted; does not change */
struct cache_ask {
    str name;
    uint64_t generation;
    struct cache_entry *entry; /* what was found; NULL: nothing */
};
/* Fills in the entries; each is given back with cache_entry_unref. Waits for Redis, within its
 * timeout, for what is not in memory. */
void query_cache_find(struct query_cache *c, struct cache_ask *asks, size_t n);
str cache_entry_payload(const struct cache_entry *e);
void cache_entry_unref(struct cache_entry *e); /* accepts NULL */

struct cache_put {
    str name, payload;
    uint64_t generation;
};
void query_cache_put(struct query_cache *c, const struct cache_put *puts, size_t n);
