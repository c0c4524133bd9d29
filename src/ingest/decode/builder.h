/* builder: the batch under construction, where in the request the walk is, and what is said about
 * it.
 *
 * Column arrays are reserved once, from a count of the request; runs whose length is not known
 * before (attributes, events, numbers) double. Nothing is reserved past the arena's budget. */
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "base/pb_reader.h"
#include "ingest/decode/decode.h"

enum { NOWHERE = UINT32_MAX };

/* What an entry of resources or scopes was made of: the same bytes again are the same entry. */
struct raw_entry {
    str message, schema_url;
};

struct raw_table {
    struct map by_hash;
    struct raw_entry *entries;
    uint32_t cap_entries, cap;
};

struct builder {
    struct arena *arena;
    struct telemetry_batch *batch;
    const struct decode_options *opt;
    struct err *err;
    str body;           /* empty when errors have no position in it (the input was JSON) */
    str request;        /* the protobuf bytes that are walked */
    struct buf scratch; /* JSON text under construction */

    uint32_t cap_rows, cap_attrs, cap_events, cap_links, cap_descs, cap_u64s, cap_f64s,
        cap_exemplars;
    struct raw_table resources, scopes;
    uint32_t resource, scope;     /* entries of the rows that come now */
    uint32_t envelope_attributes; /* most attributes the current resource or scope has */

    /* the path: resource_spans[0].scope_spans[1].spans[3] */
    uint32_t at_resource, at_scope, at_item, at_point;
};

/* Makes *array hold `need` entries of `elem` bytes. ST_LIMIT when the arena's budget does not
 * allow. */
[[nodiscard]] status builder_grow(struct builder *b, void **array, size_t elem, uint32_t *cap,
                                  uint64_t need);
#define BUILDER_GROW(b, array, cap, need) \
    ((need) <= (cap) ? ST_OK              \
                     : builder_grow((b), (void **)&(array), sizeof *(array), &(cap), (need)))

/* ST_LIMIT unless `bytes` more fit into the arena's budget. */
[[nodiscard]] status builder_room(struct builder *b, uint64_t bytes);

/* ST_INVALID: the message named `what` is malformed at `at`. */
[[nodiscard]] status builder_malformed(struct builder *b, const uint8_t *at, const char *what);

/* The current item is left out. The first text is kept. */
[[gnu::format(printf, 3, 4)]] void builder_reject(struct builder *b, enum reject_reason why,
                                                  const char *fmt, ...);

/* Rejects the current item if its time is outside the bounds of the options. */
bool builder_time_fits(struct builder *b, uint64_t time, const char *name);

/* Rejects the current item if it, or its envelope, has more attributes than allowed. */
bool builder_attributes_fit(struct builder *b, uint32_t n);
