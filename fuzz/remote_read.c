/* Any bytes as a request of Prometheus' remote read: read or refused, and what is read is
 * consistent. */
#include <assert.h>
#include <stdint.h>

#include "query/parse/remote_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    struct remote_read r;
    arena_init(&a, 64 << 20);
    char *body = arena_alloc(&a, size + 64, 1);
    if (size) memcpy(body, data, size);
    memset(body + size, 0, 64);
    if (remote_read_parse(&a, (str){body, size}, &r, &err) != ST_OK) {
        assert(err.msg[0]);
    } else {
        assert(r.n_queries <= REMOTE_READ_QUERIES_MAX);
        for (uint32_t i = 0; i < r.n_queries; i++)
            for (uint32_t k = 0; k < r.queries[i].n_matchers; k++)
                (void)matcher_accepts(&r.queries[i].matchers[k], S("any"));
    }
    arena_done(&a);
    return 0;
}
