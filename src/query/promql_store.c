#include "query/promql_store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "query/parse/parse.h"
#include "query/promql_found.h"
#include "query/promql_rolled.h"
#include "query/promql_targets.h"

str promql_store_resolutions(struct arena *a, unsigned used)
{
    static const struct {
        unsigned bit;
        const char *name;
    } all[] = {{PROMQL_USED_1H, "1h"}, {PROMQL_USED_5M, "5m"}, {PROMQL_USED_RAW, "raw"}};
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (used & all[i].bit) buf_printf(&b, "%s%s", b.len ? ", " : "", all[i].name);
    str text = arena_str(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* Of a selection, for explain. */
static void note_read(struct promql_store *s, const struct reading *r,
                      const struct promql_scope *scope, uint32_t sets, unsigned used)
{
    struct arena *a = s->job->arena;
    struct query_read *x = arena_new(a, struct query_read);
    struct buf b;
    buf_init(&b, 1 << 16);
    const struct promql_expr selector = {
        .kind = PROMQL_SELECTOR,
        .selector = {.matchers = (struct label_matcher *)r->matchers, .n_matchers = r->n_matchers}};
    promql_print(&b, &selector);
    *x = (struct query_read){.selector = arena_str(a, buf_str(&b)),
                             .from_ms = scope->from_ms,
                             .to_ms = scope->to_ms,
                             .series = r->n,
                             .sets = sets,
                             .resolution = promql_store_resolutions(a, used)};
    buf_done(&b);
    *s->job->trace->last_read = x;
    s->job->trace->last_read = &x->next;
}

/* A sink whose time is not that of reading. */
struct timed {
    const struct series_sink *sink;
    nanos spent;
    uint32_t sets;
};

static status take_timed(void *ctx, struct arena *room, struct series_set *set, struct err *err)
{
    struct timed *t = ctx;
    nanos begun = clock_monotonic();
    status st = t->sink->take(t->sink->ctx, room, set, err);
    t->spent += clock_monotonic() - begun;
    t->sets++;
    return st;
}

/* Everything as one set. */
static status read_whole(struct promql_store *s, struct reading *r, struct promql_scope *scope,
                         struct series_set *ret, struct horizon *ret_horizon, struct err *err)
{
    struct wanted wanted;
    if (r->n) {
        reading_wanted(r, &wanted);
        TRY(rolled_read(s, r, &wanted, scope, ret_horizon, err));
    }
    if (r->n && scope->from_ms <= scope->to_ms) {
        TRY(reading_samples(r, scope, &wanted, err));
        s->used |= PROMQL_USED_RAW;
    }
    reading_collect(r, true, ret);
    if (r->any_delta_histogram) s->used |= PROMQL_USED_DELTA_HISTOGRAMS;
    return ST_OK;
}

static struct reading reading_of(struct promql_store *s, struct arena *a,
                                 const struct promql_scope *scope, struct notes *warnings)
{
    return (struct reading){.job = s->job,
                            .arena = a,
                            .room = a,
                            .matchers = scope->matchers,
                            .n_matchers = scope->n,
                            .warnings = warnings,
                            .with_starts = s->with_starts,
                            .batch_samples = s->batch_samples,
                            .known_parts = &s->parts};
}

/* Sets for `sink`, or, when that is NULL or the series cannot be taken apart, one in *ret. */
static status select_all(struct promql_store *s, struct arena *a, const struct label_matcher *m,
                         uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                         const struct series_sink *sink, struct series_set *ret,
                         struct horizon *ret_horizon, struct err *err)
{
    struct promql_scope scope = {.matchers = m, .n = n, .from_ms = from, .to_ms = to};
    struct reading r = reading_of(s, a, &scope, warnings);
    *ret = (struct series_set){0};
    if (!promql_scope_clamp(&scope)) return ST_OK;
    nanos begun = clock_monotonic();
    TRY(found_series(&s->found, &r, &scope, err));
    TRY(targets_read(&r, &scope, err));
    bool rolled = false;
    struct timed timed = {.sink = sink, .sets = 0};
    const struct promql_scope asked = scope;
    unsigned before = s->used;
    s->used = 0;
    if (r.n && sink) TRY(rolled_reaches(s, &scope, &rolled, err));
    if (r.n && sink && !rolled && !r.n_targets && reading_can_batch(&r)) {
        TRY(reading_batches(&r, &scope,
                            &(struct series_sink){take_timed, &timed, sink->in_order, sink->tail_ms,
                                                  sink->needs, sink->whole_ms},
                            err));
        s->used |= PROMQL_USED_RAW | r.used;
    } else if (r.n || r.n_targets)
        TRY(read_whole(s, &r, &scope, ret, ret_horizon, err));
    if (s->job->trace) note_read(s, &r, &asked, timed.sets ? timed.sets : r.n > 0, s->used);
    s->used |= before;
    s->spent += clock_monotonic() - begun - timed.spent;
    return ST_OK;
}

static status scan_stored(struct series_source *src, struct arena *a, const struct label_matcher *m,
                          uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                          struct horizon *ret_horizon, const struct series_sink *sink,
                          struct err *err)
{
    struct series_set whole;
    TRY(select_all((struct promql_store *)src, a, m, n, from, to, warnings, sink, &whole,
                   ret_horizon, err));
    return whole.n ? sink->take(sink->ctx, a, &whole, err) : ST_OK;
}

static status slice_stored(struct series_source *src, struct arena *a,
                           const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                           int64_t tail_ms, enum series_needs needs, int64_t whole_ms,
                           int64_t *ret_ms, struct err *err)
{
    struct promql_store *s = (struct promql_store *)src;
    struct promql_scope scope = {.matchers = m, .n = n, .from_ms = from, .to_ms = to};
    struct notes unsaid = {.arena = a};
    struct reading r = reading_of(s, a, &scope, &unsaid);
    nanos begun = clock_monotonic();
    bool rolled;
    *ret_ms = 0;
    if (!promql_scope_clamp(&scope)) return ST_OK;
    TRY(found_series(&s->found, &r, &scope, err));
    TRY(rolled_reaches(s, &scope, &rolled, err));
    if (!rolled && whole_ms) TRY(reading_needs(&r, &scope, needs, whole_ms, err));
    if (!rolled && !r.needs) *ret_ms = reading_slice(&r, &scope, tail_ms);
    s->spent += clock_monotonic() - begun;
    return ST_OK;
}

static status select_stored(struct series_source *src, struct arena *a,
                            const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                            struct notes *warnings, struct series_set *ret, struct err *err)
{
    return select_all((struct promql_store *)src, a, m, n, from, to, warnings, NULL, ret, NULL,
                      err);
}

static status select_rolled(struct series_source *src, struct arena *a,
                            const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                            struct notes *warnings, struct series_set *ret,
                            struct horizon *ret_horizon, struct err *err)
{
    return select_all((struct promql_store *)src, a, m, n, from, to, warnings, NULL, ret,
                      ret_horizon, err);
}

void promql_store_init(struct promql_store *s, struct query_job *job)
{
    *s = (struct promql_store){.source = {.select = select_stored,
                                          .select_rolled = select_rolled,
                                          .scan = scan_stored,
                                          .slice = slice_stored},
                               .job = job};
}

static void look_for_starts(void *ctx, struct promql_expr *e)
{
    static const char *const names[] = {"rate", "increase", "irate", "resets", "start_timestamp"};
    for (size_t i = 0; e->kind == PROMQL_CALL && i < sizeof names / sizeof *names; i++)
        if (strcmp(e->call.fn->name, names[i]) == 0) *(bool *)ctx = true;
}

void promql_store_starts_for(struct promql_store *s, struct promql_expr *e)
{
    promql_walk(e, look_for_starts, &s->with_starts);
}

status promql_store_series(struct promql_store *s, const struct selector *selectors, uint32_t n,
                           int64_t from, int64_t to, struct notes *warnings, struct label_sets *ret,
                           struct err *err)
{
    struct series_set *sets = arena_array(s->job->arena, struct series_set, n + 1);
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct promql_scope scope = {
            .matchers = selectors[i].matchers, .n = selectors[i].n, .from_ms = from, .to_ms = to};
        struct reading r = {.job = s->job,
                            .arena = s->job->arena,
                            .room = s->job->arena,
                            .matchers = scope.matchers,
                            .n_matchers = scope.n,
                            .warnings = warnings};
        sets[i] = (struct series_set){0};
        if (!promql_scope_clamp(&scope)) continue;
        TRY(reading_series(&r, &scope, err));
        TRY(targets_find(&r, &scope, err));
        reading_collect(&r, false, &sets[i]);
        total += sets[i].n;
    }
    struct raw_series *all = arena_array(s->job->arena, struct raw_series, total + 1);
    struct labels *out = arena_array(s->job->arena, struct labels, total + 1);
    uint32_t at = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < sets[i].n; k++) all[at++] = sets[i].list[k];
    if (at) qsort(all, at, sizeof *all, reading_by_labels);
    for (uint32_t i = 0; i < at; i++)
        if (!kept || !labels_equal(out[kept - 1], all[i].labels)) out[kept++] = all[i].labels;
    *ret = (struct label_sets){out, kept};
    return ST_OK;
}

