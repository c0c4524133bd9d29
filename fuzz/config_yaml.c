/* Any bytes as a configuration file: an answer, and an error with a place. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 22);
    struct config c;
    struct err err = {};
    config_defaults(&c, &a);
    if (config_read_yaml(&c, (str){(const char *)data, size}, "f", &err) != ST_OK)
        assert(strncmp(err.msg, "f:", 2) == 0);
    arena_done(&a);
    return 0;
}
