/* Events and links: columns `events.x` and `links.x` are arrays over the same runs of all rows'
 * entries. */
#include "ingest/encode/nested.h"

#include "ingest/encode/insert.h"

static void ends_make(struct insert *w, size_t range_at, uint64_t **ret_ends, size_t *ret_n)
{
    struct column_plan ranges = {.at = range_at};
    uint64_t *ends = arena_array(w->arena, uint64_t, w->n), end = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct attr_range *r = insert_array(w, &ranges, i);
        ends[i] = end += r[w->rows[i].row].n;
    }
    *ret_ends = ends;
    *ret_n = end;
}

void nested_find(struct insert *w)
{
    struct nested *x = w->nested = arena_new(w->arena, struct nested);
    ends_make(w, BATCH_AT(spans.events), &x->event_ends, &x->n_events);
    ends_make(w, BATCH_AT(spans.links), &x->link_ends, &x->n_links);
    x->event = arena_array(w->arena, const struct span_event *, x->n_events);
    x->event_attrs = arena_array(w->arena, struct attr_run, x->n_events);
    x->link = arena_array(w->arena, const struct span_link *, x->n_links);
    x->link_attrs = arena_array(w->arena, struct attr_run, x->n_links);
    size_t e = 0, l = 0;
    for (size_t i = 0; i < w->n && (x->n_events || x->n_links); i++) {
        const struct telemetry_batch *b = insert_batch(w, i);
        struct attr_range events = b->spans.events[w->rows[i].row];
        struct attr_range links = b->spans.links[w->rows[i].row];
        for (uint32_t j = 0; j < events.n; j++, e++) {
            x->event[e] = &b->spans.event[events.at + j];
            x->event_attrs[e] = attr_run_of(b, x->event[e]->attrs, w->pairs[i]);
        }
        for (uint32_t j = 0; j < links.n; j++, l++) {
            x->link[l] = &b->spans.link[links.at + j];
            x->link_attrs[l] = attr_run_of(b, x->link[l]->attrs, w->pairs[i]);
        }
    }
}

static void put_ends(struct insert *w, const uint64_t *ends)
{
    void *to = native_put_space(w->out, w->n * 8);
    if (to && w->n) memcpy(to, ends, w->n * 8);
}

/* Fixed-width members of the entries, gathered. */
#define PUT_MEMBER(list, n_entries, member)                                          \
    do {                                                                             \
        char *to_ = native_put_space(w->out, (n_entries) * sizeof(list)[0]->member); \
        for (size_t i_ = 0; to_ && i_ < (n_entries); i_++)                           \
            memcpy(to_ + i_ * sizeof(list)[0]->member, &(list)[i_]->member,          \
                   sizeof(list)[0]->member);                                         \
    } while (0)

void put_event_time(struct insert *w, const struct column_plan *)
{
    put_ends(w, w->nested->event_ends);
    PUT_MEMBER(w->nested->event, w->nested->n_events, time);
}

void put_event_name(struct insert *w, const struct column_plan *)
{
    const struct nested *x = w->nested;
    str *names = arena_array(w->arena, str, x->n_events);
    for (size_t i = 0; i < x->n_events; i++) names[i] = x->event[i]->name;
    native_put_lc_prefix(w->out);
    put_ends(w, x->event_ends);
    put_lc_strings(w, names, x->n_events);
}

void put_event_attributes(struct insert *w, const struct column_plan *)
{
    w->attrs = attr_pass_new(w, w->nested->event_attrs, w->nested->n_events, NULL);
    native_put_lc_prefix(w->out);
    put_ends(w, w->nested->event_ends);
    attr_pass_put_map(w, w->attrs);
}

void put_event_types(struct insert *w, const struct column_plan *)
{
    native_put_lc_prefix(w->out);
    put_ends(w, w->nested->event_ends);
    attr_pass_put_types(w, w->attrs);
}

void put_event_dropped(struct insert *w, const struct column_plan *)
{
    put_ends(w, w->nested->event_ends);
    PUT_MEMBER(w->nested->event, w->nested->n_events, dropped_attributes);
}

void put_link_trace_id(struct insert *w, const struct column_plan *)
{
    put_ends(w, w->nested->link_ends);
    PUT_MEMBER(w->nested->link, w->nested->n_links, trace_id);
}

void put_link_span_id(struct insert *w, const struct column_plan *)
{
    put_ends(w, w->nested->link_ends);
    PUT_MEMBER(w->nested->link, w->nested->n_links, span_id);
}

void put_link_state(struct insert *w, const struct column_plan *)
{
    const struct nested *x = w->nested;
    str *states = arena_array(w->arena, str, x->n_links);
    for (size_t i = 0; i < x->n_links; i++) states[i] = x->link[i]->trace_state;
    put_ends(w, x->link_ends);
    put_strings(w->out, states, x->n_links);
}

void put_link_attributes(struct insert *w, const struct column_plan *)
{
    w->attrs = attr_pass_new(w, w->nested->link_attrs, w->nested->n_links, NULL);
    native_put_lc_prefix(w->out);
    put_ends(w, w->nested->link_ends);
    attr_pass_put_map(w, w->attrs);
}

void put_link_types(struct insert *w, const struct column_plan *)
{
    native_put_lc_prefix(w->out);
    put_ends(w, w->nested->link_ends);
    attr_pass_put_types(w, w->attrs);
}

void put_link_dropped(struct insert *w, const struct column_plan *)
{
    put_ends(w, w->nested->link_ends);
    PUT_MEMBER(w->nested->link, w->nested->n_links, dropped_attributes);
}

void put_link_flags(struct insert *w, const struct column_plan *)
{
    put_ends(w, w->nested->link_ends);
    PUT_MEMBER(w->nested->link, w->nested->n_links, flags);
}
