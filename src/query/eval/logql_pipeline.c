#include <string.h>

#include "base/num.h"
#include "base/regex.h"
#include "query/eval/logql_eval.h"
#include "query/ir/logql_units.h"

/* A matcher with its regex compiled. */
struct matcher {
    struct logql_matcher m;
    struct regex *regex;
};

static status compile(struct arena *a, const struct logql_matcher *m, struct matcher *ret,
                      struct err *err)
{
    *ret = (struct matcher){.m = *m};
    if (m->op == LOGQL_RE || m->op == LOGQL_NRE)
        return regex_new(a, m->value, REGEX_WHOLE, &ret->regex, err);
    return ST_OK;
}

/* An absent label is an empty one. */
static bool matches(const struct matcher *m, str value)
{
    switch (m->m.op) {
    case LOGQL_EQ: return str_eq(value, m->m.value);
    case LOGQL_NEQ: return !str_eq(value, m->m.value);
    case LOGQL_RE: return regex_match(m->regex, value);
    default: return !regex_match(m->regex, value);
    }
}

struct logql_selector {
    struct matcher *v;
    uint32_t n;
};

status logql_selector_new(struct arena *a, const struct logql_matchers *m,
                          struct logql_selector **ret, struct err *err)
{
    struct logql_selector *s = arena_new(a, struct logql_selector);
    s->v = arena_array(a, struct matcher, m->n + 1);
    s->n = m->n;
    for (uint32_t i = 0; i < m->n; i++) TRY(compile(a, &m->v[i], &s->v[i], err));
    *ret = s;
    return ST_OK;
}

bool logql_selector_match(struct logql_selector *s, const struct loki_labels *labels)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (!matches(&s->v[i], loki_labels_get(labels, s->v[i].m.name))) return false;
    return true;
}

struct filter {
    enum logql_filter_kind kind;
    struct filter *left, *right;
    struct matcher match;
    double number;
};

struct stage {
    enum logql_stage_kind kind;
    enum logql_cmp op; /* LINE */
    const str *values;
    struct regex **regexes; /* LINE */
    uint32_t n;
    struct filter *filter;
    struct matcher *names; /* DROP, KEEP */
    bool *bare;
};

struct logql_pipeline {
    struct stage *stages;
    uint32_t n;
};

static status new_filter(struct arena *a, const struct logql_filter *f, struct filter **ret,
                         struct err *err)
{
    struct filter *c = *ret = arena_new(a, struct filter);
    c->kind = f->kind;
    c->number = f->number;
    if (f->kind == LOGQL_FILTER_AND || f->kind == LOGQL_FILTER_OR) {
        TRY(new_filter(a, f->left, &c->left, err));
        return new_filter(a, f->right, &c->right, err);
    }
    return compile(a, &f->match, &c->match, err);
}

static status new_stage(struct arena *a, const struct logql_stage *s, struct stage *c,
                        struct err *err)
{
    c->kind = s->kind;
    switch (s->kind) {
    case LOGQL_STAGE_LINE:
        c->op = s->line.op;
        c->values = s->line.values;
        c->n = s->line.n;
        c->regexes = arena_array(a, struct regex *, c->n);
        for (uint32_t i = 0; i < c->n && c->op >= LOGQL_RE; i++)
            TRY(regex_new(a, c->values[i], REGEX_SEARCH, &c->regexes[i], err));
        return ST_OK;
    case LOGQL_STAGE_LABEL: return new_filter(a, s->label, &c->filter, err);
    case LOGQL_STAGE_DROP:
    case LOGQL_STAGE_KEEP: break;
    }
    c->n = s->n_names;
    c->names = arena_array(a, struct matcher, c->n);
    c->bare = arena_array(a, bool, c->n);
    for (uint32_t i = 0; i < c->n; i++) {
        c->bare[i] = s->names[i].bare;
        if (c->bare[i])
            c->names[i] = (struct matcher){.m = s->names[i].match};
        else
            TRY(compile(a, &s->names[i].match, &c->names[i], err));
    }
    return ST_OK;
}

