/* AnyValue and KeyValue in JSON. */
#include <assert.h>

#include "base/hex.h"
#include "base/num.h"
#include "ingest/export/otlp_json_parts.h"
#include "ingest/export/otlp_nested.h"

/* Nested values are written past json_out, which counts 63 levels: AnyValue takes four of them for
 * each of the value's. */
static void nested_any(struct buf *out, struct json_in *j);

static void nested_list(struct buf *out, struct json_in *j)
{
    buf_add(out, S("{\"kvlistValue\":{\"values\":["));
    for (bool first = true; json_next(j) == JSON_KEY; first = false) {
        buf_add(out, first ? S("{\"key\":") : S(",{\"key\":"));
        json_quote(out, j->text);
        buf_add(out, S(",\"value\":"));
        (void)json_next(j);
        nested_any(out, j);
        buf_char(out, '}');
    }
    buf_add(out, S("]}}"));
}

static void nested_array(struct buf *out, struct json_in *j)
{
    buf_add(out, S("{\"arrayValue\":{\"values\":["));
    for (bool first = true; json_next(j) != JSON_ARRAY_END; first = false) {
        assert(!j->bad);
        if (!first) buf_char(out, ',');
        nested_any(out, j);
    }
    buf_add(out, S("]}}"));
}

static void quoted_text(struct buf *out, str text)
{
    buf_add(out, S("{\"stringValue\":"));
    json_quote(out, text);
    buf_char(out, '}');
}

static void nested_scalar(struct buf *out, str text)
{
    int64_t i;
    double d;
    switch (nested_number(text, &i, &d)) {
    case NESTED_INT:
        buf_add(out, S("{\"intValue\":\""));
        buf_add(out, text);
        buf_add(out, S("\"}"));
        break;
    case NESTED_DOUBLE:
        buf_add(out, S("{\"doubleValue\":"));
        buf_add(out, text);
        buf_char(out, '}');
        break;
    case NESTED_NO_NUMBER: quoted_text(out, text); break;
    }
}

/* The AnyValue that is the current token. */
static void nested_any(struct buf *out, struct json_in *j)
{
    switch (j->token) {
    case JSON_OBJECT: nested_list(out, j); break;
    case JSON_ARRAY: nested_array(out, j); break;
    case JSON_STRING: quoted_text(out, j->text); break;
    case JSON_NUMBER: nested_scalar(out, j->text); break;
    case JSON_TRUE: buf_add(out, S("{\"boolValue\":true}")); break;
    case JSON_FALSE: buf_add(out, S("{\"boolValue\":false}")); break;
    default: buf_add(out, S("{}")); break; /* null: an AnyValue without a member */
    }
}

static void nested(struct json_batch *w, str text)
{
    struct buf *out = w->j.out;
    json_raw(&w->j, S(""));
    if (!nested_is_sound(w->scratch, text)) {
        quoted_text(out, text);
        return;
    }
    struct arena_mark mark = arena_mark(w->scratch);
    struct json_in in = json_read(text, w->scratch);
    (void)json_next(&in);
    nested_any(out, &in);
    arena_rewind(w->scratch, mark);
}

static void base64(struct json_out *j, str bytes)
{
    json_raw(j, S("\""));
    size_t n = base64_size(bytes.len);
    if (buf_reserve(j->out, n)) j->out->len += base64_encode(bytes, j->out->ptr + j->out->len);
    buf_char(j->out, '"');
}

void json_any(struct json_batch *w, const struct attr_value *v)
{
    struct json_out *j = &w->j;
    if (v->type == ATTR_ARRAY || v->type == ATTR_KVLIST) {
        nested(w, v->text);
        return;
    }
    json_object(j);
    switch (v->type) {
    case ATTR_STRING: JSON_FIELD(j, "stringValue"), json_str(j, v->text); break;
    case ATTR_INT: JSON_FIELD(j, "intValue"), json_signed_digits(j, v->i); break;
    case ATTR_DOUBLE: JSON_FIELD(j, "doubleValue"), json_f64(j, v->d); break;
    case ATTR_BOOL: JSON_FIELD(j, "boolValue"), json_bool(j, v->i != 0); break;
    case ATTR_BYTES: JSON_FIELD(j, "bytesValue"), base64(j, v->text); break;
    default: break;
    }
    json_end(j);
}

void json_attributes(struct json_batch *w, str quoted_name, struct attr_range r)
{
    struct json_out *j = &w->j;
    if (r.n == 0) return;
    json_field(j, quoted_name);
    json_array(j);
    for (uint32_t i = 0; i < r.n; i++) {
        const struct attr *a = &w->b->attrs[r.at + i];
        json_object(j);
        JSON_FIELD(j, "key");
        json_str(j, a->key);
        JSON_FIELD(j, "value");
        json_any(w, &a->value);
        json_end(j);
    }
    json_end(j);
}

static void quoted_digits(struct json_out *j, char *text, size_t n)
{
    text[0] = text[n + 1] = '"';
    json_raw(j, (str){text, n + 2});
}

void json_digits(struct json_out *j, uint64_t v)
{
    char text[NUM_MAX + 2];
    quoted_digits(j, text, num_format_u64(v, text + 1));
}

void json_signed_digits(struct json_out *j, int64_t v)
{
    char text[NUM_MAX + 2];
    quoted_digits(j, text, num_format_i64(v, text + 1));
}

void json_id(struct json_out *j, const uint8_t *id, size_t n)
{
    char text[34];
    hex_encode(id, n, text + 1);
    quoted_digits(j, text, 2 * n);
}

bool json_id_is_set(const uint8_t *id, size_t n)
{
    static const uint8_t zeros[16];
    return memcmp(id, zeros, n) != 0;
}
