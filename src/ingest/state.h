/* state: what the pipeline's files share.
 *
 * pipeline.c the path; life.c opening and closing; routes.c exporters and routes as configured;
 * shard.c a worker: loop, receivers, journal, open blocks; feed.c who feeds a lane; queue.c the
 * blocks that wait; sender.c an exporter's threads; outage.c what is logged of one that fails;
 * late.c whose late rows are; deliver.c one try of one block; turns.c how often a table is inserted
 * into; tail.c reading along in the journal; reread.c a journaled request as it was taken;
 * collect.c requests into blocks; dead.c blocks given up; ledger.c the counting.
 *
 * Locks: none between workers. The queue has one mutex, which guards all lanes; whoever waits for
 * progress waits on it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "ingest/batch/batch.h"
#include "ingest/encode/encode.h"
#include "ingest/export/export.h"
#include "ingest/journal/journal.h"
#include "ingest/outage.h"
#include "ingest/pipeline.h"
#include "ingest/process/process.h"
#include "ingest/receive/receive.h"
#include "ingest/turns.h"
#include "model/block.h"
#include "model/request.h"
#include "net/loop.h"
#include "obs/metrics.h"
#include "store/store.h"

enum { ROUTES_MAX = 16, ROUTE_NAME_MAX = 120 };

/* An accepted request from decode until its block is delivered, or all those of a fold. Lies in the
 * batch's arena. */
struct held {
    struct held *next;
    struct shard *shard;
    struct ingest_request *req; /* until it is answered, then NULL */
    struct telemetry_batch *batch;
    str wire; /* for dead/; a fold has none: the journal has */
    enum payload_format format;
    enum payload_compression compression;
    uint64_t seq;
    nanos received_at;
    uint32_t late;  /* so many of its rows are a late lane's: see late.c */
    uint64_t bytes; /* counted: see pipeline_charge */
    status result;  /* the journal's word */
    bool is_fold;   /* many requests, of which `seq` is the first, or rows of one: `wire` is
                       in the journal. See collect.c */
};

struct held_list {
    struct held *first, *last;
};

void held_list_add(struct held_list *l, struct held *h);

/* An exporter at work: its threads take blocks from its lanes. */
struct outlet {
    struct pipeline *p;
    struct pipeline_exporter spec; /* name: owned */
    pthread_cond_t work;
    pthread_t *threads;
    unsigned n_threads;
    char last_error[sizeof(((struct err *)0)->msg)]; /* for people. queue mutex */
    nanos last_error_at;                             /* wall clock; 0: none yet */
    struct outage outage;                            /* queue mutex */
    atomic_int_fast64_t overrun_logged;              /* monotonic */
    atomic_int_fast64_t turns[METRIC_TABLES];        /* a store's, by table: see turns.h */
    atomic_bool held_back; /* its tables are being made: what it should have stays in the journal */
};

/* One exporter of one pipeline, for one signal. */
struct route {
    unsigned index; /* also the journal's destination and the metrics' slot */
    enum signal_kind signal;
    struct outlet *outlet;
    char *pipeline;
    char name[2 * ROUTE_NAME_MAX]; /* "traces>clickhouse" */
    char safe[ROUTE_NAME_MAX + 1]; /* the name as a part of file names and tokens */
    const struct process_chain *chain;
    unsigned n_processors, processor_slot; /* metrics' slot of the first of them */
    struct batch_limits batch;
    bool first;         /* of its signal: may be live, and what the signal's ledger speaks of */
    struct route *late; /* has this one's late rows; NULL: they stay here */
    const struct route *late_of; /* this is such a route */
};

/* What the tail thread knows of a lane it feeds. */
struct tail_lane {
    struct journal_reader *reader;
    uint64_t at; /* the reader was opened from here */
    struct open_block *open;
    struct held_list held;
    uint64_t first, last; /* bounds of the block that is rebuilt; last 0: none is */
    struct journal_read read;
    bool has_read, suspect; /* `read` is still to be taken; what is collected has crashed before */
    nanos not_before;       /* monotonic: the disk could not be read */
};

/* Requests that are read back or delivered: if the process ends now, over them. */
enum attempt_kind { ATTEMPT_READ, ATTEMPT_SEND, ATTEMPT_KINDS };
struct attempt {
    uint64_t first, last; /* last 0: none */
};

