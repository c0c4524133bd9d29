#include "query/promql_cached.h"

#include <stdlib.h>

#include "base/map.h"
#include "model/prometheus_name.h"
#include "query/cache/cache.h"
#include "query/cache/extent.h"
#include "query/parse/parse.h"
#include "query/plan/promql_reach.h"
#include "query/plan/promql_written.h"
#include "query/promql_rolled.h"

enum {
    STEPS_LEAST = 12, /* of an extent: long steps have longer extents */
    RUNS_MOST = 4,    /* of steps that are evaluated by themselves */
    AGAIN_MOST = 8,   /* extents evaluated once more to tell whose the notes are */
    KEPT_AT_ONCE = 32,
    EXTENT_BYTES_MOST = 8 << 20
};
static const int64_t lookback_default_ms = 300'000;
static const int64_t step_most_ms = (int64_t)400 * 86'400'000;

/* The steps of the query in one extent. */
struct stretch {
    int64_t start, end;  /* of the extent: start <= t < end */
    uint32_t first, n;   /* of the query's steps */
    uint32_t before;     /* steps of the extent before them */
    uint32_t all;        /* steps of the extent */
    bool closed, stays;  /* it may be in the cache; it may be put there */
    uint64_t generation; /* of what it reads */
    str name;
    struct extent *found;
};

struct run {
    uint32_t first, n; /* of the parts */
};

/* The answer as it comes together. */
struct pieces {
    struct value value;
    uint32_t cap;
    struct map index;
    struct notes warnings, infos;
    unsigned used;
};

struct work {
    const struct promql_cached *q;
    struct query_job *job;
    struct arena *arena;
    struct grid grid;
    struct promql_span reach;
    int64_t extent_ms, settle_ms;
    struct stretch *parts;
    uint32_t n_parts;
    struct pieces out;
    uint32_t again; /* extents evaluated once more */
    bool spoiled;   /* a run is not what its steps are of the whole */
};

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t now_ms(const struct work *w) { return w->job->now / NANOS_MS; }

/* --- the extents of the query */

static void add_part(struct work *w, uint32_t first)
{
    int64_t step = w->grid.step, t = w->grid.start + (int64_t)first * step;
    struct stretch p = {.start = floor_div(t, w->extent_ms) * w->extent_ms, .first = first};
    p.end = p.start + w->extent_ms;
    int64_t behind = (p.end - 1 - t) / step + 1;
    p.n = behind < w->grid.n - first ? (uint32_t)behind : w->grid.n - first;
    p.before = (uint32_t)((t - p.start) / step);
    p.all = p.before + (uint32_t)behind;
    p.closed = p.end + w->reach.after_ms + w->settle_ms <= now_ms(w);
    w->parts[w->n_parts++] = p;
}

/* False: no extent is closed. */
static bool cut_steps(struct work *w)
{
    bool any = false;
    for (w->extent_ms = query_cache_extent_ms(w->job->cache);
         w->extent_ms / w->grid.step < STEPS_LEAST;)
        w->extent_ms *= 2;
    w->parts = arena_array(w->arena, struct stretch, w->grid.n / STEPS_LEAST + 3);
    for (uint32_t i = 0; i < w->grid.n; i += w->parts[w->n_parts - 1].n) {
        add_part(w, i);
        any |= w->parts[w->n_parts - 1].closed;
    }
    return any;
}

/* What settings make of stored series. */
static void print_naming(struct buf *b, const struct prometheus_naming *n)
{
    if (!n) return;
    buf_printf(b, "%d%d%d%d%d", (int)n->strategy, n->promote_all, n->keep_identifying, n->scope,
               n->custom_buckets);
    for (uint32_t i = 0; i < n->n_attributes; i++)
        buf_printf(b, ",%zu:" STR_FMT, n->attributes[i].len, STR_ARG(n->attributes[i]));
}

/* All that tells one entry from another but its samples. */
static void name_parts(struct work *w)
{
    int64_t lookback = w->q->opt->lookback_ms, step = w->grid.step;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "range %lld %lld %lld %lld ", (long long)w->extent_ms, (long long)step,
               (long long)(w->grid.start - floor_div(w->grid.start, step) * step),
               (long long)(lookback ? lookback : lookback_default_ms));
    print_naming(&b, w->job->limits->naming);
    buf_printf(&b, " %d ", w->job->limits->experimental); /* start times are looked at */
    promql_print(&b, w->q->expr);
    size_t head = b.len;
    for (uint32_t i = 0; i < w->n_parts; i++) {
        b.len = head;
        buf_printf(&b, " %lld", (long long)w->parts[i].start);
        w->parts[i].name = arena_str(w->arena, buf_str(&b));
        if (b.over) w->parts[i].closed = false;
    }
    buf_done(&b);
}

