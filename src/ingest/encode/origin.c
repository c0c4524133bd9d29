/* Columns that a row has from its resource or scope: computed once for each of them, copied for
 * each row. */
#include "ingest/encode/origin.h"

#include "ingest/encode/filter_bits.h"
#include "ingest/encode/insert.h"

static const struct origins *origins_of(const struct insert *w, uint32_t from)
{
    return from == FROM_RESOURCE ? &w->resources : &w->scopes;
}

static void row_origin(const struct telemetry_batch *b, uint32_t row, uint32_t *ret_resource,
                       uint32_t *ret_scope)
{
    switch (b->signal) {
    case SIGNAL_TRACES:
        *ret_resource = b->spans.resource[row];
        *ret_scope = b->spans.scope[row];
        break;
    case SIGNAL_LOGS:
        *ret_resource = b->logs.resource[row];
        *ret_scope = b->logs.scope[row];
        break;
    default:
        *ret_resource = b->metrics.descs[b->metrics.desc[row]].resource;
        *ret_scope = b->metrics.descs[b->metrics.desc[row]].scope;
    }
}

static struct origin of_resource(const struct telemetry_batch *b, const struct resource *r)
{
    return (struct origin){.attrs = r->attrs.n ? b->attrs + r->attrs.at : NULL,
                           .n_attrs = r->attrs.n,
                           .dropped = r->dropped_attributes,
                           .hash = r->hash,
                           .text = {[ORIGIN_NAME] = r->service_name,
                                    [ORIGIN_SCHEMA_URL] = r->schema_url,
                                    [ORIGIN_EXTRA] = r->entity_refs}};
}

static struct origin of_scope(const struct telemetry_batch *b, const struct scope *s)
{
    return (struct origin){.attrs = s->attrs.n ? b->attrs + s->attrs.at : NULL,
                           .n_attrs = s->attrs.n,
                           .dropped = s->dropped_attributes,
                           .hash = s->hash,
                           .text = {[ORIGIN_NAME] = s->name,
                                    [ORIGIN_SCHEMA_URL] = s->schema_url,
                                    [ORIGIN_EXTRA] = s->version}};
}

static void settle_types(struct arena *a, struct origins *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        if (o->list[i].used)
            o->list[i].text[ORIGIN_TYPES] = attr_letters(a, o->list[i].attrs, o->list[i].n_attrs);
}

void origins_find(struct insert *w)
{
    const struct telemetry_block *b = w->block;
    uint32_t resources = 0, scopes = 0;
    uint32_t *first_resource = arena_array(w->arena, uint32_t, b->n);
    uint32_t *first_scope = arena_array(w->arena, uint32_t, b->n);
    for (size_t i = 0; i < b->n; i++) {
        first_resource[i] = resources;
        first_scope[i] = scopes;
        resources += b->batches[i]->n_resources;
        scopes += b->batches[i]->n_scopes;
    }
    w->resources = (struct origins){.n = resources,
                                    .list = arena_array(w->arena, struct origin, resources),
                                    .of_row = arena_array(w->arena, uint32_t, w->n)};
    w->scopes = (struct origins){.n = scopes,
                                 .list = arena_array(w->arena, struct origin, scopes),
                                 .of_row = arena_array(w->arena, uint32_t, w->n)};
    for (size_t i = 0; i < b->n; i++) {
        const struct telemetry_batch *t = b->batches[i];
        for (uint32_t r = 0; r < t->n_resources; r++)
            w->resources.list[first_resource[i] + r] = of_resource(t, &t->resources[r]);
        for (uint32_t s = 0; s < t->n_scopes; s++)
            w->scopes.list[first_scope[i] + s] = of_scope(t, &t->scopes[s]);
    }
    for (size_t i = 0; i < w->n; i++) {
        uint32_t resource, scope, at = w->rows[i].batch;
        row_origin(b->batches[at], w->rows[i].row, &resource, &scope);
        w->resources.of_row[i] = first_resource[at] + resource;
        w->scopes.of_row[i] = first_scope[at] + scope;
        w->resources.list[w->resources.of_row[i]].used = true;
        w->scopes.list[w->scopes.of_row[i]].used = true;
    }
    settle_types(w->arena, &w->resources);
    settle_types(w->arena, &w->scopes);
}

/* Ids of one side (keys or values) of all used origins' attributes, one run after the other. */
struct side {
    struct native_dictionary d;
    uint32_t *ids;
    char *narrow; /* the same as indices of `width` bytes */
    uint32_t width;
};

struct origin_maps {
    struct side keys, values;
    uint64_t *at; /* first entry of each origin's run */
};