/* A route on one shard. Blocks are delivered in order, one at a time. That order is what makes it
 * right for a block to leave out side rows that an earlier block has told (see seen). */
struct lane {
    struct shard *shard;
    const struct route *route;
    atomic_uint waiting;      /* tasks here, the running one included */
    atomic_bool suspect;      /* one of them, or what is collected, has ended a process */
    struct encode_seen *seen; /* clickhouse; who runs the lane */

    /* The loop's: does it feed the lane? */
    bool live;
    uint64_t live_after; /* requests up to here are the tail's */
    uint64_t last_taken; /* the last request that was answered */
    struct loop_message let_go, take_over;

    /* Under the queue's mutex. */
    struct task *first, **last;
    bool running;
    unsigned failures; /* in a row */
    nanos not_before;  /* monotonic: backing off until then */
    struct attempt attempts[ATTEMPT_KINDS];
    bool letting_go; /* the loop has been told to */
    bool offered;    /* the loop has been asked to take over */
    bool tail;       /* the tail thread feeds it: requests tail_from .. tail_until, then ... */
    uint64_t tail_from, tail_until, tail_next; /* ... those from tail_next on, unless that is 0 */
    uint64_t tail_position;  /* all up to here has been read and, but what is collected, pushed */
    uint64_t tail_collected; /* the first request that is collected; 0: none */
    uint64_t flush_to;       /* what is collected up to here is not to wait for more */

    struct tail_lane feed; /* the tail thread's own */
};

struct shard {
    struct pipeline *p;
    unsigned index;
    struct journal *journal; /* NULL once it is closed */
    uint8_t journal_id[16];
    struct loop *loop; /* NULL: a shard of an earlier run with more workers, only read back */
    struct receiver *grpc, *http;
    struct loop_timer *timer;
    struct lane *lanes; /* one a route */

    /* The loop's own; of the signal's first route. */
    struct open_block *open[SIGNAL_COUNT];
    struct held_list held[SIGNAL_COUNT];
    nanos last_seal[SIGNAL_COUNT];
    nanos refusal_logged;
    unsigned taken; /* requests since the last tick */
    uint64_t taken_bytes;
    unsigned pace_ms; /* many small clients: the loop takes several requests at a time */

    _Atomic(struct held *) settled;    /* by the journal's thread, newest first */
    atomic_bool settle_posted;         /* the loop has been told of them */
    atomic_uint flush_wanted, flushed; /* rounds */
    atomic_uint open_requests;         /* as of the last tick */
    atomic_uint_fast64_t no_room_for;  /* bytes the journal refused; the tail looks and clears it */
    bool running;                      /* its loop was started */
};

/* A block on its way to an exporter. */
struct task {
    struct task *next;
    struct pipeline *p;
    uint64_t ticket;
    struct lane *lane; /* NULL: a block of dead/ that is sent again */
    const struct route *route;
    uint8_t journal_id[16];
    struct telemetry_block *block;
    struct held_list held;
    uint64_t first_seq, last_seq;
    bool begun;          /* its bounds are durable */
    bool from_tail;      /* was read back: stays when the lane's live blocks are let go */
    bool aside;          /* its memory is not in the gate */
    bool suspect;        /* a process has ended over it: others wait for its first try */
    atomic_bool cancel;  /* ends the try that runs */
    atomic_bool overrun; /* to be given up: the journal is full */
    struct arena arena;
    /* clickhouse */
    bool encoded; /* `inserts` is filled */
    struct encoded_block inserts;
    uint64_t encoded_bytes; /* counted */
    size_t next_insert;
    nanos turn_at;        /* monotonic: when the next insert may go; 0: it has no turn yet */
    uint64_t stored_rows; /* of the main table, in confirmed inserts */
    /* the others */
    struct export_progress progress;
    unsigned tries; /* that count */
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t progress;
    pthread_cond_t tail; /* work for the tail thread */
    uint64_t next_ticket;
    bool closing;
};

