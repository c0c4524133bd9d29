/* segment: the files of a journal, and which of their requests are still needed.
 *
 * A segment is deleted only when it is the oldest and all its requests are finished: marks are
 * always written behind the requests they speak of, so what later segments need (bounds, ends) is
 * never deleted before those requests. thread: one at a time: opening, then whoever holds the
 * journal's `segment_mutex`. */
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
    uint64_t readable; /* of them: whole records, durable */
    uint64_t live;     /* requests that some destination is not done with */
    uint16_t
        *waiting; /* by sequence - first_seq: a bit for each destination not done with that one */
    size_t n_waiting;
};

struct segment_list {
    struct segment *at; /* oldest first */
    size_t n, cap;
};

enum { SEGMENT_NAME = 21 }; /* "0123456789abcdef.seg" */

/* A segment holds at most this many sequences, so that `waiting` stays small. */
#define SEGMENT_SEQUENCES (1u << 22)

void segment_name(uint64_t ordinal, char out[SEGMENT_NAME]);
bool segment_name_parse(const char *name, uint64_t *ret_ordinal);

struct segment *segment_list_add(struct segment_list *l, uint64_t ordinal, uint64_t first_seq);
void segment_list_drop_oldest(struct segment_list *l);
void segment_list_done(struct segment_list *l);

/* A request lies in `s` and these destinations want it (a bit each). False when the sequence cannot
 * be (damage). */
bool segment_own(struct segment *s, uint64_t seq, uint16_t destinations);

/* These destinations are done with the requests of the range. */
void segment_list_finish(struct segment_list *l, uint16_t destinations, uint64_t first,
                         uint64_t last);

/* Destination i becomes destination map[i], or nobody when that is negative. */
void segment_list_rename(struct segment_list *l, const int map[16]);

/* How many requests a destination (a bit) still wants. */
uint64_t segment_list_count(const struct segment_list *l, uint16_t destination);

/* The first request from `from` on that one of these destinations wants. NULL: none. */
const struct segment *segment_list_next(const struct segment_list *l, uint16_t destinations,
                                        uint64_t from, uint64_t *ret_seq);

/* Reads a whole segment file. Parts the disk cannot give back are zeros. `ret` is malloc'ed.
 * ST_NOT_FOUND: no such file. */
[[nodiscard]] status segment_load(int dir_fd, uint64_t ordinal, str *ret, struct err *err);
