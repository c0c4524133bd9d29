/* journal: accepted requests on disk before they are acknowledged; blocks' bounds and ends beside
 * them.
 *
 * One journal per worker (shard), a folder of append-only segments. Group commit: appends are
 * written by the journal's own thread, one fdatasync for all that came meanwhile, then their
 * callbacks run on that thread. While small requests come several at a time, groups are at least 10
 * ms apart, unless 64 KiB wait or a block's bounds do: a sync costs as much for one as for many.
 *
 * Segment := header { "weirjrn1", u32 version, u32 crc, u8 journal_id[16], u64 first_seq },
 * records. Record  := { u32 head_crc, u32 length, u64 sequence, u8 kind, u8 signal, u8 format, u8
 * compression, u32 items, i64 received_at, u32 payload_crc, u32 late } payload, padded to 8 bytes.
 * Little endian. Both crcs are crc32c that begin from the journal's id, so that bytes a client sent
 * cannot pass for a record when damage makes the reader look for the next one. head_crc covers the
 * rest of the head, so that looking for the next head costs the same for any bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/compression.h"
#include "base/err.h"
#include "base/str.h"
#include "base/telemetry.h"

struct journal;

/* Somebody who takes the requests of a signal, each once: "traces>clickhouse". A request stays
 * until every destination of its signal is done with it. */
enum { JOURNAL_DESTINATIONS_MAX = 16 };
struct journal_destination {
    str name; /* unique in its signal; 1 to 255 bytes, no control characters */
    enum signal_kind signal;
    /* After a restart of the machine its finished blocks that are still here, and whose data may
     * not have been on disk, are read back with their bounds. For a store that drops tokens it has
     * seen; another one would have them twice. */
    bool replays_after_boot;
    bool late; /* it takes only requests with late rows: journal_request.late */
};

struct journal_options {
    str dir;                /* made when absent */
    uint64_t segment_bytes; /* default 64 MiB */
    uint64_t max_bytes; /* cap of this journal's segments; past it ST_OVERLOADED. default 4 GiB */
    uint64_t
        reserve_bytes; /* kept free on the file system; below it ST_OVERLOADED. default 256 MiB */
    bool sync; /* fdatasync before the callback (ack: durable); false: after the write (ack: memory)
                */
    /* Copied; a destination's index here is what the functions below call `dest`. One that the
     * journal has not met starts behind everything that is there. One that is no longer named is
     * forgotten (logged, with how many requests waited for it). Names are kept in the journal's
     * folder: an index may change between runs. A journal of a version without destinations, or
     * whose file of them is damaged: each named one wants all that it is not known to be done with.
     */
    const struct journal_destination *destinations;
    size_t n_destinations;
    /* Called on a thread of the journal's (not the writer's), at most once a second, before
     * finished segments are deleted: makes what the destinations have confirmed durable. Other than
     * ST_OK: they stay, and count for the cap, and it is tried again. NULL: nothing to do.
     * journal_close calls it once more, on its own thread, when a destination replays after a boot
     * and something was written since: with ST_OK a restart of the machine reads nothing back. */
    status (*before_delete)(void *ctx, struct err *err);
    void *before_delete_ctx;
    /* Called on the journal's thread when a group's requests have had their callbacks: several at a
     * time are worth one wake-up. NULL: nobody is told. */
    void (*group_done)(void *ctx);
    void *group_done_ctx;
    /* The file with the id of the machine's boot. NULL: the kernel's. When it cannot be read, no
     * restart of the machine is noticed. */
    const char *boot_id_path;
};

/* Opens, scans what is there, and starts the threads. ST_UNAVAILABLE: the folder cannot be made or
 * read, or another process has it open. ST_INVALID, ST_LIMIT: the destinations. */
[[nodiscard]] status journal_open(const struct journal_options *opt, struct journal **ret,
                                  struct err *err);
/* Writes and syncs what was appended. Accepts NULL. */
void journal_close(struct journal *j);

