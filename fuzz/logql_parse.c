/* Any bytes as LogQL: what parses prints as text that parses again and prints the same. */
#include <assert.h>
#include <stdint.h>

#include "query/parse/logql_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 64 << 20);
    struct logql_expr *e, *again;
    struct err err = {};
    if (logql_parse(&a, (str){(const char *)data, size}, &e, &err) == ST_OK) {
        struct buf first, second;
        buf_init(&first, 64 << 20);
        buf_init(&second, 64 << 20);
        logql_print(&first, e);
        if (first.len <= LOGQL_MAX_BYTES) {
            status s = logql_parse(&a, buf_str(&first), &again, &err);
            assert(s == ST_OK || err.code == ST_INVALID);
            /* Parentheses make the printed form nest deeper than what was written. */
            if (s == ST_OK) {
                logql_print(&second, again);
                assert(str_eq(buf_str(&first), buf_str(&second)));
            } else {
                assert(strstr(err.msg, "the limit of"));
            }
        }
        buf_done(&first);
        buf_done(&second);
    } else {
        assert(err.msg[0]);
    }
    arena_done(&a);
    return 0;
}
