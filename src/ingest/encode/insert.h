/* insert: one insert on its way: some rows of a block as the columns of one table. Private to
 * ingest/encode.
 *
 * A table is a list of column plans in the order of schema/tables.def; insert_put walks both
 * together, so names and types come from there. The rows are named by row_ref; a plan's function
 * writes the data of its column for all of them. */
#pragma once

#include "ingest/encode/encode.h"
#include "ingest/encode/origin.h"
#include "native/writer.h"

struct filter_pairs;
struct filter_runs;

struct attr_run {
    const struct attr *at;
    struct filter_pairs *pairs; /* NULL: these are in no filter */
    uint32_t n;
};

static inline struct attr_run attr_run_of(const struct telemetry_batch *b, struct attr_range r,
                                          struct filter_pairs *pairs)
{
    return (struct attr_run){r.n ? b->attrs + r.at : NULL, pairs, r.n};
}

struct insert {
    struct arena *arena; /* scratch: ends with the insert */
    const struct telemetry_block *block;
    const struct row_ref *rows;
    size_t n;
    struct buf *out;
    struct origins resources, scopes;
    struct attr_pass *attrs;     /* of the last attribute map: its types column follows it */
    const struct side_row *side; /* side tables: parallel to rows */
    struct nested *nested;       /* traces: events and links, one after the other for all rows */
    struct filter_runs *filters; /* of the block; main tables that have some */
    struct filter_pairs **pairs; /* traces: for each row those of its run; else NULL */
};

struct column_plan {
    const char *column;
    void (*put)(struct insert *w, const struct column_plan *c);
    size_t at;    /* offset in struct telemetry_batch of the array the column is taken from */
    uint32_t arg; /* the function's own; may have OPTIONAL in it */
};

/* The column is left out of the insert, for the table's default, when no batch has the array. */
#define OPTIONAL (1u << 31)

/* One whole Native block. Optional columns that the block has nothing in are left out. */
void insert_put(struct insert *w, const char *table, const struct column_plan *plan, size_t n_plan);

static inline const struct telemetry_batch *insert_batch(const struct insert *w, size_t i)
{
    return w->block->batches[w->rows[i].batch];
}

/* The array of column `c` in row i's batch. NULL only with optional columns. */
static inline const void *insert_array(const struct insert *w, const struct column_plan *c,
                                       size_t i)
{
    const char *batch = (const char *)insert_batch(w, i);
    const void *array;
    memcpy(&array, batch + c->at, sizeof array);
    return array;
}

#define BATCH_AT(member) offsetof(struct telemetry_batch, member)

/* column.c: plain arrays of the batch. */
void put_u8(struct insert *w, const struct column_plan *c);
void put_u8_zero(struct insert *w, const struct column_plan *c);
void put_u32(struct insert *w, const struct column_plan *c);
void put_u64(struct insert *w, const struct column_plan *c);       /* any 8 bytes */
void put_id16(struct insert *w, const struct column_plan *c);      /* 16 bytes */
void put_millis(struct insert *w, const struct column_plan *c);    /* from nanoseconds */
void put_day(struct insert *w, const struct column_plan *c);       /* Date from nanoseconds */
void put_hour(struct insert *w, const struct column_plan *c);      /* DateTime from nanoseconds */
void put_string(struct insert *w, const struct column_plan *c);    /* from str */
void put_lc_string(struct insert *w, const struct column_plan *c); /* from str */

/* The same for texts that are already gathered. */
void put_strings(struct buf *out, const str *texts, size_t n);
void put_lc_strings(struct insert *w, const str *texts, size_t n); /* data only, no prefix */

/* attribute.c: Map(LowCardinality(String), String) and its types. `at` is the array of attr_range.
 */
void put_attributes(struct insert *w, const struct column_plan *c);
void put_attribute_types(struct insert *w, const struct column_plan *c); /* of the map before it */

/* Pieces of the same for maps in arrays. */
/* `visit` is the order to go through the runs, NULL: as they are. */
struct attr_pass *attr_pass_new(struct insert *w, const struct attr_run *runs, size_t n,
                                const uint32_t *visit);
void attr_pass_put_map(struct insert *w, const struct attr_pass *p);   /* without prefix */
void attr_pass_put_types(struct insert *w, const struct attr_pass *p); /* without prefix */

/* Values as text, where the bytes go straight to the output. */
size_t value_room(const struct attr_value *v); /* at least what value_write writes */
char *value_write(char *to,
                  const struct attr_value *v); /* varuint length, bytes; returns the end */

/* origin.c: what a row has from its resource or scope. */
enum { FROM_RESOURCE, FROM_SCOPE };
void put_origin_attributes(struct insert *w, const struct column_plan *c); /* arg: FROM_* */
void put_origin_text(struct insert *w,
                     const struct column_plan *c); /* arg: FROM_* * 8 + enum origin_text */
void put_origin_dropped(struct insert *w, const struct column_plan *c); /* arg: FROM_* */
void put_stream_id(struct insert *w, const struct column_plan *c);
#define ORIGIN_TEXT(from, text) ((uint32_t)(from)*8 + (uint32_t)(text))

/* metrics.c: Array(UInt64) or Array(Float64). `at` is the array of num_range, `arg` what it runs
 * in. */
enum { IN_U64S, IN_F64S };
void put_numbers(struct insert *w, const struct column_plan *c);

/* The main tables: traces.c, logs.c, metrics.c. */
void traces_put(struct insert *w);
void logs_put(struct insert *w);
void metrics_put(struct insert *w);

/* The plans of the resource and scope columns, which all three signals have in this order. */
#define RESOURCE_PLANS                                                                       \
    {"resource_attributes", put_origin_attributes, 0, FROM_RESOURCE},                        \
        {"resource_attribute_types", put_origin_text, 0,                                     \
         ORIGIN_TEXT(FROM_RESOURCE, ORIGIN_TYPES)},                                          \
        {"resource_dropped_attributes", put_origin_dropped, 0, FROM_RESOURCE},               \
        {"resource_schema_url", put_origin_text, 0,                                          \
         ORIGIN_TEXT(FROM_RESOURCE, ORIGIN_SCHEMA_URL)},                                     \
    {                                                                                        \
        "resource_entity_refs", put_origin_text, 0, ORIGIN_TEXT(FROM_RESOURCE, ORIGIN_EXTRA) \
    }
#define SCOPE_PLANS                                                                           \
    {"scope_name", put_origin_text, 0, ORIGIN_TEXT(FROM_SCOPE, ORIGIN_NAME)},                 \
        {"scope_version", put_origin_text, 0, ORIGIN_TEXT(FROM_SCOPE, ORIGIN_EXTRA)},         \
        {"scope_attributes", put_origin_attributes, 0, FROM_SCOPE},                           \
        {"scope_attribute_types", put_origin_text, 0, ORIGIN_TEXT(FROM_SCOPE, ORIGIN_TYPES)}, \
        {"scope_dropped_attributes", put_origin_dropped, 0, FROM_SCOPE},                      \
    {                                                                                         \
        "scope_schema_url", put_origin_text, 0, ORIGIN_TEXT(FROM_SCOPE, ORIGIN_SCHEMA_URL)    \
    }
#define SERVICE_NAME_PLAN                                                           \
    {                                                                               \
        "service_name", put_origin_text, 0, ORIGIN_TEXT(FROM_RESOURCE, ORIGIN_NAME) \
    }
