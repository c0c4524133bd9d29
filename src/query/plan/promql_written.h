/* promql_written: what was written to the samples of a range of time, as SQL, and what it comes to.
 * Pure.
 *
 * Two readings that give one generation for a range were made with no sample of that range written
 * or removed between them. The view behind weir_rollup_touched is a part of each insert and is
 * committed after the samples are, so who reads the generation before the samples never takes a
 * new generation for older samples. Days that are over are told by their parts besides: what
 * retention, a full disk or a statement removes changes these. */
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
    bool is_delta, has_histograms; /* series of delta temporality were heard of on that day, and
                                      histograms among them */
};

/* Zeroed but for the arena: nothing read yet. */
struct written {
    struct arena *arena;
    struct written_window *windows;
    uint32_t n, cap;
    struct written_day *days;
    uint32_t n_days, cap_days;
    int64_t now_ms; /* the store's clock */
    uint64_t table; /* which table it is: another one after a restore or a DROP. 0: one with
                       replicas or shards, of which this tells nothing */
};

/* A row of the answer. */
void promql_written_add(struct written *w, uint64_t kind, int64_t t, uint64_t a, int64_t b);
void promql_written_end(struct written *w); /* after the last row; then it can be asked: */

/* Series of delta temporality are made counters from the hour before on, or the one before that. */
enum { WRITTEN_DELTA_MS = 2 * 3'600'000 };
/* Were any heard of on the days of the samples? */
bool promql_written_has_delta(const struct written *w, int64_t from_ms, int64_t to_ms,
                              bool *ret_histograms);

/* Of samples with from_ms <= t <= to_ms, inside what was asked for. */
uint64_t promql_written_generation(const struct written *w, int64_t from_ms, int64_t to_ms);
/* When the last of them was written, by the store's clock; 0: never. */
int64_t promql_written_last(const struct written *w, int64_t from_ms, int64_t to_ms);