static double bound_below(const struct stored *s, double bound)
{
    double below = -INFINITY;
    for (uint32_t i = 0; i < s->n_bounds && s->bounds[i] < bound; i++) below = s->bounds[i];
    return below;
}

static uint32_t add_exemplar_series(const struct stored *s, struct exemplar_series *to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        const struct output *o = &s->outputs[i];
        if (o->part != PART_VALUE && o->part != PART_BUCKET && o->part != PART_NATIVE) continue;
        to[n] = (struct exemplar_series){.id = s->id,
                                         .metric_name = s->metric_name,
                                         .labels = o->labels,
                                         .whole = o->part != PART_BUCKET};
        if (o->part == PART_BUCKET) {
            to[n].above = bound_below(s, o->bound);
            to[n].upto = o->bound;
        }
        n++;
    }
    return n;
}

status promql_store_exemplar_series(struct promql_store *s, const struct selector *selectors,
                                    uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                                    struct exemplar_series **ret, uint32_t *ret_n, struct err *err)
{
    struct reading *r = arena_array(s->job->arena, struct reading, n + 1);
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct promql_scope scope = {
            .matchers = selectors[i].matchers, .n = selectors[i].n, .from_ms = from, .to_ms = to};
        r[i] = (struct reading){.job = s->job,
                                .arena = s->job->arena,
                                .room = s->job->arena,
                                .matchers = scope.matchers,
                                .n_matchers = scope.n,
                                .warnings = warnings};
        if (promql_scope_clamp(&scope)) TRY(reading_series(&r[i], &scope, err));
        for (uint32_t k = 0; k < r[i].n; k++) total += r[i].list[k].n_outputs;
    }
    *ret = arena_array(s->job->arena, struct exemplar_series, total + 1);
    *ret_n = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < r[i].n; k++)
            *ret_n += add_exemplar_series(&r[i].list[k], *ret + *ret_n);
    return ST_OK;
}
