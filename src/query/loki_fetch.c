#include "query/loki_fetch.h"

#include <stdlib.h>

#include "base/hash.h"
#include "query/filter_runs.h"
#include "query/loki_record.h"
#include "query/loki_rolled.h"

enum { RUNS_AT_FIRST = 16, RUNS_AT_ONCE = 64 }; /* stretches of time in one statement */

/* --- streams --- */

struct selecting {
    struct query_job *j;
    struct logql_selector *selector;
    struct loki_selected *to;
    struct map services;
    struct one_service {
        str name;
        bool any, left_out; /* of its streams: some are selected; some are not */
    } * service;
    uint32_t n_services, cap_services;
    uint64_t *ids;
    uint32_t cap;
    uint64_t seen;
};

static bool same_service(const void *ctx, uint32_t i)
{
    const struct {
        const struct selecting *s;
        str name;
    } *c = ctx;
    return str_eq(c->s->service[i].name, c->name);
}

static void *bigger(struct arena *a, const void *old, uint32_t n, uint32_t cap, size_t element)
{
    void *p = arena_alloc(a, arena_size(element, cap), 16);
    if (n) memcpy(p, old, n * element);
    return p;
}

static struct loki_labels keep(struct arena *a, const struct loki_labels *l)
{
    struct loki_labels c = loki_labels_copy(a, l);
    for (uint32_t i = 0; i < c.n; i++) {
        c.v[i].name = arena_str(a, c.v[i].name);
        c.v[i].value = arena_str(a, c.v[i].value);
    }
    return c;
}

static uint32_t service_at(struct selecting *s, str service)
{
    const struct {
        const struct selecting *s;
        str name;
    } c = {s, service};
    uint32_t at;
    if (map_find(&s->services, hash_str(service), same_service, &c, &at)) return at;
    struct arena *a = s->j->arena;
    if (s->n_services == s->cap_services) {
        s->cap_services = s->cap_services ? s->cap_services * 2 : 64;
        s->service = bigger(a, s->service, s->n_services, s->cap_services, sizeof *s->service);
    }
    s->service[s->n_services] = (struct one_service){.name = arena_str(a, service)};
    map_add(&s->services, hash_str(service), s->n_services);
    return s->n_services++;
}

static void add_stream(struct selecting *s, uint64_t id, uint32_t service,
                       const struct loki_labels *labels, const struct loki_labels *metadata)
{
    struct arena *a = s->j->arena;
    struct loki_selected *to = s->to;
    if (to->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        to->v = bigger(a, to->v, to->n, s->cap, sizeof *to->v);
        s->ids = bigger(a, s->ids, to->n, s->cap, sizeof *s->ids);
    }
    to->v[to->n] = (struct loki_source_stream){id, keep(a, labels), keep(a, metadata), service};
    s->ids[to->n] = id;
    map_add(&to->by_id, hash_mix(0, id), to->n++);
}

static status stream_block(void *ctx, const struct native_block *b, struct err *err)
{
    struct selecting *s = ctx;
    const struct native_column *id = native_find(b, S("stream_id")),
                               *service = native_find(b, S("service_name")),
                               *resource = native_find(b, S("resource_attributes"));
    s->seen += b->rows;
    if (s->seen > s->j->limits->max_series)
        return err_set(
            err, ST_INVALID, ERR_NOPOS,
            "maximum number of series (%llu) reached for a single query; consider reducing query "
            "cardinality by adding more specific stream selectors or reducing the time range",
            (unsigned long long)s->j->limits->max_series);
    struct arena scratch;
    arena_init(&scratch, s->j->limits->max_bytes);
    for (uint64_t r = 0; r < b->rows; r++) {
        struct arena_mark mark = arena_mark(&scratch);
        struct loki_labels labels, metadata;
        struct loki_attrs attrs = loki_attrs_of(&scratch, resource, NULL, r);
        loki_resource(&scratch, &attrs, &labels, &metadata);
        uint32_t of = service_at(s, native_str(service, r));
        bool selected = logql_selector_match(s->selector, &labels);
        if (selected) add_stream(s, native_u64(id, r), of, &labels, &metadata);
        s->service[of].any |= selected;
        s->service[of].left_out |= !selected;
        arena_rewind(&scratch, mark);
    }
    arena_done(&scratch);
    return job_check(s->j, err);
}

