#include "store/door_native.h"

#include "testing/test.h"

/* One column `n` UInt8 with 7, as the engine writes it, and as clients of two revisions read it. */
#define BLOCK S("\1\1\1n\5UInt8\7")
static const str HEADED = S("\1\0\2\xff\xff\xff\xff\0\1\1\1n\5UInt8\7");
static const str MARKED = S("\1\0\2\xff\xff\xff\xff\0\1\1\1n\5UInt8\0\7");

static struct buf all(uint64_t revision, str in, size_t cut)
{
    struct buf out;
    struct err err = {};
    buf_init(&out, 1 << 20);
    struct door_native *n = door_native_new(revision);
    for (; in.len; in = str_drop(in, cut))
        CHECK_INT(door_native_take(n, (str){in.ptr, in.len < cut ? in.len : cut}, &out, &err),
                  ST_OK);
    door_native_free(n);
    return out;
}

TEST(a_block_has_the_form_of_its_clients_revision)
{
    for (size_t cut = 1; cut < 12; cut++) {
        struct buf a = all(54405, BLOCK, cut), b = all(54460, BLOCK, cut);
        CHECK_STR(buf_str(&a), HEADED);
        CHECK_STR(buf_str(&b), MARKED);
        buf_done(&a);
        buf_done(&b);
    }
}

TEST(blocks_follow_each_other_however_they_are_cut)
{
    str two = S("\1\1\1n\5UInt8\7\1\1\1n\5UInt8\7");
    for (size_t cut = 1; cut < 23; cut++) {
        struct buf got = all(54460, two, cut);
        CHECK_INT(got.len, 2 * MARKED.len);
        CHECK_STR(((str){got.ptr + MARKED.len, MARKED.len}), MARKED);
        buf_done(&got);
    }
}

TEST(a_type_that_is_not_read_is_named)
{
    struct buf out;
    struct err err = {};
    buf_init(&out, 1 << 20);
    struct door_native *n = door_native_new(54460);
    CHECK_INT(door_native_take(n, S("\1\1\1n\4JSON\7"), &out, &err), ST_UNSUPPORTED);
    CHECK(strstr(err.msg, "column 'n'") && strstr(err.msg, "JSON"));
    door_native_free(n);
    buf_done(&out);
}
