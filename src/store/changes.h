/* changes: what this process did to samples in its engine, which nobody else can change: the
 * windows of five minutes that rows of otel_metrics and otel_metric_targets were inserted for, and
 * an epoch that is another one in each process and after everything else that could have changed
 * what a query finds. What may go on after its statement (mutations, restoring) is asked after by
 * store_changes (store_changes.c). Private to the store. thread: any (one mutex) */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "store/store.h"

enum change {
    CHANGE_NONE,
    CHANGE_SERIES,  /* rows of the catalogues, which come before the samples they name */
    CHANGE_SAMPLES, /* rows of those two tables, Native blocks */
    CHANGE_ROWS,    /* other rows: done when the statement is */
    CHANGE_ANY      /* what may go on after it, or make other statements change samples */
};

/* --- what a statement is. Pure */

enum change change_of_table(str table); /* of store_insert: weir's own, catalogues first */
enum change change_of_sql(str sql);

/* --- what was done */

struct changes;
struct changes *changes_new(void); /* aborts without memory */
void changes_free(struct changes *c);
/* Around a statement; nothing before CHANGE_ROWS. */
void changes_begin(struct changes *c, enum change kind);
void changes_end(struct changes *c, enum change kind);
/* After an insert that may have stored all of it or a part, before anybody is told so. */
void changes_inserted(struct changes *c, const str *body, size_t n);

/* The same of an insert into a catalogue. */
void changes_series(struct changes *c);

enum changes_state { CHANGES_SETTLED, CHANGES_UNDER_WAY, CHANGES_UNSURE };
/* Windows that have samples of [from_ms, to_ms]. CHANGES_UNSURE: something may go on; it is to be
 * asked after, and changes_settle told *ret_unsure and what was found. The caller alone will be
 * asked to for the next second. */
enum changes_state changes_read(struct changes *c, struct arena *a, int64_t from_ms, int64_t to_ms,
                                struct store_changes *ret, uint64_t *ret_unsure);
/* Nothing that was begun before changes_read said `unsure` goes on. `foreign`: other statements
 * write to the tables, too. */
void changes_settle(struct changes *c, uint64_t unsure, bool foreign);
bool changes_are_foreign(struct changes *c);
