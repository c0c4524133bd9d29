/* jaeger_json: traces and their side answers in the JSON of Jaeger's v1 HTTP API. Pure.
 *
 * Every answer is the envelope {"data":…,"total":…,"limit":0,"offset":0,"errors":…}. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "query/ir/trace.h"

/* `missing` are ids that were asked for and not found: they are listed in errors. */
void jaeger_render_traces(struct buf *out, struct arena *scratch, const struct trace *traces,
                          size_t n, const struct trace_id *missing, size_t n_missing);
void jaeger_render_names(struct buf *out, const str *names,
                         size_t n); /* services, operation names */
void jaeger_render_operations(struct buf *out, const struct trace_operation *ops, size_t n);
void jaeger_render_dependencies(struct buf *out, const struct trace_dependency *deps, size_t n);

/* A family of gauges, without the envelope. Points in the order of service, operation and time. */
void jaeger_render_red(struct buf *out, const struct trace_red_query *q,
                       const struct trace_red_point *points, size_t n);
void jaeger_render_number(struct buf *out, uint64_t v);

/* data null and one error, with the trailing newline Jaeger writes. */
void jaeger_render_error(struct buf *out, unsigned http_status, str msg);

/* Lower-case hex: 16 digits when the high half is zero, else 32. Returns how many. */
size_t jaeger_trace_id_text(const struct trace_id *id, char out[32]);

/* Indents JSON as ?prettyPrint=true asks. */
void jaeger_pretty(struct buf *out, str json);
