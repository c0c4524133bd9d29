/* What was folded is compared, row by row, with the requests it came from. */
#include "ingest/batch/fold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "ingest/batch/batch.h"
#include "model/batch_compare.h"
#include "model/batch_edit.h"
#include "model/columns.h"
#include "model/identity.h"
#include "testing/test.h"

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = hash_mix(state, 1);
    return (uint32_t)(state % below);
}

static str text(struct arena *a, const char *what, uint32_t i)
{
    char out[64];
    snprintf(out, sizeof out, "%s%u", what, i);
    return arena_str(a, str_of(out));
}

static struct attr_range attr(struct telemetry_batch *b, const char *what, uint32_t i)
{
    struct attr *a = &b->attrs[b->n_attrs];
    *a = (struct attr){text(b->arena, what, i % 3), {.type = ATTR_STRING}};
    a->value.text = text(b->arena, "value ", i);
    if (i % 2) a->value = (struct attr_value){.type = ATTR_INT, .i = i};
    return (struct attr_range){b->n_attrs++, 1};
}

static struct num_range u64s(struct metric_columns *c, uint32_t n)
{
    struct num_range r = {c->n_u64s, n};
    for (uint32_t i = 0; i < n; i++) c->u64s[c->n_u64s++] = any(1000);
    return r;
}

static struct num_range f64s(struct metric_columns *c, uint32_t n, double first)
{
    struct num_range r = {c->n_f64s, n};
    for (uint32_t i = 0; i < n; i++) c->f64s[c->n_f64s++] = first + i;
    return r;
}

enum { DESCS = 10, ROWS_MOST = 64 };

static void fill_distribution(struct metric_columns *c, enum metric_type type, uint32_t i)
{
    if (type == METRIC_GAUGE || type == METRIC_SUM) return;
    c->count[i] = any(100), c->sum[i] = any(100), c->min[i] = any(3), c->max[i] = any(9);
    if (type == METRIC_HISTOGRAM) {
        c->bucket_counts[i] = u64s(c, 4);
        c->explicit_bounds[i] = f64s(c, 3, c->desc[i]);
    } else if (type == METRIC_EXP_HISTOGRAM) {
        c->scale[i] = (int32_t)any(5), c->zero_count[i] = any(5), c->zero_threshold[i] = any(2);
        c->positive_offset[i] = -3, c->negative_offset[i] = 4;
        c->positive_counts[i] = u64s(c, any(5));
        c->negative_counts[i] = u64s(c, any(5));
    } else {
        uint32_t n = any(4);
        c->quantiles[i] = f64s(c, n, 0.5);
        c->quantile_values[i] = f64s(c, n, any(100));
    }
}

