/* nested: the events and links of an insert's spans, in the order of its rows. Private to
 * ingest/encode. */
#pragma once

#include "ingest/encode/insert.h"

struct nested {
    uint64_t *event_ends, *link_ends; /* a row each, cumulative */
    size_t n_events, n_links;
    const struct span_event **event;
    const struct span_link **link;
    struct attr_run *event_attrs, *link_attrs;
};

void nested_find(struct insert *w); /* fills w->nested */

void put_event_time(struct insert *w, const struct column_plan *c);
void put_event_name(struct insert *w, const struct column_plan *c);
void put_event_attributes(struct insert *w, const struct column_plan *c);
void put_event_types(struct insert *w, const struct column_plan *c);
void put_event_dropped(struct insert *w, const struct column_plan *c);
void put_link_trace_id(struct insert *w, const struct column_plan *c);
void put_link_span_id(struct insert *w, const struct column_plan *c);
void put_link_state(struct insert *w, const struct column_plan *c);
void put_link_attributes(struct insert *w, const struct column_plan *c);
void put_link_types(struct insert *w, const struct column_plan *c);
void put_link_dropped(struct insert *w, const struct column_plan *c);
void put_link_flags(struct insert *w, const struct column_plan *c);