/* The services of the streams that are selected. */
static void settle_services(struct selecting *s)
{
    struct arena *a = s->j->arena;
    struct loki_selected *to = s->to;
    uint32_t *index = arena_array(a, uint32_t, s->n_services + 1), n = 0;
    str *names = arena_array(a, str, s->n_services + 1);
    bool *whole = arena_array(a, bool, s->n_services + 1);
    for (uint32_t i = 0; i < s->n_services; i++) {
        if (!s->service[i].any) continue;
        index[i] = n;
        names[n] = s->service[i].name;
        whole[n++] = !s->service[i].left_out;
    }
    for (uint32_t i = 0; i < to->n; i++) to->v[i].service = index[to->v[i].service];
    to->plan.services = names;
    to->plan.n_services = n;
    to->whole = whole;
}

status loki_select(struct query_job *j, const struct logql_matchers *m, nanos start, nanos end,
                   struct loki_selected *ret, struct err *err)
{
    struct selecting s = {.j = j, .to = ret};
    *ret = (struct loki_selected){0};
    map_init(&ret->by_id, j->arena, 64);
    map_init(&s.services, j->arena, 64);
    TRY(logql_selector_new(j->arena, m, &s.selector, err));
    struct sql *q = arena_new(j->arena, struct sql);
    sql_init(q, j->arena);
    loki_plan_streams(q, m, start, end, j->limits->max_series);
    TRY(fetch_rows(j->fetcher, q, stream_block, &s, err));
    ret->plan.ids = s.ids;
    ret->plan.n = ret->n;
    settle_services(&s);
    return ST_OK;
}

const struct loki_source_stream *loki_selected_find(const struct loki_selected *s, uint64_t id)
{
    uint32_t at;
    return map_find(&s->by_id, hash_mix(0, id), NULL, NULL, &at) && s->v[at].id == id ? &s->v[at]
                                                                                      : NULL;
}

/* --- log queries --- */

struct finding {
    struct query_job *j;
    const struct loki_log_query *q;
    struct loki_selected selected;
    struct logql_pipeline *pipeline;
    struct loki_found *to;
    struct map by_labels;
    uint32_t cap_streams, *caps; /* of entries */
    uint64_t left;
    bool any;
    nanos last; /* the last entry kept, for interval */
    struct arena scratch;
};

static bool is_label_of_any(const struct loki_selected *s, str name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (loki_labels_find(&s->v[i].labels, name)) return true;
    return false;
}

/* The equalities that every record must fulfil with a label of its own: not one of a stream's, not
 * one that is worked out from others. */
static void add_must(struct arena *a, struct loki_selected *s, const struct logql_filter *f,
                     struct loki_labels *to)
{
    static const str extracted = S("_extracted");
    if (f->kind == LOGQL_FILTER_AND) {
        add_must(a, s, f->left, to);
        add_must(a, s, f->right, to);
    }
    str name = f->match.name;
    if (f->kind != LOGQL_FILTER_TEXT || f->match.op != LOGQL_EQ || !f->match.value.len) return;
    if (str_eq(name, S("detected_level")) || (name.len > 2 && memcmp(name.ptr, "__", 2) == 0))
        return;
    if (name.len > extracted.len && str_eq(str_drop(name, name.len - extracted.len), extracted))
        return;
    if (!is_label_of_any(s, name)) loki_labels_set(a, to, name, f->match.value);
}

static void note_must(struct arena *a, struct loki_selected *s, const struct logql_log *log)
{
    struct loki_labels must = {0};
    for (uint32_t i = 0; i < log->n_stages; i++)
        if (log->stages[i].kind == LOGQL_STAGE_LABEL) add_must(a, s, log->stages[i].label, &must);
    s->plan.must = must.v;
    s->plan.n_must = must.n;
}

struct labels_of {
    const struct finding *f;
    const struct loki_labels *labels;
};

static bool same_labels(const void *ctx, uint32_t i)
{
    const struct labels_of *c = ctx;
    return loki_labels_equal(&c->f->to->v[i].labels, c->labels);
}

