#include "ingest/process/match.h"

#include "ingest/process/literal.h"

/* A text, or a pattern, by match_type. */
struct text_match {
    str text;
    const struct regex *pattern;
};

struct text_list {
    size_t n;
    struct text_match *at;
};

struct key_match {
    str key;
    bool any; /* its presence is enough */
    struct attr_value value;
    const struct regex *pattern;
};

struct key_list {
    size_t n;
    struct key_match *at;
};

struct library_match {
    struct text_match name, version;
    bool any_version;
};

struct match {
    struct text_list services, span_names, span_kinds, log_bodies, severity_texts, metric_names;
    struct key_list attributes, resources;
    size_t n_libraries;
    struct library_match *libraries;
    bool by_severity, undefined_severity;
    uint64_t least_severity;
};

struct reader {
    struct arena *arena;
    bool regexp;
    struct err *err;
};

static status text_read(struct reader *r, const struct tree *t, struct text_match *ret)
{
    TRY(tree_expect(t, TREE_SCALAR, r->err));
    ret->text = t->text;
    if (!r->regexp) return ST_OK;
    struct regex *pattern;
    struct err why;
    if (regex_new(r->arena, t->text, REGEX_SEARCH, &pattern, &why) != ST_OK)
        return tree_fail(t, r->err, "%s", why.msg);
    ret->pattern = pattern;
    return ST_OK;
}

static status texts_read(struct reader *r, const struct tree *map, str key, struct text_list *ret)
{
    const struct tree *t = tree_get(map, key);
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(t, TREE_LIST, r->err));
    ret->at = arena_array(r->arena, struct text_match, t->n);
    memset(ret->at, 0, t->n * sizeof *ret->at);
    for (const struct tree *e = t->first; e; e = e->next) TRY(text_read(r, e, &ret->at[ret->n++]));
    return ST_OK;
}

static status key_read(struct reader *r, const struct tree *t, struct key_match *ret)
{
    TRY(tree_expect(t, TREE_MAP, r->err));
    TRY(TREE_ONLY(t, r->err, S("key"), S("value")));
    TRY(tree_text(t, S("key"), &ret->key, r->err));
    if (ret->key.len == 0) return tree_fail(t, r->err, "key is needed");
    bool found;
    TRY(literal_read(t, S("value"), &ret->value, &found, r->err));
    ret->any = !found;
    if (!found || !r->regexp) return ST_OK;
    struct text_match text = {0};
    TRY(text_read(r, tree_get(t, S("value")), &text));
    ret->pattern = text.pattern;
    return ST_OK;
}

static status keys_read(struct reader *r, const struct tree *map, str key, struct key_list *ret)
{
    const struct tree *t = tree_get(map, key);
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(t, TREE_LIST, r->err));
    ret->at = arena_array(r->arena, struct key_match, t->n);
    memset(ret->at, 0, t->n * sizeof *ret->at);
    for (const struct tree *e = t->first; e; e = e->next) TRY(key_read(r, e, &ret->at[ret->n++]));
    return ST_OK;
}

static status libraries_read(struct reader *r, const struct tree *map, struct match *m)
{
    const struct tree *t = tree_get(map, S("libraries"));
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(t, TREE_LIST, r->err));
    m->libraries = arena_array(r->arena, struct library_match, t->n);
    memset(m->libraries, 0, t->n * sizeof *m->libraries);
    for (const struct tree *e = t->first; e; e = e->next) {
        struct library_match *l = &m->libraries[m->n_libraries++];
        TRY(tree_expect(e, TREE_MAP, r->err));
        TRY(TREE_ONLY(e, r->err, S("name"), S("version")));
        const struct tree *name = tree_get(e, S("name")), *version = tree_get(e, S("version"));
        if (!name) return tree_fail(e, r->err, "name is needed");
        TRY(text_read(r, name, &l->name));
        l->any_version = !version || version->kind == TREE_NULL;
        if (!l->any_version) TRY(text_read(r, version, &l->version));
    }
    return ST_OK;
}

static status severity_read(struct reader *r, const struct tree *map, struct match *m)
{
    const struct tree *t = tree_get(map, S("log_severity_number"));
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(TREE_ONLY(t, r->err, S("min"), S("match_undefined")));
    TRY(tree_u64(t, S("min"), 0, 24, &m->least_severity, r->err));
    TRY(tree_flag(t, S("match_undefined"), &m->undefined_severity, r->err));
    m->by_severity = true;
    return ST_OK;
}

/* What the Collector's page lists for each signal. */
static status only_of_signal(enum signal_kind signal, const struct tree *t, struct err *err)
{
    switch (signal) {
    case SIGNAL_TRACES:
        return TREE_ONLY(t, err, S("match_type"), S("services"), S("span_names"), S("span_kinds"),
                         S("attributes"), S("resources"), S("libraries"));
    case SIGNAL_LOGS:
        return TREE_ONLY(t, err, S("match_type"), S("log_bodies"), S("log_severity_texts"),
                         S("log_severity_number"), S("attributes"), S("resources"), S("libraries"));
    default: return TREE_ONLY(t, err, S("match_type"), S("metric_names"), S("resources"));
    }
}

