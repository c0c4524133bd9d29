#include "store/cityhash.h"

/* Four primes, and the multiplier of its 128-to-64 mix. */
#define K0 0xc3a5c85c97cb3127ull
#define K1 0xb492b66fbe98f273ull
#define K2 0x9ae16a3b2f90404full
#define K3 0xc949d7c7509e6557ull
#define KMIX 0x9ddfea08eb382d69ull

enum { LANE = 64, LONG_FROM = 128 };

struct pair {
    uint64_t a, b;
};

static uint64_t word(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t half(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t turn(uint64_t v, unsigned n) { return n ? v >> n | v << (64 - n) : v; }
static uint64_t fold(uint64_t v) { return v ^ v >> 47; }

static uint64_t mix(uint64_t u, uint64_t v)
{
    uint64_t a = fold((u ^ v) * KMIX);
    return fold((v ^ a) * KMIX) * KMIX;
}

/* Of at most 16 bytes. */
static uint64_t hash_short(const char *p, size_t n)
{
    if (n > 8) {
        uint64_t a = word(p), b = word(p + n - 8);
        return mix(a, turn(b + n, (unsigned)n)) ^ b;
    }
    if (n >= 4) return mix(n + ((uint64_t)half(p) << 3), half(p + n - 4));
    if (n == 0) return K2;
    uint8_t a = (uint8_t)p[0], b = (uint8_t)p[n >> 1], c = (uint8_t)p[n - 1];
    uint32_t y = a + ((uint32_t)b << 8), z = (uint32_t)n + ((uint32_t)c << 2);
    return fold(y * K2 ^ z * K3) * K2;
}

/* 32 bytes into two states; weak, and fast. */
static struct pair absorb(const char *p, uint64_t a, uint64_t b)
{
    uint64_t w = word(p), x = word(p + 8), y = word(p + 16), z = word(p + 24);
    a += w;
    b = turn(b + a + z, 21);
    uint64_t c = a;
    a += x + y;
    b += turn(a, 44);
    return (struct pair){a + z, b + c};
}

/* Of less than 128 bytes. */
static struct cityhash hash_medium(const char *p, size_t n, struct cityhash seed)
{
    uint64_t a = seed.low, b = seed.high, c, d;
    if (n <= 16) {
        a = fold(a * K1) * K1;
        c = b * K1 + hash_short(p, n);
        d = fold(a + (n >= 8 ? word(p) : c));
    } else {
        c = mix(word(p + n - 8) + K1, a);
        d = mix(b + n, c + word(p + n - 16));
        a += d;
        for (size_t left = n - 16;;) {
            a = (a ^ fold(word(p) * K1) * K1) * K1;
            b ^= a;
            c = (c ^ fold(word(p + 8) * K1) * K1) * K1;
            d ^= c;
            p += 16;
            if (left <= 16) break;
            left -= 16;
        }
    }
    a = mix(a, c);
    b = mix(d, b);
    return (struct cityhash){a ^ b, mix(b, a)};
}

struct state {
    uint64_t x, y, z;
    struct pair v, w;
};

static void step(struct state *s, const char *p)
{
    s->x = turn(s->x + s->y + s->v.a + word(p + 16), 37) * K1;
    s->y = turn(s->y + s->v.b + word(p + 48), 42) * K1;
    s->x ^= s->w.b;
    s->y ^= s->v.a;
    s->z = turn(s->z ^ s->w.a, 33);
    s->v = absorb(p, s->v.b * K1, s->x + s->w.a);
    s->w = absorb(p + 32, s->z + s->w.b, s->y);
    uint64_t z = s->z;
    s->z = s->x;
    s->x = z;
}

static struct cityhash hash_long(const char *p, size_t n, struct cityhash seed)
{
    struct state s = {.x = seed.low, .y = seed.high, .z = n * K1};
    s.v.a = turn(s.y ^ K1, 49) * K1 + word(p);
    s.v.b = turn(s.v.a, 42) * K1 + word(p + 8);
    s.w.a = turn(s.y + s.z, 35) * K1 + s.x;
    s.w.b = turn(s.x + word(p + 88), 53) * K1;
    for (; n >= LONG_FROM; n -= LONG_FROM, p += LONG_FROM) {
        step(&s, p);
        step(&s, p + LANE);
    }
    s.y += turn(s.w.a, 37) * K0 + s.z;
    s.x += turn(s.v.a + s.z, 49) * K0;
    for (size_t done = 0; done < n;) { /* the last bytes, from behind; may reach before `p` */
        done += 32;
        const char *at = p + n - done;
        s.y = turn(s.y - s.x, 42) * K0 + s.v.b;
        s.w.a += word(at + 16);
        s.x = turn(s.x, 49) * K0 + s.w.a;
        s.w.a += s.v.a;
        s.v = absorb(at, s.v.a, s.v.b);
    }
    s.x = mix(s.x, s.v.a);
    s.y = mix(s.y, s.w.a);
    return (struct cityhash){mix(s.x + s.v.b, s.w.b) + s.y, mix(s.x + s.w.b, s.y + s.v.b)};
}

static struct cityhash hash_seeded(const char *p, size_t n, struct cityhash seed)
{
    return n < LONG_FROM ? hash_medium(p, n, seed) : hash_long(p, n, seed);
}

struct cityhash cityhash128(str s)
{
    if (s.len >= 16)
        return hash_seeded(s.ptr + 16, s.len - 16,
                           (struct cityhash){word(s.ptr) ^ K3, word(s.ptr + 8)});
    if (s.len >= 8)
        return hash_seeded(
            NULL, 0, (struct cityhash){word(s.ptr) ^ s.len * K0, word(s.ptr + s.len - 8) ^ K1});
    return hash_seeded(s.ptr, s.len, (struct cityhash){K0, K1});
}