static uint32_t stream_for(struct finding *f, const struct loki_labels *labels)
{
    struct arena *a = f->j->arena;
    uint64_t hash = loki_labels_hash(labels);
    struct labels_of c = {f, labels};
    uint32_t at;
    if (map_find(&f->by_labels, hash, same_labels, &c, &at)) return at;
    if (f->to->n == f->cap_streams) {
        f->cap_streams = f->cap_streams ? f->cap_streams * 2 : 16;
        f->to->v = bigger(a, f->to->v, f->to->n, f->cap_streams, sizeof *f->to->v);
        f->caps = bigger(a, f->caps, f->to->n, f->cap_streams, sizeof *f->caps);
    }
    at = f->to->n++;
    f->to->v[at] = (struct loki_stream){.labels = keep(a, labels)};
    f->caps[at] = 0;
    map_add(&f->by_labels, hash, at);
    return at;
}

static void add_entry(struct finding *f, const struct loki_labels *labels, nanos time, str line,
                      const struct loki_labels *metadata)
{
    struct arena *a = f->j->arena;
    uint32_t at = stream_for(f, labels);
    struct loki_stream *s = &f->to->v[at];
    if (s->n == f->caps[at]) {
        f->caps[at] = f->caps[at] ? f->caps[at] * 2 : 4;
        s->v = bigger(a, s->v, s->n, f->caps[at], sizeof *s->v);
    }
    s->v[s->n++] = (struct loki_entry){time, arena_str(a, line), keep(a, metadata)};
    f->to->stats.entries++;
    f->left--;
    f->any = true;
    f->last = time;
}

/* What of `part` the pipeline left in `all`. */
static struct loki_labels remaining(struct arena *a, const struct loki_labels *part,
                                    const struct loki_labels *all)
{
    struct loki_labels r = {.v = arena_array(a, struct loki_label, part->n + 1)};
    for (uint32_t i = 0; i < part->n; i++)
        if (loki_labels_find(all, part->v[i].name)) r.v[r.n++] = part->v[i];
    return r;
}

static void take_row(struct finding *f, const struct loki_columns *c, uint64_t r)
{
    struct arena *a = &f->scratch;
    nanos time = native_i64(c->time, r);
    const struct loki_source_stream *s =
        loki_selected_find(&f->selected, native_u64(c->stream_id, r));
    str line = native_str(c->body, r);
    f->to->stats.lines++;
    f->to->stats.bytes += line.len;
    if (!s) return;
    if (f->any && f->q->interval && llabs(time - f->last) < f->q->interval) return;
    struct loki_labels metadata;
    loki_row_metadata(a, c, r, s, &metadata);
    struct loki_labels all = loki_labels_merge(a, &s->labels, &metadata);
    if (!logql_pipeline_run(f->pipeline, a, line, &all)) return;
    if (!f->q->categorized) {
        add_entry(f, &all, time, line, &(struct loki_labels){0});
        return;
    }
    struct loki_labels stream = remaining(a, &s->labels, &all),
                       rest = {.v = arena_array(a, struct loki_label, all.n + 1)};
    for (uint32_t i = 0; i < all.n; i++) /* names as merged: a clash is called x_extracted */
        if (!loki_labels_find(&s->labels, all.v[i].name)) rest.v[rest.n++] = all.v[i];
    add_entry(f, &stream, time, line, &rest);
}

static status record_block(void *ctx, const struct native_block *b, struct err *err)
{
    struct finding *f = ctx;
    struct loki_columns c;
    loki_columns_of(b, &c);
    for (uint64_t r = 0; r < b->rows; r++) {
        if (!f->left) return ST_CANCELLED;
        struct arena_mark mark = arena_mark(&f->scratch);
        take_row(f, &c, r);
        arena_rewind(&f->scratch, mark);
    }
    TRY(job_check(f->j, err));
    return f->left ? ST_OK : ST_CANCELLED;
}

static int by_stream_labels(const void *x, const void *y)
{
    return loki_labels_compare(&((const struct loki_stream *)x)->labels,
                               &((const struct loki_stream *)y)->labels);
}

static status find_in(struct finding *f, nanos from, nanos to, const struct filter_run *runs,
                      size_t n, struct err *err)
{
    const struct loki_log_query *q = f->q;
    /* Entries that are dropped here do not count: the store cannot know when it is enough. */
    bool exact = !logql_filters_labels(q->log) && !q->interval;
    struct loki_slice slice = {.start = from,
                               .end = to,
                               .forward = q->forward,
                               .limit = exact ? f->left : 0,
                               .runs = runs,
                               .n_runs = n};
    struct sql *sql = arena_new(f->j->arena, struct sql);
    sql_init(sql, f->j->arena);
    loki_plan_records(sql, &f->selected.plan, q->log, &slice);
    return fetch_rows(f->j->fetcher, sql, record_block, f, err);
}

