/* A value as a Redis may hand it back: an envelope with a payload, or anything else. With a broken
 * checksum it is refused; the payload by itself is read or refused, and what was read is written
 * and read again the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "query/cache/envelope.h"
#include "query/cache/extent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES = 16 << 20 };

static void read_extent(str bytes, uint32_t steps)
{
    struct arena a;
    struct extent e, again;
    arena_init(&a, BYTES);
    if (extent_decode(&a, bytes, steps, &e, NULL) == ST_OK && steps) {
        struct buf b, second;
        buf_init(&b, BYTES);
        buf_init(&second, BYTES);
        extent_encode(&b, &e, 0, steps);
        if (!b.over && extent_decode(&a, buf_str(&b), steps, &again, NULL) == ST_OK) {
            extent_encode(&second, &again, 0, steps);
            assert(str_eq(buf_str(&b), buf_str(&second)));
        } else {
            assert(b.over || arena_over(&a));
        }
        buf_done(&b);
        buf_done(&second);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = {(const char *)data, size}, name, payload;
    uint64_t generation;
    if (envelope_read(in, &name, &generation, &payload)) {
        assert(name.len + payload.len + ENVELOPE_HEAD == size);
        read_extent(payload, 4);
    }
    if (size == 0) return 0;
    read_extent(str_drop(in, 1), data[0] % 16); /* the first byte says of how many steps */
    return 0;
}
