/* state: what the pipeline's files share.
 *
 * pipeline.c the path; shard.c a worker: loop, receivers, journal, open blocks; store_task.c the
 * store writers' queue; dead.c blocks given up; replay.c what lay in the journals; ledger.c the
 * counting.
 *
 * Locks: none between workers. The task queue has one mutex; whoever waits for progress waits on
 * it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "ingest/batch/batch.h"
#include "ingest/encode/encode.h"
#include "ingest/journal/journal.h"
#include "ingest/pipeline.h"
#include "ingest/receive/receive.h"
#include "model/block.h"
#include "model/request.h"
#include "net/loop.h"
#include "store/store.h"

/* An accepted request from decode until its block is stored. Lies in the batch's arena. */
struct held {
    struct held *next;
    struct shard *shard;
    struct ingest_request *req; /* until it is answered, then NULL */
    struct telemetry_batch *batch;
    str wire; /* for dead/ */
    enum payload_format format;
    enum payload_compression compression;
    uint64_t seq;
    uint64_t bytes; /* counted in the gate */
    status result;  /* the journal's word */
};

struct held_list {
    struct held *first, **last; /* last: NULL when empty */
};

void held_list_add(struct held_list *l, struct held *h);

/* Blocks of one shard and signal: stored in order, one at a time. That order is what makes it right
 * for a block to leave out side rows that an earlier block has told (see seen). */
struct lane {
    struct store_task *first, **last;
    atomic_uint waiting; /* tasks here, the running one included */
    bool running;
    unsigned failures; /* in a row */
    nanos not_before;  /* monotonic: backing off until then */
    struct encode_seen *seen;
};

struct shard {
    struct pipeline *p;
    unsigned index;
    struct journal *journal;
    struct loop *loop; /* NULL: a shard of an earlier run with more workers, only replayed */
    struct receiver *grpc, *http;
    struct loop_timer *timer;
    struct lane lanes[SIGNAL_COUNT];

    /* The loop's own. */
    struct open_block *open[SIGNAL_COUNT];
    struct held_list held[SIGNAL_COUNT];
    nanos last_seal[SIGNAL_COUNT];
    nanos refusal_logged;

    _Atomic(struct held *) settled;    /* by the journal's thread, newest first */
    atomic_uint flush_wanted, flushed; /* rounds */
    atomic_uint open_requests;         /* as of the last tick */
    bool running;                      /* its loop was started */
};

struct store_task {
    struct store_task *next;
    uint64_t ticket;
    struct shard *shard;
    enum signal_kind signal;
    struct telemetry_block *block;
    struct held_list held;
    uint64_t first_seq, last_seq;
    bool begun;   /* its bounds are durable */
    bool encoded; /* `inserts` is filled */
    struct arena arena;
    struct encoded_block inserts;
    uint64_t encoded_bytes; /* counted in the gate */
    size_t next_insert;
    uint64_t stored_rows; /* of the main table, in confirmed inserts */
    unsigned refusals;    /* of the content */
};

struct store_queue {
    pthread_mutex_t mutex;
    pthread_cond_t work, progress;
    uint64_t next_ticket;
    unsigned outstanding; /* tasks not yet finished */
    bool closing;
};

struct pipeline {
    struct pipeline_options opt;
    char *grpc_host, *http_host, *journal_dir, *dead_dir;
    struct store *store;
    struct receive_gate gate;
    unsigned n_shards, n_workers; /* shards from n_workers on have no loop */
    struct shard *shards;
    struct store_queue queue;
    pthread_t *writers;
    unsigned n_writers;
    pthread_t replayer;
    bool replayer_started, stopped;
    atomic_bool replaying, draining, stopping;
};

/* pipeline.c: the path, as others call into it. */
void pipeline_take(void *shard, struct ingest_request *req); /* thread: loop */
void pipeline_journaled(void *held, status s);               /* thread: journal */
void pipeline_settle(struct shard *s);                       /* thread: loop */
void pipeline_seal(struct shard *s, bool all);               /* thread: loop */
enum store_outcome {
    STORE_DONE,
    STORE_AGAIN,
    STORE_REFUSED
} pipeline_store(struct store_task *t, struct err *err);
struct decode_options;
void pipeline_decode_options(const struct pipeline *p, enum signal_kind signal, nanos received_at,
                             struct decode_options *ret);
size_t pipeline_decode_budget(size_t body);
void pipeline_hold(struct held *h, struct telemetry_batch *batch); /* counts its memory */
void pipeline_charge(struct pipeline *p, uint64_t bytes);          /* memory held, in the gate */
void pipeline_release(struct pipeline *p, uint64_t bytes);

/* shard.c */
[[nodiscard]] status shard_open(struct shard *s, struct pipeline *p, unsigned index,
                                struct err *err);
[[nodiscard]] status shard_listen(struct shard *s, uint16_t grpc_port, uint16_t http_port,
                                  struct err *err);
[[nodiscard]] status shard_start(struct shard *s, struct err *err);
void shard_drain(struct shard *s);       /* thread: any but the loop */
void shard_flush_begin(struct shard *s); /* seals all open blocks, soon. thread: any */
bool shard_flushed(const struct shard *s);
void shard_close(struct shard *s);
unsigned shard_count_on_disk(const char *journal_dir);

/* store_task.c */
[[nodiscard]] status store_queue_start(struct pipeline *p, struct err *err);
void store_queue_stop(struct pipeline *p); /* running inserts end, waiting tasks stay */
void store_queue_push(struct shard *s, enum signal_kind signal, struct telemetry_block *block,
                      struct held_list held, bool begun);
/* What the lane has told the catalogues may not have been stored: later blocks tell it again.
 * thread: who runs the lane */
void lane_forget(struct lane *l);
uint64_t store_queue_last_ticket(struct pipeline *p);
bool store_queue_done_until(struct pipeline *p, uint64_t ticket); /* mutex held */
/* Waits for progress of any kind, at most until `deadline` (monotonic). False when it has passed.
 * Mutex held. */
bool store_queue_wait(struct pipeline *p, nanos deadline);
void store_queue_progress(struct pipeline *p);
void store_queue_free(struct pipeline *p); /* what was not stored: it stays in the journal */

/* dead.c */
[[nodiscard]] status dead_write(const char *dir, const uint8_t journal_id[16],
                                enum signal_kind signal, uint64_t first_seq, uint64_t last_seq,
                                const struct held *requests, const char *reason, struct err *err);

/* replay.c */
[[nodiscard]] status replay_start(struct pipeline *p, struct err *err);

/* ledger.c: received = stored + rejected + dropped + journal items, for each signal at any quiet
 * moment. */
void ledger_accept(const struct telemetry_batch *b,
                   size_t wire_bytes); /* durable: told to the client */
void ledger_reject_all(const struct telemetry_batch *b, size_t wire_bytes);
void ledger_replay(enum signal_kind signal, uint64_t items);
void ledger_store(enum signal_kind signal, uint64_t items);
void ledger_dead(enum signal_kind signal, uint64_t items);
uint64_t ledger_journal_items(void); /* of all signals */
void ledger_insert(str table, uint64_t rows, nanos took);
void ledger_insert_retry(str table);
