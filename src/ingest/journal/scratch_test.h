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

struct seen {
    int n;
    uint64_t seq[4096], block_first[4096], block_last[4096];
    enum signal_kind signal[4096];
    char text[4096][16];
    bool in_order;
};

struct seen *replay(struct journal *j,
                    struct journal_replay_stats *stats); /* freed by the caller */
