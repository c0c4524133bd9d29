/* Any bytes as gzip, zstd and snappy: what comes out is within the bound, the slack behind it is
 * there, and little more than the bound is ever allocated. */
#include <assert.h>
#include <stdint.h>

#include "net/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t bounds[] = {100000, 20000, 10};
    for (int c = PAYLOAD_GZIP; c <= PAYLOAD_SNAPPY; c++) {
        for (size_t b = 0; b < 3; b++) {
            struct arena a;
            struct err err;
            str out;
            arena_init(&a, SIZE_MAX);
            status st = decompress(&a, (enum payload_compression)c, (str){(const char *)data, size},
                                   bounds[b], &out, &err);
            assert(st == ST_OK || st == ST_INVALID || st == ST_LIMIT);
            assert(a.used <= bounds[b] * 2 + 32768);
            if (st == ST_OK) {
                assert(out.len <= bounds[b]);
                for (size_t i = 0; i < 64; i++)
                    ((volatile char *)(uintptr_t)out.ptr)[out.len + i] = 0;
            }
            arena_done(&a);
        }
    }
    return 0;
}
