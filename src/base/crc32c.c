#include "base/crc32c.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

uint32_t crc32c_plain(uint32_t crc, str bytes)
{
    static uint32_t table[256];
    static bool ready;
    if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
            __atomic_store_n(&table[i], c, __ATOMIC_RELAXED); /* every thread stores the same */
        }
        __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
    }
    crc = ~crc;
    for (size_t i = 0; i < bytes.len; i++)
        crc = __atomic_load_n(&table[(crc ^ (uint8_t)bytes.ptr[i]) & 0xff], __ATOMIC_RELAXED) ^
              crc >> 8;
    return ~crc;
}

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] static uint32_t crc32c_sse(uint32_t crc, str bytes)
{
    uint64_t c = (uint32_t)~crc;
    const char *p = bytes.ptr;
    size_t n = bytes.len;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        c = _mm_crc32_u64(c, v);
    }
    for (; n; p++, n--) c = _mm_crc32_u8((uint32_t)c, (uint8_t)*p);
    return ~(uint32_t)c;
}
#endif

uint32_t crc32c(uint32_t crc, str bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse(crc, bytes);
#endif
    return crc32c_plain(crc, bytes);
}
