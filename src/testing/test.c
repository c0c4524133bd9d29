/* The test registry and the checks, on top of cmocka. Tests run in the order of their file. */
#include "testing/test.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void (*at_end)(int code);

void test_at_end(void (*fn)(int code)) { at_end = fn; }

static struct test *tests, **tests_tail = &tests;

void test_register(struct test *t)
{
    *tests_tail = t;
    tests_tail = &t->next;
}

void test_check(bool ok, const char *file, int line, const char *what)
{
    if (ok) return;
    print_error("%s:%d: not true: %s\n", file, line, what);
    _fail(file, line);
}

void test_check_int(long long got, long long want, const char *file, int line, const char *what)
{
    if (got == want) return;
    print_error("%s:%d: %s is %lld, want %lld\n", file, line, what, got, want);
    _fail(file, line);
}

void test_check_str(str got, str want, const char *file, int line, const char *what)
{
    if (str_eq(got, want)) return;
    print_error("%s:%d: %s is \"" STR_FMT "\", want \"" STR_FMT "\"\n", file, line, what,
                STR_ARG(got), STR_ARG(want));
    _fail(file, line);
}

void test_check_near(double got, double want, double tolerance, const char *file, int line,
                     const char *what)
{
    if (got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= tolerance) return;
    print_error("%s:%d: %s is %.17g, want %.17g\n", file, line, what, got, want);
    _fail(file, line);
}

const char *test_conformance_dir(void)
{
    const char *dir = getenv("WEIR_CONFORMANCE");
    if (!dir || !*dir) dir = WEIR_SOURCE_DIR "/../shared/conformance";
    if (access(dir, R_OK) == 0) return dir;
    print_message("SKIPPED: no conformance data at %s (set WEIR_CONFORMANCE)\n", dir);
    return NULL;
}

str test_read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return (str){0};
    char *p = NULL;
    size_t len = 0, cap = 0;
    for (;;) {
        if (len == cap) {
            cap = cap ? cap * 2 : 65536;
            p = realloc(p, cap);
            if (!p) abort();
        }
        size_t n = fread(p + len, 1, cap - len, f);
        if (n == 0) break;
        len += n;
    }
    fclose(f);
    static char *kept[4096]; /* so that the leak checker sees who holds them */
    static size_t n_kept;
    if (n_kept < sizeof kept / sizeof *kept) kept[n_kept++] = p;
    return (str){p, len};
}

str test_repository_file(const char *path)
{
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", WEIR_SOURCE_DIR, path);
    return test_read_file(whole);
}

void test_golden(const char *path, str got)
{
    const char *update = getenv("UPDATE_GOLDEN");
    if (update && *update == '1') {
        char whole[4096];
        snprintf(whole, sizeof whole, "%s/%s", WEIR_SOURCE_DIR, path);
        FILE *f = fopen(whole, "wb");
        if (!f || fwrite(got.ptr, 1, got.len, f) != got.len || fclose(f) != 0) abort();
        return;
    }
    str want = test_repository_file(path);
    if (str_eq(got, want)) return;
    print_error("%s differs (UPDATE_GOLDEN=1 rewrites it). Got:\n" STR_FMT "\n", path,
                STR_ARG(got));
    _fail(path, 1);
}

static void run_one(void **state) { ((struct test *)*state)->fn(); }

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    size_t n = 0;
    for (struct test *t = tests; t; t = t->next) n += strstr(t->name, only) != NULL;
    struct CMUnitTest *list = calloc(n + 1, sizeof *list);
    if (!list) abort();
    size_t i = 0;
    for (struct test *t = tests; t; t = t->next)
        if (strstr(t->name, only)) list[i++] = (struct CMUnitTest){t->name, run_one, NULL, NULL, t};
    int failed = _cmocka_run_group_tests("weir", list, n, NULL, NULL);
    free(list);
    if (at_end) at_end(failed != 0);
    return failed != 0;
}
