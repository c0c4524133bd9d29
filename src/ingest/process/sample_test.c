#include "ingest/process/sample_test.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "ingest/process/literal.h"
#include "model/columns.h"
#include "model/identity.h"
#include "testing/test.h"

static struct arena arena;
static struct telemetry_batch *b;
static const struct process_detected *detected;
static char refusal[sizeof((struct err){0}).msg];

#define ROOM(column)                                                      \
    c->column = arena_alloc(&arena, sizeof *c->column * SAMPLE_ROWS, 16); \
    memset(c->column, 0, sizeof *c->column *SAMPLE_ROWS);

struct telemetry_batch *sample_begin(enum signal_kind signal)
{
    arena_done(&arena);
    arena_init(&arena, 256 << 20);
    b = arena_new(&arena, struct telemetry_batch);
    b->arena = &arena;
    b->signal = signal;
    b->received_at = 1700000000 * NANOS_S;
    b->attrs = arena_array(&arena, struct attr, SAMPLE_ROWS * 4);
    b->resources = arena_array(&arena, struct resource, 16);
    b->scopes = arena_array(&arena, struct scope, 16);
    if (signal == SIGNAL_TRACES) {
        struct span_columns *c = &b->spans;
        SPAN_COLUMNS(ROOM)
        c->event = arena_array(&arena, struct span_event, SAMPLE_ROWS);
        c->link = arena_array(&arena, struct span_link, SAMPLE_ROWS);
    } else if (signal == SIGNAL_LOGS) {
        struct log_columns *c = &b->logs;
        LOG_COLUMNS(ROOM)
    } else {
        struct metric_columns *c = &b->metrics;
        METRIC_COLUMNS(ROOM)
        METRIC_OPTIONAL_COLUMNS(ROOM)
        c->descs = arena_array(&arena, struct metric_desc, SAMPLE_ROWS);
        c->exemplar = arena_array(&arena, struct exemplar, SAMPLE_ROWS);
    }
    sample_resource("");
    sample_scope("", "");
    return b;
}

void sample_end(void)
{
    arena_done(&arena);
    detected = NULL;
}

void sample_detected(const struct process_detected *d) { detected = d; }

static struct attr_value value_of(str text)
{
    if (text.len && *text.ptr == '[') return (struct attr_value){ATTR_ARRAY, {text}};
    if (text.len && *text.ptr == '{') return (struct attr_value){ATTR_KVLIST, {text}};
    struct tree t = {.kind = TREE_SCALAR, .text = text};
    return literal_of(&t);
}

struct attr_range sample_attrs(const char *text)
{
    struct attr_range run = {b->n_attrs, 0};
    for (str rest = arena_str(&arena, str_of(text)); rest.len; run.n++) {
        size_t n = 0, eq = 0;
        while (n < rest.len && rest.ptr[n] != ';') n++;
        while (rest.ptr[eq] != '=') eq++;
        b->attrs[b->n_attrs++] =
            (struct attr){{rest.ptr, eq}, value_of((str){rest.ptr + eq + 1, n - eq - 1})};
        rest = str_drop(rest, n + 1);
    }
    if (run.n == 0) run.at = 0;
    return run;
}

void sample_resource(const char *attrs)
{
    struct resource *r = &b->resources[b->n_resources++];
    *r = (struct resource){.attrs = sample_attrs(attrs)};
    resource_identify(r, b->attrs);
}

void sample_scope(const char *name, const char *version)
{
    struct scope *s = &b->scopes[b->n_scopes++];
    *s = (struct scope){.name = str_of(name), .version = str_of(version)};
    scope_identify(s, b->attrs);
}

uint32_t sample_span(const char *name, const char *attrs)
{
    struct span_columns *c = &b->spans;
    uint32_t i = c->n++;
    b->received++;
    for (int k = 0; k < 16; k++) c->trace_id[i][k] = (uint8_t)(i * 37 + 1 + (uint32_t)k);
    c->span_id[i][7] = (uint8_t)(i + 1);
    c->name[i] = str_of(name);
    c->start_time[i] = 1700000000000000000u;
    c->end_time[i] = 1700000000000001000u;
    c->resource[i] = b->n_resources - 1;
    c->scope[i] = b->n_scopes - 1;
    c->adjusted_count[i] = 1;
    c->attrs[i] = sample_attrs(attrs);
    return i;
}

uint32_t sample_log(const char *body, const char *attrs)
{
    struct log_columns *c = &b->logs;
    uint32_t i = c->n++;
    b->received++;
    c->body[i] = value_of(str_of(body));
    c->time[i] = 1700000000000000000u;
    c->resource[i] = b->n_resources - 1;
    c->scope[i] = b->n_scopes - 1;
    c->attrs[i] = sample_attrs(attrs);
    return i;
}

