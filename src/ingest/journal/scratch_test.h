/* Journals in folders of their own, for the tests of this folder. */
#pragma once

#include <stdatomic.h>

#include "ingest/journal/journal.h"
#include "ingest/journal/record.h"

const char *new_dir(void); /* freed by remove_dir */
void remove_dir(const char *path);
int count_segments(const char *path);
void wait_for_segments(const char *path, int at_most);

/* What a kill would leave: files oldest first, so that nothing is seen that depends on what is not.
 */
void copy_dir(const char *from, const char *to);
void write_file(const char *path, str bytes);

/* Opens or fails the test. Without destinations: one of each signal, whose index is the signal's.
 */
struct journal *open_with(const char *dir, struct journal_options o);
struct journal *open_dir(const char *dir);

struct tally {
    atomic_int ok, refused;
    atomic_int last_status;
};

void count_done(void *tally, status s);
void wait_for(struct tally *t, int n);
status append(struct journal *j, enum signal_kind signal, str payload, struct tally *t,
              uint64_t *seq);

/* `n` requests, durable on return. The last one's sequence. */
uint64_t append_n(struct journal *j, enum signal_kind signal, str payload, int n);

enum { SEEN_MAX = 4096 };
struct seen {
    int n;
    uint64_t items;
    uint64_t seq[SEEN_MAX], block_first[SEEN_MAX], block_last[SEEN_MAX];
    enum signal_kind signal[SEEN_MAX];
    char text[SEEN_MAX][16];
    bool in_order; /* as each reader gave them */
};

/* What was there at open and some destination is not done with, in sequence order: of each request
 * what the first destination's reader says. Freed by the caller. */
struct seen *replay(struct journal *j);

uint64_t lost_bytes(void); /* of all journals so far: the metric */
