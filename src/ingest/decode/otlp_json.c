#include "ingest/decode/otlp_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/json_in.h"
#include "base/num.h"
#include "base/pb_out.h"
#include "ingest/decode/json_number.h"
#include "ingest/decode/otlp_fields.h"

struct step {
    const struct field *field;
    uint32_t index; /* UINT32_MAX outside of the array */
};

struct transcoder {
    struct json_in in;
    struct buf text;
    struct pb_out out;
    struct err *err;
    struct step path[JSON_DEPTH_MAX + 1];
    unsigned depth;
};

static status invalid(struct transcoder *t, const char *why)
{
    char path[160];
    size_t n = 0;
    path[0] = 0;
    for (unsigned i = 0; i < t->depth && n < sizeof path; i++) {
        const struct step *s = &t->path[i];
        n += (size_t)snprintf(path + n, sizeof path - n, "%s" STR_FMT, i ? "." : "",
                              STR_ARG(s->field->name));
        if (s->index != UINT32_MAX && n < sizeof path)
            n += (size_t)snprintf(path + n, sizeof path - n, "[%" PRIu32 "]", s->index);
    }
    return err_set(t->err, ST_INVALID, (uint32_t)t->in.at, "%s%s%s", path, n ? ": " : "", why);
}

static status object(struct transcoder *t, const struct message *m);

static bool number_text(const struct transcoder *t)
{
    return t->in.token == JSON_NUMBER || t->in.token == JSON_STRING;
}

static status put_id(struct transcoder *t, const struct field *f, size_t size)
{
    char id[16];
    if (t->in.token != JSON_STRING) return invalid(t, "wants a string of hex digits");
    if (t->in.text.len == 0) {
        pb_put_str(&t->out, f->number, S(""));
        return ST_OK;
    }
    if (!hex_decode(t->in.text, id, size))
        return invalid(t, size == 16 ? "is not 32 hex digits" : "is not 16 hex digits");
    pb_put_str(&t->out, f->number, (str){id, size});
    return ST_OK;
}

static status put_bytes(struct transcoder *t, const struct field *f)
{
    str s = t->in.text;
    if (t->in.token != JSON_STRING) return invalid(t, "wants a string of base64");
    size_t most = s.len / 4 * 3 + 3, n;
    char *bytes = arena_alloc(t->in.arena, most, 1);
    if (!base64_decode(s, bytes, &n)) return invalid(t, "is not base64");
    pb_put_str(&t->out, f->number, (str){bytes, n});
    return ST_OK;
}

/* An enum's number by its name; -1 when there is none. */
static int64_t enum_value(const struct field *f, str name)
{
    for (int64_t i = 0; f->names[i]; i++)
        if (str_eq(name, (str){f->names[i], strlen(f->names[i])})) return i;
    return -1;
}

static status signed_value(struct transcoder *t, const struct field *f, int64_t *ret)
{
    bool narrow = f->kind == FIELD_SINT32 || f->kind == FIELD_ENUM;
    if (!number_text(t)) return invalid(t, "wants an integer");
    if (!json_number_i64(t->in.text, ret)) {
        if (f->kind != FIELD_ENUM) return invalid(t, "is not a 64-bit integer");
        *ret = enum_value(f, t->in.text);
        if (*ret < 0) return invalid(t, "is neither an integer nor a name of this enum");
    }
    if (narrow && (*ret < INT32_MIN || *ret > INT32_MAX))
        return invalid(t, "is not a 32-bit integer");
    return ST_OK;
}

static status unsigned_value(struct transcoder *t, const struct field *f, uint64_t *ret)
{
    bool narrow = f->kind == FIELD_UINT32 || f->kind == FIELD_FIXED32;
    if (!number_text(t)) return invalid(t, "wants an integer");
    if (!json_number_u64(t->in.text, ret)) return invalid(t, "is not an unsigned 64-bit integer");
    if (narrow && *ret > UINT32_MAX) return invalid(t, "is not an unsigned 32-bit integer");
    return ST_OK;
}

static status double_value(struct transcoder *t, double *ret)
{
    if (!number_text(t) || !num_parse_f64(t->in.text, ret))
        return invalid(t, "wants a number, or \"NaN\", \"Infinity\", \"-Infinity\"");
    return ST_OK;
}

/* One value that is not a message, with its tag; the current token is it. */
static status scalar(struct transcoder *t, const struct field *f)
{
    int64_t i = 0;
    uint64_t u = 0;
    double d = 0;
    switch (f->kind) {
    case FIELD_STRING:
        if (t->in.token != JSON_STRING) return invalid(t, "wants a string");
        pb_put_str(&t->out, f->number, t->in.text);
        return ST_OK;
    case FIELD_BYTES: return put_bytes(t, f);
    case FIELD_TRACE_ID: return put_id(t, f, 16);
    case FIELD_SPAN_ID: return put_id(t, f, 8);
    case FIELD_BOOL:
        if (t->in.token != JSON_TRUE && t->in.token != JSON_FALSE)
            return invalid(t, "wants true or false");
        pb_put_varint(&t->out, f->number, t->in.token == JSON_TRUE);
        return ST_OK;
    case FIELD_DOUBLE:
        TRY(double_value(t, &d));
        pb_put_double(&t->out, f->number, d);
        return ST_OK;
    case FIELD_INT64:
    case FIELD_ENUM:
        TRY(signed_value(t, f, &i));
        pb_put_varint(&t->out, f->number, (uint64_t)i);
        return ST_OK;
    case FIELD_SINT32:
        TRY(signed_value(t, f, &i));
        pb_put_sint(&t->out, f->number, i);
        return ST_OK;
    case FIELD_SFIXED64:
        TRY(signed_value(t, f, &i));
        pb_put_fixed64(&t->out, f->number, (uint64_t)i);
        return ST_OK;
    case FIELD_FIXED64:
        TRY(unsigned_value(t, f, &u));
        pb_put_fixed64(&t->out, f->number, u);
        return ST_OK;
    case FIELD_FIXED32:
        TRY(unsigned_value(t, f, &u));
        pb_put_fixed32(&t->out, f->number, (uint32_t)u);
        return ST_OK;
    default: /* FIELD_UINT32, FIELD_UINT64 */
        TRY(unsigned_value(t, f, &u));
        pb_put_varint(&t->out, f->number, u);
        return ST_OK;
    }
}

