#include "query/render/promql_tree.h"

#include "query/parse/parse.h"
#include "testing/test.h"

static void check_tree(const char *query, const char *want)
{
    struct arena a;
    struct buf b;
    struct err err = {};
    struct promql_expr *e;
    arena_init(&a, 16 << 20);
    buf_init(&b, 16 << 20);
    CHECK_INT(promql_parse(&a, (str){query, strlen(query)}, (struct promql_options){0}, &e, &err),
              ST_OK);
    struct json_out j = json_begin(&b);
    promql_tree(&j, e);
    if (want) CHECK_STR(buf_str(&b), ((str){want, strlen(want)}));
    buf_done(&b);
    arena_done(&a);
}

TEST(every_kind_of_expression_has_its_form)
{
    check_tree("-(1.5)",
               "{\"expr\":{\"expr\":{\"type\":\"numberLiteral\",\"val\":\"1.5\"},\"type\":"
               "\"parenExpr\"},\"op\":\"-\",\"type\":\"unaryExpr\"}");
    check_tree("sum without (a, b) (rate(x{a!~\"b\"}[5m] offset 1m))",
               "{\"expr\":{\"args\":[{\"anchored\":false,\"matchers\":[{\"name\":\"a\",\"type\":"
               "\"!~\",\"value\":\"b\"},{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"x\"}],"
               "\"name\":\"x\",\"offset\":60000,\"range\":300000,\"smoothed\":false,"
               "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"matrixSelector\"}],\"func\":{"
               "\"argTypes\":[\"matrix\"],\"name\":\"rate\",\"returnType\":\"vector\","
               "\"variadic\":0},\"type\":\"call\"},\"grouping\":[\"a\",\"b\"],\"op\":\"sum\","
               "\"param\":null,\"type\":\"aggregation\",\"without\":true}");
    check_tree("x[1h:1m] @ end()",
               "{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\","
               "\"value\":\"x\"}],\"name\":\"x\",\"offset\":0,\"smoothed\":false,\"startOrEnd\":"
               "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"offset\":0,\"range\":"
               "3600000,\"startOrEnd\":\"end\",\"step\":60000,\"timestamp\":null,\"type\":"
               "\"subquery\"}");
}

TEST(matching_is_told_between_vectors_only)
{
    check_tree("1 + 2",
               "{\"bool\":false,\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"matching\":"
               "null,\"op\":\"+\",\"rhs\":{\"type\":\"numberLiteral\",\"val\":\"2\"},\"type\":"
               "\"binaryExpr\"}");
    check_tree("vector(1) > bool on (a) group_left (b) vector(2)",
               "{\"bool\":true,\"lhs\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],"
               "\"func\":{\"argTypes\":[\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\","
               "\"variadic\":0},\"type\":\"call\"},\"matching\":{\"card\":\"many-to-one\","
               "\"fillValues\":{\"lhs\":null,\"rhs\":null},\"include\":[\"b\"],\"labels\":[\"a\"],"
               "\"on\":true},\"op\":\">\",\"rhs\":{\"args\":[{\"type\":\"numberLiteral\","
               "\"val\":\"2\"}],\"func\":{\"argTypes\":[\"scalar\"],\"name\":\"vector\","
               "\"returnType\":\"vector\",\"variadic\":0},\"type\":\"call\"},\"type\":"
               "\"binaryExpr\"}");
}

TEST(a_deep_tree_is_told_whole)
{
    char query[1024];
    size_t n = 0;
    for (; n < 90; n++) query[n] = '(';
    query[n++] = '1';
    for (size_t i = 0; i < 90; i++) query[n++] = ')';
    query[n] = '\0';
    check_tree(query, NULL);
}
