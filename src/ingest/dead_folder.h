/* dead_folder: the name and files of a folder of dead/, read back. What dead.c writes. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "ingest/dead.h"
#include "model/request.h"

/* "<32 hex digits>-<route>-<first>-<last>". */
struct dead_id {
    uint8_t journal_id[16];
    str route; /* the safe form; borrows */
    uint64_t first_seq, last_seq;
};
bool dead_id_parse(str id, struct dead_id *ret);

struct dead_request {
    uint64_t seq;
    nanos received_at;
    uint32_t late; /* rows of it that are a late route's */
    enum payload_format format;
    enum payload_compression compression;
    str wire;
};

/* All requests of a folder, in sequence order, in the arena. ST_NOT_FOUND: no such folder.
 * ST_INVALID: a file of it is not what it should be. */
[[nodiscard]] status dead_read(struct arena *a, const char *dir, str id, struct dead_request **ret,
                               size_t *ret_n, struct err *err);
