/* batch_edit: changing a batch after decode: rows taken out, runs of attributes replaced, and the
 * identities made anew that follow from them. Pure; what is added lies in the batch's arena.
 *
 * A run of attributes may be shared, so none that was there before is written to: a changed run is
 * appended to the batch's array. Runs that this edit has appended have one owner and are written
 * again in place. An event or link belongs to one span, an exemplar to one point. */
#pragma once

#include "model/batch.h"

struct batch_edit {
    struct telemetry_batch *batch;
    uint32_t own;      /* attributes from here on were appended by this edit */
    bool series_stale; /* something that series ids are made of has changed */
};

static inline struct batch_edit batch_edit_begin(struct telemetry_batch *b)
{
    return (struct batch_edit){.batch = b, .own = b->n_attrs};
}

/* Makes *run hold `n` attributes, copied from `attrs` (which may lie in the batch). What their
 * texts point to must live as long as the batch. Keys are unique. */
void batch_edit_run(struct batch_edit *e, struct attr_range *run, const struct attr *attrs,
                    uint32_t n);

/* The attributes of resource or scope `i` have changed, or its texts: its hash, and the service
 * name, anew. */
void batch_edit_resource(struct batch_edit *e, uint32_t i);
void batch_edit_scope(struct batch_edit *e, uint32_t i);

/* The attributes of a data point have changed. */
static inline void batch_edit_point(struct batch_edit *e) { e->series_stale = true; }

/* Keeps the rows whose bit is set (64 rows a word, the first one the lowest bit) in their order.
 * What the others had (attributes, events, numbers, descs) may stay in the arrays, without a row
 * that names it; exemplars go with their points. Counts nothing. */
void batch_edit_keep(struct batch_edit *e, const uint64_t *keep);

/* Series ids anew if they have to be. To be called when all changes are made. */
void batch_edit_end(struct batch_edit *e);

static inline size_t bitmap_words(uint32_t n) { return ((size_t)n + 63) / 64; }
static inline bool bitmap_has(const uint64_t *m, uint32_t i) { return m[i / 64] >> (i % 64) & 1; }
static inline void bitmap_set(uint64_t *m, uint32_t i) { m[i / 64] |= 1ull << (i % 64); }
static inline void bitmap_clear(uint64_t *m, uint32_t i) { m[i / 64] &= ~(1ull << (i % 64)); }

/* `n` bits, all set; in the arena. */
uint64_t *bitmap_full(struct arena *a, uint32_t n);