struct pipeline {
    struct pipeline_options opt;
    char *grpc_host, *http_host, *journal_dir, *dead_dir, *store_dir;
    struct receive_gate gate;
    atomic_uint_fast64_t aside_bytes; /* held, and not in the gate */
    unsigned n_outlets, n_routes;
    struct outlet *outlets;
    struct route *routes;
    int first_route[SIGNAL_COUNT]; /* -1: nothing takes the signal */
    unsigned n_shards, n_workers;  /* shards from n_workers on have no loop */
    struct shard *shards;
    struct queue queue;
    struct task *again; /* the block of dead/ that is sent again now. Queue mutex */
    bool closed;        /* the journals are. Queue mutex */
    bool may_overrun;   /* an exporter drops rather than blocks */
    pthread_t tail;
    bool tail_started, stopped;
    atomic_uint suspects; /* tasks whose requests ended a process before, not yet tried */
    uint64_t tail_block_bytes;
    atomic_uint crowded; /* 0, 1, 2: how many parts the tables have; blocks become wider */
    atomic_bool draining, stopping;
    atomic_int_fast64_t keep[SIGNAL_COUNT]; /* older items are rejected; 0: no bound */
    _Atomic(const char *) refusal;          /* why no request is taken; NULL: it is */
};

static inline struct lane *live_lane(struct shard *s, enum signal_kind k)
{
    return s->p->first_route[k] < 0 ? NULL : &s->lanes[s->p->first_route[k]];
}

/* pipeline.c: the path, as others call into it. */
void pipeline_take(void *shard, struct ingest_request *req); /* thread: loop */
void pipeline_journaled(void *held, status s);               /* thread: journal */
void pipeline_group_journaled(void *shard);                  /* thread: journal */
void pipeline_settle(struct shard *s);                       /* thread: loop */
void pipeline_seal(struct shard *s, bool all);               /* thread: loop */
void pipeline_process(const struct route *r, struct telemetry_batch *b);
struct decode_options;
void pipeline_decode_options(const struct pipeline *p, enum signal_kind signal, nanos received_at,
                             struct decode_options *ret);
/* What a client is told of a batch that was taken: what was left out, and for metrics what was
 * kept. */
void pipeline_answer(const struct telemetry_batch *b, struct ingest_answer *a);
size_t pipeline_decode_budget(enum payload_format format, size_t body);
/* Memory held: in the gate, which refuses requests when it is full, or aside: blocks that were read
 * back, and those of a destination that fails. */
void pipeline_charge(struct pipeline *p, bool aside, uint64_t bytes);
void pipeline_release(struct pipeline *p, bool aside, uint64_t bytes);
/* May requests come in now? */
[[nodiscard]] status pipeline_admit(struct pipeline *p, struct err *err);

/* life.c: has the worker's journal room for a request of the usual size? What is less than that is
 * as good as full. Queue mutex held, the journal open. */
[[nodiscard]] status pipeline_room(const struct shard *s, struct err *err);

/* life.c: what the store has confirmed, on disk. thread: the journal's */
[[nodiscard]] status pipeline_sync_store(void *pipeline, struct err *err);

/* routes.c */
[[nodiscard]] status routes_make(struct pipeline *p, struct store *store, struct err *err);
void routes_free(struct pipeline *p);
const struct route *routes_find(const struct pipeline *p, str safe_name);

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

/* feed.c */
void feed_begin(struct lane *l); /* before any thread runs */
/* A decoded request that was answered: into the open block, or left to the journal. thread: loop */
void feed_take(struct shard *s, struct held *h);
void feed_failed(struct lane *l);    /* the destination fails. queue mutex held */
void feed_caught_up(struct lane *l); /* the tail has read all there is. queue mutex held */

/* late.c: late rows of a store's routes are gathered apart. */
uint32_t late_rows(const struct pipeline *p, const struct telemetry_batch *b);
/* Leaves in the decoded batch what is the route's; how many of its items are. */
void late_split(const struct pipeline *p, const struct route *r, struct held *h);
uint32_t late_share(const struct route *r, uint32_t items, uint32_t late);
/* A request with late rows is durable: their lanes read it. thread: loop */
void late_begin(struct shard *s, const struct held *h);
/* The tail has read all there is and nothing is collected. queue mutex held */
void late_caught_up(struct lane *l);

/* collect.c */
/* `h`, charged, into `open`; the list says what that holds. Not to be used after: it may be gone.
 */
void collect(struct pipeline *p, const struct route *r, bool aside, struct open_block *open,
             struct held_list *list, struct held *h);

/* queue.c */
void queue_init(struct queue *q);
void queue_done(struct queue *q);
struct task *task_new(struct pipeline *p, const struct route *r, const uint8_t journal_id[16],
                      struct telemetry_block *block, struct held_list held);
