/* Spans as Jaeger's v1 API shows them: OTLP's members become tags, logs and references. */
#include "base/hex.h"
#include "base/json_out.h"
#include "base/map.h"
#include "base/num.h"
#include "query/render/jaeger_envelope.h"
#include "query/render/jaeger_json.h"

/* JavaScript reads integers beyond this wrongly, so they go as text. */
static const int64_t safe_integer = (1ll << 53) - 1;

size_t jaeger_trace_id_text(const struct trace_id *id, char out[32])
{
    static const uint8_t zeros[8];
    size_t skip = memcmp(id->bytes, zeros, 8) == 0 ? 8 : 0;
    hex_encode(id->bytes + skip, 16 - skip, out);
    return 2 * (16 - skip);
}

/* --- tags */

static void tag_begin(struct json_out *j, str key, str type)
{
    json_object(j);
    json_key(j, S("key"));
    json_str(j, key);
    json_key(j, S("type"));
    json_str(j, type);
    json_key(j, S("value"));
}

static void text_tag(struct json_out *j, str key, str value)
{
    tag_begin(j, key, S("string"));
    json_str(j, value);
    json_end(j);
}

/* What is stored under a letter and does not read back as its type is shown as the text it is. */
static void attr_tag(struct json_out *j, const struct trace_attr *a)
{
    int64_t i;
    double d;
    if (a->type == 'i' && num_parse_i64(a->value, &i)) {
        tag_begin(j, a->key, S("int64"));
        if (i > safe_integer || i < -safe_integer)
            json_str(j, a->value);
        else
            json_i64(j, i);
    } else if (a->type == 'd' && num_parse_f64(a->value, &d)) {
        tag_begin(j, a->key, S("float64"));
        json_f64(j, d); /* NaN and infinities as text */
    } else if (a->type == 'b' && (str_eq(a->value, S("true")) || str_eq(a->value, S("false")))) {
        tag_begin(j, a->key, S("bool"));
        json_bool(j, a->value.len == 4);
    } else if (a->type == 'y') {
        tag_begin(j, a->key, S("binary"));
        json_str(j, a->value); /* stored as base64 */
    } else {
        tag_begin(j, a->key, S("string"));
        json_str(j, a->value);
    }
    json_end(j);
}

static void derived_tags(struct json_out *j, const struct trace_span *s)
{
    if (span_kind_name(s->kind).len) text_tag(j, S("span.kind"), span_kind_name(s->kind));
    if (s->status_code == SPAN_STATUS_OK) text_tag(j, S("otel.status_code"), S("OK"));
    if (s->status_code == SPAN_STATUS_ERROR) {
        text_tag(j, S("otel.status_code"), S("ERROR"));
        tag_begin(j, S("error"), S("bool"));
        json_bool(j, true);
        json_end(j);
    }
    if (s->status_message.len) text_tag(j, S("otel.status_description"), s->status_message);
    if (s->trace_state.len) text_tag(j, S("w3c.tracestate"), s->trace_state);
}

static void span_tags(struct json_out *j, const struct trace_span *s)
{
    json_key(j, S("tags"));
    json_array(j);
    if (s->scope_name.len) text_tag(j, S("otel.scope.name"), s->scope_name);
    if (s->scope_version.len) text_tag(j, S("otel.scope.version"), s->scope_version);
    for (uint32_t i = 0; i < s->attrs.n; i++) attr_tag(j, &s->attrs.v[i]);
    derived_tags(j, s);
    json_end(j);
}

/* --- logs and references */

static bool has_key(struct trace_attrs attrs, str key)
{
    for (uint32_t i = 0; i < attrs.n; i++)
        if (str_eq(attrs.v[i].key, key)) return true;
    return false;
}

static void span_logs(struct json_out *j, const struct trace_span *s)
{
    json_key(j, S("logs"));
    json_array(j);
    for (uint32_t e = 0; e < s->n_events; e++) {
        const struct trace_event *ev = &s->events[e];
        json_object(j);
        json_key(j, S("timestamp"));
        json_i64(j, ev->time / 1000);
        json_key(j, S("fields"));
        json_array(j);
        if (ev->name.len && !has_key(ev->attrs, S("event"))) text_tag(j, S("event"), ev->name);
        for (uint32_t i = 0; i < ev->attrs.n; i++) attr_tag(j, &ev->attrs.v[i]);
        json_end(j);
        json_end(j);
    }
    json_end(j);
}

static void reference(struct json_out *j, bool child_of, const struct trace_id *trace_id,
                      const uint8_t span_id[8])
{
    char id[32];
    json_object(j);
    json_key(j, S("refType"));
    json_str(j, child_of ? S("CHILD_OF") : S("FOLLOWS_FROM"));
    json_key(j, S("traceID"));
    json_str(j, (str){id, jaeger_trace_id_text(trace_id, id)});
    json_key(j, S("spanID"));
    hex_encode(span_id, 8, id);
    json_str(j, (str){id, 16});
    json_end(j);
}

static bool link_is_child_of(const struct trace_link *l)
{
    for (uint32_t i = 0; i < l->attrs.n; i++)
        if (str_eq(l->attrs.v[i].key, S("opentracing.ref_type")))
            return str_eq(l->attrs.v[i].value, S("child_of"));
    return false;
}