static void look_for_targets(void *ctx, struct promql_expr *e)
{
    bool may = e->kind == PROMQL_SELECTOR;
    for (uint32_t i = 0; may && i < e->selector.n_matchers; i++) {
        const struct label_matcher *m = &e->selector.matchers[i];
        may = !str_eq(m->name, LABEL_NAME) || matcher_accepts(m, S("target_info"));
    }
    *(bool *)ctx |= may;
}

static bool selects_targets(struct promql_expr *e)
{
    bool any = false;
    promql_walk(e, look_for_targets, &any);
    return any;
}

static status add_written(void *ctx, const struct native_block *b, struct err *err)
{
    const struct native_column *kind, *t, *x, *y;
    TRY(reading_column(b, "kind", &kind, err));
    TRY(reading_column(b, "t", &t, err));
    TRY(reading_column(b, "a", &x, err));
    TRY(reading_column(b, "b", &y, err));
    for (uint64_t i = 0; i < b->rows; i++)
        promql_written_add(ctx, native_u64(kind, i), native_i64(t, i), native_u64(x, i),
                           native_i64(y, i));
    return ST_OK;
}

static void add_window(void *ctx, int64_t end_ms, uint64_t change, int64_t touched_ms)
{
    promql_written_window(ctx, end_ms, change, touched_ms);
}

/* What was written to the samples of a range: known here, or the store says. *ret_known false: that
 * is changing just now. */
static status read_written(struct work *w, int64_t from, int64_t to, struct written *ret,
                           bool *ret_known, struct err *err)
{
    struct fetcher *f = w->job->fetcher;
    struct changes_since since;
    struct sql sql;
    enum changes_known known =
        f->changes ? f->changes(f, from, to, add_window, ret, &since) : CHANGES_UNKNOWN;
    *ret_known = known != CHANGES_UNSETTLED;
    if (known == CHANGES_KNOWN)
        promql_written_known(ret, since.epoch, since.epoch_ms, now_ms(w));
    else if (known == CHANGES_UNKNOWN && !query_cache_asks(w->job->cache))
        *ret_known = false;
    if (known != CHANGES_UNKNOWN || !*ret_known) return ST_OK;
    sql_init(&sql, w->arena);
    promql_plan_written(&sql, from, to, selects_targets(w->q->expr));
    return fetch_rows(f, &sql, add_written, ret, err);
}

/* The generations of what closed extents read. *ret_known false: they have none now. */
static status read_generations(struct work *w, bool *ret_known, struct err *err)
{
    struct written written = {.arena = w->arena};
    int64_t before = w->reach.before_ms + WRITTEN_DELTA_MS;
    int64_t from = w->parts[0].start - before, to = from;
    for (uint32_t i = 0; i < w->n_parts; i++)
        if (w->parts[i].closed) to = w->parts[i].end - 1 + w->reach.after_ms;
    TRY(read_written(w, from, to, &written, ret_known, err));
    promql_written_end(&written);
    *ret_known &= written.table != 0;
    for (uint32_t i = 0; i < w->n_parts; i++) {
        struct stretch *p = &w->parts[i];
        if (!p->closed) continue;
        from = p->start - before;
        to = p->end - 1 + w->reach.after_ms;
        p->generation = promql_written_generation(&written, from, to);
        int64_t last = promql_written_last(&written, from, to);
        p->stays = (to > last ? to : last) + w->settle_ms < written.now_ms;
    }
    return ST_OK;
}

/* --- what is cached */

/* Notes are of all its steps, and have places in the text they were made of: the same expression
 * written otherwise has others. */
static bool fits(const struct work *w, const struct stretch *p, const struct extent *e)
{
    return (!e->warnings.n && !e->infos.n) || (p->n == p->all && str_eq(e->text, w->q->text));
}

