/* PromQL's scripts over the real engine. Nothing a script loads is left out. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/promql_stored.h"

static struct series_source *stored(struct script *s, struct arena *a, struct promql_expr *e)
{
    unsigned *number = s->ctx;
    if (s->changed) ++*number;
    struct stored_case *c = stored_case_new(a, *number, 50);
    if (s->changed) stored_add(s, c->number);
    promql_store_starts_for(&c->store, e);
    return &c->source;
}

static unsigned cases; /* so far, of all scripts */

static struct script run(str text)
{
    struct script s = {.loud = true, .source = stored, .ctx = &cases};
    script_run(&s, text);
    return s;
}

TEST(own_scripts_pass_over_the_store)
{
    static const char *const names[] = {"selectors", "rate",   "operators",
                                        "histogram", "native", "starts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        snprintf(path, sizeof path, "src/query/eval/testdata/%s.test", names[i]);
        struct script s = run(test_repository_file(path));
        printf("%s: %u of %u\n", names[i], s.passed, s.total);
        CHECK(s.passed > 0);
        CHECK_INT(s.passed, s.total);
    }
    CHECK(stored_counts.sets > 48); /* evaluations */
}

static const struct {
    const char *file;
    unsigned evaluations;
} files[] = {
    {"aggregators", 160},
    {"at_modifier", 78},
    {"collision", 2},
    {"duration_expression", 59},
    {"extended_vectors", 169},
    {"fill-modifier", 46},
    {"functions", 431},
    {"histograms", 185},
    {"info", 53},
    {"limit", 37},
    {"literals", 25},
    {"name_label_dropping", 30},
    {"native_histograms", 522},
    {"operators", 214},
    {"range_queries", 18},
    {"selectors", 31},
    {"staleness", 17},
    {"start_timestamps", 26},
    {"subquery", 34},
    {"trig_functions", 19},
    {"type_and_unit", 58},
};

/* All of each file, nothing left out. */
TEST(conformance_scripts_pass_over_the_store)
{
    const char *only = getenv("PROMQL_FILE"); /* they take a minute */
    const char *dir = getenv("WEIR_CONFORMANCE") ? test_conformance_dir() : NULL;
    if (!dir) return;
    unsigned passed = 0, total = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (only && strcmp(only, files[i].file) != 0) continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/promql/testdata/%s.test", dir, files[i].file);
        struct script s = run(test_read_file(path));
        printf("%s: %u of %u\n", files[i].file, s.passed, s.total);
        CHECK_INT(s.total, files[i].evaluations);
        CHECK_INT(s.passed, s.total);
        passed += s.passed;
        total += s.total;
    }
    printf("all: %u of %u\n", passed, total);
}
