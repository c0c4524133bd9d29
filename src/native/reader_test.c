#include "native/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "native/golden.h"
#include "testing/test.h"

static struct arena arena;
static struct native_block block;
static struct err err;

static status read_one(str in)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    err = (struct err){0};
    return native_read_block(&arena, &in, &block, &err);
}

static const struct native_column *golden_column(str name)
{
    static char bytes[GOLDEN_SIZE];
    if (read_one(golden_bytes(bytes)) != ST_OK) return NULL;
    return native_find(&block, name);
}

TEST(a_block_of_the_engine_has_its_rows_columns_names_and_types)
{
    const struct native_column *c = golden_column(S("dt9"));
    CHECK(c != NULL);
    CHECK_INT(block.rows, 3);
    CHECK_INT(block.n_columns, 29);
    CHECK_STR(c->type, S("DateTime64(9, 'UTC')"));
    CHECK_STR(block.columns[28].name, S("em"));
    CHECK(native_find(&block, S("nope")) == NULL);
}

TEST(numbers_of_the_engine_read_back)
{
    CHECK_INT(native_u64(golden_column(S("u8")), 0), 200);
    CHECK_INT(native_i64(golden_column(S("i16")), 0), -2);
    CHECK_INT(native_i64(golden_column(S("i16")), 1), 3);
    CHECK_INT(native_u64(golden_column(S("u32")), 0), 70000);
    CHECK_INT(native_i64(golden_column(S("i64")), 0), -5);
    CHECK_NEAR(native_f64(golden_column(S("f32")), 0), 1.5, 0);
    CHECK_NEAR(native_f64(golden_column(S("f64")), 1), 7.25, 0);
    CHECK_NEAR(native_f64(golden_column(S("i64")), 0), -5, 0);
    CHECK_INT(native_u64(golden_column(S("b")), 0), 1);
    CHECK_INT(native_i64(golden_column(S("e")), 0), 2);
    CHECK_INT(native_i64(golden_column(S("e")), 2), -3);
    CHECK_INT(native_u64(golden_column(S("sf")), 2), 11);
    CHECK_STR(native_str(golden_column(S("u128")), 1),
              ((str){"\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16}));
}

TEST(times_of_the_engine_read_back_as_ticks)
{
    CHECK_INT(native_u64(golden_column(S("d")), 0), 19756);
    CHECK_INT(native_i64(golden_column(S("d32")), 0), -1);
    CHECK_INT(native_u64(golden_column(S("dt")), 0), 1706933106);
    CHECK_INT(native_i64(golden_column(S("dt9")), 0), 1706933106123456789);
    CHECK_INT(native_i64(golden_column(S("dt9")), 2), -1000000000);
}

TEST(strings_of_the_engine_read_back)
{
    CHECK_STR(native_str(golden_column(S("s")), 0), S("one"));
    CHECK_STR(native_str(golden_column(S("s")), 1), S(""));
    CHECK_STR(native_str(golden_column(S("fs")), 0), S("ab\0\0"));
    CHECK_STR(native_str(golden_column(S("fs")), 1), S("wxyz"));
    CHECK_STR(native_str(golden_column(S("id")), 0),
              S("\x77\x66\x55\x44\x33\x22\x11\x00\xff\xee\xdd\xcc\xbb\xaa\x99\x88"));
}

TEST(nulls_read_as_null_and_empty)
{
    const struct native_column *c = golden_column(S("ns"));
    CHECK(native_is_null(c, 0));
    CHECK(!native_is_null(c, 1));
    CHECK_STR(native_str(c, 0), S(""));
    CHECK_STR(native_str(c, 1), S("x"));
    c = golden_column(S("ni"));
    CHECK_INT(native_i64(c, 0), 7);
    CHECK(native_is_null(c, 1));
    CHECK_INT(native_i64(c, 1), 0);
}

TEST(low_cardinality_is_resolved)
{
    const struct native_column *c = golden_column(S("lc"));
    CHECK_INT(c->dictionary, 2);
    CHECK_STR(native_str(c, 0), S("red"));
    CHECK_STR(native_str(c, 1), S(""));
    CHECK_STR(native_str(c, 2), S("red"));
    CHECK_INT(c->index[0], c->index[2]);
    c = golden_column(S("lcn"));
    CHECK(native_is_null(c, 0));
    CHECK_STR(native_str(c, 0), S(""));
    CHECK(!native_is_null(c, 1));
    CHECK_STR(native_str(c, 1), S("z"));
}

TEST(arrays_and_tuples_read_back)
{
    const struct native_column *c = golden_column(S("a"));
    CHECK_INT(native_end(c, 0), 3);
    CHECK_INT(native_begin(c, 1), native_end(c, 1));
    CHECK_INT(native_u64(&c->child[0], native_begin(c, 2)), 65535);

    c = golden_column(S("aa"));
    const struct native_column *inner = &c->child[0];
    CHECK_INT(native_end(c, 1) - native_begin(c, 1), 2);
    uint64_t first = native_begin(c, 1);
    CHECK_INT(native_end(inner, first) - native_begin(inner, first), 2);
    CHECK_STR(native_str(&inner->child[0], native_begin(inner, first) + 1), S("j"));

    c = golden_column(S("t"));
    CHECK_INT(c->n_children, 2);
    CHECK_STR(c->child[1].name, S("b c"));
    CHECK_INT(native_u64(&c->child[0], 2), 3);
    CHECK_STR(native_str(&c->child[1], 2), S("u"));
}

TEST(maps_read_back)
{
    const struct native_column *c = golden_column(S("mlc"));
    uint64_t at = native_begin(c, 1);
    CHECK_INT(native_end(c, 1) - at, 2);
    CHECK_STR(native_str(&c->child[0], at), S("x"));
    CHECK_STR(native_str(&c->child[1], at), S("y"));
    CHECK_STR(native_str(&c->child[0], at + 1), S("k"));
    CHECK_STR(native_str(&c->child[1], at + 1), S("w"));

    c = golden_column(S("am"));
    const struct native_column *m = &c->child[0];
    CHECK_INT(native_end(c, 0), 2);
    CHECK_INT(native_end(m, 1), native_end(m, 0));
    CHECK_STR(native_str(&m->child[1], native_begin(m, 2) + 1), S("3"));

    c = golden_column(S("em"));
    CHECK_INT(native_end(c, 2), 0);
}

TEST(blocks_follow_each_other)
{
    str in = S("\x01\x02\x01n\x05UInt8\x07\x09\x01\x01\x01n\x05UInt8\x0b");
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    CHECK_INT(native_read_block(&arena, &in, &block, &err), ST_OK);
    CHECK_INT(block.rows, 2);
    CHECK_INT(native_u64(&block.columns[0], 1), 9);
    CHECK_INT(native_read_block(&arena, &in, &block, &err), ST_OK);
    CHECK_INT(native_u64(&block.columns[0], 0), 11);
    CHECK_INT(native_read_block(&arena, &in, &block, &err), ST_NOT_FOUND);
}

TEST(a_block_without_rows_has_columns_and_no_data)
{
    CHECK_INT(read_one(S("\x02\x00\x01n\x05UInt8\x01m\x23Map(LowCardinality(String), String)")),
              ST_OK);
    CHECK_INT(block.n_columns, 2);
    CHECK_INT(block.columns[1].child[1].rows, 0);
}

TEST(every_cut_of_a_block_asks_for_more_and_leaves_the_input)
{
    char bytes[GOLDEN_SIZE];
    str whole = golden_bytes(bytes);
    for (size_t n = 1; n < whole.len; n++) {
        char *piece = malloc(n);
        memcpy(piece, whole.ptr, n);
        str in = {piece, n};
        struct arena a;
        arena_init(&a, 1 << 20);
        status s = native_read_block(&a, &in, &block, &err);
        CHECK_INT(s, ST_LIMIT);
        CHECK(in.ptr == piece && in.len == n);
        CHECK_INT(a.used, 0);
        arena_done(&a);
        free(piece);
    }
}

TEST(malformed_blocks_are_refused_with_the_columns_name)
{
    static const struct {
        str in, why;
    } cases[] = {
        {S("\x01\x01\x01n\x04JSON\x00"), S("type 'JSON'")},
        {S("\x01\x01\x01n\x0b"
           "Array(UInt8\x00"),
         S("')' expected")},
        {S("\x01\x01\x01n\x0e"
           "FixedString(0)\x00"),
         S("a length from 1")},
        {S("\x01\x01\x01n\x0c"
           "FixedString(\x00"),
         S("a length from 1")},
        {S("\x01\x01\x01n\x15Nullable(Array(UInt8))\x00"), S("")},
        {S("\x01\x02\x01n\x0c"
           "Array(UInt8)\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\1\1"),
         S("offsets that fall")},
        {S("\x01\x01\x01n\x16LowCardinality(String)\2\0\0\0\0\0\0\0"), S("version that is not 1")},
        {S("\x01\x01\x01n\x16LowCardinality(String)\1\0\0\0\0\0\0\0\0\7\0\0\0\0\0\0"), S("flags")},
        {S("\x01\x01\x01n\x16LowCardinality(String)"
           "\1\0\0\0\0\0\0\0\0\6\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"
           "\1\0\0\0\0\0\0\0\1"),
         S("index past its keys")},
        {S("\x01\x01\x01n\x16LowCardinality(String)"
           "\1\0\0\0\0\0\0\0\0\6\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"
           "\2\0\0\0\0\0\0\0\0\0"),
         S("rows that are not")},
        {S("\x00\x01"), S("rows without columns")},
        {S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01"), S("more than 64 bits")},
        {S("\xff\xff\x7f\x01"), S("more than 10000 columns")},
        {S("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01n\x06UInt64"), S("too many rows")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(read_one(cases[i].in), ST_INVALID);
        CHECK(memmem(err.msg, strlen(err.msg), cases[i].why.ptr, cases[i].why.len) ||
              cases[i].why.len == 0);
    }
    CHECK_INT(read_one(cases[0].in), ST_INVALID);
    CHECK(strncmp(err.msg, "column 'n': ", 12) == 0);
}

TEST(a_claim_of_many_rows_takes_no_memory)
{
    CHECK_INT(read_one(S("\x01\xff\xff\xff\xff\x7f\x01n\x06String\x01")), ST_LIMIT);
    CHECK_INT(read_one(S("\x01\xff\xff\xff\xff\x7f\x01n\x0c"
                         "Array(UInt8)\x01")),
              ST_LIMIT);
    CHECK(arena.used < 4096);
}

TEST(deep_types_are_refused)
{
    char text[400] = "\x01\x01\x01n\x7f";
    size_t n = 5;
    for (int i = 0; i < 20; i++) n += (size_t)sprintf(text + n, "Array(");
    memset(text + n, ' ', 7);
    CHECK_INT(read_one((str){text, n + 7}), ST_INVALID);
    CHECK(strstr(err.msg, "16 deep") != NULL);
}