/* In the runs that may have lines in [from, to), a few at a time, then more, until there is enough.
 */
static status find_in_runs(struct finding *f, nanos from, nanos to, const struct filter_runs *runs,
                           struct err *err)
{
    for (size_t done = 0, size = RUNS_AT_FIRST; done < runs->n && f->left; size = RUNS_AT_ONCE) {
        size_t n = runs->n - done < size ? runs->n - done : size;
        size_t at = f->q->forward ? done : runs->n - done - n;
        TRY(find_in(f, from, to, runs->v + at, n, err));
        done += n;
    }
    return ST_OK;
}

/* Half of the time, or more, without one. */
static bool are_sparse(const struct filter_runs *runs, nanos from, nanos to)
{
    nanos covered = 0;
    for (size_t i = 0; i < runs->n; i++) covered += runs->v[i].last - runs->v[i].first;
    return covered <= (to - from) / 2;
}

/* From the end that is asked for, in growing slices, until there is enough: what is common is in
 * the first. The rest, when it is more than the second, only where the filters say that lines may
 * be, if that is less. */
static status find_in_slices(struct finding *f, struct err *err)
{
    static const nanos sizes[] = {300 * NANOS_S, 900 * NANOS_S, NANOS_HOUR, 6 * NANOS_HOUR,
                                  INT64_MAX};
    const struct loki_log_query *q = f->q;
    nanos start = q->start, end = q->end;
    for (size_t i = 0; start < end && f->left; i++) {
        struct filter_runs runs = {0};
        if (i == 1 && end - start > sizes[1])
            TRY(filter_runs_of_lines(f->j, q->log, start, end, 300 * NANOS_S, &runs, err));
        if (runs.known && are_sparse(&runs, start, end))
            return find_in_runs(f, start, end, &runs, err);
        nanos size = sizes[i < 4 ? i : 4], from = start, to = end;
        if (size < end - start) q->forward ? (to = start + size) : (from = end - size);
        TRY(find_in(f, from, to, NULL, 0, err));
        if (q->forward)
            start = to;
        else
            end = from;
    }
    return ST_OK;
}

status loki_find(struct query_job *j, const struct loki_log_query *q, struct loki_found *ret,
                 struct err *err)
{
    struct finding f = {.j = j, .q = q, .to = ret, .left = q->limit};
    *ret = (struct loki_found){0};
    map_init(&f.by_labels, j->arena, 64);
    TRY(logql_pipeline_new(j->arena, q->log, true, &f.pipeline, err));
    TRY(loki_select(j, &q->log->matchers, q->start, q->end, &f.selected, err));
    if (!f.selected.n) return ST_OK;
    note_must(j->arena, &f.selected, q->log);
    arena_init(&f.scratch, j->limits->max_bytes);
    status s = find_in_slices(&f, err);
    arena_done(&f.scratch);
    if (s != ST_OK) return s;
    if (ret->n > 1) qsort(ret->v, ret->n, sizeof *ret->v, by_stream_labels);
    return ST_OK;
}

/* --- metric queries --- */

struct loading {
    struct loki_metric_source *source;
    struct loki_selected selected;
    struct logql_pipeline *pipeline;
    struct logql_windows *into;
    bool metadata; /* labels can come from a record's own fields */
    enum loki_level_rows rows;
    bool text; /* severity_text is asked for by name */
    const struct loki_grid *grid;
    struct arena scratch;
};

static struct logql_span span_of(const struct loki_grid *g, const struct loki_columns *c,
                                 uint64_t r)
{
    if (!c->slot) return (struct logql_span){native_i64(c->first, r), native_i64(c->last, r)};
    int64_t last = native_i64(c->slot, r), first = last - g->range / g->step + 1;
    return (struct logql_span){first < 0 ? 0 : first, last < g->n ? last : (int64_t)g->n - 1};
}

/* One row's lines to the series of its labels; `take_away`: from it. */
static status add_to_windows(struct loading *l, const struct loki_columns *c, uint64_t r,
                             const struct loki_source_stream *s, bool take_away, struct err *err)
{
    struct arena *a = &l->scratch;
    uint64_t lines = native_u64(c->lines, r), bytes = native_u64(c->bytes, r);
    struct loki_labels metadata = s->metadata;
    if (l->metadata) loki_row_metadata(a, c, r, s, &metadata);
    struct loki_labels all = loki_labels_merge(a, &s->labels, &metadata);
    if (!logql_pipeline_run(l->pipeline, a, (str){0}, &all)) return ST_OK;
    return logql_windows_add(l->into, &all, span_of(l->grid, c, r), take_away ? -lines : lines,
                             take_away ? -bytes : bytes, err);
}

