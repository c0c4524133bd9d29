#include "ingest/decode/otlp_value.h"

#include <assert.h>

#include "base/hash.h"
#include "base/hex.h"
#include "base/json_out.h"

/*   message AnyValue {
 *     oneof value {
 *       string string_value = 1;
 *       bool bool_value = 2;
 *       int64 int_value = 3;
 *       double double_value = 4;
 *       ArrayValue array_value = 5;
 *       KeyValueList kvlist_value = 6;
 *       bytes bytes_value = 7;
 *       int32 string_value_strindex = 8;   // profiles only
 *     }
 *   }
 * An array's or list's text is still its message here. */
static inline void any_read(struct pb_reader *r, struct attr_value *io)
{
    for (uint32_t tag; pb_next(r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): *io = (struct attr_value){ATTR_STRING, {pb_bytes(r)}}; break;
        case PB_TAG(2, PB_VARINT):
            *io = (struct attr_value){ATTR_BOOL, {.i = pb_varint(r) != 0}};
            break;
        case PB_TAG(3, PB_VARINT):
            *io = (struct attr_value){ATTR_INT, {.i = (int64_t)pb_varint(r)}};
            break;
        case PB_TAG(4, PB_FIXED64):
            *io = (struct attr_value){ATTR_DOUBLE, {.d = pb_double(r)}};
            break;
        case PB_TAG(5, PB_BYTES): *io = (struct attr_value){ATTR_ARRAY, {pb_bytes(r)}}; break;
        case PB_TAG(6, PB_BYTES): *io = (struct attr_value){ATTR_KVLIST, {pb_bytes(r)}}; break;
        case PB_TAG(7, PB_BYTES): *io = (struct attr_value){ATTR_BYTES, {pb_bytes(r)}}; break;
        default: pb_skip(r, tag); break;
        }
    }
}

static status render_any(struct builder *b, struct json_out *j, str msg, unsigned depth);

/*   message ArrayValue { repeated AnyValue values = 1; } */
static status render_array(struct builder *b, struct json_out *j, str msg, unsigned depth)
{
    struct pb_reader r = pb_read(msg);
    json_array(j);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): TRY(render_any(b, j, pb_bytes(&r), depth)); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed ArrayValue");
    json_end(j);
    return ST_OK;
}

/*   message KeyValue {
 *     string key = 1;
 *     AnyValue value = 2;
 *     int32 key_strindex = 3;   // profiles only
 *   } */
static status render_pair(struct builder *b, struct json_out *j, str msg, unsigned depth)
{
    struct pb_reader r = pb_read(msg);
    str key = {0}, value = {0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): key = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): value = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed KeyValue");
    json_key(j, key);
    return render_any(b, j, value, depth);
}

/*   message KeyValueList { repeated KeyValue values = 1; } */
static status render_kvlist(struct builder *b, struct json_out *j, str msg, unsigned depth)
{
    struct pb_reader r = pb_read(msg);
    json_object(j);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): TRY(render_pair(b, j, pb_bytes(&r), depth)); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed KeyValueList");
    json_end(j);
    return ST_OK;
}

static status render_list(struct builder *b, struct json_out *j, const struct attr_value *v,
                          unsigned depth)
{
    if (depth == VALUE_DEPTH_MAX)
        return builder_malformed(b, (const uint8_t *)v->text.ptr,
                                 "a value nested deeper than the limit of 32 levels");
    return v->type == ATTR_ARRAY ? render_array(b, j, v->text, depth + 1)
                                 : render_kvlist(b, j, v->text, depth + 1);
}

static void json_base64(struct json_out *j, str bytes)
{
    json_raw(j, S("\""));
    size_t n = base64_size(bytes.len);
    if (buf_reserve(j->out, n)) j->out->len += base64_encode(bytes, j->out->ptr + j->out->len);
    buf_char(j->out, '"');
}

static status render_any(struct builder *b, struct json_out *j, str msg, unsigned depth)
{
    struct pb_reader r = pb_read(msg);
    struct attr_value v = {.type = ATTR_EMPTY};
    any_read(&r, &v);
    if (r.bad) return builder_malformed(b, r.bad, "malformed AnyValue");
    switch (v.type) {
    case ATTR_STRING: json_str(j, v.text); break;
    case ATTR_BOOL: json_bool(j, v.i != 0); break;
    case ATTR_INT: json_i64(j, v.i); break;
    case ATTR_DOUBLE: json_f64(j, v.d); break;
    case ATTR_BYTES: json_base64(j, v.text); break;
    case ATTR_ARRAY:
    case ATTR_KVLIST: return render_list(b, j, &v, depth);
    default: json_null(j); break;
    }
    return ST_OK;
}

/* The JSON text of an array or list, in the arena. */
static status render(struct builder *b, struct attr_value *v)
{
    buf_clear(&b->scratch);
    struct json_out j = json_begin(&b->scratch);
    TRY(render_list(b, &j, v, 0));
    if (b->scratch.over) return builder_room(b, UINT64_MAX);
    TRY(builder_room(b, b->scratch.len));
    v->text = arena_str(b->arena, buf_str(&b->scratch));
    return ST_OK;
}

