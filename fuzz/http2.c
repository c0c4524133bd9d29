/* Any bytes behind the preface, cut anywhere: the HTTP/2 core must end, call the service in order,
 * and close what it opened.
 *
 * The first byte says how the rest is cut and how the service behaves. */
#include <stdint.h>
#include <stdlib.h>

#include "http_service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    size_t n = sizeof preface - 1;
    char *all = malloc(n + size);
    if (!all) abort();
    memcpy(all, preface, n);
    memcpy(all + n, data + 1, size - 1);
    (void)fuzz_core(http2_new(), http2_begin, data[0], (str){all, n + size - 1});
    free(all);
    return 0;
}