status match_new(struct arena *a, enum signal_kind signal, const struct tree *t,
                 const struct match **ret, struct err *err)
{
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(t, TREE_MAP, err));
    TRY(only_of_signal(signal, t, err));
    uint32_t type = UINT32_MAX;
    TRY(tree_choice(t, S("match_type"), "strict|regexp", &type, err));
    if (type == UINT32_MAX) return tree_fail_key(t, err, "match_type is needed: strict or regexp");
    struct reader r = {a, type == 1, err};
    struct match *m = arena_new(a, struct match);
    TRY(texts_read(&r, t, S("services"), &m->services));
    TRY(texts_read(&r, t, S("span_names"), &m->span_names));
    TRY(texts_read(&r, t, S("span_kinds"), &m->span_kinds));
    TRY(texts_read(&r, t, S("log_bodies"), &m->log_bodies));
    TRY(texts_read(&r, t, S("log_severity_texts"), &m->severity_texts));
    TRY(texts_read(&r, t, S("metric_names"), &m->metric_names));
    TRY(keys_read(&r, t, S("attributes"), &m->attributes));
    TRY(keys_read(&r, t, S("resources"), &m->resources));
    TRY(libraries_read(&r, t, m));
    TRY(severity_read(&r, t, m));
    size_t n = m->services.n + m->span_names.n + m->span_kinds.n + m->log_bodies.n +
               m->severity_texts.n + m->metric_names.n + m->attributes.n + m->resources.n +
               m->n_libraries + m->by_severity;
    if (n == 0) return tree_fail_key(t, err, "nothing to match by is named besides match_type");
    *ret = m;
    return ST_OK;
}

static bool text_fits(const struct text_match *m, struct process_work *w, str text)
{
    return m->pattern ? regex_matches(m->pattern, process_scratch(w), text) : str_eq(m->text, text);
}

/* Of an empty list: yes. */
static bool one_of(const struct text_list *l, struct process_work *w, str text)
{
    for (size_t i = 0; i < l->n; i++)
        if (text_fits(&l->at[i], w, text)) return true;
    return l->n == 0;
}

static bool key_fits(const struct key_match *m, struct process_work *w,
                     const struct telemetry_batch *b, struct attr_range run)
{
    for (uint32_t i = run.at; i < run.at + run.n; i++) {
        const struct attr *a = &b->attrs[i];
        if (!str_eq(a->key, m->key)) continue;
        if (m->any) return true;
        if (!m->pattern) return attr_value_same(&a->value, &m->value);
        char tmp[ATTR_SCALAR_MAX];
        return a->value.type != ATTR_BYTES &&
               regex_matches(m->pattern, process_scratch(w), attr_text(&a->value, tmp));
    }
    return false;
}

static bool all_keys(const struct key_list *l, struct process_work *w,
                     const struct telemetry_batch *b, struct attr_range run)
{
    for (size_t i = 0; i < l->n; i++)
        if (!key_fits(&l->at[i], w, b, run)) return false;
    return true;
}

static bool library_fits(const struct match *m, struct process_work *w, const struct scope *s)
{
    for (size_t i = 0; i < m->n_libraries; i++) {
        const struct library_match *l = &m->libraries[i];
        if (text_fits(&l->name, w, s->name) &&
            (l->any_version || text_fits(&l->version, w, s->version)))
            return true;
    }
    return m->n_libraries == 0;
}

static bool span_fits(const struct match *m, struct process_work *w, uint32_t row)
{
    static const str kinds[] = {S("SPAN_KIND_UNSPECIFIED"), S("SPAN_KIND_INTERNAL"),
                                S("SPAN_KIND_SERVER"),      S("SPAN_KIND_CLIENT"),
                                S("SPAN_KIND_PRODUCER"),    S("SPAN_KIND_CONSUMER")};
    const struct telemetry_batch *b = w->edit.batch;
    const struct span_columns *c = &b->spans;
    return one_of(&m->services, w, b->resources[c->resource[row]].service_name) &&
           one_of(&m->span_names, w, c->name[row]) &&
           one_of(&m->span_kinds, w, kinds[c->kind[row]]) &&
           all_keys(&m->attributes, w, b, c->attrs[row]);
}

static bool log_fits(const struct match *m, struct process_work *w, uint32_t row)
{
    const struct telemetry_batch *b = w->edit.batch;
    const struct log_columns *c = &b->logs;
    if (m->by_severity) {
        uint8_t severity = c->severity_number[row];
        if (severity == 0 ? !m->undefined_severity : severity < m->least_severity) return false;
    }
    if (m->log_bodies.n &&
        (c->body[row].type != ATTR_STRING || !one_of(&m->log_bodies, w, c->body[row].text)))
        return false;
    return one_of(&m->severity_texts, w, c->severity_text[row]) &&
           all_keys(&m->attributes, w, b, c->attrs[row]);
}

static bool point_fits(const struct match *m, struct process_work *w, uint32_t row)
{
    const struct metric_columns *c = &w->edit.batch->metrics;
    return one_of(&m->metric_names, w, c->descs[c->desc[row]].name);
}

bool match_row(const struct match *m, struct process_work *w, uint32_t row)
{
    const struct telemetry_batch *b = w->edit.batch;
    if (!all_keys(&m->resources, w, b, b->resources[process_resource_of(b, row)].attrs))
        return false;
    if (!library_fits(m, w, &b->scopes[process_scope_of(b, row)])) return false;
    switch (b->signal) {
    case SIGNAL_TRACES: return span_fits(m, w, row);
    case SIGNAL_LOGS: return log_fits(m, w, row);
    default: return point_fits(m, w, row);
    }
}
