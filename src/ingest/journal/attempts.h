/* attempts: what each destination is trying, and what was being tried when an earlier process
 * crashed.
 *
 * The file `attempts`: records of 32 bytes, appended by the handler of a fatal signal,
 *
 *   { u32 crc, u32 tag, u64 first, u64 last, u32 crash, u8 signal, u8 zero[3] }   little endian
 *
 * crc is crc32c of the rest, begun from the journal's id; tag the destination's; crash counts the
 * crashes. A record that is damaged is left out: at worst a request crashes the process once more.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "ingest/journal/destinations.h"

enum { ATTEMPT_RECORD = 32, ATTEMPTS_KEPT = 512, ATTEMPTS_FILE_MAX = 1 << 20 };

struct attempt_note {
    uint64_t first, last;
    uint32_t tag, crash;
    enum signal_kind signal;
};

struct attempt_notes {
    struct attempt_note *at; /* malloc'ed; by crash */
    size_t n;
    size_t damaged; /* bytes */
};

void attempt_note_put(char out[ATTEMPT_RECORD], uint32_t seed, const struct attempt_note *n);

/* Any bytes. Pure. */
void attempt_notes_parse(str bytes, uint32_t seed, struct attempt_notes *ret);
void attempt_notes_done(struct attempt_notes *n);

struct attempts;

/* Reads the file, keeps the notes that `wanted` says somebody still waits for, and opens the file
 * for the handler. Never fails: without the file there is no quarantine, and the log says so. */
struct attempts *attempts_open(int dir_fd, uint32_t seed, const struct destination_list *l,
                               bool (*wanted)(void *ctx, const struct attempt_note *n), void *ctx);
void attempts_close(struct attempts *a); /* accepts NULL */

/* How many crashes hit while the request was tried. thread: any */
uint32_t attempts_count(const struct attempts *a, enum signal_kind signal, uint64_t seq);

/* thread: one at a time for a destination */
void attempts_begin(struct attempts *a, unsigned dest, uint64_t first, uint64_t last);
void attempts_end(struct attempts *a, unsigned dest);
