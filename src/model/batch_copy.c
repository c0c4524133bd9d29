#include "model/batch_copy.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "model/columns.h"
#include "model/red.h"

enum { NONE = UINT32_MAX };

struct copying {
    const struct telemetry_batch *from;
    struct telemetry_batch *to;
    uint32_t *resources, *scopes; /* those that have their copy already, else NONE */
};

static str text(const struct copying *c, str s) { return arena_str(c->to->arena, s); }

static struct attr_value value(const struct copying *c, struct attr_value v)
{
    switch (v.type) {
    case ATTR_INT:
    case ATTR_DOUBLE:
    case ATTR_BOOL:
    case ATTR_EMPTY: break;
    default: v.text = text(c, v.text);
    }
    return v;
}

static void attrs(struct copying *c, struct attr_range *run)
{
    struct telemetry_batch *b = c->to;
    const struct attr *from = run->n ? c->from->attrs + run->at : NULL;
    run->at = run->n ? b->n_attrs : 0;
    for (uint32_t i = 0; i < run->n; i++) {
        assert(b->n_attrs < b->cap_attrs);
        b->attrs[b->n_attrs++] = (struct attr){text(c, from[i].key), value(c, from[i].value)};
    }
}

static void resource(struct copying *c, uint32_t *index)
{
    uint32_t i = *index;
    if (c->resources[i] == NONE) {
        struct resource r = c->from->resources[i];
        attrs(c, &r.attrs);
        r.schema_url = text(c, r.schema_url);
        r.entity_refs = text(c, r.entity_refs);
        r.service_name = text(c, r.service_name);
        c->resources[i] = c->to->n_resources++;
        c->to->resources[c->resources[i]] = r;
    }
    *index = c->resources[i];
}

static void scope(struct copying *c, uint32_t *index)
{
    uint32_t i = *index;
    if (c->scopes[i] == NONE) {
        struct scope s = c->from->scopes[i];
        s.name = text(c, s.name);
        s.version = text(c, s.version);
        s.schema_url = text(c, s.schema_url);
        attrs(c, &s.attrs);
        c->scopes[i] = c->to->n_scopes++;
        c->to->scopes[c->scopes[i]] = s;
    }
    *index = c->scopes[i];
}

#define COPY_COLUMN(column)                                                                   \
    to->column = arena_alloc(c->to->arena, arena_size(sizeof *to->column, (size_t)to->n + 1), \
                             _Alignof(max_align_t));                                          \
    if (to->n) memcpy(to->column, from->column, sizeof *to->column * to->n);

static void events(struct copying *c, struct attr_range *run)
{
    struct span_columns *to = &c->to->spans;
    const struct span_event *from = c->from->spans.event + run->at;
    run->at = run->n ? to->n_events : 0;
    for (uint32_t i = 0; i < run->n; i++) {
        struct span_event e = from[i];
        e.name = text(c, e.name);
        attrs(c, &e.attrs);
        to->event[to->n_events++] = e;
    }
}

static void links(struct copying *c, struct attr_range *run)
{
    struct span_columns *to = &c->to->spans;
    const struct span_link *from = c->from->spans.link + run->at;
    run->at = run->n ? to->n_links : 0;
    for (uint32_t i = 0; i < run->n; i++) {
        struct span_link l = from[i];
        l.trace_state = text(c, l.trace_state);
        attrs(c, &l.attrs);
        to->link[to->n_links++] = l;
    }
}

static void spans(struct copying *c)
{
    const struct span_columns *from = &c->from->spans;
    struct span_columns *to = &c->to->spans;
    uint32_t n_events = 0, n_links = 0;
    to->n = from->n;
    SPAN_COLUMNS(COPY_COLUMN)
    for (uint32_t i = 0; i < to->n; i++) {
        n_events += to->events[i].n;
        n_links += to->links[i].n;
    }
    to->event = arena_array(c->to->arena, struct span_event, (size_t)n_events + 1);
    to->link = arena_array(c->to->arena, struct span_link, (size_t)n_links + 1);
    for (uint32_t i = 0; i < to->n; i++) {
        resource(c, &to->resource[i]);
        scope(c, &to->scope[i]);
        to->name[i] = text(c, to->name[i]);
        to->trace_state[i] = text(c, to->trace_state[i]);
        to->status_message[i] = text(c, to->status_message[i]);
        attrs(c, &to->attrs[i]);
        events(c, &to->events[i]);
        links(c, &to->links[i]);
    }
}

