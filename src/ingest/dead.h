/* dead: blocks that were given up, as folders; what `weir dead` needs of them without a pipeline.
 * To send one again: pipeline_dead_retry. thread: any */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct dead_entry {
    char id[256];     /* the folder's name */
    char route[256];  /* "traces>clickhouse" */
    char time[32];    /* when it was given up, RFC 3339, UTC */
    char reason[512]; /* the first line of it, cut off when longer */
    uint64_t items;
    uint64_t requests, bytes; /* files of requests, as their clients sent them */
};

/* Reads the folder, oldest first. `ret` is malloc'ed. No such folder: nothing is dead.
 * ST_UNAVAILABLE: it cannot be read. */
[[nodiscard]] status dead_list(const char *dir, struct dead_entry **ret, size_t *ret_n,
                               struct err *err);

/* Removes one for good. ST_INVALID: `id` is no name of such a folder. ST_NOT_FOUND: there is none.
 */
[[nodiscard]] status dead_remove(const char *dir, str id, struct err *err);
