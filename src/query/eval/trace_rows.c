#include "query/eval/trace_rows.h"

#include <stdlib.h>

#include "base/hash.h"

/* --- columns */

#define COLUMNS(X)                      \
    X(trace_id, FIXED)                  \
    X(span_id, FIXED)                   \
    X(parent_span_id, FIXED)            \
    X(timestamp, INT)                   \
    X(duration_ns, INT)                 \
    X(span_name, STRING)                \
    X(span_kind, UINT)                  \
    X(status_code, UINT)                \
    X(status_message, STRING)           \
    X(trace_state, STRING)              \
    X(flags, UINT)                      \
    X(service_name, STRING)             \
    X(scope_name, STRING)               \
    X(scope_version, STRING)            \
    X(resource_attributes, MAP)         \
    X(resource_attribute_types, STRING) \
    X(span_attributes, MAP)             \
    X(span_attribute_types, STRING)

#define NESTED_COLUMNS(X)              \
    X(events, timestamp, INT)          \
    X(events, name, STRING)            \
    X(events, attributes, MAP)         \
    X(events, attribute_types, STRING) \
    X(links, trace_id, FIXED)          \
    X(links, span_id, FIXED)           \
    X(links, attributes, MAP)          \
    X(links, attribute_types, STRING)

struct columns {
#define X(name, kind) const struct native_column *name;
    COLUMNS(X)
#undef X
#define X(of, name, kind) const struct native_column *of##_##name;
    NESTED_COLUMNS(X)
#undef X
};

static bool string_map(const struct native_column *c)
{
    return c->n_children == 2 && c->child[0].kind == NATIVE_STRING &&
           c->child[1].kind == NATIVE_STRING;
}

static status column(const struct native_block *b, str name, enum native_kind kind, bool nested,
                     const struct native_column **ret, struct err *err)
{
    const struct native_column *c = native_find(b, name), *v = c;
    if (c && nested) v = c->kind == NATIVE_ARRAY ? &c->child[0] : NULL;
    if (!v || v->kind != kind || (kind == NATIVE_MAP && !string_map(v)))
        return err_set(err, ST_INTERNAL, ERR_NOPOS,
                       "column " STR_FMT " is missing or has another type", STR_ARG(name));
    *ret = c;
    return ST_OK;
}

static status find_columns(const struct native_block *b, struct columns *c, struct err *err)
{
#define X(name, kind) TRY(column(b, S(#name), NATIVE_##kind, false, &c->name, err));
    COLUMNS(X)
#undef X
#define X(of, name, kind) \
    TRY(column(b, S(#of "." #name), NATIVE_##kind, true, &c->of##_##name, err));
    NESTED_COLUMNS(X)
#undef X
    if (c->trace_id->width != 16 || c->span_id->width != 8 || c->parent_span_id->width != 8 ||
        c->links_trace_id->child[0].width != 16 || c->links_span_id->child[0].width != 8)
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "an id column has another width");
    return ST_OK;
}

/* --- rows */

static struct trace_attrs read_attrs(struct arena *a, const struct native_column *map, uint64_t row,
                                     str types)
{
    uint64_t at = native_begin(map, row), end = native_end(map, row);
    uint32_t n = (uint32_t)(end - at);
    struct trace_attr *v = arena_array(a, struct trace_attr, n);
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct trace_attr){.key = arena_str(a, native_str(&map->child[0], at + i)),
                                   .value = arena_str(a, native_str(&map->child[1], at + i)),
                                   .type = i < types.len ? types.ptr[i] : 's'};
    return (struct trace_attrs){v, n};
}

static uint64_t hash_resource(str service, const struct native_column *map, uint64_t row, str types)
{
    uint64_t h = hash_mix(hash_str(service), hash_str(types));
    for (uint64_t i = native_begin(map, row); i < native_end(map, row); i++) {
        h = hash_mix(h, hash_str(native_str(&map->child[0], i)));
        h = hash_mix(h, hash_str(native_str(&map->child[1], i)));
    }
    return h;
}

/* 64 bits of hash decide: within one answer two resources do not collide. */
static const struct trace_resource *read_resource(struct trace_rows *r, const struct columns *c,
                                                  uint64_t row)
{
    str service = native_str(c->service_name, row);
    str types = native_str(c->resource_attribute_types, row);
    uint64_t h = hash_resource(service, c->resource_attributes, row, types);
    uint32_t known;
    if (map_find(&r->by_hash, h, NULL, NULL, &known)) return r->resources[known];

    if (r->n_resources == r->cap_resources) {
        uint32_t cap = r->cap_resources ? r->cap_resources * 2 : 16;
        const struct trace_resource **v = arena_array(r->arena, const struct trace_resource *, cap);
        if (r->n_resources) memcpy(v, r->resources, r->n_resources * sizeof *v);
        r->resources = v;
        r->cap_resources = cap;
    }
    struct trace_resource *one = arena_new(r->arena, struct trace_resource);
    one->service_name = arena_str(r->arena, service);
    one->attrs = read_attrs(r->arena, c->resource_attributes, row, types);
    one->hash = h;
    map_add(&r->by_hash, h, r->n_resources);
    r->resources[r->n_resources++] = one;
    return one;
}

static bool same_rows(const struct native_column *a, const struct native_column *b, uint64_t row)
{
    return native_begin(a, row) == native_begin(b, row) && native_end(a, row) == native_end(b, row);
}

static status read_events(struct trace_rows *r, const struct columns *c, uint64_t row,
                          struct trace_span *s, struct err *err)
{
    if (!same_rows(c->events_timestamp, c->events_name, row) ||
        !same_rows(c->events_timestamp, c->events_attributes, row) ||
        !same_rows(c->events_timestamp, c->events_attribute_types, row))
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "the arrays of events differ in length");
    uint64_t at = native_begin(c->events_timestamp, row);
    s->n_events = (uint32_t)(native_end(c->events_timestamp, row) - at);
    struct trace_event *v = arena_array(r->arena, struct trace_event, s->n_events);
    for (uint32_t i = 0; i < s->n_events; i++)
        v[i] = (struct trace_event){
            .time = native_i64(&c->events_timestamp->child[0], at + i),
            .name = arena_str(r->arena, native_str(&c->events_name->child[0], at + i)),
            .attrs = read_attrs(r->arena, &c->events_attributes->child[0], at + i,
                                native_str(&c->events_attribute_types->child[0], at + i))};
    s->events = v;
    return ST_OK;
}

