/* filter: takes items out for which a condition holds. Spec: opentelemetry-collector-contrib,
 * filterprocessor. A condition cannot fail here, so the three error modes mean the same. */
#include "ingest/process/condition.h"
#include "ingest/process/processor.h"

struct conditions {
    size_t n;
    const struct condition **at;
};

struct filter {
    struct processor as;
    struct conditions on[CONTEXTS];
    size_t for_others; /* conditions that were only checked */
};

static status condition_read(struct arena *a, enum condition_context on, bool named,
                             const struct tree *t, struct conditions *io, struct err *err)
{
    struct err why;
    TRY(tree_expect(t, TREE_SCALAR, err));
    if (condition_new(a, on, named, t->text, &io->at[io->n], &why) != ST_OK) {
        if (why.pos == ERR_NOPOS) return tree_fail(t, err, "%s", why.msg);
        return tree_fail(t, err, "at character %u of the condition: %s", why.pos + 1, why.msg);
    }
    io->n++;
    return ST_OK;
}

/* Room for `more` conditions. */
static void make_room(struct arena *a, struct conditions *c, size_t more)
{
    const struct condition **wider = arena_array(a, const struct condition *, c->n + more);
    if (c->n) memcpy(wider, c->at, c->n * sizeof *wider);
    c->at = wider;
}

/* traces: {span: [...], spanevent: [...]} and its like. */
static status context_read(struct arena *a, const struct tree *signal, str key,
                           enum condition_context on, struct filter *f, struct err *err)
{
    const struct tree *list = tree_get(signal, key);
    if (!list || list->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(list, TREE_LIST, err));
    make_room(a, &f->on[on], list->n);
    for (const struct tree *t = list->first; t; t = t->next)
        TRY(condition_read(a, on, false, t, &f->on[on], err));
    return ST_OK;
}

/* Is a path that begins with `owner` in the condition, outside of strings? */
static bool mentions(str text, str owner)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], before = i ? text.ptr[i - 1] : ' ';
        if (quoted) {
            if (c == '\\') i++;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (strchr(" \t\r\n(,!=<>+-*/", before) && text.len - i > owner.len &&
                   memcmp(text.ptr + i, owner.ptr, owner.len) == 0) {
            return true;
        }
    }
    return false;
}

/* trace_conditions: [...] and its like: what a condition is about is seen by the paths in it. */
static status inferred_read(struct arena *a, const struct tree *options, str key, str lower,
                            enum condition_context on, enum condition_context on_lower,
                            struct filter *f, struct err *err)
{
    const struct tree *list = tree_get(options, key);
    if (!list || list->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(list, TREE_LIST, err));
    make_room(a, &f->on[on], list->n);
    if (on_lower != on) make_room(a, &f->on[on_lower], list->n);
    for (const struct tree *t = list->first; t; t = t->next) {
        TRY(tree_expect(t, TREE_SCALAR, err));
        enum condition_context is = mentions(t->text, lower) ? on_lower : on;
        TRY(condition_read(a, is, true, t, &f->on[is], err));
    }
    return ST_OK;
}

/* Lists of conditions on resources, by signal: those of other signals than the pipeline's are only
 * checked. */
static status resources_read(struct arena *a, enum signal_kind signal,
                             const struct tree *const *signals, struct filter *f, struct err *err)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct filter other = {0}, *to = i == (int)signal ? f : &other;
        TRY(context_read(a, signals[i], S("resource"), ON_RESOURCE, to, err));
        f->for_others += other.on[ON_RESOURCE].n;
    }
    return ST_OK;
}

