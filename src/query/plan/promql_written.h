/* promql_written: what was written to the samples of a range of time, as SQL where it has to be
 * asked for, and what it comes to. Pure.
 *
 * Two readings that give one generation for a range were made with no sample of that range written
 * or removed between them. The view behind weir_rollup_touched is a part of each insert and is
 * committed after the samples are, so who reads the generation before the samples never takes a
 * new generation for older samples. Days that are over are told by their parts besides: what
 * retention, a full disk or a statement removes changes these. In the process that does the
 * inserts all of it is known without a statement (promql_written_known). */
#pragma once

#include "query/ir/sql.h"

/* `targets`: target_info is read, too. kind, t (ms), a, b: for promql_written_add. */
void promql_plan_written(struct sql *sql, int64_t from_ms, int64_t to_ms, bool targets);

struct written_window {
    int64_t end_ms, touched_ms;
    uint64_t sum; /* of the hashes of all windows before */
    uint64_t hash;
};

struct written_day {
    int64_t start_ms;
    uint64_t parts;
};

/* Zeroed but for the arena: nothing read yet. */
struct written {
    struct arena *arena;
    struct written_window *windows;
    uint32_t n, cap;
    struct written_day *days;
    uint32_t n_days, cap_days;
    int64_t now_ms;   /* the store's clock */
    int64_t least_ms; /* all may have been written then */
    uint64_t table;   /* which table it is: another one after a restore or a DROP. 0: one with
                         replicas or shards, of which this tells nothing */
};

/* A row of the answer. */
void promql_written_add(struct written *w, uint64_t kind, int64_t t, uint64_t a, int64_t b);
/* A window that is known without asking, and then what else is. */
void promql_written_window(struct written *w, int64_t end_ms, uint64_t change, int64_t touched_ms);
void promql_written_known(struct written *w, uint64_t epoch, int64_t epoch_ms, int64_t now_ms);
void promql_written_end(struct written *w); /* after the last row; then it can be asked: */

/* Series of delta temporality are made counters from the hour before on, or the one before that:
 * so much earlier begin the samples that an answer rests on. */
enum { WRITTEN_DELTA_MS = 2 * 3'600'000 };

/* Of samples with from_ms <= t <= to_ms, inside what was asked for. */
uint64_t promql_written_generation(const struct written *w, int64_t from_ms, int64_t to_ms);
/* When the last of them was written; 0: never. */
int64_t promql_written_last(const struct written *w, int64_t from_ms, int64_t to_ms);
