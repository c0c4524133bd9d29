/* Any bytes as a configuration file: an error with a place, or a configuration that is printed as
 * one that reads as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct config *c, struct arena *a)
{
    struct config again;
    struct err err = {};
    struct buf first, second;
    buf_init(&first, 1 << 22);
    buf_init(&second, 1 << 22);
    config_print(c, &first);
    config_defaults(&again, a);
    status s = config_read_yaml(&again, buf_str(&first), "printed", &err);
    if (s != ST_OK) fprintf(stderr, "%s in:\n" STR_FMT, err.msg, STR_ARG(buf_str(&first)));
    assert(s == ST_OK);
    config_print(&again, &second);
    assert(str_eq(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 22);
    struct config c;
    struct err err = {};
    config_defaults(&c, &a);
    if (config_read_yaml(&c, (str){(const char *)data, size}, "f", &err) != ST_OK)
        assert(strncmp(err.msg, "f:", 2) == 0);
    else
        read_again(&c, &a);
    arena_done(&a);
    return 0;
}
