/* Scripts over series in memory: our own (eval/testdata), and the conformance files, whose passes
 * are counted against a floor that must not sink. tests/engine/promql_scripts.c runs them over the
 * store. */
#include <stdio.h>
#include <stdlib.h>

#include "query/promql_runner_test.h"
#include "testing/test.h"

static struct script run_text(str text, bool loud)
{
    struct script s = {.loud = loud};
    script_run(&s, text);
    free((void *)text.ptr);
    return s;
}

TEST(own_scripts_pass)
{
    static const char *const names[] = {"selectors", "rate",   "operators",
                                        "histogram", "native", "starts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        snprintf(path, sizeof path, "src/query/eval/testdata/%s.test", names[i]);
        struct script s = run_text(test_repository_file(path), true);
        CHECK(s.total > 0);
        CHECK_INT(s.passed, s.total);
    }
}

/* How many of each conformance file pass. Raise the numbers, never lower them. */
static const struct {
    const char *file;
    unsigned floor;
} floors[] = {
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

TEST(conformance_scripts)
{
    const char *dir = test_conformance_dir(), *only = getenv("PROMQL_FILE");
    if (!dir) return;
    unsigned passed = 0, total = 0;
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        if (only && strcmp(only, floors[i].file) != 0) continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/promql/testdata/%s.test", dir, floors[i].file);
        struct script s = run_text(test_read_file(path), getenv("PROMQL_LOUD") != NULL);
        printf("%s: %u of %u\n", floors[i].file, s.passed, s.total);
        CHECK(s.total > 0);
        CHECK(s.passed >= floors[i].floor);
        passed += s.passed;
        total += s.total;
    }
    printf("all: %u of %u\n", passed, total);
}
