#include "cmd/naming_of.h"

#include "testing/test.h"

static struct arena arena;
static struct prometheus_naming naming;
static struct err err;

static status of(struct config c)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    return naming_of(&c, &arena, &naming, &err);
}

TEST(promoted_attributes_are_named_or_all_but_some)
{
    CHECK_INT(of((struct config){.otlp_promote = S(" a.b,, c ,")}), ST_OK);
    CHECK_INT(naming.n_attributes, 2);
    CHECK_STR(naming.attributes[1], S("c"));
    CHECK(prometheus_promotes(&naming, S("a.b")) && !prometheus_promotes(&naming, S("d")));
    CHECK_INT(of((struct config){.otlp_promote_all = true, .otlp_ignore = S("c")}), ST_OK);
    CHECK(prometheus_promotes(&naming, S("a.b")) && !prometheus_promotes(&naming, S("c")));
    CHECK_INT(of((struct config){}), ST_OK);
    CHECK(!prometheus_promotes(&naming, S("a.b")));
}

TEST(settings_of_promotion_that_exclude_each_other_are_refused)
{
    CHECK_INT(of((struct config){.otlp_promote_all = true, .otlp_promote = S("c")}), ST_INVALID);
    CHECK_INT(of((struct config){.otlp_ignore = S("c")}), ST_INVALID);
    CHECK(strstr(err.msg, "query.otlp.promote_all_resource_attributes"));
}
