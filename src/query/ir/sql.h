/* sql: a statement with its bound parameters, and how stages get rows without knowing the store.
 *
 * Text from outside never becomes SQL text: it is bound as {pN:Type}. Plan builds `struct sql`, its
 * text is golden-tested. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "native/reader.h"

struct sql_param {
    str name, value;
};

/* May its answer be kept and given again (query/fetch/kept.h)? */
enum sql_keep {
    SQL_ASKED_ANEW,
    SQL_OF_SERIES,   /* it reads otel_metric_series only: until one is added */
    SQL_OF_A_MINUTE, /* what it reads may be a minute old */
};

struct sql {
    struct arena *arena;
    enum sql_keep keep;
    struct buf text; /* in the arena: grown by sql_add only, never by buf_* */
    struct sql_param *params;
    uint32_t n_params, cap_params;
};

void sql_init(struct sql *q, struct arena *a); /* all it holds lies in the arena */
void sql_add(struct sql *q, str text);         /* constant text of ours only */
[[gnu::format(printf, 2, 3)]] void sql_addf(struct sql *q, const char *fmt,
                                            ...); /* numbers and our own words only */

/* Binds a value and writes its placeholder: {p0:String} ... The value is copied. */
void sql_bind_str(struct sql *q, str v);
void sql_bind_u64(struct sql *q, uint64_t v);
void sql_bind_i64(struct sql *q, int64_t v);
void sql_bind_f64(struct sql *q, double v);
void sql_bind_strs(struct sql *q, const str *v, size_t n);      /* {pN:Array(String)} */
void sql_bind_u64s(struct sql *q, const uint64_t *v, size_t n); /* {pN:Array(UInt64)} */
/* toDateTime64 of nanoseconds, as fromUnixTimestamp64Nano({pN:Int64}, 'UTC') and ...Milli. */
void sql_bind_time_ns(struct sql *q, nanos t);
void sql_bind_time_ms(struct sql *q, int64_t ms);

/* What is known of changes of samples without a statement. */
enum changes_known {
    CHANGES_KNOWN,
    CHANGES_UNSETTLED, /* they are being changed otherwise than by inserting */
    CHANGES_UNKNOWN    /* the store is to be asked */
};
struct changes_since {
    uint64_t epoch;   /* another one after all changes but inserts */
    int64_t epoch_ms; /* since when */
};

/* Where rows come from. `block` is called in order with each Native block; the block and what it
 * points to are valid during the call only. Returning other than ST_OK ends the query: ST_CANCELLED
 * with *stop set means "enough". thread: query */
struct fetcher {
    status (*run)(struct fetcher *f, const struct sql *q,
                  status (*block)(void *ctx, const struct native_block *b, struct err *err),
                  void *ctx, struct err *err);
    /* Calls `window` for each window of 5 minutes, named by its end, that samples of [from_ms,
     * to_ms] were inserted for in the epoch: `change` is another number after each insert. May be
     * NULL: nothing is known. */
    enum changes_known (*changes)(struct fetcher *f, int64_t from_ms, int64_t to_ms,
                                  void (*window)(void *ctx, int64_t end_ms, uint64_t change,
                                                 int64_t touched_ms),
                                  void *ctx, struct changes_since *ret);
};

/* Runs `q`; an early end asked for by `block` (by returning ST_CANCELLED) is ST_OK here. */
[[nodiscard]] status fetch_rows(struct fetcher *f, const struct sql *q,
                                status (*block)(void *ctx, const struct native_block *b,
                                                struct err *err),
                                void *ctx, struct err *err);
