/* loki_record: a row of a Native block as a log record. Private to query. */
#pragma once

#include "native/reader.h"
#include "query/loki_fetch.h"

/* The columns of a block; one that was not asked for is NULL and reads as nothing. */
struct loki_columns {
    const struct native_column *time, *stream_id, *body, *line, *observed, *timestamp_origin,
        *severity_number, *severity_text, *event_name, *dropped_attributes, *flags, *trace_id,
        *span_id, *log_attributes, *log_attribute_types, *scope_name, *scope_version,
        *scope_attributes, *scope_attribute_types, *scope_dropped_attributes, *resource_attributes,
        *resource_attribute_types, *slot, *first, *last, *lines, *bytes;
};
void loki_columns_of(const struct native_block *b, struct loki_columns *ret);

/* A map's entries of row `r`; arrays lie in the arena, strings in the block. */
struct loki_attrs loki_attrs_of(struct arena *a, const struct native_column *map,
                                const struct native_column *types, uint64_t r);

/* The record's structured metadata. Strings lie in the block, the stream or the arena. */
void loki_row_metadata(struct arena *a, const struct loki_columns *c, uint64_t r,
                       const struct loki_source_stream *s, struct loki_labels *ret);
