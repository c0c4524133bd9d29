/* Any bytes as OTLP in protobuf: decoded or refused, and what is decoded is consistent. */
#include "otlp_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_decode(data, size, PAYLOAD_PROTOBUF);
}
