#include "query/cache/envelope.h"

#include "base/crc32c.h"

static const char magic[4] = "WQC1";
enum { CRC_AT = 4, GENERATION_AT = 8, NAME_AT = 16 };

void envelope_write(char *out, str name, uint64_t generation, str payload)
{
    uint32_t name_len = (uint32_t)name.len;
    memcpy(out, magic, sizeof magic);
    memcpy(out + GENERATION_AT, &generation, sizeof generation);
    memcpy(out + NAME_AT, &name_len, sizeof name_len);
    if (name.len) memcpy(out + ENVELOPE_HEAD, name.ptr, name.len);
    if (payload.len) memcpy(out + ENVELOPE_HEAD + name.len, payload.ptr, payload.len);
    size_t size = envelope_size(name.len, payload.len);
    uint32_t crc = crc32c(0, (str){out + GENERATION_AT, size - GENERATION_AT});
    memcpy(out + CRC_AT, &crc, sizeof crc);
}

bool envelope_read(str bytes, str *ret_name, uint64_t *ret_generation, str *ret_payload)
{
    uint32_t crc, name_len;
    if (bytes.len < ENVELOPE_HEAD || memcmp(bytes.ptr, magic, sizeof magic) != 0) return false;
    memcpy(&crc, bytes.ptr + CRC_AT, sizeof crc);
    if (crc32c(0, str_drop(bytes, GENERATION_AT)) != crc) return false;
    memcpy(&name_len, bytes.ptr + NAME_AT, sizeof name_len);
    if (name_len > bytes.len - ENVELOPE_HEAD) return false;
    memcpy(ret_generation, bytes.ptr + GENERATION_AT, sizeof *ret_generation);
    *ret_name = (str){bytes.ptr + ENVELOPE_HEAD, name_len};
    *ret_payload = str_drop(bytes, ENVELOPE_HEAD + name_len);
    return true;
}
