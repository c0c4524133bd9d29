/* record: the bytes of a segment, both directions, and finding the next record after damage. Pure.
 *
 * The layout is drawn in journal.h. Sequences are those of requests; a mark (block begin, block
 * done, void) is a record whose sequence is its first and whose payload is its last, and takes no
 * sequence of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

enum { SEGMENT_HEAD = 40, RECORD_HEAD = 40 };

/* Longest payload a record may have. */
#define RECORD_PAYLOAD_MAX (1u << 30)

enum record_kind {
    RECORD_REQUEST = 1,
    RECORD_BLOCK_BEGIN,
    RECORD_BLOCK_DONE,
    RECORD_VOID, /* requests of all signals in the range were refused, though their bytes may be on
                    disk */
    RECORD_KIND_END
};

struct record {
    uint8_t kind, signal, format, compression;
    uint32_t items, late;
    uint64_t seq;
    nanos received_at;
    str payload;
};

void segment_head_put(char out[SEGMENT_HEAD], const uint8_t id[16], uint64_t first_seq);
bool segment_head_get(str bytes, uint8_t ret_id[16], uint64_t *ret_first_seq);

/* What both crcs of a journal's records begin from. */
uint32_t record_seed(const uint8_t id[16]);

static inline size_t record_size(size_t payload)
{
    return RECORD_HEAD + ((payload + 7) & ~(size_t)7);
}

void record_head_put(char out[RECORD_HEAD], uint32_t seed, const struct record *r);

/* The head of a record; its payload has `ret_len` bytes and that crc, and follows. False: there is
 * no record's head here. */
bool record_head_get(const char head[RECORD_HEAD], uint32_t seed, struct record *ret,
                     size_t *ret_len, uint32_t *ret_crc);

/* The last sequence of a mark; false when the record is none or malformed. */
bool record_mark_last(const struct record *r, uint64_t *ret_last);

struct record_scan {
    str bytes; /* the segment, its head included */
    uint32_t seed;
    size_t at;       /* where the next record is looked for */
    size_t end;      /* behind the last good record (or the head) */
    uint64_t lost;   /* bytes stepped over between good records */
    uint64_t wasted; /* bytes of payloads that were checked and not good */
};

struct record_scan record_scan_begin(str segment, uint32_t seed);

/* The next good record; its payload borrows from the segment. False at the end: what lies behind
 * `end` is damaged. */
bool record_next(struct record_scan *s, struct record *ret);