status logql_pipeline_new(struct arena *a, const struct logql_log *log, bool lines_done,
                          struct logql_pipeline **ret, struct err *err)
{
    struct logql_pipeline *p = arena_new(a, struct logql_pipeline);
    p->stages = arena_array(a, struct stage, log->n_stages + 1);
    for (uint32_t i = 0; i < log->n_stages; i++) {
        if (lines_done && log->stages[i].kind == LOGQL_STAGE_LINE) continue;
        struct stage *s = &p->stages[p->n++];
        memset(s, 0, sizeof *s);
        TRY(new_stage(a, &log->stages[i], s, err));
    }
    *ret = p;
    return ST_OK;
}

bool logql_filters_labels(const struct logql_log *log)
{
    for (uint32_t i = 0; i < log->n_stages; i++)
        if (log->stages[i].kind == LOGQL_STAGE_LABEL) return true;
    return false;
}

static bool line_stays(const struct stage *s, str line)
{
    bool negative = s->op == LOGQL_NEQ || s->op == LOGQL_NRE, found = false;
    for (uint32_t i = 0; i < s->n && !found; i++)
        found = s->op >= LOGQL_RE ? regex_match(s->regexes[i], line)
                                  : !s->values[i].len || memmem(line.ptr, line.len,
                                                                s->values[i].ptr, s->values[i].len);
    return found != negative;
}

static bool number_of(enum logql_filter_kind kind, str text, double *ret)
{
    nanos ns;
    switch (kind) {
    case LOGQL_FILTER_DURATION:
        if (str_eq(text, S("0"))) return *ret = 0, true;
        if (!text.len || logql_duration_prefix(text, &ns) != text.len) return false;
        *ret = (double)ns;
        return true;
    case LOGQL_FILTER_BYTES:
        if (num_parse_f64(text, ret)) return true;
        return text.len && logql_bytes_prefix(text, ret) == text.len;
    default: return num_parse_f64(text, ret);
    }
}

static bool compare(enum logql_cmp op, double a, double b)
{
    switch (op) {
    case LOGQL_EQ: return a == b;
    case LOGQL_NEQ: return a != b;
    case LOGQL_GT: return a > b;
    case LOGQL_GTE: return a >= b;
    case LOGQL_LT: return a < b;
    default: return a <= b;
    }
}

/* A value that is no number keeps the line and marks it; a label that is not there drops it. */
static bool filter_stays(const struct filter *f, const struct loki_labels *l, bool *failed)
{
    if (f->kind == LOGQL_FILTER_AND)
        return filter_stays(f->left, l, failed) && filter_stays(f->right, l, failed);
    if (f->kind == LOGQL_FILTER_OR)
        return filter_stays(f->left, l, failed) || filter_stays(f->right, l, failed);
    const struct loki_label *label = loki_labels_find(l, f->match.m.name);
    if (f->kind == LOGQL_FILTER_TEXT) return matches(&f->match, label ? label->value : (str){0});
    double v;
    if (!label) return false;
    if (number_of(f->kind, label->value, &v)) return compare(f->match.m.op, v, f->number);
    *failed = true;
    return true;
}

static void drop_or_keep(const struct stage *s, struct loki_labels *l)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        struct loki_label x = l->v[i];
        bool named = false;
        for (uint32_t k = 0; k < s->n && !named; k++)
            named = str_eq(s->names[k].m.name, x.name) &&
                    (s->bare[k] || matches(&s->names[k], x.value));
        bool special = s->kind == LOGQL_STAGE_KEEP &&
                       (str_eq(x.name, S("__error__")) || str_eq(x.name, S("__error_details__")));
        if (special || named == (s->kind == LOGQL_STAGE_KEEP)) l->v[n++] = x;
    }
    l->n = n;
}

bool logql_pipeline_run(struct logql_pipeline *p, struct arena *a, str line,
                        struct loki_labels *labels)
{
    for (uint32_t i = 0; i < p->n; i++) {
        struct stage *s = &p->stages[i];
        if (s->kind == LOGQL_STAGE_LINE) {
            if (!line_stays(s, line)) return false;
        } else if (s->kind == LOGQL_STAGE_LABEL) {
            bool failed = false;
            if (!filter_stays(s->filter, labels, &failed)) return false;
            if (failed) {
                loki_labels_set(a, labels, S("__error__"), S("LabelFilterErr"));
                loki_labels_sort(labels);
            }
        } else {
            drop_or_keep(s, labels);
        }
    }
    return true;
}
