/* Any bytes as a compressed body, in the coding that the first byte names, cut as the second says:
 * what comes out does not depend on the cuts, and is bounded. A result in Native likewise. */
#include <assert.h>
#include <stdint.h>

#include "store/door_decode.h"
#include "store/door_native.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 16 << 20 };

static uint64_t add(uint64_t seen, str piece)
{
    for (size_t i = 0; i < piece.len; i++) seen = (seen ^ (uint8_t)piece.ptr[i]) * 1099511628211ull;
    return seen;
}

/* What came out, and whether it was a whole body. */
static uint64_t decode(enum door_coding c, str in, size_t cut, bool *ret_whole)
{
    struct door_decoder *d = door_decoder_new(c);
    uint64_t seen = 0;
    size_t made = 0;
    status s = ST_OK;
    while (in.len && s == ST_OK && made < MOST) {
        str some = {in.ptr, in.len < cut ? in.len : cut}, piece = {};
        in = str_drop(in, some.len);
        do {
            s = door_decode(d, &some, &piece, NULL);
            seen = add(seen, piece);
            made += piece.len;
        } while (s == ST_OK && (some.len || piece.len) && made < MOST);
    }
    *ret_whole = s == ST_OK && door_decoder_whole(d) && made < MOST;
    door_decoder_free(d);
    return seen;
}

static status blocks(str in, size_t cut, struct buf *out)
{
    struct door_native *n = door_native_new(54460);
    status s = ST_OK;
    for (; in.len && s == ST_OK; in = str_drop(in, cut))
        s = door_native_take(n, (str){in.ptr, in.len < cut ? in.len : cut}, out, NULL);
    door_native_free(n);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 16) return 0;
    enum door_coding c = (enum door_coding)(data[0] % (DOOR_CODINGS + 1));
    size_t cut = 1 + data[1];
    str in = {(const char *)data + 2, size - 2};
    if (c == DOOR_CODINGS) {
        struct buf one, two;
        buf_init(&one, MOST);
        buf_init(&two, MOST);
        if (blocks(in, SIZE_MAX / 2, &one) == ST_OK && blocks(in, cut, &two) == ST_OK)
            assert(str_eq(buf_str(&one), buf_str(&two)));
        buf_done(&one);
        buf_done(&two);
        return 0;
    }
    bool whole, also_whole;
    uint64_t a = decode(c, in, SIZE_MAX / 2, &whole), b = decode(c, in, cut, &also_whole);
    assert(whole == also_whole);
    if (whole) assert(a == b);
    return 0;
}
