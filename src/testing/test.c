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

static void rewrite(const char *path, str head, str middle, str tail)
{
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", WEIR_SOURCE_DIR, path);
    FILE *f = fopen(whole, "wb");
    if (!f) abort();
    const str parts[] = {head, middle, tail};
    for (size_t i = 0; i < 3; i++)
        if (parts[i].len && fwrite(parts[i].ptr, 1, parts[i].len, f) != parts[i].len) abort();
    if (fclose(f) != 0) abort();
}

static bool updating(void)
{
    const char *update = getenv("UPDATE_GOLDEN");
    return update && *update == '1';
}

static void check_golden(const char *path, str got, str want)
{
    if (str_eq(got, want)) return;
    print_error("%s differs (UPDATE_GOLDEN=1 rewrites it). Got:\n" STR_FMT "\n", path,
                STR_ARG(got));
    _fail(path, 1);
}

void test_golden(const char *path, str got)
{
    if (updating())
        rewrite(path, (str){0}, got, (str){0});
    else
        check_golden(path, got, test_repository_file(path));
}

void test_golden_part(const char *path, const char *name, str got)
{
    static const str end_mark = S("<!-- end -->\n");
    char mark[200];
    snprintf(mark, sizeof mark, "<!-- generated: %s -->\n", name);
    str file = test_repository_file(path);
    const char *at = file.len ? memmem(file.ptr, file.len, mark, strlen(mark)) : NULL;
    if (!at) {
        print_error("%s has no line %s", path, mark);
        _fail(path, 1);
        return;
    }
    str head = {file.ptr, (size_t)(at - file.ptr) + strlen(mark)};
    str rest = str_drop(file, head.len);
    const char *end = rest.len ? memmem(rest.ptr, rest.len, end_mark.ptr, end_mark.len) : NULL;
    if (!end) {
        print_error("%s: nothing ends the part %s", path, name);
        _fail(path, 1);
        return;
    }
    str old = {rest.ptr, (size_t)(end - rest.ptr)};
    if (updating())
        rewrite(path, head, got, str_drop(rest, old.len));
    else
        check_golden(path, got, old);
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