static void find_parts(struct work *w)
{
    struct cache_ask *asks = arena_array(w->arena, struct cache_ask, w->n_parts + 1);
    struct stretch **of = arena_array(w->arena, struct stretch *, w->n_parts + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n_parts; i++) {
        struct stretch *p = &w->parts[i];
        if (!p->closed) continue;
        of[n] = p;
        asks[n++] = (struct cache_ask){.name = p->name, .generation = p->generation};
    }
    query_cache_find(w->job->cache, asks, n);
    for (uint32_t i = 0; i < n; i++) {
        struct extent *e = arena_new(w->arena, struct extent);
        if (asks[i].entry &&
            extent_decode(w->arena, cache_entry_payload(asks[i].entry), of[i]->all, e, NULL) ==
                ST_OK &&
            fits(w, of[i], e))
            of[i]->found = e;
        cache_entry_unref(asks[i].entry);
    }
}

/* --- putting it together */

static bool same_labels(const void *ctx, uint32_t at)
{
    const void *const *c = ctx;
    const struct row *list = c[0];
    return labels_equal(list[at].labels, *(const struct labels *)c[1]);
}

static struct row *row_of(struct work *w, struct labels l)
{
    struct value *v = &w->out.value;
    const void *ctx[] = {v->rows, &l};
    uint64_t h = labels_hash(l);
    uint32_t at;
    if (map_find(&w->out.index, h, same_labels, ctx, &at)) return &v->rows[at];
    if (v->n_rows == w->out.cap) {
        uint32_t cap = w->out.cap * 2 + 64;
        struct row *list = arena_array(w->arena, struct row, cap);
        if (v->n_rows) memcpy(list, v->rows, v->n_rows * sizeof *list);
        v->rows = list;
        w->out.cap = cap;
    }
    map_add(&w->out.index, h, v->n_rows);
    struct row *r = &v->rows[v->n_rows++];
    *r = (struct row){.labels = l,
                      .v = arena_array(w->arena, double, w->grid.n),
                      .has = arena_array(w->arena, uint8_t, w->grid.n)};
    memset(r->has, POINT_NONE, w->grid.n);
    return r;
}

static void add_row(struct work *w, const struct row *from, uint32_t src, uint32_t n, uint32_t dst)
{
    bool any = false, native = false;
    for (uint32_t i = 0; i < n; i++) {
        any |= from->has[src + i] != POINT_NONE;
        native |= from->has[src + i] == POINT_HISTOGRAM;
    }
    if (!any) return;
    struct row *r = row_of(w, from->labels);
    memcpy(r->has + dst, from->has + src, n);
    memcpy(r->v + dst, from->v + src, n * sizeof *r->v);
    if (!native) return;
    if (!r->h) r->h = arena_array(w->arena, const struct histogram *, w->grid.n);
    memcpy(r->h + dst, from->h + src, n * sizeof *r->h);
}

/* Steps [src, src + n) of a piece are those from `dst` on of the answer. */
static void add_piece(struct work *w, const struct extent *e, uint32_t src, uint32_t n,
                      uint32_t dst)
{
    struct value *out = &w->out.value;
    if (e->value.kind == VALUE_SCALAR) {
        out->kind = VALUE_SCALAR;
        if (!out->scalar) out->scalar = arena_array(w->arena, double, w->grid.n);
        memcpy(out->scalar + dst, e->value.scalar + src, n * sizeof *out->scalar);
    }
    for (uint32_t i = 0; e->value.kind == VALUE_VECTOR && i < e->value.n_rows; i++)
        add_row(w, &e->value.rows[i], src, n, dst);
    for (uint32_t i = 0; i < e->warnings.n; i++) notes_add(&w->out.warnings, e->warnings.list[i]);
    for (uint32_t i = 0; i < e->infos.n; i++) notes_add(&w->out.infos, e->infos.list[i]);
    w->out.used |= e->used;
}

static int by_labels(const void *pa, const void *pb)
{
    return labels_compare(((const struct row *)pa)->labels, ((const struct row *)pb)->labels);
}

/* --- what is not cached */

/* Steps of the evaluation; they may begin before the query's. */
struct steps {
    int64_t first; /* of the query's */
    uint32_t n;
};

