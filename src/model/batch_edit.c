#include "model/batch_edit.h"

#include <assert.h>

#include "model/columns.h"
#include "model/identity.h"

uint64_t *bitmap_full(struct arena *a, uint32_t n)
{
    uint64_t *m = arena_array(a, uint64_t, bitmap_words(n));
    memset(m, 0xff, bitmap_words(n) * sizeof *m);
    return m;
}

/* Room for `more` attributes at the end of the array; when each row's run is replaced by a longer
 * one, as is usual, it grows once. */
static void make_room(struct batch_edit *e, uint32_t more)
{
    struct telemetry_batch *b = e->batch;
    uint64_t need = (uint64_t)b->n_attrs + more;
    if (need <= b->cap_attrs) return;
    uint64_t cap = (uint64_t)b->n_attrs * 5 / 2 > need ? (uint64_t)b->n_attrs * 5 / 2 : need;
    if (cap < 64) cap = 64;
    assert(cap <= UINT32_MAX);
    struct attr *wider =
        arena_alloc(b->arena, arena_size(sizeof *wider, cap), _Alignof(struct attr));
    if (b->n_attrs) memcpy(wider, b->attrs, sizeof *wider * b->n_attrs);
    b->attrs = wider;
    b->cap_attrs = (uint32_t)cap;
}

void batch_edit_run(struct batch_edit *e, struct attr_range *run, const struct attr *attrs,
                    uint32_t n)
{
    struct telemetry_batch *b = e->batch;
    bool in_place = run->n && run->at >= e->own && n <= run->n;
    if (!in_place) {
        make_room(e, n); /* the old array stays in the arena: `attrs` may lie in it */
        run->at = n ? b->n_attrs : 0;
        b->n_attrs += n;
    }
    run->n = n;
    if (n) memmove(b->attrs + run->at, attrs, sizeof *attrs * n);
}

void batch_edit_resource(struct batch_edit *e, uint32_t i)
{
    resource_identify(&e->batch->resources[i], e->batch->attrs);
    e->series_stale = true;
}

void batch_edit_scope(struct batch_edit *e, uint32_t i)
{
    scope_identify(&e->batch->scopes[i], e->batch->attrs);
    e->series_stale = true;
}

/* The rows that stay, in the arena. */
static uint32_t rows_kept(struct arena *a, const uint64_t *keep, uint32_t n, uint32_t **ret)
{
    uint32_t *rows = arena_array(a, uint32_t, n), kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        rows[kept] = i;
        kept += bitmap_has(keep, i);
    }
    *ret = rows;
    return kept;
}

/* Moves row rows[k] to row k: never to a later place. */
#define MOVE(column)                    \
    for (uint32_t k = 0; k < kept; k++) \
        memmove(&c->column[k], &c->column[rows[k]], sizeof *c->column);

static void keep_spans(struct span_columns *c, const uint32_t *rows, uint32_t kept)
{
    SPAN_COLUMNS(MOVE)
    c->n = kept;
}

static void keep_logs(struct log_columns *c, const uint32_t *rows, uint32_t kept)
{
    LOG_COLUMNS(MOVE)
    c->n = kept;
}

/* Exemplars may come in any order of their points. */
static void keep_exemplars(struct arena *a, struct metric_columns *c, const uint64_t *keep,
                           const uint32_t *rows, uint32_t kept)
{
    if (c->n_exemplars == 0) return;
    uint32_t *to = arena_array(a, uint32_t, c->n), n = 0;
    for (uint32_t k = 0; k < kept; k++) to[rows[k]] = k;
    for (uint32_t i = 0; i < c->n_exemplars; i++) {
        uint32_t point = c->exemplar[i].point;
        if (!bitmap_has(keep, point)) continue;
        c->exemplar[n] = c->exemplar[i];
        c->exemplar[n++].point = to[point];
    }
    c->n_exemplars = n;
}

static void keep_points(struct metric_columns *c, const uint32_t *rows, uint32_t kept)
{
#define MOVE_SOME(column) \
    if (c->column) MOVE(column)
    METRIC_COLUMNS(MOVE)
    METRIC_OPTIONAL_COLUMNS(MOVE_SOME)
#undef MOVE_SOME
    c->n = kept;
}

void batch_edit_keep(struct batch_edit *e, const uint64_t *keep)
{
    struct telemetry_batch *b = e->batch;
    struct arena_mark mark = arena_mark(b->arena);
    uint32_t *rows, kept = rows_kept(b->arena, keep, telemetry_batch_rows(b), &rows);
    switch (b->signal) {
    case SIGNAL_TRACES: keep_spans(&b->spans, rows, kept); break;
    case SIGNAL_LOGS: keep_logs(&b->logs, rows, kept); break;
    default:
        keep_exemplars(b->arena, &b->metrics, keep, rows, kept);
        keep_points(&b->metrics, rows, kept);
        break;
    }
    arena_rewind(b->arena, mark);
}

static void series_anew(struct telemetry_batch *b)
{
    struct metric_columns *c = &b->metrics;
    uint32_t last = UINT32_MAX;
    uint64_t of_metric = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const struct metric_desc *d = &c->descs[c->desc[i]];
        if (c->desc[i] != last) {
            of_metric = metric_hash(d, b->resources[d->resource].hash, b->scopes[d->scope].hash);
            last = c->desc[i];
        }
        struct num_range bounds = c->explicit_bounds ? c->explicit_bounds[i] : (struct num_range){};
        struct attr_range attrs = c->attrs[i];
        c->series_id[i] =
            metric_series_id(of_metric, d->type, bounds.n ? c->f64s + bounds.at : NULL, bounds.n,
                             attrs_hash(attrs.n ? b->attrs + attrs.at : NULL, attrs.n));
    }
}

void batch_edit_end(struct batch_edit *e)
{
    if (e->series_stale && e->batch->signal == SIGNAL_METRICS) series_anew(e->batch);
    e->series_stale = false;
}