/* `types`: a bit for each metric type that its points may be of. */
static struct telemetry_batch *batch_of(uint32_t rows, unsigned types)
{
    struct arena *a = malloc(sizeof *a);
    if (!a) abort();
    arena_init(a, 1 << 24);
    struct telemetry_batch *b = arena_new(a, struct telemetry_batch);
    struct metric_columns *c = &b->metrics;
    *b = (struct telemetry_batch){.arena = a, .signal = SIGNAL_METRICS, .received = rows};
    b->attrs = arena_array(a, struct attr, 4096);
    b->resources = arena_array(a, struct resource, 2);
    b->scopes = arena_array(a, struct scope, 2);
    for (b->n_resources = 0; b->n_resources < 2; b->n_resources++) {
        struct resource *r = &b->resources[b->n_resources];
        *r = (struct resource){.attrs = attr(b, "resource.", b->n_resources)};
        resource_identify(r, b->attrs);
        struct scope *s = &b->scopes[b->n_scopes++];
        *s = (struct scope){.name = text(a, "scope ", b->n_scopes), .attrs = attr(b, "scope.", 1)};
        scope_identify(s, b->attrs);
    }
    c->descs = arena_array(a, struct metric_desc, DESCS);
    c->u64s = arena_array(a, uint64_t, 4096);
    c->f64s = arena_array(a, double, 4096);
    c->exemplar = arena_array(a, struct exemplar, ROWS_MOST);
#define COLUMN(column) \
    c->column =        \
        memset(arena_array(a, typeof(*c->column), rows + 1), 0, sizeof *c->column * (rows + 1));
    METRIC_COLUMNS(COLUMN)
    if (types & ~(1u << METRIC_GAUGE | 1u << METRIC_SUM)) {
        METRIC_DISTRIBUTION_COLUMNS(COLUMN)
    }
    if (types & 1u << METRIC_HISTOGRAM) {
        METRIC_HISTOGRAM_COLUMNS(COLUMN)
    }
    if (types & 1u << METRIC_EXP_HISTOGRAM) {
        METRIC_EXPONENTIAL_COLUMNS(COLUMN)
    }
    if (types & 1u << METRIC_SUMMARY) {
        METRIC_SUMMARY_COLUMNS(COLUMN)
    }
    for (; c->n_descs < DESCS; c->n_descs++)
        c->descs[c->n_descs] =
            (struct metric_desc){.name = text(a, "metric.", c->n_descs),
                                 .unit = S("s"),
                                 .description = S("what it is"),
                                 .type = (enum metric_type)(METRIC_GAUGE + c->n_descs % 5),
                                 .metadata = attr(b, "meta.", c->n_descs),
                                 .resource = c->n_descs % 2,
                                 .scope = c->n_descs / 5};
    for (uint32_t i = 0; i < rows; i++) {
        do c->desc[i] = any(DESCS);
        while (!(types & 1u << c->descs[c->desc[i]].type));
        enum metric_type type = c->descs[c->desc[i]].type;
        uint32_t series = any(4);
        c->series_id[i] = c->desc[i] * 4 + series; /* not a hash: what is the same is known */
        c->attrs[i] = attr(b, "point.", c->desc[i] * 4 + series);
        c->time[i] = state >> 8, c->start_time[i] = any(1000), c->flags[i] = any(2);
        c->present[i] = (uint8_t)any(32), c->value[i] = any(50), c->int_value[i] = any(50);
        fill_distribution(c, type, i);
        if (any(5) == 0)
            c->exemplar[c->n_exemplars++] = (struct exemplar){
                .point = i, .time = c->time[i], .value = 4, .attrs = attr(b, "exemplar.", any(9))};
        c->n++;
    }
    return b;
}

/* Are the fold's last rows those of `b`? Takes the rows before them out of the fold. */
static void check_ends_with(struct telemetry_batch *fold, const struct telemetry_batch *b)
{
    uint32_t before = fold->metrics.n - b->metrics.n;
    struct batch_edit e = batch_edit_begin(fold);
    uint64_t *keep = bitmap_full(fold->arena, fold->metrics.n);
    for (uint32_t i = 0; i < before; i++) bitmap_clear(keep, i);
    batch_edit_keep(&e, keep);
    struct err err;
    if (batch_compare(fold, b, &err) != ST_OK) {
        printf("%s\n", err.msg);
        CHECK(false);
    }
}

/* batches[i] with points of types[i], in this order. */
static void check_fold(const unsigned *types, size_t n)
{
    for (size_t last = 0; last < n; last++) {
        state = 7;
        struct telemetry_batch *batches[8];
        struct fold *f = fold_new();
        for (size_t i = 0; i <= last; i++) {
            batches[i] = batch_of(any(ROWS_MOST), types[i]);
            fold_add(f, batches[i]);
        }
        check_ends_with(fold_batch(f), batches[last]);
        for (size_t i = 0; i <= last; i++) telemetry_batch_free(batches[i]);
        telemetry_batch_free(fold_batch(f));
    }
}

TEST(folded_points_are_the_points_that_came)
{
    unsigned all = 1u << METRIC_GAUGE | 1u << METRIC_SUM | 1u << METRIC_HISTOGRAM |
                   1u << METRIC_EXP_HISTOGRAM | 1u << METRIC_SUMMARY;
    check_fold((const unsigned[]){all, all, all, all, all, all}, 6);
}

