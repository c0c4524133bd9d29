/* little_endian: the numbers in what a journal writes. Private to ingest/journal. Pure, and safe in
 * a handler of signals. `out` and `p` need no alignment. */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void put32(char *out, uint32_t v)
{
    v = htole32(v);
    memcpy(out, &v, 4);
}

static inline void put64(char *out, uint64_t v)
{
    v = htole64(v);
    memcpy(out, &v, 8);
}

static inline uint32_t get32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return le32toh(v);
}

static inline uint64_t get64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return le64toh(v);
}
