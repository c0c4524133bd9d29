/* Any bytes, cut anywhere: the HTTP/1.1 core must end, call the service in order, and close what it
 * opened.
 *
 * The first byte says how the rest is cut and how the service behaves. */
#include <stdint.h>

#include "http_service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    fuzz_core(http1_new(), data[0], (str){(const char *)data + 1, size - 1});
    return 0;
}
