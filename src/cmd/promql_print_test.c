#include "cmd/promql_print.h"

#include "testing/test.h"

struct printed {
    struct arena a;
    struct buf out;
    struct promql_answer r;
};

static void begin(struct printed *p, const char *json)
{
    struct err err = {};
    arena_init(&p->a, 16 << 20);
    buf_init(&p->out, 1 << 20);
    CHECK_INT(promql_answer_read(&p->a, str_of(json), &p->r, &err), ST_OK);
}

static void check_end(struct printed *p, str want)
{
    CHECK_STR(buf_str(&p->out), want);
    buf_done(&p->out);
    arena_done(&p->a);
}

static const char vector[] =
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
    "{\"metric\":{\"__name__\":\"up\",\"job\":\"a\\\"b\"},\"value\":[1700000000.5,\"1\"]},"
    "{\"metric\":{\"zone\":\"x,y\"},\"histogram\":[1700000000.5,{\"count\":\"6\",\"sum\":\"9.5\","
    "\"buckets\":[[0,\"1\",\"2\",\"6\"]]}]}]},\"warnings\":[\"w\"],\"infos\":[\"i\",\"j\"]}";

static const char matrix[] =
    "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
    "{\"metric\":{\"a\":\"b\"},\"values\":[[1700000000,\"0\"],[1700000060,\"10\"]]}]}}";

TEST(an_instant_answer_is_a_line_a_series)
{
    struct printed p;
    begin(&p, vector);
    CHECK_INT(p.r.n_notes, 3);
    promql_print_table(&p.out, &p.r);
    check_end(&p, S("up{job=\"a\\\"b\"}  1\n{zone=\"x,y\"}    count=6 sum=9.5\n"));
}

TEST(what_was_read_is_told_as_sql_with_comments)
{
    struct printed p;
    begin(&p,
          "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[],\"explain\":{"
          "\"reads\":[{\"selector\":\"up\",\"series\":2,\"resolution\":\"1h, raw\"}],"
          "\"statements\":[{\"sql\":\"SELECT {p0:UInt64}\",\"params\":{\"p0\":\"7\"},"
          "\"rows\":1,\"seconds\":0.5}]}}}");
    buf_add(&p.out, p.r.explained);
    check_end(&p, S("up\n-- series = 2\n-- resolution = 1h, raw\n\n"
                    "SELECT {p0:UInt64}\n-- p0 = 7\n-- rows = 1\n-- seconds = 0.5\n\n"));
}

TEST(a_range_answer_is_a_line_a_point)
{
    struct printed p;
    begin(&p, matrix);
    promql_print_table(&p.out, &p.r);
    check_end(&p, S("{a=\"b\"}\n  2023-11-14 22:13:20  0\n  2023-11-14 22:14:20  10\n"));
}

TEST(csv_has_a_column_for_each_label)
{
    struct printed p;
    begin(&p, vector);
    promql_print_csv(&p.a, &p.out, &p.r);
    check_end(&p, S("__name__,job,zone,timestamp,value\r\n"
                    "up,\"a\"\"b\",,1700000000.5,1\r\n"
                    ",,\"x,y\",1700000000.5,count=6 sum=9.5\r\n"));
}

TEST(scalars_strings_and_nothing)
{
    struct printed p;
    begin(&p, "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}");
    promql_print_table(&p.out, &p.r);
    check_end(&p, S("7\n"));
    begin(&p, "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1,\"x\"]}}");
    promql_print_table(&p.out, &p.r);
    check_end(&p, S("x\n"));
    begin(&p, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}");
    promql_print_plot(&p.a, &p.out, &p.r, 80, 16, false);
    check_end(&p, S("nothing to plot\n"));
}

TEST(a_plot_goes_from_the_least_to_the_most)
{
    struct printed p;
    begin(&p, matrix);
    promql_print_plot(&p.a, &p.out, &p.r, 33, 4, false);
    check_end(&p, S("        10 ┤                ⣀⠤⠔⠊\n"
                    "           │          ⢀⣀⠤⠒⠊⠉    \n"
                    "     3.333 ┤     ⢀⡠⠤⠒⠊⠁         \n"
                    "         0 ┤⣀⡠⠤⠒⠉⠁              \n"
                    "           └────────────────────\n"
                    "            22:13:20    22:14:20 UTC\n"
                    "  • {a=\"b\"}  10\n"));
}

TEST(a_failed_query_is_its_error_and_other_text_no_answer)
{
    struct arena a;
    struct err err = {};
    struct promql_answer r;
    arena_init(&a, 1 << 20);
    CHECK_INT(
        promql_answer_read(
            &a, S("{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no\"}"), &r, &err),
        ST_EXECUTION);
    CHECK_STR(str_of(err.msg), S("no"));
    CHECK_INT(promql_answer_read(&a, S("<html>"), &r, &err), ST_INVALID);
    CHECK_INT(
        promql_answer_read(
            &a,
            S("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric"),
            &r, &err),
        ST_INVALID);
    arena_done(&a);
}
