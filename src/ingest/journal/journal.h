/* journal: accepted requests on disk before they are acknowledged; blocks' bounds and ends beside
 * them.
 *
 * One journal per worker (shard), a folder of append-only segments. Group commit: appends are
 * written by the journal's own thread, one fdatasync for all that came meanwhile, then their
 * callbacks run on that thread.
 *
 * Segment := header { "weirjrn1", u32 version, u32 crc, u8 journal_id[16], u64 first_seq },
 * records. Record  := { u32 head_crc, u32 length, u64 sequence, u8 kind, u8 signal, u8 format, u8
 * compression, u32 items, i64 received_at, u32 payload_crc, u32 zero } payload, padded to 8 bytes.
 * Little endian. Both crcs are crc32c that begin from the journal's id, so that bytes a client sent
 * cannot pass for a record when damage makes the reader look for the next one. head_crc covers the
 * rest of the head: a damaged payload is stepped over whole, and looking for the next head costs
 * the same for any bytes. */
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
};

/* Opens, scans what is there (journal_replay reads it), and starts the writer thread.
 * ST_UNAVAILABLE: the folder cannot be made or read, or another process has it open. ST_INVALID,
 * ST_LIMIT: the destinations. */
[[nodiscard]] status journal_open(const struct journal_options *opt, struct journal **ret,
                                  struct err *err);
void journal_close(struct journal *j); /* writes and syncs what was appended; accepts NULL */

/* 16 bytes, made at random when the folder was made: part of every token. */
const uint8_t *journal_id(const struct journal *j);

struct journal_request {
    enum signal_kind signal;
    uint8_t format;      /* enum payload_format */
    uint8_t compression; /* enum payload_compression */
    uint32_t items;      /* rows the decoded batch kept */
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

/* What lies in the journal from before, in sequence order: every request that some destination is
 * not done with. (For one destination a signal: the bounds are those of the first that wants the
 * request.) `block_last` is the last sequence of the block it belongs to when bounds were written
 * for it, else 0: such a block must be rebuilt with exactly these bounds (first = block_first). The
 * callback returning other than ST_OK stops the replay. Call once. It reads what was there at open,
 * so it may run beside appends (thread: any). Memory: one segment at a time. Damaged parts are
 * skipped and counted. */
struct journal_replayed {
    uint64_t seq, block_first, block_last;
    struct journal_request request; /* payload valid during the callback */
};
struct journal_replay_stats {
    uint64_t requests, items, lost_bytes, segments;
};
[[nodiscard]] status journal_replay(struct journal *j,
                                    status (*fn)(void *ctx, const struct journal_replayed *r,
                                                 struct err *err),
                                    void *ctx, struct journal_replay_stats *ret, struct err *err);

uint64_t journal_bytes(const struct journal *j); /* on disk. thread: any */

/* Would a small append be taken now? ST_OVERLOADED: `err` says whether it is the cap or the disk.
 * thread: any */
[[nodiscard]] status journal_room(struct journal *j, struct err *err);
