/* AnyValue and KeyValue in protobuf. */
#include <assert.h>

#include "ingest/export/otlp_nested.h"
#include "ingest/export/otlp_pb_parts.h"

/*   message AnyValue {
 *     oneof value {
 *       string string_value = 1;
 *       bool bool_value = 2;
 *       int64 int_value = 3;
 *       double double_value = 4;
 *       ArrayValue array_value = 5;     // { repeated AnyValue values = 1; }
 *       KeyValueList kvlist_value = 6;  // { repeated KeyValue values = 1; }
 *       bytes bytes_value = 7;
 *     }
 *   }
 * A member that is set is written whatever its value. */
enum { ANY_STRING = 1, ANY_BOOL, ANY_INT, ANY_DOUBLE, ANY_ARRAY, ANY_KVLIST, ANY_BYTES };

static void nested_any(struct pb_out *p, struct json_in *j);

static void nested_list(struct pb_out *p, struct json_in *j)
{
    pb_begin(p, ANY_KVLIST);
    while (json_next(j) == JSON_KEY) {
        pb_begin(p, 1);
        pb_put_str(p, 1, j->text);
        (void)json_next(j);
        pb_begin(p, 2);
        nested_any(p, j);
        pb_end(p);
        pb_end(p);
    }
    pb_end(p);
}

static void nested_array(struct pb_out *p, struct json_in *j)
{
    pb_begin(p, ANY_ARRAY);
    while (json_next(j) != JSON_ARRAY_END) {
        assert(!j->bad);
        pb_begin(p, 1);
        nested_any(p, j);
        pb_end(p);
    }
    pb_end(p);
}

static void nested_scalar(struct pb_out *p, str text)
{
    int64_t i;
    double d;
    switch (nested_number(text, &i, &d)) {
    case NESTED_INT: pb_put_varint(p, ANY_INT, (uint64_t)i); break;
    case NESTED_DOUBLE: pb_put_double(p, ANY_DOUBLE, d); break;
    case NESTED_NO_NUMBER: pb_put_str(p, ANY_STRING, text); break;
    }
}

/* The members of the AnyValue that is the current token. */
static void nested_any(struct pb_out *p, struct json_in *j)
{
    switch (j->token) {
    case JSON_OBJECT: nested_list(p, j); break;
    case JSON_ARRAY: nested_array(p, j); break;
    case JSON_STRING: pb_put_str(p, ANY_STRING, j->text); break;
    case JSON_NUMBER: nested_scalar(p, j->text); break;
    case JSON_TRUE:
    case JSON_FALSE: pb_put_varint(p, ANY_BOOL, j->token == JSON_TRUE); break;
    default: break; /* null: an AnyValue without a member */
    }
}

static void nested(struct pb_batch *w, str text)
{
    if (!nested_is_sound(w->scratch, text)) {
        pb_put_str(&w->p, ANY_STRING, text);
        return;
    }
    struct arena_mark mark = arena_mark(w->scratch);
    struct json_in j = json_read(text, w->scratch);
    (void)json_next(&j);
    nested_any(&w->p, &j);
    arena_rewind(w->scratch, mark);
}

void pb_any(struct pb_batch *w, uint32_t field, const struct attr_value *v)
{
    struct pb_out *p = &w->p;
    pb_begin(p, field);
    switch (v->type) {
    case ATTR_STRING: pb_put_str(p, ANY_STRING, v->text); break;
    case ATTR_INT: pb_put_varint(p, ANY_INT, (uint64_t)v->i); break;
    case ATTR_DOUBLE: pb_put_double(p, ANY_DOUBLE, v->d); break;
    case ATTR_BOOL: pb_put_varint(p, ANY_BOOL, v->i != 0); break;
    case ATTR_BYTES: pb_put_str(p, ANY_BYTES, v->text); break;
    case ATTR_ARRAY:
    case ATTR_KVLIST: nested(w, v->text); break;
    default: break;
    }
    pb_end(p);
}

/* The form of nearly every attribute: key and text are shorter than 100 bytes, so all lengths are
 * one byte and known before. */
static bool short_text(struct pb_out *p, uint32_t field, const struct attr *a)
{
    size_t key = a->key.len, text = a->value.text.len;
    if (a->value.type != ATTR_STRING || key > 50 || text > 64 || field > 15) return false;
    if (!buf_reserve(p->out, key + text + 8)) return true;
    uint8_t *o = (uint8_t *)p->out->ptr + p->out->len;
    *o++ = (uint8_t)(field << 3 | 2);
    *o++ = (uint8_t)(key + text + 6);
    *o++ = 1 << 3 | 2;
    *o++ = (uint8_t)key;
    if (key) memcpy(o, a->key.ptr, key);
    o += key;
    *o++ = 2 << 3 | 2;
    *o++ = (uint8_t)(text + 2);
    *o++ = ANY_STRING << 3 | 2;
    *o++ = (uint8_t)text;
    if (text) memcpy(o, a->value.text.ptr, text);
    p->out->len += key + text + 8;
    return true;
}

/*   message KeyValue { string key = 1; AnyValue value = 2; } */
void pb_attributes(struct pb_batch *w, uint32_t field, struct attr_range r)
{
    for (uint32_t i = 0; i < r.n; i++) {
        const struct attr *a = &w->b->attrs[r.at + i];
        if (short_text(&w->p, field, a)) continue;
        pb_begin(&w->p, field);
        pb_put_str(&w->p, 1, a->key);
        pb_any(w, 2, &a->value);
        pb_end(&w->p);
    }
}