static status read_links(struct trace_rows *r, const struct columns *c, uint64_t row,
                         struct trace_span *s, struct err *err)
{
    if (!same_rows(c->links_trace_id, c->links_span_id, row) ||
        !same_rows(c->links_trace_id, c->links_attributes, row) ||
        !same_rows(c->links_trace_id, c->links_attribute_types, row))
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "the arrays of links differ in length");
    uint64_t at = native_begin(c->links_trace_id, row);
    s->n_links = (uint32_t)(native_end(c->links_trace_id, row) - at);
    struct trace_link *v = arena_array(r->arena, struct trace_link, s->n_links);
    for (uint32_t i = 0; i < s->n_links; i++) {
        memcpy(v[i].trace_id.bytes, native_str(&c->links_trace_id->child[0], at + i).ptr, 16);
        memcpy(v[i].span_id, native_str(&c->links_span_id->child[0], at + i).ptr, 8);
        v[i].attrs = read_attrs(r->arena, &c->links_attributes->child[0], at + i,
                                native_str(&c->links_attribute_types->child[0], at + i));
    }
    s->links = v;
    return ST_OK;
}

static status read_span(struct trace_rows *r, const struct columns *c, uint64_t row,
                        struct err *err)
{
    struct arena *a = r->arena;
    struct trace_span *s = arena_new(a, struct trace_span);
    memcpy(s->trace_id.bytes, native_str(c->trace_id, row).ptr, 16);
    memcpy(s->span_id, native_str(c->span_id, row).ptr, 8);
    memcpy(s->parent_span_id, native_str(c->parent_span_id, row).ptr, 8);
    s->start = native_i64(c->timestamp, row);
    s->duration_ns = native_i64(c->duration_ns, row);
    s->name = arena_str(a, native_str(c->span_name, row));
    s->trace_state = arena_str(a, native_str(c->trace_state, row));
    s->status_message = arena_str(a, native_str(c->status_message, row));
    s->scope_name = arena_str(a, native_str(c->scope_name, row));
    s->scope_version = arena_str(a, native_str(c->scope_version, row));
    s->flags = (uint32_t)native_u64(c->flags, row);
    s->kind = (uint8_t)native_u64(c->span_kind, row);
    s->status_code = (uint8_t)native_u64(c->status_code, row);
    s->resource = read_resource(r, c, row);
    s->attrs = read_attrs(a, c->span_attributes, row, native_str(c->span_attribute_types, row));
    TRY(read_events(r, c, row, s, err));
    TRY(read_links(r, c, row, s, err));

    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct trace_span **v = arena_array(a, struct trace_span *, cap);
        if (r->n) memcpy(v, r->spans, r->n * sizeof *v);
        r->spans = v;
        r->cap = cap;
    }
    r->spans[r->n++] = s;
    return ST_OK;
}