static void maps_make(struct insert *w, const struct origins *o, struct origin_maps *m)
{
    uint64_t entries = 0, e = 0;
    m->at = arena_array(w->arena, uint64_t, o->n);
    for (uint32_t i = 0; i < o->n; i++) {
        m->at[i] = entries;
        if (o->list[i].used) entries += o->list[i].n_attrs;
    }
    struct side *sides[] = {&m->keys, &m->values};
    for (int s = 0; s < 2; s++) {
        native_dictionary_init(&sides[s]->d, w->arena);
        sides[s]->ids = arena_array(w->arena, uint32_t, entries);
    }
    for (uint32_t i = 0; i < o->n; i++) {
        if (!o->list[i].used) continue;
        for (uint32_t j = 0; j < o->list[i].n_attrs; j++, e++) {
            const struct attr *a = &o->list[i].attrs[j];
            m->keys.ids[e] = native_dictionary_id(&m->keys.d, a->key, 0);
            m->values.ids[e] =
                native_dictionary_id(&m->values.d, attr_stored_text(w->arena, &a->value), 0);
        }
    }
    for (int s = 0; s < 2; s++) {
        sides[s]->width = native_index_width(&sides[s]->d);
        sides[s]->narrow = arena_alloc(w->arena, entries * sides[s]->width + 1, 1);
        native_narrow(sides[s]->narrow, sides[s]->ids, entries, sides[s]->width);
    }
}

static void put_side(struct insert *w, const struct origins *o, const struct origin_maps *m,
                     const struct side *s, uint64_t entries)
{
    char *to = native_put_lc_head(w->out, &s->d, entries);
    for (size_t i = 0; to && i < w->n; i++) {
        uint32_t from = o->of_row[i];
        size_t size = (size_t)o->list[from].n_attrs * s->width;
        memcpy(to, s->narrow + m->at[from] * s->width, size);
        to += size;
    }
}

/* Whether a filter was told of an origin lately: those of many small requests are alike. */
enum { TOLD = 1024 };

struct told {
    uint64_t hash;
    const struct filter_pairs *of;
};

static bool is_told(struct told *told, uint64_t hash, const struct filter_pairs *of)
{
    struct told *t = &told[hash % TOLD];
    if (t->hash == hash && t->of == of) return true;
    *t = (struct told){hash, of};
    return false;
}

/* The attributes of the rows' origins, to the filters of the rows' runs. */
static void pairs_note(struct insert *w, const struct origins *o, const struct origin_maps *m)
{
    struct told *told = memset(arena_array(w->arena, struct told, TOLD), 0, TOLD * sizeof *told);
    const struct filter_pairs **last = arena_array(w->arena, const struct filter_pairs *, o->n);
    memset(last, 0, o->n * sizeof *last); /* which filter an origin was added to */
    for (size_t i = 0; i < w->n; i++) {
        const struct origin *x = &o->list[o->of_row[i]];
        struct filter_pairs *to = w->pairs[i];
        if (last[o->of_row[i]] == to) continue;
        last[o->of_row[i]] = to;
        if (is_told(told, x->hash, to)) continue;
        filter_pairs_room(to, x->n_attrs);
        for (uint64_t e = m->at[o->of_row[i]], end = e + x->n_attrs; e < end; e++)
            filter_pairs_add(to, filter_pair(m->keys.d.keys[m->keys.ids[e]],
                                             m->values.d.keys[m->values.ids[e]]));
    }
}

void put_origin_attributes(struct insert *w, const struct column_plan *c)
{
    const struct origins *o = origins_of(w, c->arg);
    struct arena_mark mark = arena_mark(w->arena);
    struct origin_maps m;
    maps_make(w, o, &m);
    native_put_lc_prefix(w->out);
    native_put_lc_prefix(w->out);
    char *to = native_put_space(w->out, w->n * 8);
    uint64_t end = 0;
    for (size_t i = 0; i < w->n; i++) {
        end += o->list[o->of_row[i]].n_attrs;
        if (to) memcpy(to + i * 8, &end, 8);
    }
    put_side(w, o, &m, &m.keys, end);
    put_side(w, o, &m, &m.values, end);
    if (w->pairs && end) pairs_note(w, o, &m);
    arena_rewind(w->arena, mark);
}

void put_origin_text(struct insert *w, const struct column_plan *c)
{
    const struct origins *o = origins_of(w, c->arg / 8);
    struct arena_mark mark = arena_mark(w->arena);
    struct native_dictionary d;
    native_dictionary_init(&d, w->arena);
    uint32_t *ids = arena_array(w->arena, uint32_t, o->n), last = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        if (!o->list[i].used) continue;
        ids[i] = last = native_dictionary_id(&d, o->list[i].text[c->arg % 8], last);
    }
    native_put_lc_prefix(w->out);
    uint32_t width = native_index_width(&d);
    char *to = native_put_lc_head(w->out, &d, w->n);
    for (size_t i = 0; to && i < w->n; i++)
        native_narrow(to + i * width, &ids[o->of_row[i]], 1, width);
    arena_rewind(w->arena, mark);
}

void put_origin_dropped(struct insert *w, const struct column_plan *c)
{
    const struct origins *o = origins_of(w, c->arg);
    char *to = native_put_space(w->out, w->n * 4);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 4, &o->list[o->of_row[i]].dropped, 4);
}

void put_stream_id(struct insert *w, const struct column_plan *)
{
    const struct origins *o = &w->resources;
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 8, &o->list[o->of_row[i]].hash, 8);
}
