#include "base/yaml.h"
#include "testing/test.h"

static bool one_variable(void *, str name, str *ret)
{
    *ret = S("eu-1");
    return str_eq(name, S("REGION"));
}

static status parse(struct arena *a, const char *text, const struct tree **ret, struct err *err)
{
    arena_init(a, 1 << 20);
    return yaml_parse(a, str_of(text), "w.yaml", one_variable, NULL, ret, err);
}

static void check_refused(const char *text, const char *why)
{
    struct arena a;
    const struct tree *t;
    struct err err;
    CHECK_INT(parse(&a, text, &t, &err), ST_INVALID);
    CHECK_STR(str_of(err.msg), str_of(why));
    arena_done(&a);
}

TEST(yaml_maps_lists_and_scalars_keep_their_places)
{
    struct arena a;
    const struct tree *t;
    struct err err;
    CHECK_INT(parse(&a, "processors:\n  batch/2: {timeout: 5s}\n  list: [a, 'b']\n", &t, &err),
              ST_OK);
    const struct tree *batch = tree_get(tree_get(t, S("processors")), S("batch/2"));
    CHECK_INT(batch->kind, TREE_MAP);
    CHECK_INT(batch->key_line, 2);
    CHECK_INT(batch->key_column, 3);
    nanos timeout = 0;
    CHECK_INT(tree_time(batch, S("timeout"), 1, &timeout, &err), ST_OK);
    CHECK_INT(timeout, 5 * NANOS_S);
    str *texts = NULL;
    size_t n = 0;
    CHECK_INT(tree_texts(&a, tree_get(t, S("processors")), S("list"), &texts, &n, &err), ST_OK);
    CHECK_INT(n, 2);
    CHECK_STR(texts[1], S("b"));
    arena_done(&a);
}

TEST(yaml_replaces_references_to_the_environment)
{
    struct arena a;
    const struct tree *t;
    struct err err;
    CHECK_INT(
        parse(&a, "a: x-${env:REGION}-${env:NONE:-d:1}\nb: $${REGION}\nc: ${REGION}\n", &t, &err),
        ST_OK);
    CHECK_STR(tree_get(t, S("a"))->text, S("x-eu-1-d:1"));
    CHECK_STR(tree_get(t, S("b"))->text, S("${REGION}"));
    CHECK_STR(tree_get(t, S("c"))->text, S("eu-1"));
    arena_done(&a);
}

TEST(yaml_refuses_with_the_place)
{
    check_refused("a: ${env:NONE}\n", "w.yaml:1:4: the environment variable NONE is not set, and "
                                      "no default is given (${env:NONE:-default})");
    check_refused("a: 1\na: 2\n", "w.yaml:2:1: \"a\" is here a second time, first in line 1");
    check_refused("a: &x 1\nb: *x\n", "w.yaml:2:4: aliases are not read here");
    check_refused("a: ${\n", "w.yaml:1:4: \"${\" without \"}\"");
}

TEST(tree_says_where_and_what_is_near)
{
    struct arena a;
    const struct tree *t;
    struct err err;
    CHECK_INT(parse(&a, "exporters:\n  otlp:\n    retry:\n      - max_trys: 3\n", &t, &err), ST_OK);
    const struct tree *first =
        tree_get(tree_get(tree_get(t, S("exporters")), S("otlp")), S("retry"))->first;
    CHECK_INT(TREE_ONLY(first, &err, S("max_tries"), S("initial_interval")), ST_INVALID);
    CHECK_STR(str_of(err.msg), S("w.yaml:4:9: exporters.otlp.retry[0].max_trys: no such option; "
                                 "did you mean \"max_tries\"?"));
    uint64_t n = 0;
    CHECK_INT(tree_u64(first, S("max_trys"), 5, 9, &n, &err), ST_INVALID);
    CHECK_STR(str_of(err.msg),
              S("w.yaml:4:19: exporters.otlp.retry[0].max_trys: 3 is not between 5 and 9"));
    arena_done(&a);
}

TEST(yaml_empty_is_null)
{
    struct arena a;
    const struct tree *t;
    struct err err;
    CHECK_INT(parse(&a, "# nothing\n", &t, &err), ST_OK);
    CHECK_INT(t->kind, TREE_NULL);
    CHECK(tree_get(t, S("a")) == NULL);
    arena_done(&a);
}