/* The parent first; a link to the parent only says of what type that reference is. */
static void span_references(struct json_out *j, const struct trace_span *s)
{
    static const uint8_t zeros[8];
    bool has_parent = memcmp(s->parent_span_id, zeros, 8) != 0, child_of = true;
    json_key(j, S("references"));
    json_array(j);
    for (int pass = has_parent ? 0 : 1; pass < 2; pass++) {
        for (uint32_t i = 0; i < s->n_links; i++) {
            const struct trace_link *l = &s->links[i];
            bool is_parent = has_parent && trace_id_eq(&l->trace_id, &s->trace_id) &&
                             memcmp(l->span_id, s->parent_span_id, 8) == 0;
            if (pass == 0 && is_parent) child_of = link_is_child_of(l);
            if (pass == 1 && !is_parent)
                reference(j, link_is_child_of(l), &l->trace_id, l->span_id);
        }
        if (pass == 0) reference(j, child_of, &s->trace_id, s->parent_span_id);
    }
    json_end(j);
}

/* --- spans and processes */

/* The resources of one trace, numbered by first appearance. */
struct processes {
    struct map numbers;
    const struct trace_resource **v;
    uint32_t n;
};

static uint32_t process_number(struct processes *p, const struct trace_resource *r)
{
    uint32_t at;
    if (map_find(&p->numbers, r->hash, NULL, NULL, &at)) return at + 1;
    map_add(&p->numbers, r->hash, p->n);
    p->v[p->n++] = r;
    return p->n;
}

static void span(struct json_out *j, const struct trace_span *s, uint32_t process)
{
    char id[32], key[NUM_MAX + 1] = "p";
    json_object(j);
    json_key(j, S("traceID"));
    json_str(j, (str){id, jaeger_trace_id_text(&s->trace_id, id)});
    json_key(j, S("spanID"));
    hex_encode(s->span_id, 8, id);
    json_str(j, (str){id, 16});
    if (s->flags & 0xff) {
        json_key(j, S("flags"));
        json_u64(j, s->flags & 0xff);
    }
    json_key(j, S("operationName"));
    json_str(j, s->name);
    span_references(j, s);
    json_key(j, S("startTime"));
    json_i64(j, s->start / 1000);
    json_key(j, S("duration"));
    json_i64(j, s->duration_ns / 1000);
    span_tags(j, s);
    span_logs(j, s);
    json_key(j, S("processID"));
    json_str(j, (str){key, 1 + num_format_u64(process, key + 1)});
    json_key(j, S("warnings"));
    json_null(j);
    json_end(j);
}

static void process(struct json_out *j, const struct trace_resource *r, uint32_t number)
{
    char key[NUM_MAX + 1] = "p";
    json_key(j, (str){key, 1 + num_format_u64(number, key + 1)});
    json_object(j);
    json_key(j, S("serviceName"));
    json_str(j, r->attrs.n ? r->service_name : trace_service_shown(r->service_name));
    json_key(j, S("tags"));
    json_array(j);
    for (uint32_t i = 0; i < r->attrs.n; i++)
        if (!str_eq(r->attrs.v[i].key, S("service.name"))) attr_tag(j, &r->attrs.v[i]);
    json_end(j);
    json_end(j);
}

static void trace(struct json_out *j, struct arena *a, const struct trace *t)
{
    struct processes p = {.v = arena_array(a, const struct trace_resource *, t->n_spans + 1)};
    map_init(&p.numbers, a, 16);
    char id[32];
    json_object(j);
    json_key(j, S("traceID"));
    json_str(j, (str){id, jaeger_trace_id_text(&t->id, id)});
    json_key(j, S("spans"));
    json_array(j);
    for (size_t i = 0; i < t->n_spans && !j->out->over; i++)
        span(j, &t->spans[i], process_number(&p, t->spans[i].resource));
    json_end(j);
    json_key(j, S("processes"));
    json_object(j);
    for (uint32_t i = 0; i < p.n; i++) process(j, p.v[i], i + 1);
    json_end(j);
    json_key(j, S("warnings"));
    json_null(j);
    json_end(j);
}

static void missing_error(struct json_out *j, const struct trace_id *id)
{
    char text[32];
    json_object(j);
    json_key(j, S("msg"));
    json_str(j, S("trace not found"));
    json_key(j, S("traceID"));
    json_str(j, (str){text, jaeger_trace_id_text(id, text)});
    json_end(j);
}

void jaeger_render_traces(struct buf *out, struct arena *scratch, const struct trace *traces,
                          size_t n, const struct trace_id *missing, size_t n_missing)
{
    struct json_out j = jaeger_begin(out);
    json_array(&j);
    for (size_t i = 0; i < n && !out->over; i++) {
        struct arena_mark mark = arena_mark(scratch);
        trace(&j, scratch, &traces[i]);
        arena_rewind(scratch, mark);
    }
    json_end(&j);
    if (n_missing == 0) {
        jaeger_end(&j, 0);
        return;
    }
    jaeger_end_with_errors(&j, 0);
    json_array(&j);
    for (size_t i = 0; i < n_missing; i++) missing_error(&j, &missing[i]);
    json_end(&j);
    json_end(&j);
}
