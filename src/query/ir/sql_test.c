#include "query/ir/sql.h"
#include "testing/test.h"

TEST(sql_text_outlives_the_struct_that_built_it)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    str text;
    {
        struct sql q;
        sql_init(&q, &a);
        sql_add(&q, S("SELECT "));
        for (int i = 0; i < 300; i++) sql_bind_u64(&q, 7);
        CHECK_INT(q.n_params, 300);
        text = buf_str(&q.text);
    }
    CHECK_STR(((str){text.ptr, 25}), S("SELECT {p0:UInt64}{p1:UIn"));
    arena_done(&a);
}

TEST(sql_binds_strings_in_arrays_quoted)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct sql q;
    sql_init(&q, &a);
    sql_bind_strs(&q, (str[]){S("a'b"), S("c\\d")}, 2);
    CHECK_STR(buf_str(&q.text), S("{p0:Array(String)}"));
    CHECK_STR(q.params[0].value, S("['a\\'b','c\\\\d']"));
    arena_done(&a);
}

TEST(sql_past_its_ceiling_is_over_and_keeps_what_it_has)
{
    struct arena a;
    arena_init(&a, 1ull << 30);
    struct sql q;
    sql_init(&q, &a);
    static char big[1 << 20];
    for (int i = 0; i < 17; i++) sql_add(&q, (str){big, sizeof big});
    CHECK(q.text.over);
    CHECK_INT(q.text.len, 16 << 20);
    arena_done(&a);
}