static status window_row(struct loading *l, const struct loki_columns *c, uint64_t r,
                         struct err *err)
{
    const struct loki_source_stream *s =
        loki_selected_find(&l->selected, native_u64(c->stream_id, r));
    if (!s) return ST_OK;
    if (l->rows == LOKI_LEVEL_ODD) { /* was counted as if only its number told the level */
        struct loki_columns plain = *c;
        plain.body = plain.line = plain.log_attributes = plain.scope_attributes = NULL;
        if (!l->text) plain.severity_text = NULL;
        TRY(add_to_windows(l, &plain, r, s, true, err));
    } else {
        l->source->stats.lines += native_u64(c->lines, r);
        l->source->stats.bytes += native_u64(c->bytes, r);
    }
    return add_to_windows(l, c, r, s, false, err);
}

static status window_block(void *ctx, const struct native_block *b, struct err *err)
{
    struct loading *l = ctx;
    struct loki_columns c;
    loki_columns_of(b, &c);
    for (uint64_t r = 0; r < b->rows; r++) {
        struct arena_mark mark = arena_mark(&l->scratch);
        status s = window_row(l, &c, r, err);
        arena_rewind(&l->scratch, mark);
        if (s != ST_OK) return s;
    }
    return job_check(l->source->job, err);
}

static uint32_t filter_names(const struct logql_filter *f, str *to, uint32_t n)
{
    if (f->kind == LOGQL_FILTER_AND || f->kind == LOGQL_FILTER_OR) {
        n = filter_names(f->left, to, n);
        return filter_names(f->right, to, n);
    }
    if (to) to[n] = f->match.name;
    return n + 1;
}

/* Labels that stages look at. */
static uint32_t stage_names(const struct logql_log *log, str *to, uint32_t n)
{
    for (uint32_t i = 0; i < log->n_stages; i++)
        if (log->stages[i].kind == LOGQL_STAGE_LABEL) n = filter_names(log->stages[i].label, to, n);
    return n;
}

static bool is_stream_label(const struct loki_selected *s, str name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (!loki_labels_find(&s->v[i].labels, name)) return false;
    return true;
}

/* What the records themselves must tell: labels asked for that are not labels of every stream
 * already. */
static struct loki_fields fields_of(struct arena *a, const struct loki_selected *s,
                                    const struct logql_log *log, const struct logql_needs *needs)
{
    struct loki_fields f = {.all = needs->all};
    uint32_t n = stage_names(log, NULL, 0) + needs->n;
    str *names = arena_array(a, str, n + 1), *kept = arena_array(a, str, n + 1);
    uint32_t at = stage_names(log, names, 0);
    for (uint32_t i = 0; i < needs->n; i++) names[at++] = needs->names[i];
    f.names = kept;
    for (uint32_t i = 0; i < n; i++)
        if (!is_stream_label(s, names[i])) kept[f.n++] = names[i];
    return f;
}

static status fetch_windows(struct loading *l, const struct sql *q, struct err *err)
{
    struct query_job *j = l->source->job;
    arena_init(&l->scratch, j->limits->max_bytes);
    status s = fetch_rows(j->fetcher, q, window_block, l, err);
    arena_done(&l->scratch);
    return s;
}

static status load_rows(struct loading *l, const struct logql_log *log, struct loki_fields *fields,
                        enum loki_level_rows rows, const struct loki_stretches *in, struct err *err)
{
    struct query_job *j = l->source->job;
    struct sql *q = arena_new(j->arena, struct sql);
    sql_init(q, j->arena);
    l->rows = fields->level_rows = rows;
    loki_plan_windows(q, &l->selected.plan, log, l->grid, fields, in);
    return fetch_windows(l, q, err);
}

/* Every label that the query asks for or looks at. A level may be any of a stream's labels that
 * names one. */