TEST(columns_of_a_type_come_with_the_first_point_of_it)
{
    unsigned numbers = 1u << METRIC_GAUGE | 1u << METRIC_SUM;
    check_fold((const unsigned[]){numbers, 1u << METRIC_HISTOGRAM, numbers, 1u << METRIC_SUMMARY,
                                  1u << METRIC_EXP_HISTOGRAM, numbers},
               6);
    struct fold *f = fold_new();
    struct telemetry_batch *b = batch_of(50, numbers);
    fold_add(f, b);
    CHECK(fold_batch(f)->metrics.count == NULL);
    CHECK(fold_batch(f)->metrics.quantiles == NULL);
    telemetry_batch_free(b);
    telemetry_batch_free(fold_batch(f));
}

TEST(a_series_is_kept_once)
{
    struct fold *f = fold_new();
    uint64_t first = 0;
    for (int i = 0; i < 200; i++) {
        struct telemetry_batch *b = batch_of(60, 1u << METRIC_GAUGE | 1u << METRIC_HISTOGRAM);
        b->metrics.n_exemplars = 0;
        fold_add(f, b);
        telemetry_batch_free(b);
        if (i == 99) first = fold_bytes(f);
    }
    const struct telemetry_batch *b = fold_batch(f);
    CHECK_INT(b->metrics.n, 200 * 60);
    CHECK(b->n_attrs < 200);
    CHECK(b->metrics.n_f64s <= 3 * DESCS * 4);
    CHECK(fold_bytes(f) - first < 100 * 60 * 160); /* its rows, and counts */
    telemetry_batch_free(fold_batch(f));
}

TEST(what_was_dropped_of_folded_requests_adds_up)
{
    struct fold *f = fold_new();
    for (uint32_t i = 1; i <= 3; i++) {
        struct telemetry_batch *b = batch_of(0, 1u << METRIC_GAUGE);
        b->dropped[DROP_FILTERED] = i;
        b->rejected[REJECT_TOO_OLD] = 2;
        fold_add(f, b);
        telemetry_batch_free(b);
    }
    CHECK_INT(fold_batch(f)->dropped[DROP_FILTERED], 6);
    CHECK_INT(telemetry_batch_rejected(fold_batch(f)), 6);
    CHECK_INT(telemetry_batch_rows(fold_batch(f)), 0);
    telemetry_batch_free(fold_batch(f));
}

TEST(two_metrics_with_one_series_id_stay_apart)
{
    struct fold *f = fold_new();
    struct telemetry_batch *b = batch_of(40, 1u << METRIC_GAUGE | 1u << METRIC_SUM);
    for (uint32_t i = 0; i < 40; i++) b->metrics.series_id[i] = 5;
    for (uint32_t i = 0; i < 40; i++) b->metrics.attrs[i] = (struct attr_range){};
    fold_add(f, b);
    check_ends_with(fold_batch(f), b);
    telemetry_batch_free(b);
    telemetry_batch_free(fold_batch(f));
}

TEST(an_open_block_folds_into_one_batch_and_seals_it_with_the_rest)
{
    struct open_block *open = open_block_new(SIGNAL_METRICS, 1);
    uint64_t bytes = 0;
    for (uint64_t seq = 3; seq < 9; seq++) {
        struct telemetry_batch *b = batch_of(10, 1u << METRIC_GAUGE);
        struct open_fold r = open_block_fold(open, b, seq, 0);
        CHECK(r.is_new == (seq == 3));
        bytes += r.grown;
        telemetry_batch_free(b);
    }
    CHECK_INT(open_block_bytes(open), bytes);
    open_block_add(open, batch_of(5, 1u << METRIC_SUM), 9, 0);
    struct telemetry_batch *b = batch_of(10, 1u << METRIC_GAUGE);
    CHECK(open_block_fold(open, b, 12, 0).is_new);
    telemetry_batch_free(b);
    struct telemetry_block *sealed = open_block_seal(open);
    CHECK_INT(sealed->n, 3);
    CHECK_INT(sealed->rows, 75);
    CHECK_INT(sealed->first_seq, 3);
    CHECK_INT(sealed->last_seq, 12);
    CHECK_INT(sealed->batches[0]->metrics.n, 60);
    telemetry_block_free(sealed);
    open_block_free(open);
}
