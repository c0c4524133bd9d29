/* Any bytes, cut anywhere: the HTTP/1.1 core must end, call the service in order, and close what it
 * opened. What is asked of the service does not depend on the cuts.
 *
 * The first byte says how the rest is cut and how the service behaves. */
#include <stdint.h>

#include "http_service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    str in = {(const char *)data + 1, size - 1};
    unsigned how = data[0];
    uint64_t seen = fuzz_core(http1_new(), NULL, how, in);
    /* An answer before the body's end closes the connection or not by what has arrived. */
    if ((how & 7) == 0) assert(fuzz_core(http1_new(), NULL, how ? 0 : 8, in) == seen);
    return 0;
}