void trace_rows_init(struct trace_rows *r, struct arena *a)
{
    *r = (struct trace_rows){.arena = a};
    map_init(&r->by_hash, a, 16);
}

status trace_rows_add(struct trace_rows *r, const struct native_block *b, struct err *err)
{
    struct columns c;
    TRY(find_columns(b, &c, err));
    for (uint64_t row = 0; row < b->rows; row++) {
        TRY(read_span(r, &c, row, err));
        if (arena_over(r->arena))
            return err_set(
                err, ST_EXECUTION, ERR_NOPOS,
                "the traces need more memory than the query's limit of %zu bytes: ask for fewer",
                r->arena->budget);
    }
    return ST_OK;
}

/* --- traces */

static bool same_attrs(struct trace_attrs a, struct trace_attrs b)
{
    if (a.n != b.n) return false;
    for (uint32_t i = 0; i < a.n; i++)
        if (!str_eq(a.v[i].key, b.v[i].key) || !str_eq(a.v[i].value, b.v[i].value) ||
            a.v[i].type != b.v[i].type)
            return false;
    return true;
}

static bool same_events(const struct trace_span *a, const struct trace_span *b)
{
    if (a->n_events != b->n_events || a->n_links != b->n_links) return false;
    for (uint32_t i = 0; i < a->n_events; i++)
        if (a->events[i].time != b->events[i].time ||
            !str_eq(a->events[i].name, b->events[i].name) ||
            !same_attrs(a->events[i].attrs, b->events[i].attrs))
            return false;
    for (uint32_t i = 0; i < a->n_links; i++)
        if (!trace_id_eq(&a->links[i].trace_id, &b->links[i].trace_id) ||
            memcmp(a->links[i].span_id, b->links[i].span_id, 8) != 0 ||
            !same_attrs(a->links[i].attrs, b->links[i].attrs))
            return false;
    return true;
}

static bool same_span(const struct trace_span *a, const struct trace_span *b)
{
    return a->start == b->start && a->duration_ns == b->duration_ns && a->resource == b->resource &&
           a->kind == b->kind && a->status_code == b->status_code && a->flags == b->flags &&
           memcmp(a->span_id, b->span_id, 8) == 0 &&
           memcmp(a->parent_span_id, b->parent_span_id, 8) == 0 && str_eq(a->name, b->name) &&
           str_eq(a->status_message, b->status_message) && str_eq(a->trace_state, b->trace_state) &&
           str_eq(a->scope_name, b->scope_name) && str_eq(a->scope_version, b->scope_version) &&
           same_attrs(a->attrs, b->attrs) && same_events(a, b);
}

static int compare_spans(const void *a, const void *b)
{
    const struct trace_span *x = *(struct trace_span *const *)a,
                            *y = *(struct trace_span *const *)b;
    int by_trace = memcmp(x->trace_id.bytes, y->trace_id.bytes, 16);
    if (by_trace) return by_trace;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return memcmp(x->span_id, y->span_id, 8);
}

/* Equal spans lie in the run of equal start and span id. */
static bool seen(const struct trace_span *spans, size_t n, const struct trace_span *s)
{
    while (n-- > 0 && spans[n].start == s->start && memcmp(spans[n].span_id, s->span_id, 8) == 0)
        if (same_span(&spans[n], s)) return true;
    return false;
}

/* Where the spans of `id` begin among the sorted ones. */
static size_t lower_bound(const struct trace_rows *r, const struct trace_id *id)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (memcmp(r->spans[mid]->trace_id.bytes, id->bytes, 16) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t trace_rows_traces(struct trace_rows *r, const struct trace_id *ids, size_t n, bool dedupe,
                         const struct trace **ret)
{
    if (r->n) qsort(r->spans, r->n, sizeof *r->spans, compare_spans);
    struct trace *traces = arena_array(r->arena, struct trace, n + 1);
    size_t n_traces = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = lower_bound(r, &ids[i]), end = at;
        while (end < r->n && trace_id_eq(&r->spans[end]->trace_id, &ids[i])) end++;
        if (at == end) continue;
        struct trace_span *spans = arena_array(r->arena, struct trace_span, end - at);
        size_t n_spans = 0;
        for (size_t k = at; k < end; k++)
            if (!dedupe || !seen(spans, n_spans, r->spans[k])) spans[n_spans++] = *r->spans[k];
        traces[n_traces++] = (struct trace){.id = ids[i], .spans = spans, .n_spans = n_spans};
    }
    *ret = traces;
    return n_traces;
}
