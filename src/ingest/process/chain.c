#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "ingest/process/processor.h"
#include "model/red.h"

enum { CHAIN_BYTES = 64 << 20, SCRATCH_BYTES = 1 << 30 };

static const struct {
    str type;
    processor_maker *make;
} types[] = {
    {S("attributes"), attributes_new},
    {S("resource"), resource_new},
    {S("filter"), filter_new},
    {S("probabilistic_sampler"), sampler_new},
    {S("redaction"), redaction_new},
    {S("resourcedetection"), resourcedetection_new},
    {S("resource_detection"), resourcedetection_new},
};

struct process_chain {
    struct arena arena;
    size_t n;
    struct {
        str name;
        const struct processor *is;
    } at[];
};

static processor_maker *maker_of(str type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(types[i].type, type)) return types[i].make;
    return NULL;
}

bool process_is_type(str type) { return maker_of(type) != NULL; }

static str type_of(str name)
{
    const char *slash = name.len ? memchr(name.ptr, '/', name.len) : NULL;
    return slash ? (str){name.ptr, (size_t)(slash - name.ptr)} : name;
}

static str type_name(size_t i, void *)
{
    return i < sizeof types / sizeof *types ? types[i].type : (str){0};
}

static status no_such_type(str name, struct err *err)
{
    str near = nearest_name(type_of(name), type_name, NULL);
    if (near.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "processor " STR_FMT ": no such type; did you mean \"" STR_FMT "\"?",
                       STR_ARG(name), STR_ARG(near));
    return err_set(err, ST_INVALID, ERR_NOPOS, "processor " STR_FMT ": no such type",
                   STR_ARG(name));
}

status process_fail(const struct process_spec *spec, struct err *err, const char *why)
{
    if (spec->options) return tree_fail_key(spec->options, err, "%s", why);
    return err_set(err, ST_INVALID, ERR_NOPOS, "processor " STR_FMT ": %s", STR_ARG(spec->name),
                   why);
}

status process_chain_new(enum signal_kind signal, const struct process_spec *specs, size_t n,
                         struct process_chain **ret, struct err *err)
{
    struct process_chain *c = calloc(1, sizeof *c + n * sizeof *c->at);
    if (!c) abort();
    arena_init(&c->arena, CHAIN_BYTES);
    status s = ST_OK;
    for (; c->n < n && s == ST_OK; c->n++) {
        processor_maker *make = maker_of(type_of(specs[c->n].name));
        c->at[c->n].name = specs[c->n].name;
        s = make ? make(&c->arena, signal, &specs[c->n], &c->at[c->n].is, err)
                 : no_such_type(specs[c->n].name, err);
    }
    if (s == ST_OK)
        *ret = c;
    else
        process_chain_free(c);
    return s;
}

void process_chain_free(struct process_chain *c)
{
    if (!c) return;
    arena_done(&c->arena);
    free(c);
}

size_t process_chain_length(const struct process_chain *c) { return c->n; }
str process_chain_name(const struct process_chain *c, size_t i) { return c->at[i].name; }

struct regex_scratch *process_scratch(struct process_work *w)
{
    if (!w->regex) w->regex = regex_scratch_new();
    return w->regex;
}

void process_drop(struct process_work *w, const uint64_t *keep, uint32_t n, enum drop_policy why,
                  struct process_count *count)
{
    struct telemetry_batch *b = w->edit.batch;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) kept += bitmap_has(keep, i);
    if (kept == n) return;
    batch_edit_keep(&w->edit, keep);
    b->dropped[why] += n - kept;
    count->dropped += n - kept;
}

uint32_t process_resource_of(const struct telemetry_batch *b, uint32_t row)
{
    switch (b->signal) {
    case SIGNAL_TRACES: return b->spans.resource[row];
    case SIGNAL_LOGS: return b->logs.resource[row];
    default: return b->metrics.descs[b->metrics.desc[row]].resource;
    }
}

uint32_t process_scope_of(const struct telemetry_batch *b, uint32_t row)
{
    switch (b->signal) {
    case SIGNAL_TRACES: return b->spans.scope[row];
    case SIGNAL_LOGS: return b->logs.scope[row];
    default: return b->metrics.descs[b->metrics.desc[row]].scope;
    }
}

struct attr_range *process_attrs(struct telemetry_batch *b)
{
    switch (b->signal) {
    case SIGNAL_TRACES: return b->spans.attrs;
    case SIGNAL_LOGS: return b->logs.attrs;
    default: return b->metrics.attrs;
    }
}

void process_count_resources(const struct telemetry_batch *b, const uint64_t *changed,
                             struct process_count *count)
{
    uint32_t n = telemetry_batch_rows(b);
    for (uint32_t i = 0; i < n; i++)
        count->changed += bitmap_has(changed, process_resource_of(b, i));
}

void process_run(const struct process_chain *c, struct telemetry_batch *b,
                 struct process_count *counts)
{
    if (c->n == 0) return;
    struct buf text;
    buf_init(&text, SCRATCH_BYTES);
    struct process_work w = {.edit = batch_edit_begin(b), .text = &text};
    for (size_t i = 0; i < c->n; i++) {
        const struct processor *p = c->at[i].is;
        struct process_count count = {.seen = telemetry_batch_rows(b)};
        if (p->samples && b->signal == SIGNAL_TRACES && !b->red) b->red = red_take(b->arena, b);
        p->run(p, &w, &count);
        if (!counts) continue;
        counts[i].seen += count.seen;
        counts[i].changed += count.changed;
        counts[i].dropped += count.dropped;
    }
    batch_edit_end(&w.edit);
    attr_set_done(&w.set);
    regex_scratch_free(w.regex);
    buf_done(&text);
}
