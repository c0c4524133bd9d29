/* state: what a journal is, for the files of this folder.
 *
 * journal.c the door; recover.c opening: what is on disk; replay.c reading it back; writer.c the
 * thread that writes. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "ingest/journal/blocks.h"
#include "ingest/journal/destinations.h"
#include "ingest/journal/journal.h"
#include "ingest/journal/record.h"
#include "ingest/journal/segment.h"

/* One who waits in journal_block_begin. */
struct journal_wait {
    bool over;
    status result;
    struct err err;
};

struct journal_item {
    struct journal_item *next;
    struct record rec;
    char head[RECORD_HEAD];
    uint64_t mark_last;   /* marks: their payload, little endian */
    unsigned destination; /* done marks: whose */
    journal_done_fn done;
    void *ctx;
    struct journal_wait *wait;
};

struct journal {
    struct journal_options opt; /* dir: in dir_path */
    char *dir_path;
    int dir_fd, lock_fd;
    uint8_t id[16];
    uint32_t seed;

    struct destination_list destinations;      /* by the caller's index; set at open */
    struct block_set blocks[DESTINATIONS_MAX]; /* what was begun before the open and not done */

    /* What lay here at open; replay's, freed when it ends. */
    uint64_t *replay_ordinals;
    size_t n_replay;
    uint64_t lost_bytes;

    pthread_mutex_t mutex; /* guards from here ... */
    pthread_cond_t filled; /* the queue, for the writer */
    pthread_cond_t marked; /* a journal_wait is over */
    struct journal_item *head, **tail;
    uint64_t queued_bytes, next_seq;
    bool closing;
    uint64_t disk_free; /* as statvfs said, less what was queued since */
    nanos disk_checked; /* monotonic; 0: never */
    /* ... to here */

    atomic_uint_fast64_t bytes; /* of all segments */

    /* The segments and who waits for what is in them. The writer alone changes them, and holds the
     * mutex while it does; others hold it while they look. */
    pthread_mutex_t segment_mutex;
    struct segment_list segments;

    /* The writer's own, after opening. */
    pthread_t thread;
    int fd;          /* of the newest segment; -1: the next write makes one */
    uint64_t synced; /* bytes of the newest segment known to be on disk */
    uint64_t next_ordinal, last_seq;
    nanos warned;              /* monotonic: one line a second about refusals */
    struct journal_item *owed; /* marks that could not be written yet; oldest first */
};

/* Finds id, segments and block bounds; truncates a torn tail; deletes what is finished. */
[[nodiscard]] status journal_recover(struct journal *j, struct err *err);

/* Who wants a request of this signal and sequence: a bit for each destination. */
uint16_t journal_wanted_by(const struct destination_list *l, enum signal_kind signal, uint64_t seq);

void journal_grow(struct journal *j, int64_t bytes);

/* The thread. */
void *journal_write_loop(void *journal);

/* Deletes finished segments from the oldest on; never the newest. */
void journal_delete_finished(struct journal *j);