static status evaluate(struct work *w, struct steps steps, struct extent *ret, struct err *err)
{
    struct promql_eval_options opt = *w->q->opt;
    struct promql_store *store = w->q->store;
    *ret = (struct extent){.text = w->q->text, .warnings.arena = w->arena, .infos.arena = w->arena};
    opt.grid = (struct grid){w->grid.start + steps.first * w->grid.step, w->grid.step, steps.n};
    store->used = 0;
    TRY(promql_eval(w->arena, w->q->text, w->q->expr, &opt, &store->source, &ret->warnings,
                    &ret->infos, &ret->value, err));
    ret->used = store->used;
    return ST_OK;
}

static bool has_notes(const struct extent *e) { return e->warnings.n || e->infos.n; }

/* It is not what its steps would be in another range: a note tells of all steps together, or the
 * hints of native histograms that were deltas depend on where reading began. */
static bool is_of_range(const struct extent *e)
{
    return e->warnings.of_range || e->infos.of_range || (e->used & PROMQL_USED_DELTA_HISTOGRAMS);
}

struct keeping {
    struct cache_put list[KEPT_AT_ONCE];
    struct buf payloads[KEPT_AT_ONCE];
    unsigned n;
};

static void keep_now(struct work *w, struct keeping *k)
{
    query_cache_put(w->job->cache, k->list, k->n);
    for (unsigned i = 0; i < k->n; i++) buf_done(&k->payloads[i]);
    k->n = 0;
}

/* Step `at` of `e` is the first of the part's extent, and all of them are there. */
static void keep(struct work *w, struct keeping *k, const struct stretch *p, const struct extent *e,
                 uint32_t at)
{
    struct buf *b = &k->payloads[k->n];
    if (is_of_range(e)) return;
    buf_init(b, EXTENT_BYTES_MOST);
    extent_encode(b, e, at, p->all);
    if (b->over) {
        buf_done(b);
        return;
    }
    k->list[k->n++] =
        (struct cache_put){.name = p->name, .generation = p->generation, .payload = buf_str(b)};
    if (k->n == KEPT_AT_ONCE) keep_now(w, k);
}

/* Notes of a run may be of any of its extents: each is evaluated by itself, some at a time. */
static void keep_again(struct work *w, struct keeping *k, const struct stretch *p)
{
    struct extent e;
    if (w->again++ >= AGAIN_MOST) return;
    if (evaluate(w, (struct steps){p->first, p->n}, &e, NULL) == ST_OK) keep(w, k, p, &e, 0);
}

static void keep_run(struct work *w, struct run r, struct steps steps, const struct extent *e)
{
    struct keeping k = {};
    for (uint32_t i = 0; i < r.n; i++) {
        const struct stretch *p = &w->parts[r.first + i];
        int64_t at = (int64_t)p->first - p->before - steps.first;
        if (!p->stays || p->found || at < 0 || at + p->all > steps.n) continue;
        if (has_notes(e) && r.n > 1)
            keep_again(w, &k, p);
        else
            keep(w, &k, p, e, (uint32_t)at);
    }
    keep_now(w, &k);
}

/* The first and the last extent of a run, of which the query has a part, are evaluated whole to be
 * kept, where that is not most of the work. */
static struct steps widen(const struct work *w, struct run r, struct steps s)
{
    const struct stretch *first = &w->parts[r.first], *last = first + r.n - 1;
    uint32_t before = first->stays && !first->found ? first->before : 0;
    uint32_t behind = last->stays && !last->found ? last->all - last->before - last->n : 0;
    if ((uint64_t)before + behind > s.n) return s;
    return (struct steps){s.first - before, s.n + before + behind};
}

static status evaluate_run(struct work *w, struct run r, struct err *err)
{
    const struct stretch *parts = w->parts + r.first, *last = parts + r.n - 1;
    const struct steps asked = {parts->first, last->first + last->n - parts->first};
    struct steps steps = widen(w, r, asked);
    struct extent e;
    TRY(evaluate(w, steps, &e, err));
    if (steps.n != asked.n && (has_notes(&e) || is_of_range(&e))) { /* they may be of the others */
        steps = asked;
        TRY(evaluate(w, steps, &e, err));
    }
    w->spoiled |= is_of_range(&e) && asked.n < w->grid.n;
    add_piece(w, &e, (uint32_t)(asked.first - steps.first), asked.n, parts->first);
    keep_run(w, r, steps, &e);
    return ST_OK;
}

