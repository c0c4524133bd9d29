/* Matching of vectors where names go at once, as they do unless delayed name removal is on (which
 * the scripts have on). */
#include "query/eval/eval.h"
#include "query/parse/parse.h"
#include "testing/test.h"

TEST(names_go_before_the_results_of_a_bool_comparison_are_told_apart)
{
    static const char query[] = "{__name__=~\"a|b\"} < bool on (host) group_left (zone) limit";
    static const str names[] = {S("a"), S("b"), S("limit")};
    const struct sample one = {1000, 1};
    struct label labels[3][2];
    struct raw_series list[3];
    struct memory_source memory;
    struct arena arena;
    struct err err = {};
    struct promql_expr *e;
    struct value v;
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < 3; i++) {
        labels[i][0] = (struct label){LABEL_NAME, names[i]};
        labels[i][1] = (struct label){S("host"), S("x")};
        list[i] = (struct raw_series){
            .labels = labels_make(&arena, labels[i], 2), .samples = &one, .n = 1};
    }
    memory_source_init(&memory, list, 3);
    struct notes notes = {.arena = &arena};
    struct promql_eval_options opt = {.grid = {1000, 0, 1}, .start_ms = 1000, .end_ms = 1000};
    CHECK_INT(promql_parse(&arena, S(query), (struct promql_options){}, &e, &err), ST_OK);
    CHECK_INT(promql_eval(&arena, S(query), e, &opt, &memory.source, &notes, &notes, &v, &err),
              ST_EXECUTION);
    CHECK_STR(str_of(err.msg),
              S("multiple matches for labels: grouping labels must ensure unique matches"));
    arena_done(&arena);
}