uint32_t sample_point(const char *metric, int64_t value, const char *attrs)
{
    struct metric_columns *c = &b->metrics;
    uint32_t i = c->n++;
    b->received++;
    if (c->n_descs == 0 || !str_eq(c->descs[c->n_descs - 1].name, str_of(metric)))
        c->descs[c->n_descs++] = (struct metric_desc){.name = str_of(metric),
                                                      .type = METRIC_SUM,
                                                      .resource = b->n_resources - 1,
                                                      .scope = b->n_scopes - 1};
    c->desc[i] = c->n_descs - 1;
    c->present[i] = POINT_IS_INT;
    c->int_value[i] = value;
    c->value[i] = (double)value;
    c->attrs[i] = sample_attrs(attrs);
    return i;
}

void sample_event(const char *name, const char *attrs)
{
    struct span_columns *c = &b->spans;
    struct attr_range *run = &c->events[c->n - 1];
    if (run->n++ == 0) run->at = c->n_events;
    c->event[c->n_events++] =
        (struct span_event){.name = str_of(name), .attrs = sample_attrs(attrs)};
}

void sample_exemplar(uint32_t point, const char *attrs)
{
    struct metric_columns *c = &b->metrics;
    c->exemplar[c->n_exemplars++] = (struct exemplar){.point = point, .attrs = sample_attrs(attrs)};
}

static str copied(struct buf *out)
{
    str text = arena_str(&arena, buf_str(out));
    buf_done(out);
    return text;
}

str sample_text(struct attr_range run)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (uint32_t i = 0; i < run.n; i++) {
        const struct attr *a = &b->attrs[run.at + i];
        str text = attr_stored_text(&arena, &a->value);
        buf_printf(&out, "%s" STR_FMT "=%c:" STR_FMT, i ? ";" : "", STR_ARG(a->key),
                   attr_letter(a->value.type), STR_ARG(text));
    }
    return copied(&out);
}

str sample_row(uint32_t row)
{
    CHECK(row < telemetry_batch_rows(b));
    return sample_text(b->signal == SIGNAL_TRACES ? b->spans.attrs[row]
                       : b->signal == SIGNAL_LOGS ? b->logs.attrs[row]
                                                  : b->metrics.attrs[row]);
}

str sample_names(void)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (uint32_t i = 0; i < telemetry_batch_rows(b); i++) {
        str name = b->signal == SIGNAL_TRACES ? b->spans.name[i]
                   : b->signal == SIGNAL_LOGS ? attr_stored_text(&arena, &b->logs.body[i])
                                              : b->metrics.descs[b->metrics.desc[i]].name;
        buf_printf(&out, "%s" STR_FMT, i ? " " : "", STR_ARG(name));
    }
    return copied(&out);
}

static status chain_of(struct arena *a, enum signal_kind signal, const char *yaml,
                       struct process_chain **ret, struct err *err)
{
    const struct tree *t;
    struct process_spec specs[8];
    size_t n = 0;
    TRY(yaml_parse(a, str_of(yaml), "test", NULL, NULL, &t, err));
    for (const struct tree *e = t->first; e; e = e->next)
        specs[n++] = (struct process_spec){e->key, e, detected};
    return process_chain_new(signal, specs, n, ret, err);
}

struct process_count sample_run(const char *yaml)
{
    struct arena options;
    struct process_chain *c = NULL;
    struct process_count counts[8] = {0};
    struct err err = {0};
    arena_init(&options, 1 << 20);
    uint32_t before = telemetry_batch_rows(b),
             dropped[2] = {b->dropped[DROP_SAMPLED], b->dropped[DROP_FILTERED]};
    test_check(chain_of(&options, b->signal, yaml, &c, &err) == ST_OK, __FILE__, __LINE__, err.msg);
    process_run(c, b, counts);
    size_t n = process_chain_length(c);
    uint64_t gone = 0;
    for (size_t i = 0; i < n; i++) gone += counts[i].dropped;
    CHECK_INT(before - telemetry_batch_rows(b), gone);
    CHECK_INT(b->dropped[DROP_SAMPLED] - dropped[0] + b->dropped[DROP_FILTERED] - dropped[1], gone);
    process_chain_free(c);
    arena_done(&options); /* nothing of the configuration is borrowed by the batch */
    return counts[n - 1];
}

str sample_refusal(enum signal_kind signal, const char *yaml)
{
    struct arena options;
    struct process_chain *c = NULL;
    struct err err = {0};
    arena_init(&options, 1 << 20);
    if (chain_of(&options, signal, yaml, &c, &err) == ST_OK) process_chain_free(c);
    arena_done(&options);
    memcpy(refusal, err.msg, sizeof refusal);
    return str_of(refusal);
}