static status options_read(struct arena *a, enum signal_kind signal, const struct tree *options,
                           struct filter *f, struct err *err)
{
    TRY(TREE_ONLY(options, err, S("error_mode"), S("traces"), S("metrics"), S("logs"),
                  S("trace_conditions"), S("metric_conditions"), S("log_conditions")));
    uint32_t mode; /* read to be checked: see above */
    TRY(tree_choice(options, S("error_mode"), "propagate|ignore|silent", &mode, err));
    const struct tree *traces = tree_get(options, S("traces"));
    const struct tree *metrics = tree_get(options, S("metrics"));
    const struct tree *logs = tree_get(options, S("logs"));
    TRY(TREE_ONLY(traces, err, S("resource"), S("span"), S("spanevent")));
    TRY(TREE_ONLY(metrics, err, S("resource"), S("metric"), S("datapoint")));
    TRY(TREE_ONLY(logs, err, S("resource"), S("log_record")));
    TRY(resources_read(a, signal, (const struct tree *[]){traces, logs, metrics}, f, err));
    TRY(context_read(a, traces, S("span"), ON_SPAN, f, err));
    TRY(context_read(a, traces, S("spanevent"), ON_EVENT, f, err));
    TRY(context_read(a, metrics, S("metric"), ON_METRIC, f, err));
    TRY(context_read(a, metrics, S("datapoint"), ON_POINT, f, err));
    TRY(context_read(a, logs, S("log_record"), ON_LOG, f, err));
    TRY(inferred_read(a, options, S("trace_conditions"), S("spanevent."), ON_SPAN, ON_EVENT, f,
                      err));
    TRY(inferred_read(a, options, S("metric_conditions"), S("datapoint."), ON_METRIC, ON_POINT, f,
                      err));
    return inferred_read(a, options, S("log_conditions"), S("log."), ON_LOG, ON_LOG, f, err);
}

static bool one_holds(const struct conditions *c, const struct condition_row *row)
{
    for (size_t i = 0; i < c->n; i++)
        if (condition_holds(c->at[i], row)) return true;
    return false;
}

/* Takes events out of the row's run. */
static bool filter_events(const struct conditions *c, struct condition_row *row,
                          struct span_columns *spans)
{
    struct attr_range *run = &spans->events[row->row];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->n; i++) {
        row->event = run->at + i;
        if (one_holds(c, row)) continue;
        if (kept != i) spans->event[run->at + kept] = spans->event[run->at + i];
        kept++;
    }
    bool changed = kept != run->n;
    run->n = kept;
    return changed;
}

static void run_spans(const struct filter *f, struct condition_row *row, uint64_t *keep,
                      struct span_columns *spans, struct process_count *count)
{
    for (row->row = 0; row->row < spans->n; row->row++) {
        if (one_holds(&f->on[ON_RESOURCE], row) || one_holds(&f->on[ON_SPAN], row))
            bitmap_clear(keep, row->row);
        else if (f->on[ON_EVENT].n)
            count->changed += filter_events(&f->on[ON_EVENT], row, spans);
    }
}

static void run_logs(const struct filter *f, struct condition_row *row, uint64_t *keep, uint32_t n)
{
    for (row->row = 0; row->row < n; row->row++)
        if (one_holds(&f->on[ON_RESOURCE], row) || one_holds(&f->on[ON_LOG], row))
            bitmap_clear(keep, row->row);
}

static void run_points(const struct filter *f, struct condition_row *row, uint64_t *keep,
                       const struct metric_columns *c)
{
    uint64_t *descs = bitmap_full(row->arena, c->n_descs);
    for (row->desc = 0; row->desc < c->n_descs; row->desc++)
        if (one_holds(&f->on[ON_RESOURCE], row) || one_holds(&f->on[ON_METRIC], row))
            bitmap_clear(descs, row->desc);
    for (row->row = 0; row->row < c->n; row->row++) {
        row->desc = c->desc[row->row];
        if (!bitmap_has(descs, row->desc) || one_holds(&f->on[ON_POINT], row))
            bitmap_clear(keep, row->row);
    }
}

static void run(const struct processor *p, struct process_work *w, struct process_count *count)
{
    const struct filter *f = (const struct filter *)p;
    struct telemetry_batch *b = w->edit.batch;
    uint32_t n = telemetry_batch_rows(b);
    struct condition_row row = {.batch = b, .arena = b->arena, .regex = process_scratch(w)};
    uint64_t *keep = bitmap_full(b->arena, n);
    switch (b->signal) {
    case SIGNAL_TRACES: run_spans(f, &row, keep, &b->spans, count); break;
    case SIGNAL_LOGS: run_logs(f, &row, keep, n); break;
    default: run_points(f, &row, keep, &b->metrics); break;
    }
    process_drop(w, keep, n, DROP_FILTERED, count);
}

status filter_new(struct arena *a, enum signal_kind signal, const struct process_spec *spec,
                  const struct processor **ret, struct err *err)
{
    struct filter *f = arena_new(a, struct filter);
    f->as.run = run;
    TRY(options_read(a, signal, spec->options, f, err));
    size_t n = f->for_others;
    for (int i = 0; i < CONTEXTS; i++) n += f->on[i].n;
    if (n == 0) return process_fail(spec, err, "no condition is given");
    *ret = &f->as;
    return ST_OK;
}
