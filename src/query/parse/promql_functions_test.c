#include "query/parse/parse.h"
#include "testing/test.h"

/* "vss" as a reader of the page wants it: vector, scalar, scalar. */
static void print_args(struct buf *b, const struct promql_function *f)
{
    size_t n = strlen(f->args);
    for (size_t i = 0; i < n; i++) {
        bool optional = f->variadic && i == n - 1;
        char c = f->args[i];
        str name = c == 's' ? S("scalar") : c == 'v' ? S("vector") : S("string");
        if (c == 'm') name = S("range");
        if (i) buf_add(b, S(", "));
        buf_printf(b, optional ? "[" STR_FMT "]" : STR_FMT, STR_ARG(name));
    }
    if (f->variadic && f->variadic != 1) buf_add(b, S(", ..."));
}

static const char *answered(const struct promql_function *f)
{
    return f->experimental ? "with `query.experimental`" : "yes";
}

TEST(the_page_of_queries_lists_every_function)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add(&b, S("| function | answered |\n| --- | --- |\n"));
#define F(ident, ret, arguments, var, exper, how)                          \
    do {                                                                   \
        const struct promql_function *f = promql_function_find(S(#ident)); \
        CHECK(f != NULL);                                                  \
        buf_printf(&b, "| `%s(", f->name);                                 \
        print_args(&b, f);                                                 \
        buf_printf(&b, ")` | %s |\n", answered(f));                        \
    } while (0);
#include "query/ir/promql_functions.def"
#undef F
    test_golden_part("docs/queries.md", "functions", buf_str(&b));
    buf_done(&b);
}