status otlp_value(struct builder *b, str msg, struct attr_value *io)
{
    struct pb_reader r = pb_read(msg);
    struct attr_value v = {.type = ATTR_EMPTY};
    any_read(&r, &v);
    if (r.bad) return builder_malformed(b, r.bad, "malformed AnyValue");
    if (v.type == ATTR_EMPTY) return ST_OK;
    if (v.type == ATTR_ARRAY || v.type == ATTR_KVLIST) TRY(render(b, &v));
    *io = v;
    return ST_OK;
}

/* Room for the attributes of the whole request if it goes on as it began: one growth, mostly. */
static status attributes_grow(struct builder *b, str msg)
{
    struct telemetry_batch *batch = b->batch;
    uint64_t need = (uint64_t)batch->n_attrs + 1, likely = 64;
    if (b->cap_attrs && msg.len) {
        double seen = (double)(msg.ptr + msg.len - b->request.ptr);
        likely = (uint64_t)((double)need * ((double)b->request.len / seen) * 1.05);
    }
    if (likely > need && likely * sizeof *batch->attrs < b->arena->budget / 4) need = likely;
    return builder_grow(b, (void **)&batch->attrs, sizeof *batch->attrs, &b->cap_attrs, need);
}

/* The form nearly every sender writes: a key, then a text, both shorter than 128 bytes, and nothing
 * else. False: read it field by field. */
static inline bool short_text(str msg, struct attr *ret)
{
    const uint8_t *p = (const uint8_t *)msg.ptr;
    if (msg.len < 6 || p[0] != PB_TAG(1, PB_BYTES) || p[1] >= 0x80) return false;
    size_t key = p[1];
    if (msg.len < key + 6) return false;
    const uint8_t *v = p + 2 + key;
    size_t text = msg.len - key - 6;
    if (text >= 0x80 - 2 || v[0] != PB_TAG(2, PB_BYTES) || v[1] != text + 2 ||
        v[2] != PB_TAG(1, PB_BYTES) || v[3] != text)
        return false;
    ret->key = (str){msg.ptr + 2, key};
    ret->value = (struct attr_value){ATTR_STRING, {(str){(const char *)v + 4, text}}};
    return true;
}

static status attribute_read(struct builder *b, str msg, struct attr *ret)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): ret->key = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): TRY(otlp_value(b, pb_bytes(&r), &ret->value)); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed KeyValue");
    return ST_OK;
}

status otlp_attribute(struct builder *b, str msg, struct attr_range *io)
{
    struct telemetry_batch *batch = b->batch;
    if (batch->n_attrs == b->cap_attrs) TRY(attributes_grow(b, msg));
    if (io->n == 0) io->at = batch->n_attrs;
    assert(io->at + io->n == batch->n_attrs);

    struct attr a = {.value.type = ATTR_EMPTY};
    if (!short_text(msg, &a)) TRY(attribute_read(b, msg, &a));
    batch->attrs[batch->n_attrs++] = a;
    io->n++;
    return ST_OK;
}

enum { SCAN_MAX = 48 }; /* from here on keys are found through a map */

/* The earlier entry with the key of a[i], or i. */
static uint32_t earlier(const struct attr *a, uint32_t i, uint64_t *seen)
{
    str key = a[i].key;
    uint64_t mark = key.len == 0 ? 0
                                 : key.len * 7 + (uint8_t)key.ptr[key.len - 1] * 3u +
                                       (uint8_t)key.ptr[key.len / 2];
    uint64_t bit = 1ull << (mark & 63);
    if (*seen & bit)
        for (uint32_t k = 0; k < i; k++)
            if (str_eq(a[k].key, key)) return k;
    *seen |= bit;
    return i;
}

struct key_probe {
    const struct attr *attrs;
    str key;
};

static bool same_key(const void *ctx, uint32_t i)
{
    const struct key_probe *p = ctx;
    return str_eq(p->attrs[i].key, p->key);
}

static uint32_t dedupe_many(struct arena *arena, struct attr *a, uint32_t n)
{
    struct arena_mark mark = arena_mark(arena);
    struct map map;
    map_init(&map, arena, n);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct key_probe probe = {a, a[i].key};
        uint64_t hash = hash_str(a[i].key);
        uint32_t k;
        if (map_find(&map, hash, same_key, &probe, &k)) {
            a[k].value = a[i].value;
        } else {
            map_add(&map, hash, kept);
            a[kept++] = a[i];
        }
    }
    arena_rewind(arena, mark);
    return kept;
}

void otlp_attributes_end(struct builder *b, struct attr_range *io)
{
    uint32_t max = b->opt->max_attributes;
    if (io->n < 2) return;
    if (max && io->n / 4 > max)
        return; /* will be rejected: not worth the work it was made to cost */
    struct attr *a = b->batch->attrs + io->at;
    uint32_t kept = 0;
    if (io->n > SCAN_MAX) {
        kept = dedupe_many(b->arena, a, io->n);
    } else {
        uint64_t seen = 0;
        for (uint32_t i = 0; i < io->n; i++) {
            if (i != kept) a[kept] = a[i];
            uint32_t k = earlier(a, kept, &seen);
            if (k == kept)
                kept++;
            else
                a[k].value = a[kept].value;
        }
    }
    b->batch->n_attrs = io->at + kept;
    io->n = kept;
}
