/* trace: spans as the trace APIs need them, and what is asked about them. Everything lies in the
 * job's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

struct trace_id {
    uint8_t bytes[16];
};

/* `type` is the letter the *_attribute_types columns store: "sidbyake", see model/attr.h. */
struct trace_attr {
    str key, value;
    char type;
};

struct trace_attrs {
    const struct trace_attr *v;
    uint32_t n;
};

struct trace_event {
    nanos time;
    str name;
    struct trace_attrs attrs;
};

struct trace_link {
    struct trace_id trace_id;
    uint8_t span_id[8];
    struct trace_attrs attrs;
};

/* A resource as spans of one answer share it: one row for equal ones. */
struct trace_resource {
    str service_name;
    struct trace_attrs attrs;
    uint64_t hash;
};

enum {
    SPAN_KIND_UNSPECIFIED,
    SPAN_KIND_INTERNAL,
    SPAN_KIND_SERVER,
    SPAN_KIND_CLIENT,
    SPAN_KIND_PRODUCER,
    SPAN_KIND_CONSUMER
};
enum { SPAN_STATUS_UNSET, SPAN_STATUS_OK, SPAN_STATUS_ERROR };

struct trace_span {
    struct trace_id trace_id;
    uint8_t span_id[8], parent_span_id[8]; /* parent: zeros for a root */
    nanos start;
    int64_t duration_ns;
    str name, trace_state, status_message, scope_name, scope_version;
    uint32_t flags;
    uint8_t kind, status_code;
    const struct trace_resource *resource;
    struct trace_attrs attrs;
    const struct trace_event *events;
    const struct trace_link *links;
    uint32_t n_events, n_links;
};

struct trace {
    struct trace_id id;
    const struct trace_span *spans; /* by start time */
    size_t n_spans;
};

/* A service with its operations, or an edge between services. */
struct trace_operation {
    str name;
    uint8_t kind;
};
struct trace_dependency {
    str parent, child;
    uint64_t calls;
};

/* The name Jaeger gives to a resource without attributes. One with some, but without service.name,
 * has the empty name in a trace, as in Jaeger; both are stored as an empty string, and are this
 * name in lists, where an empty one could not be asked for. */
#define TRACE_NO_SERVICE S("OTLPResourceNoServiceName")

static inline str trace_service_shown(str stored) { return stored.len ? stored : TRACE_NO_SERVICE; }
static inline str trace_service_stored(str shown)
{
    return str_eq(shown, TRACE_NO_SERVICE) ? (str){0} : shown;
}

/* "" for UNSPECIFIED. */
str span_kind_name(uint8_t kind);
/* False when `name` is no kind ("" is UNSPECIFIED). */
bool span_kind_parse(str name, uint8_t *ret);

/* 1 to 32 hex digits, leading zeros may be missing. */
bool trace_id_parse(str s, struct trace_id *ret);

static inline bool trace_id_eq(const struct trace_id *a, const struct trace_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* What otel_trace_index stores of a trace id. Written by ingest/encode. */
uint32_t trace_id_hash(const struct trace_id *id);

/* A search: spans that satisfy all of this at once; their traces are the answer, newest first. */
struct trace_tag {
    str key, value;
};
struct trace_search {
    str service;   /* as stored */
    str operation; /* ptr NULL: any */
    const struct trace_tag *tags;
    size_t n_tags;
    nanos start, end;                   /* of the span's start time, both inclusive */
    int64_t min_duration, max_duration; /* ns; 0: not asked */
    uint64_t limit;
};

/* What is asked about the counts per five minutes (model/red.h). A point at `t` is of the rate_s
 * seconds before it. */
enum { TRACE_RED_SECONDS = 300 };
enum trace_red_what { TRACE_RED_CALLS, TRACE_RED_ERRORS, TRACE_RED_LATENCIES };
struct trace_red_query {
    enum trace_red_what what;
    const str *services; /* as stored */
    size_t n_services;
    uint64_t kinds[6]; /* of spans */
    size_t n_kinds;
    bool by_operation;
    double quantile;             /* LATENCIES */
    int64_t start, step, rate_s; /* s, multiples of TRACE_RED_SECONDS */
    uint32_t n;                  /* points: start, start + step, ... */
};
struct trace_red_point {
    str service, operation; /* operation empty unless by_operation */
    int64_t time;           /* s */
    double value;           /* calls a second; a fraction; ms */
};