static const str *looked_at(struct arena *a, const struct logql_log *log,
                            const struct logql_needs *needs, uint32_t *ret_n)
{
    uint32_t n = stage_names(log, NULL, 0) + needs->n, levels = 0;
    while (loki_level_names[levels].len) levels++;
    str *names = arena_array(a, str, n + levels + 1);
    uint32_t at = stage_names(log, names, 0);
    for (uint32_t i = 0; i < needs->n; i++) names[at++] = needs->names[i];
    bool level = false;
    for (uint32_t i = 0; i < n; i++) level |= str_eq(names[i], S("detected_level"));
    if (level) memcpy(names + n, loki_level_names, levels * sizeof *names);
    *ret_n = level ? n + levels : n;
    return names;
}

/* Records of which the severity number tells all that is asked for: counted already where their
 * window's rollup is there. */
static status load_plain(struct loading *l, const struct logql_log *log, struct loki_fields *fields,
                         const struct logql_needs *needs, struct err *err)
{
    struct query_job *j = l->source->job;
    uint32_t n;
    const str *names = looked_at(j->arena, log, needs, &n);
    struct loki_split split;
    TRY(loki_rolled_split(j, &l->selected, l->grid, names, n, &split, err));
    if (split.rolled.in.n) {
        struct sql *q = arena_new(j->arena, struct sql);
        sql_init(q, j->arena);
        l->rows = fields->level_rows = LOKI_LEVEL_PLAIN;
        loki_plan_rolled(q, &split.rolled, l->grid, fields);
        TRY(fetch_windows(l, q, err));
        if (!split.raw.n) return ST_OK;
    }
    return load_rows(l, log, fields, LOKI_LEVEL_PLAIN, split.rolled.in.n ? &split.raw : NULL, err);
}

static bool has_line_filter(const struct logql_log *log)
{
    for (uint32_t i = 0; i < log->n_stages; i++)
        if (log->stages[i].kind == LOGQL_STAGE_LINE) return true;
    return false;
}

/* Can the label come from nothing but a record's severity and what SCHEMA_LEVEL_ELSEWHERE tells of?
 */
static bool is_of_level(str name)
{
    static const str words[] = {S("level"), S("lvl"), S("severity")};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        for (size_t i = 0; i + words[w].len <= name.len; i++)
            if (str_eq_fold((str){name.ptr + i, words[w].len}, words[w])) return true;
    return false;
}

static status load(struct logql_source *source, const struct logql_expr *x,
                   const struct logql_grid *g, const struct logql_needs *needs,
                   struct logql_windows *into, struct err *err)
{
    struct loki_metric_source *ms = (struct loki_metric_source *)source;
    struct query_job *j = ms->job;
    struct loki_grid grid = {g->start, g->step, x->range, g->n};
    struct loading l = {.source = ms, .into = into, .grid = &grid};
    nanos last = g->start + ((int64_t)g->n - 1) * g->step, from;
    if (__builtin_sub_overflow(g->start, x->range, &from)) from = 0;
    if (last < 0) return ST_OK; /* before 1970 there is nothing */
    TRY(logql_pipeline_new(j->arena, &x->log, true, &l.pipeline, err));
    TRY(loki_select(j, &x->log.matchers, from < 0 ? 0 : from, last, &l.selected, err));
    if (!l.selected.n) return ST_OK;
    note_must(j->arena, &l.selected, &x->log);
    struct loki_fields fields = fields_of(j->arena, &l.selected, &x->log, needs);
    fields.bytes = x->range_op == LOGQL_BYTES_OVER_TIME || x->range_op == LOGQL_BYTES_RATE;
    l.metadata = fields.all || fields.n;
    bool level_alone = !fields.all;
    for (uint32_t i = 0; i < fields.n; i++) {
        level_alone &= is_of_level(fields.names[i]);
        l.text |= str_eq(fields.names[i], S("severity_text"));
    }
    if (!level_alone) return load_rows(&l, &x->log, &fields, LOKI_LEVEL_EACH, NULL, err);
    if (has_line_filter(&x->log) || l.text || l.selected.plan.n_must)
        TRY(load_rows(&l, &x->log, &fields, LOKI_LEVEL_PLAIN, NULL, err));
    else
        TRY(load_plain(&l, &x->log, &fields, needs, err));
    if (!fields.n) return ST_OK;
    return load_rows(&l, &x->log, &fields, LOKI_LEVEL_ODD, NULL, err);
}

void loki_metric_source_init(struct loki_metric_source *s, struct query_job *j)
{
    *s = (struct loki_metric_source){.source = {load}, .job = j};
}
