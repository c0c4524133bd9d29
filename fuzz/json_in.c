/* Any bytes: the tokenizer must end, and strings it hands out must be UTF-8. */
#include <assert.h>
#include <stdint.h>

#include "base/json_in.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    struct json_in j = json_read((str){(const char *)data, size}, &a);
    size_t n = 0;
    while (json_next(&j) != JSON_END) {
        assert(++n <= size);
        if (j.token == JSON_STRING || j.token == JSON_KEY) assert(utf8_valid(j.text));
    }
    assert(j.bad || j.at == size);
    arena_done(&a);
    return 0;
}