void task_free(struct task *t);
void task_cleared(struct task *t); /* it was tried and the process lives: no longer suspect */
void queue_push(struct lane *l, struct task *t);
struct task *lane_pop(struct lane *l); /* the first one. queue mutex held */
bool queue_done_until(struct pipeline *p, const uint64_t *targets); /* queue mutex held */
/* Waits for progress of any kind, at most until `deadline` (monotonic). False when it has passed.
 * Mutex held. */
bool queue_wait(struct pipeline *p, nanos deadline);
bool queue_wait_on(struct pipeline *p, pthread_cond_t *c, nanos deadline);
void queue_progress(struct pipeline *p);
void queue_free(struct pipeline *p); /* what was not delivered: it stays in the journal */

/* sender.c */
[[nodiscard]] status outlet_start(struct outlet *o, struct err *err);
void outlets_stop(struct pipeline *p); /* running tries end, waiting tasks stay */
void answer_stored(struct held *h, status s, const char *why);
nanos retry_delay(const struct export_retry *r, unsigned failures, uint32_t random,
                  uint32_t retry_after_ms);

/* deliver.c */
enum deliver_outcome {
    DELIVER_DONE,
    DELIVER_IN_TURN, /* the table has had enough inserts: again at t->turn_at, and no try */
    DELIVER_LATER,   /* the destination was not reached, or could not: no try of the block's */
    DELIVER_TRIED,   /* the destination answered: may be tried again */
    DELIVER_REFUSED  /* trying again does not help */
};
enum deliver_outcome deliver(struct task *t, uint32_t *ret_retry_after_ms, struct err *err);
uint64_t delivered_rows(const struct task *t); /* confirmed so far */
/* To the ledger: where the items of the block went. `delivered` rows, and `rest` is what became of
 * the others. */
void task_count(const struct task *t, uint64_t delivered, enum drop_policy rest);
/* What the lane has told the catalogues may not have been stored: later blocks tell it again.
 * thread: who runs the lane */
void lane_forget(struct lane *l);

/* reread.c: the request as it was taken. `a` is malloc'ed; on success the batch owns it. *ret is
 * set also on failure (for dead/), in `a`. */
[[nodiscard]] status reread(const struct route *r, struct pipeline *p, uint64_t seq,
                            const struct journal_request *q, struct arena *a, struct held **ret,
                            struct err *err);
struct arena *reread_arena(void);
/* Its bytes only. */
void reread_wire(struct arena *a, uint64_t seq, const struct journal_request *q, struct held **ret);
/* The requests of a task as they came, from the journal, in `a`. thread: who runs the lane */
[[nodiscard]] status reread_task(const struct task *t, struct arena *a, const struct held **ret,
                                 struct err *err);
/* A batch with no rows in the place of one that was buried. */
void reread_nothing(struct arena *a, struct held *h, const struct route *r, nanos received_at);

/* tail.c */
void attempt_begin(struct lane *l, enum attempt_kind kind, uint64_t first, uint64_t last);
void attempt_end(struct lane *l, enum attempt_kind kind);
[[nodiscard]] status tail_start(struct pipeline *p, struct err *err);
void tail_stop(struct pipeline *p);

/* dead.c */
struct dead_block {
    const uint8_t *journal_id; /* 16 */
    const struct route *route;
    uint64_t first_seq, last_seq, items;
    const struct held *requests;
    const char *reason;
};
[[nodiscard]] status dead_write(const char *dir, const struct dead_block *b, struct err *err);

/* ledger.c: what came in and where it went; see README.md, "The ledger". */
void ledger_accept(const struct pipeline *p, const struct held *h);
void ledger_reject_all(const struct telemetry_batch *b, size_t wire_bytes);
void ledger_replay(const struct route *r, uint64_t items);
/* `items` leave the journal for the route: `dropped` of them by policy, the rest is delivered. */
void ledger_settle(const struct route *r, uint64_t items, const uint64_t dropped[DROP_POLICIES]);
void ledger_drop(const struct route *r, enum drop_policy policy, uint64_t items);
uint64_t ledger_journal_items(const struct route *r);
/* A table that metrics do not tell apart is not counted. */
void ledger_insert(str table, uint64_t rows, nanos took);
void ledger_insert_retry(str table);
void ledger_processed(const struct route *r, const struct process_count *counts);
