/* memory_shares: the memory of the process, shared out by name before anything is opened. */
#pragma once

#include "base/err.h"
#include "config/config.h"

struct memory_shares {
    uint64_t there_is;   /* memory.limit, or what the cgroup or the machine has */
    uint64_t soft, hard; /* resident memory: see obs/memory.h */
    uint64_t engine;     /* of the embedded engine; 0: there is none */
    uint64_t inflight;   /* requests and blocks in memory */
    uint64_t cache;      /* of answers */
    uint64_t query;      /* of one query */
};

/* `found` is memory_there_is(); `embedded`: the engine runs in this process. The options that bound
 * a share keep their value where it fits. ST_INVALID: the percentages make no sense, or the memory
 * is too little to work with; the message says how much is needed. */
[[nodiscard]] status memory_shares_of(const struct config *c, uint64_t found, bool embedded,
                                      struct memory_shares *ret, struct err *err);
