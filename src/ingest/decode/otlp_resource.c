#include "ingest/decode/otlp_resource.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "ingest/decode/otlp_value.h"
#include "model/identity.h"

/*   message EntityRef {
 *     string schema_url = 1;
 *     string type = 2;
 *     repeated string id_keys = 3;
 *     repeated string description_keys = 4;
 *   } */
static void entity_keys(struct json_out *j, str msg, uint32_t wanted)
{
    struct pb_reader r = pb_read(msg);
    json_array(j);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == wanted)
            json_str(j, pb_bytes(&r));
        else
            pb_skip(&r, tag);
    }
    json_end(j);
}

static status entity_ref(struct builder *b, struct json_out *j, str msg)
{
    struct pb_reader r = pb_read(msg);
    str schema_url = {0}, type = {0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): schema_url = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): type = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed EntityRef");
    json_object(j);
    json_key(j, S("schemaUrl"));
    json_str(j, schema_url);
    json_key(j, S("type"));
    json_str(j, type);
    json_key(j, S("idKeys"));
    entity_keys(j, msg, PB_TAG(3, PB_BYTES));
    json_key(j, S("descriptionKeys"));
    entity_keys(j, msg, PB_TAG(4, PB_BYTES));
    json_end(j);
    return ST_OK;
}

/* All entity_refs of one Resource message as a JSON array, in the arena. */
static status entity_refs(struct builder *b, str msg, str *ret)
{
    buf_clear(&b->scratch);
    struct json_out j = json_begin(&b->scratch);
    json_array(&j);
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(3, PB_BYTES))
            TRY(entity_ref(b, &j, pb_bytes(&r)));
        else
            pb_skip(&r, tag);
    }
    json_end(&j);
    if (b->scratch.over) return builder_room(b, UINT64_MAX);
    TRY(builder_room(b, b->scratch.len));
    *ret = arena_str(b->arena, buf_str(&b->scratch));
    return ST_OK;
}

/*   message Resource {
 *     repeated KeyValue attributes = 1;
 *     uint32 dropped_attributes_count = 2;
 *     repeated EntityRef entity_refs = 3;
 *   } */
static status resource_read(struct builder *b, str msg, struct resource *io)
{
    struct pb_reader r = pb_read(msg);
    bool entities = false;
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &io->attrs)); break;
        case PB_TAG(2, PB_VARINT): io->dropped_attributes = (uint32_t)pb_varint(&r); break;
        case PB_TAG(3, PB_BYTES): entities = true, (void)pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Resource");
    return entities ? entity_refs(b, msg, &io->entity_refs) : ST_OK;
}

/*   message InstrumentationScope {
 *     string name = 1;
 *     string version = 2;
 *     repeated KeyValue attributes = 3;
 *     uint32 dropped_attributes_count = 4;
 *   } */
static status scope_read(struct builder *b, str msg, struct scope *io)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): io->name = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): io->version = pb_bytes(&r); break;
        case PB_TAG(3, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &io->attrs)); break;
        case PB_TAG(4, PB_VARINT): io->dropped_attributes = (uint32_t)pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed InstrumentationScope");
    return ST_OK;
}

struct raw_probe {
    const struct raw_entry *entries;
    struct raw_entry entry;
};

static bool same_raw(const void *ctx, uint32_t i)
{
    const struct raw_probe *p = ctx;
    return str_eq(p->entries[i].message, p->entry.message) &&
           str_eq(p->entries[i].schema_url, p->entry.schema_url);
}

/* Finds the entry made of the same bytes, or makes room for entry `n` and notes what it is made of.
 */
static status intern(struct builder *b, struct raw_table *t, const struct envelope_head *head,
                     uint32_t n, uint32_t *ret, bool *ret_found)
{
    bool whole = head->times <= 1;
    struct raw_entry entry = {whole ? head->inner : head->message, head->schema_url};
    uint64_t hash = hash_seed(entry.message, hash_str(entry.schema_url) + whole);
    struct raw_probe probe = {t->entries, entry};
    if (!t->by_hash.arena) map_init(&t->by_hash, b->arena, 4);
    *ret_found = map_find(&t->by_hash, hash, same_raw, &probe, ret);
    if (*ret_found) return ST_OK;
    TRY(BUILDER_GROW(b, t->entries, t->cap_entries, n + 1));
    t->entries[n] = entry;
    map_add(&t->by_hash, hash, n);
    *ret = n;
    return ST_OK;
}

/* Field 1 in pieces is one message: later pieces merge into the first. */
static status resource_pieces(struct builder *b, const struct envelope_head *head,
                              struct resource *io)
{
    if (head->times <= 1) return resource_read(b, head->inner, io);
    struct pb_reader r = pb_read(head->message);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(1, PB_BYTES))
            TRY(resource_read(b, pb_bytes(&r), io));
        else
            pb_skip(&r, tag);
    }
    return ST_OK;
}

static status scope_pieces(struct builder *b, const struct envelope_head *head, struct scope *io)
{
    if (head->times <= 1) return scope_read(b, head->inner, io);
    struct pb_reader r = pb_read(head->message);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(1, PB_BYTES))
            TRY(scope_read(b, pb_bytes(&r), io));
        else
            pb_skip(&r, tag);
    }
    return ST_OK;
}

status otlp_resource(struct builder *b, const struct envelope_head *head)
{
    struct telemetry_batch *batch = b->batch;
    bool found;
    TRY(intern(b, &b->resources, head, batch->n_resources, &b->resource, &found));
    if (!found) {
        TRY(BUILDER_GROW(b, batch->resources, b->resources.cap, batch->n_resources + 1));
        struct resource res = {.schema_url = head->schema_url};
        TRY(resource_pieces(b, head, &res));
        otlp_attributes_end(b, &res.attrs);
        resource_identify(&res, batch->attrs);
        batch->resources[batch->n_resources++] = res;
    }
    b->envelope_attributes = batch->resources[b->resource].attrs.n;
    return ST_OK;
}

status otlp_scope(struct builder *b, const struct envelope_head *head)
{
    struct telemetry_batch *batch = b->batch;
    bool found;
    TRY(intern(b, &b->scopes, head, batch->n_scopes, &b->scope, &found));
    if (!found) {
        TRY(BUILDER_GROW(b, batch->scopes, b->scopes.cap, batch->n_scopes + 1));
        struct scope s = {.schema_url = head->schema_url};
        TRY(scope_pieces(b, head, &s));
        otlp_attributes_end(b, &s.attrs);
        scope_identify(&s, batch->attrs);
        batch->scopes[batch->n_scopes++] = s;
    }
    uint32_t of_resource = batch->resources[b->resource].attrs.n;
    uint32_t of_scope = batch->scopes[b->scope].attrs.n;
    b->envelope_attributes = of_scope > of_resource ? of_scope : of_resource;
    return ST_OK;
}