static void logs(struct copying *c)
{
    const struct log_columns *from = &c->from->logs;
    struct log_columns *to = &c->to->logs;
    to->n = from->n;
    LOG_COLUMNS(COPY_COLUMN)
    for (uint32_t i = 0; i < to->n; i++) {
        resource(c, &to->resource[i]);
        scope(c, &to->scope[i]);
        to->severity_text[i] = text(c, to->severity_text[i]);
        to->event_name[i] = text(c, to->event_name[i]);
        to->body[i] = value(c, to->body[i]);
        attrs(c, &to->attrs[i]);
    }
}

static struct red_rows *red(const struct copying *c, const struct red_rows *from)
{
    struct arena *a = c->to->arena;
    struct red_rows *to = arena_new(a, struct red_rows);
    *to = (struct red_rows){.n = from->n,
                            .rows = arena_array(a, struct red_row, (size_t)from->n + 1)};
    for (uint32_t i = 0; i < to->n; i++) {
        struct red_row r = from->rows[i];
        r.service_name = text(c, r.service_name);
        r.span_name = text(c, r.span_name);
        r.buckets = arena_array(a, struct red_bucket, (size_t)r.n_buckets + 1);
        if (r.n_buckets) memcpy(r.buckets, from->rows[i].buckets, sizeof *r.buckets * r.n_buckets);
        to->rows[i] = r;
    }
    return to;
}

/* How many attributes the copy has at most: runs that rows share are copied for each. */
static uint64_t attrs_needed(const struct telemetry_batch *b)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < b->n_resources; i++) n += b->resources[i].attrs.n;
    for (uint32_t i = 0; i < b->n_scopes; i++) n += b->scopes[i].attrs.n;
    if (b->signal == SIGNAL_LOGS) {
        for (uint32_t i = 0; i < b->logs.n; i++) n += b->logs.attrs[i].n;
        return n;
    }
    const struct span_columns *s = &b->spans;
    for (uint32_t i = 0; i < s->n; i++) {
        n += s->attrs[i].n;
        for (uint32_t k = 0; k < s->events[i].n; k++) n += s->event[s->events[i].at + k].attrs.n;
        for (uint32_t k = 0; k < s->links[i].n; k++) n += s->link[s->links[i].at + k].attrs.n;
    }
    return n;
}

static uint32_t *none(struct arena *a, uint32_t n)
{
    uint32_t *list = arena_array(a, uint32_t, (size_t)n + 1);
    memset(list, 0xff, sizeof *list * n);
    return list;
}

struct telemetry_batch *batch_copy(const struct telemetry_batch *from)
{
    assert(from->signal != SIGNAL_METRICS);
    struct arena *a = malloc(sizeof *a);
    if (!a) abort();
    arena_init(a, SIZE_MAX / 2);
    struct telemetry_batch *to = arena_new(a, struct telemetry_batch);
    uint64_t n_attrs = attrs_needed(from);
    assert(n_attrs <= UINT32_MAX);
    *to = (struct telemetry_batch){
        .arena = a,
        .signal = from->signal,
        .received_at = from->received_at,
        .cap_attrs = (uint32_t)n_attrs,
        .attrs = arena_array(a, struct attr, n_attrs),
        .resources = arena_array(a, struct resource, (size_t)from->n_resources + 1),
        .scopes = arena_array(a, struct scope, (size_t)from->n_scopes + 1),
        .received = from->received};
    memcpy(to->rejected, from->rejected, sizeof to->rejected);
    memcpy(to->dropped, from->dropped, sizeof to->dropped);
    struct copying c = {from, to, none(a, from->n_resources), none(a, from->n_scopes)};
    (from->signal == SIGNAL_TRACES ? spans : logs)(&c);
    if (from->red) to->red = red(&c, from->red);
    return to;
}
