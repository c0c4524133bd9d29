/* What a process is at rest comes off the hard limit first, then the engine's share of what is left
 * (40 %); of the remainder requests and blocks in memory have 60 %, queries (all that may run at
 * once, and the cache of answers with an eighth of it at most) 40 %.
 *
 * Measured: at full rate, blocks of 100,000 spans, an engine allowed 192 MiB keeps up, and one
 * allowed 128 MiB never stores such a block. With memory for requests at its default of 256 MiB the
 * whole process has 1.4 GiB resident then, 217 MiB of it before the first request. */
#include "cmd/memory_shares.h"

enum {
    MIB = 1 << 20,
    REST_EMBEDDED = 224 * MIB,
    REST_PLAIN = 48 * MIB,
    ENGINE_LEAST = 192 * MIB,
    ENGINE_WANTED = 256 * MIB,
    OTHERS_LEAST = 64 * MIB
};
enum { ENGINE_PERCENT = 40, INFLIGHT_PERCENT = 60, QUERIES_PERCENT = 40 };

static uint64_t percent(uint64_t of, uint64_t p) { return of / 100 * p; }

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static status check_percentages(const struct config *c, struct err *err)
{
    if (c->memory_hard < 1 || c->memory_hard > 100)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "memory.limit_percentage: %llu is not from 1 to 100",
                       (unsigned long long)c->memory_hard);
    if (c->memory_soft < 1 || c->memory_soft > c->memory_hard)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "memory.soft_percentage: %llu is not from 1 to memory.limit_percentage, "
                       "%llu",
                       (unsigned long long)c->memory_soft, (unsigned long long)c->memory_hard);
    if (c->memory_interval < NANOS_MS)
        return err_set(err, ST_INVALID, ERR_NOPOS, "memory.check_interval: at least 1ms");
    return ST_OK;
}

/* Of `shared`, with an engine in the process. */
static status engine_share(const struct config *c, uint64_t shared, uint64_t *ret, struct err *err)
{
    uint64_t engine = percent(shared, ENGINE_PERCENT);
    if (engine < ENGINE_WANTED) engine = ENGINE_WANTED;
    if (c->store_memory) engine = c->store_memory;
    if (engine < ENGINE_LEAST)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "store.memory: %llu MiB, but below %d MiB the engine cannot take a block of "
                       "batch.max_rows",
                       (unsigned long long)(engine / MIB), ENGINE_LEAST / MIB);
    if (engine + OTHERS_LEAST > shared)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "store.memory: %llu MiB, but memory.limit leaves %llu MiB for it and %d MiB "
                       "for others",
                       (unsigned long long)(engine / MIB), (unsigned long long)(shared / MIB),
                       OTHERS_LEAST / MIB);
    *ret = engine;
    return ST_OK;
}

status memory_shares_of(const struct config *c, uint64_t found, bool embedded,
                        struct memory_shares *ret, struct err *err)
{
    TRY(check_percentages(c, err));
    struct memory_shares m = {.there_is = c->memory_limit ? c->memory_limit : found};
    if (!m.there_is)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "memory.limit: how much memory there is cannot be read, set it");
    m.hard = percent(m.there_is, c->memory_hard);
    m.soft = percent(m.there_is, c->memory_soft);
    uint64_t rest = embedded ? REST_EMBEDDED : REST_PLAIN;
    uint64_t needed = rest + OTHERS_LEAST + (embedded ? ENGINE_WANTED : 0);
    if (m.hard < needed)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "memory.limit: %llu %% of %llu MiB is too little to work with, %llu MiB are "
                       "needed%s",
                       (unsigned long long)c->memory_hard, (unsigned long long)(m.there_is / MIB),
                       (unsigned long long)(needed / MIB),
                       embedded ? " with the engine in the process" : "");
    uint64_t shared = m.hard - rest;
    if (embedded) TRY(engine_share(c, shared, &m.engine, err));
    shared -= m.engine;
    m.inflight = least(c->max_inflight, percent(shared, INFLIGHT_PERCENT));
    uint64_t at_once = c->query_threads ? c->query_threads : 1;
    uint64_t queries = percent(shared, QUERIES_PERCENT);
    m.cache = least(c->cache_memory, queries / 8);
    m.query = least(c->query_memory, (queries - m.cache) / at_once);
    *ret = m;
    return ST_OK;
}
