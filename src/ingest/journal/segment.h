/* segment: the files of a journal, and which of their requests are still needed.
 *
 * A segment is deleted only when it is the oldest and all its requests are finished: marks are
 * always written behind the requests they speak of, so what later segments need (bounds, ends) is
 * never deleted before those requests. thread: one at a time (opening, then the writer). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/telemetry.h"

struct segment {
    uint64_t ordinal; /* its name */
    uint64_t first_seq;
    uint64_t bytes;
    uint64_t live;  /* requests in no finished block */
    uint8_t *owner; /* by sequence - first_seq: signal + 1 of a live request, else 0 */
    size_t n_owner;
};

struct segment_list {
    struct segment *at; /* oldest first */
    size_t n, cap;
};

enum { SEGMENT_NAME = 21 }; /* "0123456789abcdef.seg" */

/* A segment holds at most this many sequences, so that `owner` stays small. */
#define SEGMENT_SEQUENCES (1u << 22)

void segment_name(uint64_t ordinal, char out[SEGMENT_NAME]);
bool segment_name_parse(const char *name, uint64_t *ret_ordinal);

struct segment *segment_list_add(struct segment_list *l, uint64_t ordinal, uint64_t first_seq);
void segment_list_drop_oldest(struct segment_list *l);
void segment_list_done(struct segment_list *l);

/* A request of `signal` lies in `s`. False when the sequence cannot be (damage). */
bool segment_own(struct segment *s, uint64_t seq, enum signal_kind signal);

/* All requests of `signal` in the range are finished. */
void segment_list_finish(struct segment_list *l, enum signal_kind signal, uint64_t first,
                         uint64_t last);

/* Reads a whole segment file. Parts the disk cannot give back are zeros. `ret` is malloc'ed.
 * ST_NOT_FOUND: no such file. */
[[nodiscard]] status segment_load(int dir_fd, uint64_t ordinal, str *ret, struct err *err);
