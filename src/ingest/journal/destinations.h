/* destinations: who takes the journal's requests, from which sequence on, and what a mark calls
 * them.
 *
 * The file `destinations` in the journal's folder:
 *
 *   weir journal destinations 1
 *   0 traces traces>clickhouse          since, signal, name (to the end of the line)
 *   512 traces traces/eu>otlp/backup
 *   512 traces+late traces>clickhouse>late    of late rows only
 *   crc 1a2b3c4d                        crc32c of the lines above
 *
 * A destination is its signal and its name. Marks carry a crc of the name (`tag`), so they are
 * understood without the file, and a name's number in one run means nothing in the next. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/telemetry.h"

enum { DESTINATIONS_MAX = 16, DESTINATION_NAME_MAX = 255, DESTINATIONS_FILE_MAX = 8192 };

struct destination {
    char name[DESTINATION_NAME_MAX + 1];
    enum signal_kind signal;
    uint64_t since; /* requests before it are none of its */
    uint32_t tag;   /* never 0 */
    bool late;      /* only requests with late rows. destination_list_add: false */
};

struct destination_list {
    struct destination at[DESTINATIONS_MAX];
    size_t n;
};

/* ST_INVALID: a name that is empty, longer than DESTINATION_NAME_MAX, has a control character, or
 * is there already (or its tag is); ST_LIMIT: more than DESTINATIONS_MAX. */
[[nodiscard]] status destination_list_add(struct destination_list *l, enum signal_kind signal,
                                          str name, uint64_t since, struct err *err);

const struct destination *destination_list_find(const struct destination_list *l,
                                                enum signal_kind signal, str name);

bool destination_list_eq(const struct destination_list *a, const struct destination_list *b);

void destination_list_print(const struct destination_list *l, struct buf *out);

/* ST_INVALID: not what destination_list_print writes. Pure. */
[[nodiscard]] status destination_list_parse(str text, struct destination_list *ret,
                                            struct err *err);
