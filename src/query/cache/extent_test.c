#include "query/cache/extent.h"

#include <math.h>

#include "testing/test.h"

static struct arena arena;

enum { STEPS = 4 };

static const struct histogram native = {.schema = 1,
                                        .hint = HINT_NOT_RESET,
                                        .zero_threshold = 1e-128,
                                        .zero_count = 2,
                                        .count = 9,
                                        .sum = -0.0,
                                        .positive = {-3, 2, (const double[]){1.5, 2}},
                                        .negative = {7, 1, (const double[]){3.5}}};
static const struct histogram custom = {.schema = HISTOGRAM_CUSTOM,
                                        .count = 3,
                                        .sum = 4,
                                        .positive = {1, 2, (const double[]){1, 2}},
                                        .custom = (const double[]){0.5, 1},
                                        .n_custom = 2};

static struct labels labels(const char *a, const char *b)
{
    struct label *l = arena_array(&arena, struct label, 2);
    l[0] = (struct label){str_of(a), str_of(b)};
    return labels_make(&arena, l, 1);
}

static struct extent sample(void)
{
    struct row *rows = arena_array(&arena, struct row, 3);
    static double v[STEPS] = {1, NAN, 0, 4}, none[STEPS];
    static uint8_t has[STEPS] = {POINT_FLOAT, POINT_FLOAT, POINT_NONE, POINT_FLOAT},
                   nothing[STEPS] = {0, 0, 0, POINT_FLOAT},
                   natives[STEPS] = {0, POINT_HISTOGRAM, POINT_HISTOGRAM, 0};
    static const struct histogram *h[STEPS] = {NULL, &native, &custom, NULL};
    rows[0] = (struct row){.labels = labels("a", "1"), .v = v, .has = has};
    rows[1] = (struct row){.labels = labels("a", "2"), .v = none, .has = natives, .h = h};
    rows[2] = (struct row){.labels = labels("b", "x"), .v = none, .has = nothing};
    struct extent e = {.value = {.kind = VALUE_VECTOR, .rows = rows, .n_rows = 3},
                       .warnings.arena = &arena,
                       .infos.arena = &arena,
                       .text = S("a + b"),
                       .used = 5};
    notes_add(&e.warnings, S("w"));
    return e;
}

static str encoded(const struct extent *e, uint32_t first, uint32_t n)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    extent_encode(&b, e, first, n);
    str bytes = arena_str(&arena, buf_str(&b));
    buf_done(&b);
    return bytes;
}

static void begin(void) { arena_init(&arena, 1 << 20); }
static void end(void) { arena_done(&arena); }

TEST(extent_is_read_back_as_it_was)
{
    begin();
    struct extent e = sample(), got;
    CHECK_INT(extent_decode(&arena, encoded(&e, 0, STEPS), STEPS, &got, NULL), ST_OK);
    CHECK_INT(got.value.n_rows, 3);
    CHECK_INT(got.used, 5);
    CHECK_STR(got.text, S("a + b"));
    CHECK_INT(got.warnings.n, 1);
    CHECK_STR(got.warnings.list[0], S("w"));
    const struct row *r = got.value.rows;
    CHECK(labels_equal(r[0].labels, e.value.rows[0].labels));
    CHECK(memcmp(r[0].has, e.value.rows[0].has, STEPS) == 0);
    CHECK(memcmp(r[0].v, e.value.rows[0].v, sizeof(double) * STEPS) == 0); /* NaN's bits too */
    CHECK(!r[0].h && r[1].h);
    CHECK(histogram_equal(r[1].h[1], &native) && r[1].h[1]->hint == HINT_NOT_RESET);
    CHECK(signbit(r[1].h[1]->sum));
    CHECK(histogram_equal(r[1].h[2], &custom));
    end();
}

TEST(extent_has_some_of_the_steps_and_only_rows_that_have_a_value_there)
{
    begin();
    struct extent e = sample(), got;
    CHECK_INT(extent_decode(&arena, encoded(&e, 1, 2), 2, &got, NULL), ST_OK);
    CHECK_INT(got.value.n_rows, 2);
    CHECK(isnan(got.value.rows[0].v[0]) && got.value.rows[0].has[1] == POINT_NONE);
    CHECK(histogram_equal(got.value.rows[1].h[0], &native));
    end();
}

TEST(extent_of_a_scalar)
{
    begin();
    double v[] = {1, -0.0, INFINITY};
    struct extent e = {.value = {.kind = VALUE_SCALAR, .scalar = v}}, got;
    CHECK_INT(extent_decode(&arena, encoded(&e, 0, 3), 3, &got, NULL), ST_OK);
    CHECK_INT(got.value.kind, VALUE_SCALAR);
    CHECK(memcmp(got.value.scalar, v, sizeof v) == 0);
    end();
}

TEST(extent_cut_anywhere_or_of_other_steps_is_none)
{
    begin();
    struct extent e = sample(), got;
    str bytes = encoded(&e, 0, STEPS);
    for (size_t n = 0; n < bytes.len; n++)
        CHECK_INT(extent_decode(&arena, (str){bytes.ptr, n}, STEPS, &got, NULL), ST_INVALID);
    CHECK_INT(extent_decode(&arena, bytes, STEPS - 1, &got, NULL), ST_INVALID);
    end();
}

TEST(extent_with_any_byte_changed_is_read_or_refused)
{
    struct arena outer = {};
    begin();
    struct extent e = sample(), got;
    str bytes = encoded(&e, 0, STEPS);
    char *copy = arena_alloc(&arena, bytes.len, 1);
    for (size_t i = 0; i < bytes.len; i++) {
        memcpy(copy, bytes.ptr, bytes.len);
        copy[i] = (char)(copy[i] ^ 0xff);
        arena_init(&outer, 1 << 20);
        (void)!extent_decode(&outer, (str){copy, bytes.len}, STEPS, &got, NULL);
        arena_done(&outer);
    }
    end();
}