static status evaluate_missing(struct work *w, struct err *err)
{
    struct run runs[RUNS_MOST + 1], one = {};
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n_parts; i++) {
        if (w->parts[i].found) continue;
        if (n && runs[n - 1].first + runs[n - 1].n == i)
            runs[n - 1].n++;
        else if (n <= RUNS_MOST)
            runs[n++] = (struct run){i, 1};
        if (!one.n) one.first = i;
        one.n = i - one.first + 1;
    }
    if (n > RUNS_MOST) {
        runs[0] = one;
        n = 1;
    }
    for (uint32_t i = 0; i < n; i++) TRY(evaluate_run(w, runs[i], err));
    return ST_OK;
}

static void begin_answer(struct work *w)
{
    w->out = (struct pieces){.value = {.kind = VALUE_VECTOR, .grid = w->grid},
                             .warnings.arena = w->arena,
                             .infos.arena = w->arena};
    map_init(&w->out.index, w->arena, 64);
}

static void end_answer(struct work *w, struct value *ret)
{
    const struct promql_cached *q = w->q;
    struct value *v = &w->out.value;
    if (v->n_rows) qsort(v->rows, v->n_rows, sizeof *v->rows, by_labels);
    for (uint32_t i = 0; i < w->out.warnings.n; i++)
        notes_add(q->warnings, w->out.warnings.list[i]);
    for (uint32_t i = 0; i < w->out.infos.n; i++) notes_add(q->infos, w->out.infos.list[i]);
    q->store->used = w->out.used;
    *ret = *v;
}

/* Statuses that evaluating it once more would not change. */
static bool ends_the_query(status s)
{
    return s == ST_CANCELLED || s == ST_TIMEOUT || s == ST_UNAVAILABLE;
}

/* Some note is made of all steps together: the whole tells what was forced to be monotonic once,
 * with its times, and a text said of two places once. */
static bool is_one_of_all(const struct notes *n)
{
    static const char forced[] = "needed to be fixed for monotonicity";
    for (uint32_t i = 0; i < n->n; i++) {
        const char *place = memrchr(n->list[i].ptr, '(', n->list[i].len);
        size_t said = place ? (size_t)(place - n->list[i].ptr) : n->list[i].len;
        if (memmem(n->list[i].ptr, n->list[i].len, forced, sizeof forced - 1)) return true;
        for (uint32_t k = 0; k < i; k++)
            if (n->list[k].len > said && memcmp(n->list[k].ptr, n->list[i].ptr, said) == 0)
                return true;
    }
    return false;
}

static status by_parts(struct work *w, struct value *ret, bool *ret_done, struct err *err)
{
    bool raw, known;
    struct err why = {};
    if (!cut_steps(w)) return ST_OK;
    TRY(rolled_is_raw_from(w->q->store, w->parts[0].start - w->reach.before_ms, &raw, err));
    if (!raw) return ST_OK;
    name_parts(w);
    TRY(read_generations(w, &known, err));
    if (!known) return ST_OK;
    begin_answer(w);
    find_parts(w);
    for (uint32_t i = 0; i < w->n_parts; i++)
        if (w->parts[i].found)
            add_piece(w, w->parts[i].found, w->parts[i].before, w->parts[i].n, w->parts[i].first);
    status s = evaluate_missing(w, &why);
    if (s == ST_OK) s = job_check(w->job, &why);
    if (s != ST_OK && !ends_the_query(s)) return ST_OK; /* the whole says why, in its own words */
    if (s != ST_OK) {
        if (err) *err = why;
        return s;
    }
    if (w->n_parts > 1 && (is_one_of_all(&w->out.warnings) || is_one_of_all(&w->out.infos)))
        return ST_OK;
    if (w->spoiled) return ST_OK;
    end_answer(w, ret);
    *ret_done = true;
    return ST_OK;
}

status promql_cached_eval(const struct promql_cached *q, struct value *ret, bool *ret_done,
                          struct err *err)
{
    struct query_job *j = q->store->job;
    struct work w = {.q = q, .job = j, .arena = j->arena, .grid = q->opt->grid};
    int64_t lookback = q->opt->lookback_ms ? q->opt->lookback_ms : lookback_default_ms;
    *ret_done = false;
    if (!j->cache || w.grid.step > step_most_ms || !promql_reach_of(q->expr, lookback, &w.reach))
        return ST_OK;
    w.settle_ms = query_cache_settle_ms(j->cache);
    return by_parts(&w, ret, ret_done, err);
}