/* 16 bytes, made at random when the folder was made: part of every token. */
const uint8_t *journal_id(const struct journal *j);

struct journal_request {
    enum signal_kind signal;
    uint8_t format;      /* enum payload_format */
    uint8_t compression; /* enum payload_compression */
    uint32_t items;      /* rows the decoded batch kept */
    uint32_t late;       /* so many of them are late: a destination of those takes it too */
    nanos received_at;
    str payload; /* borrowed until the callback */
};

/* Called on the journal's thread: ST_OK when durable, else not kept (disk full: ST_OVERLOADED; I/O
 * error: ST_UNAVAILABLE). */
typedef void (*journal_done_fn)(void *ctx, status s);

/* Queues a request record. The sequence is assigned now, in call order. ST_OVERLOADED at once when
 * the cap or the reserve is reached: nothing is queued, `done` is not called. thread: any (one at a
 * time keeps order meaningful) */
[[nodiscard]] status journal_append(struct journal *j, const struct journal_request *r,
                                    journal_done_fn done, void *ctx, uint64_t *ret_seq,
                                    struct err *err);

/* The bounds of a block of a destination, durable on return. Before its first insert. thread: any
 */
[[nodiscard]] status journal_block_begin(struct journal *j, unsigned dest, uint64_t first_seq,
                                         uint64_t last_seq, struct err *err);

/* The block is stored (or in dead/). Not synced: losing it costs a repeated insert with the same
 * token. thread: any */
void journal_block_done(struct journal *j, unsigned dest, uint64_t first_seq, uint64_t last_seq);

/* The highest sequence up to which each is on disk (ack: memory: written) or refused. thread: any
 */
uint64_t journal_durable(const struct journal *j);

/* The first sequence of this run: what lies before it was there at open. thread: any */
uint64_t journal_first_new(const struct journal *j);

/* One destination's view: the requests of its signal, in sequence order, that it is not done with.
 * It works beside appends, marks and deletions, reads only what is durable, and steps over damage:
 * a request that cannot be read any more is logged, counted, and waited for no longer. Memory: one
 * record and a quarter of a megabyte. thread: one at a time. Close it before the journal. */
struct journal_reader;
struct journal_read {
    uint64_t seq;
    /* Bounds that were begun before the last open and are not done (or are not believed to be),
     * else 0: such a block must be rebuilt with exactly these bounds. */
    uint64_t block_first, block_last;
    uint32_t crashes; /* how often a process crashed while this was tried, by any destination */
    struct journal_request request; /* payload valid until the next call */
};
[[nodiscard]] status journal_reader_open(struct journal *j, unsigned dest, uint64_t from_seq,
                                         struct journal_reader **ret, struct err *err);

/* ST_NOT_FOUND: everything durable has been read, ask again later. ST_UNAVAILABLE: the disk (tried
 * again at the next call; the fifth time it is damage). */
[[nodiscard]] status journal_reader_next(struct journal_reader *r, struct journal_read *ret,
                                         struct err *err);
uint64_t journal_reader_position(const struct journal_reader *r); /* up to here read or skipped */
void journal_reader_close(struct journal_reader *r);              /* accepts NULL */

/* [first, last] of `dest` is tried (read back, decoded, processed, encoded, sent), until the end is
 * told or another range begins. In memory only. thread: one at a time for a destination */
void journal_attempt_begin(struct journal *j, unsigned dest, uint64_t first, uint64_t last);
void journal_attempt_end(struct journal *j, unsigned dest);

/* Async-signal-safe, for the handler of SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT: what every
 * open journal tries is appended to its file `attempts`, once. A process killed from outside leaves
 * no note: kills never make a request suspect. Notes go when nobody waits for their requests. */
void journal_note_crash(void);

uint64_t journal_bytes(const struct journal *j); /* on disk. thread: any */

/* Would an append of so many bytes be taken now? ST_OVERLOADED: `err` says whether it is the cap or
 * the disk. thread: any */
[[nodiscard]] status journal_room(struct journal *j, size_t bytes, struct err *err);
