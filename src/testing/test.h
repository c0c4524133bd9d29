/* A test is a function that registers itself; cmocka runs it. A failed CHECK ends the test.
 *
 * thread: main. CHECK macros evaluate their arguments once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct test {
    const char *name;
    void (*fn)(void);
    struct test *next;
};

void test_register(struct test *t);
void test_check(bool ok, const char *file, int line, const char *what);
void test_check_int(long long got, long long want, const char *file, int line, const char *what);
void test_check_str(str got, str want, const char *file, int line, const char *what);
void test_check_near(double got, double want, double tolerance, const char *file, int line,
                     const char *what);

/* The directory of the conformance data ($WEIR_CONFORMANCE, or ../shared/conformance seen from the
 * repository), or NULL after printing a clear line that the test is skipped. */
const char *test_conformance_dir(void);

/* Called by main with the exit code when all tests have run; may end the process its own way. */
void test_at_end(void (*fn)(int code));

/* A whole file, or an empty str when it cannot be read. The memory is never freed. */
str test_read_file(const char *path);

/* A file of the repository by its path from the root ("src/x/testdata/y.sql"). The memory is never
 * freed. */
str test_repository_file(const char *path);

/* Fails unless `got` is the golden file's text. With UPDATE_GOLDEN=1 in the environment the file is
 * written instead. */
void test_golden(const char *path, str got);

/* The same for the part of a file between the lines "<!-- generated: NAME -->" and "<!-- end -->".
 */
void test_golden_part(const char *path, const char *name, str got);

#define TEST(ident)                                               \
    static void test_##ident(void);                               \
    [[gnu::constructor]] static void test_add_##ident(void)       \
    {                                                             \
        static struct test t = {#ident, test_##ident, (void *)0}; \
        test_register(&t);                                        \
    }                                                             \
    static void test_##ident(void)

#define CHECK(c) test_check((c), __FILE__, __LINE__, #c)
#define CHECK_INT(got, want) \
    test_check_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want) test_check_str((got), (want), __FILE__, __LINE__, #got)
#define CHECK_NEAR(got, want, tol) test_check_near((got), (want), (tol), __FILE__, __LINE__, #got)