/* One number of a packed field. */
static status packed(struct transcoder *t, const struct field *f)
{
    uint64_t u = 0;
    double d = 0;
    if (f->kind == FIELD_DOUBLE) {
        TRY(double_value(t, &d));
        memcpy(&u, &d, 8);
    } else {
        TRY(unsigned_value(t, f, &u));
    }
    if (f->kind == FIELD_UINT64)
        pb_raw_varint(&t->out, u);
    else
        pb_raw_fixed64(&t->out, u);
    return ST_OK;
}

static status one(struct transcoder *t, const struct field *f)
{
    if (f->kind != FIELD_MESSAGE) return scalar(t, f);
    if (t->in.token != JSON_OBJECT) return invalid(t, "wants an object");
    pb_begin(&t->out, f->number);
    TRY(object(t, f->message));
    pb_end(&t->out);
    return ST_OK;
}

static status many(struct transcoder *t, const struct field *f)
{
    if (t->in.token != JSON_ARRAY) return invalid(t, "wants an array");
    bool numbers = f->kind != FIELD_MESSAGE && f->kind != FIELD_STRING;
    uint32_t *index = &t->path[t->depth - 1].index;
    if (numbers) pb_begin(&t->out, f->number);
    *index = 0;
    for (; json_next(&t->in) != JSON_ARRAY_END; ++*index) {
        if (t->in.bad) return ST_OK; /* said once, by whoever asked first */
        TRY(numbers ? packed(t, f) : one(t, f));
    }
    if (numbers) pb_end(&t->out);
    return ST_OK;
}

static const struct field *find(const struct message *m, str name, const struct field *next)
{
    if (next->number && str_eq(next->name, name)) return next; /* they come in order, mostly */
    for (const struct field *f = m->fields; f->number; f++)
        if (str_eq(f->name, name)) return f;
    return NULL;
}

/* Where the fields of an open object lie in the output. */
struct written {
    size_t from[FIELDS_MAX], to[FIELDS_MAX];
};

/* The key came before: takes what it wrote out again. */
static void take_back(struct transcoder *t, const struct message *m, struct written *w, size_t at)
{
    size_t from = w->from[at], n = w->to[at] - from;
    if (n == 0 || t->text.over) return;
    memmove(t->text.ptr + from, t->text.ptr + from + n, t->text.len - from - n);
    t->text.len -= n;
    for (size_t i = 0; m->fields[i].number; i++) {
        if (w->from[i] <= from) continue;
        w->from[i] -= n;
        w->to[i] -= n;
    }
    w->to[at] = from;
}

/* The current token has opened the object; reads to its end. */
static status object(struct transcoder *t, const struct message *m)
{
    struct written w = {0};
    const struct field *next = m->fields;
    while (json_next(&t->in) == JSON_KEY) {
        const struct field *f = find(m, t->in.text, next);
        if (!f) {
            json_skip(&t->in);
            continue;
        }
        size_t at = (size_t)(f - m->fields);
        take_back(t, m, &w, at);
        w.from[at] = w.to[at] = t->text.len;
        if (json_next(&t->in) == JSON_NULL) continue;
        if (t->in.bad) break;
        next = f + 1;
        t->path[t->depth++] = (struct step){f, UINT32_MAX};
        TRY(f->repeated ? many(t, f) : one(t, f));
        if (t->in.bad) break; /* the path stays for the message */
        t->depth--;
        w.to[at] = t->text.len;
    }
    return ST_OK;
}

static status transcode(struct transcoder *t, const struct message *m)
{
    if (json_next(&t->in) != JSON_OBJECT)
        return invalid(t, t->in.bad ? t->in.why : "wants an object");
    TRY(object(t, m));
    if (!t->in.bad) (void)json_next(&t->in); /* nothing may follow */
    if (t->in.bad) return invalid(t, t->in.why);
    return ST_OK;
}

status otlp_json(struct arena *arena, enum signal_kind signal, str json, str *ret, struct err *err)
{
    struct transcoder t = {.in = json_read(json, arena), .err = err};
    buf_init(&t.text, arena->budget > arena->used ? arena->budget - arena->used : 0);
    t.out = pb_begin_in(&t.text);
    status s = transcode(&t, otlp_requests[signal]);
    if (s == ST_OK && (t.text.over || arena_over(arena)))
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "the request needs more than the limit of %zu bytes",
                    arena->budget);
    if (s == ST_OK) *ret = arena_str(arena, buf_str(&t.text));
    buf_done(&t.text);
    return s;
}
