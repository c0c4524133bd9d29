/* Any text: parse ends; what parses prints as something that parses and prints the same. */
#include <assert.h>
#include <stdint.h>

#include "query/parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    struct promql_options opt = {.experimental = true};
    struct promql_expr *e, *again;
    struct err err;
    if (promql_parse(&a, (str){(const char *)data, size}, opt, &e, &err) == ST_OK) {
        struct buf first, second;
        buf_init(&first, 1 << 24);
        buf_init(&second, 1 << 24);
        promql_print(&first, e);
        status s = promql_parse(&a, buf_str(&first), opt, &again, &err);
        assert(s == ST_OK);
        promql_print(&second, again);
        assert(str_eq(buf_str(&first), buf_str(&second)));
        buf_done(&first);
        buf_done(&second);
    } else {
        assert(err.pos <= size);
    }
    arena_done(&a);
    return 0;
}
