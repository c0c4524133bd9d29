#include "native/writer.h"

#include <stdio.h>

#include "native/reader.h"
#include "testing/test.h"

static struct arena arena;
static struct buf out;

static void begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 26);
    buf_done(&out);
    buf_init(&out, 1 << 26);
}

static void put_u64s(const uint64_t *v, size_t n)
{
    void *at = native_put_space(&out, n * 8);
    CHECK(at != NULL);
    memcpy(at, v, n * 8);
}

static const struct native_column *read_back(str name)
{
    static struct native_block b;
    static struct err err;
    str in = buf_str(&out);
    status s = native_read_block(&arena, &in, &b, &err);
    if (s != ST_OK) printf("%s\n", err.msg);
    CHECK_INT(s, ST_OK);
    CHECK_INT(in.len, 0);
    return native_find(&b, name);
}

TEST(a_map_of_low_cardinality_keys_is_these_bytes)
{
    begin();
    struct native_dictionary keys;
    native_dictionary_init(&keys, &arena);
    uint32_t k = native_dictionary_id(&keys, S("k"), 0);
    uint32_t ids[] = {k, native_dictionary_id(&keys, S("k"), k),
                      native_dictionary_id(&keys, S("x"), k)};
    native_put_block(&out, 1, 3);
    native_put_column(&out, S("m"), S("Map(LowCardinality(String), String)"));
    native_put_lc_prefix(&out);
    put_u64s((uint64_t[]){1, 1, 3}, 3);
    native_put_lc(&out, &keys, ids, 3);
    native_put_str(&out, S("v"));
    native_put_str(&out, S("w"));
    native_put_str(&out, S("y"));
    CHECK(!out.over);
    CHECK_STR(buf_str(&out), S("\1\3\1m\x23Map(LowCardinality(String), String)"
                               "\1\0\0\0\0\0\0\0"
                               "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
                               "\0\6\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\1k\1x"
                               "\3\0\0\0\0\0\0\0\1\1\2\1v\1w\1y"));
    const struct native_column *m = read_back(S("m"));
    CHECK_STR(native_str(&m->child[0], 2), S("x"));
    CHECK_STR(native_str(&m->child[1], 2), S("y"));
}

TEST(an_array_of_maps_has_its_prefix_first_and_both_ends)
{
    begin();
    struct native_dictionary keys;
    native_dictionary_init(&keys, &arena);
    uint32_t id = native_dictionary_id(&keys, S("a"), 0);
    native_put_block(&out, 1, 2);
    native_put_column(&out, S("am"), S("Array(Map(LowCardinality(String), String))"));
    native_put_lc_prefix(&out);
    put_u64s((uint64_t[]){0, 2}, 2);
    put_u64s((uint64_t[]){0, 1}, 2);
    native_put_lc(&out, &keys, &id, 1);
    native_put_str(&out, S("1"));
    const struct native_column *am = read_back(S("am")), *m = &am->child[0];
    CHECK_INT(native_end(am, 0), 0);
    CHECK_INT(native_end(am, 1), 2);
    CHECK_INT(native_end(m, 0), 0);
    CHECK_STR(native_str(&m->child[0], 0), S("a"));
    CHECK_STR(native_str(&m->child[1], 0), S("1"));
}

TEST(fixed_widths_and_strings_come_back)
{
    begin();
    char big[300];
    memset(big, 'z', sizeof big);
    native_put_block(&out, 3, 2);
    native_put_column(&out, S("n"), S("Int64"));
    put_u64s((uint64_t[]){(uint64_t)-7, 8}, 2);
    native_put_column(&out, S("s"), S("String"));
    native_put_str(&out, (str){big, sizeof big});
    native_put_str(&out, S(""));
    native_put_column(&out, S("f"), S("FixedString(3)"));
    memcpy(native_put_space(&out, 6), "abcd\0\0", 6);
    CHECK_INT(native_i64(read_back(S("n")), 0), -7);
    CHECK_STR(native_str(read_back(S("s")), 0), ((str){big, sizeof big}));
    CHECK_STR(native_str(read_back(S("s")), 1), S(""));
    CHECK_STR(native_str(read_back(S("f")), 1), S("d\0\0"));
}

static void check_dictionary_of(uint32_t n, uint32_t width)
{
    begin();
    struct native_dictionary d;
    native_dictionary_init(&d, &arena);
    uint32_t *ids = arena_array(&arena, uint32_t, n);
    str *texts = arena_array(&arena, str, n);
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        texts[i] = arena_str(&arena, (str){text, (size_t)snprintf(text, sizeof text, "key %u", i)});
        ids[i] = native_dictionary_id(&d, texts[i], i ? ids[i - 1] : 0);
    }
    CHECK_INT(d.n, n + 1);
    CHECK_INT(native_index_width(&d), width);
    native_put_block(&out, 1, n);
    native_put_column(&out, S("lc"), S("LowCardinality(String)"));
    native_put_lc_prefix(&out);
    native_put_lc(&out, &d, ids, n);
    const struct native_column *c = read_back(S("lc"));
    for (uint32_t i = 0; i < n; i++) CHECK_STR(native_str(c, i), texts[i]);
}

TEST(an_index_is_as_narrow_as_its_dictionary_allows)
{
    check_dictionary_of(1, 1);
    check_dictionary_of(255, 1);
    check_dictionary_of(256, 2);
    check_dictionary_of(65535, 2);
    check_dictionary_of(65536, 4);
}

TEST(the_empty_key_is_key_zero)
{
    begin();
    struct native_dictionary d;
    native_dictionary_init(&d, &arena);
    CHECK_INT(native_dictionary_id(&d, S(""), 1), 0);
    CHECK_INT(native_dictionary_id(&d, S("a"), 0), 1);
    CHECK_INT(native_dictionary_id(&d, S(""), 1), 0);
    CHECK_INT(d.n, 2);
}

TEST(a_ceiling_is_sticky)
{
    begin();
    out.max = 300;
    native_put_block(&out, 1, 9);
    CHECK(native_put_space(&out, 400) == NULL);
    CHECK(out.over);
    struct native_dictionary d;
    native_dictionary_init(&d, &arena);
    static uint32_t ids[400];
    native_put_lc(&out, &d, ids, 400);
    CHECK(out.len <= 300);
}
