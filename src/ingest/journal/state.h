/* state: what a journal is, for the files of this folder.
 *
 * journal.c the door; recover.c opening: what is on disk; writer.c the thread that writes; reader.c
 * reading it back; delete.c the thread that deletes; attempts.c what was tried at a crash; boot.c
 * whether the machine was restarted. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "ingest/journal/attempts.h"
#include "ingest/journal/blocks.h"
#include "ingest/journal/boot.h"
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

/* So much is written without waiting for more. */
enum { JOURNAL_GROUP_BYTES = 256 << 10 };

struct retired_segment {
    uint64_t ordinal, bytes;
};

struct journal {
    struct journal_options opt; /* dir: in dir_path */
    char *dir_path;
    int dir_fd, lock_fd;
    uint8_t id[16];
    uint32_t seed;

    struct destination_list destinations;      /* by the caller's index; set at open */
    struct block_set blocks[DESTINATIONS_MAX]; /* what was begun before the open and not done */

    struct boot_note boot;
    uint16_t replays_after_boot; /* a bit for each destination */
    uint64_t doubted_last;       /* done marks up to this sequence were not believed at open */

    struct attempts *attempts;
    atomic_uint readers;
    uint64_t first_new;           /* the first sequence of this run */
    atomic_uint_fast64_t durable; /* up to here every sequence is on disk or refused */

    pthread_mutex_t mutex; /* guards from here ... */
    pthread_cond_t filled; /* the queue, for the writer */
    pthread_cond_t marked; /* a journal_wait is over */
    struct journal_item *head, **tail;
    uint64_t queued_bytes, next_seq;
    bool closing;
    bool pacing, hurry; /* the writer waits for company; somebody waits for a mark */
    uint64_t disk_free; /* as statvfs said, less what was queued since */
    nanos disk_checked; /* monotonic; 0: never */
    /* ... to here */

    atomic_uint_fast64_t bytes; /* of all segments */

    /* The segments and who waits for what is in them. The writer changes them, and a reader what it
     * has lost; both hold the mutex while they do, others while they look. */
    pthread_mutex_t segment_mutex;
    struct segment_list segments;

    /* Under the same mutex: what is finished and waits for the deleting thread, oldest first. */
    struct retired_segment *retired;
    size_t n_retired, retired_cap;
    pthread_cond_t retire_changed;
    bool deleter_ends;
    pthread_t deleter;
    nanos delete_warned; /* the deleting thread's own */

    /* The writer's own, after opening. */
    pthread_t thread;
    int fd;          /* of the newest segment; -1: the next write makes one */
    uint64_t synced; /* bytes of the newest segment known to be on disk */
    uint64_t next_ordinal, last_seq;
    nanos group_began;         /* monotonic */
    unsigned crowd;            /* requests in a group, lately: sixteenths */
    size_t request_bytes;      /* of one, lately */
    nanos warned;              /* monotonic: one line a second about refusals */
    struct journal_item *owed; /* marks that could not be written yet; oldest first */
};

/* Finds id, destinations, segments and block bounds; truncates a torn tail; retires what is
 * finished. */
[[nodiscard]] status journal_recover(struct journal *j, struct err *err);

/* Who wants this request: a bit for each destination. */
uint16_t journal_wanted_by(const struct destination_list *l, const struct record *request);

void journal_grow(struct journal *j, int64_t bytes);

/* The writing thread. */
void *journal_write_loop(void *journal);

/* Syncs what the newest segment holds. False: it cannot be. thread: opening, the writer */
bool journal_sync_marks(struct journal *j);

/* Hands finished segments to the deleting thread, from the oldest on; never the newest. thread: the
 * same */
void journal_retire_finished(struct journal *j);
void *journal_delete_loop(void *journal);
