#include "query/serve/params.h"

#include "testing/test.h"

TEST(params_are_decoded_in_order_with_repeats)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct param_list l = {0};
    CHECK_INT(params_add(&l, &a,
                         S("match[]=a%7Bb%3D%22c%22%7D&x=1+2&&match%5B%5D=d&flag&empty=&e=a=b"),
                         NULL),
              ST_OK);
    CHECK_INT(l.n, 6);
    CHECK_STR(l.v[0].name, S("match[]"));
    CHECK_STR(l.v[0].value, S("a{b=\"c\"}"));
    CHECK_STR(l.v[1].value, S("1 2"));
    CHECK_STR(l.v[2].name, S("match[]"));
    CHECK_STR(l.v[3].name, S("flag"));
    CHECK(l.v[3].value.ptr && l.v[3].value.len == 0);
    CHECK(l.v[4].value.ptr && l.v[4].value.len == 0);
    CHECK_STR(l.v[5].value, S("a=b"));
    arena_done(&a);
}

TEST(params_are_bounded)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    struct param_list l = {0};
    for (int i = 0; i < PARAMS_MAX; i++) CHECK_INT(params_add(&l, &a, S("a"), NULL), ST_OK);
    struct err err;
    CHECK_INT(params_add(&l, &a, S("a=1"), &err), ST_INVALID);
    arena_done(&a);
}

TEST(params_form_is_known_by_its_type)
{
    CHECK(params_is_form(S("application/x-www-form-urlencoded")));
    CHECK(params_is_form(S("Application/X-WWW-Form-Urlencoded; charset=utf-8")));
    CHECK(!params_is_form(S("application/x-www-form-urlencodedx")));
    CHECK(!params_is_form(S("application/json")));
    CHECK(!params_is_form((str){0}));
}
