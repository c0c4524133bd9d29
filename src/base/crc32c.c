#include "base/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

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
/* The instruction takes three cycles and can begin each cycle: three lanes of LANE bytes go side by
 * side. `past_lane` moves a lane's remainder past the LANE bytes behind it, a byte of it at a time:
 * remainders are linear. */
enum { LANE = 512 };

static uint32_t past_lane[4][256];
static pthread_once_t past_lane_once = PTHREAD_ONCE_INIT;

[[gnu::target("sse4.2")]] static void past_lane_make(void)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint64_t c = 1u << bit;
        for (int i = 0; i < LANE / 8; i++) c = _mm_crc32_u64(c, 0);
        for (unsigned b = 0; b < 256; b++)
            if (b >> bit % 8 & 1) past_lane[bit / 8][b] ^= (uint32_t)c;
    }
}

static uint32_t behind_lane(uint64_t c)
{
    return past_lane[0][c & 0xff] ^ past_lane[1][c >> 8 & 0xff] ^ past_lane[2][c >> 16 & 0xff] ^
           past_lane[3][c >> 24 & 0xff];
}

static uint64_t load(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

[[gnu::target("sse4.2")]] static uint64_t three_lanes(uint64_t c, const char *p)
{
    uint64_t second = 0, third = 0;
    for (const char *end = p + LANE; p < end; p += 8) {
        c = _mm_crc32_u64(c, load(p));
        second = _mm_crc32_u64(second, load(p + LANE));
        third = _mm_crc32_u64(third, load(p + 2 * LANE));
    }
    return behind_lane(behind_lane(c) ^ second) ^ third;
}

[[gnu::target("sse4.2")]] static uint32_t crc32c_sse(uint32_t crc, str bytes)
{
    uint64_t c = (uint32_t)~crc;
    const char *p = bytes.ptr;
    size_t n = bytes.len;
    if (n >= 3 * LANE) pthread_once(&past_lane_once, past_lane_make);
    for (; n >= 3 * LANE; p += 3 * LANE, n -= 3 * LANE) c = three_lanes(c, p);
    for (; n >= 8; p += 8, n -= 8) c = _mm_crc32_u64(c, load(p));
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
