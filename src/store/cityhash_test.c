/* The expected values are those of ClickHouse's own checksum, as another implementation gives them
 * for the same bytes. */
#include "store/cityhash.h"

#include "testing/test.h"

enum { MOST = 1024 };

static str bytes(size_t n)
{
    static char b[MOST];
    uint32_t x = 1;
    for (size_t i = 0; i < MOST; i++) {
        x = x * 1664525u + 1013904223u;
        b[i] = (char)(x >> 24);
    }
    return (str){b, n};
}

TEST(every_way_of_hashing_gives_clickhouses_value)
{
    static const struct {
        size_t n;
        struct cityhash want;
    } cases[] = {
        {0, {0x3df09dfc64c09a2b, 0x3cb540c392e51e29}},
        {4, {0x0a8cd0b042924c08, 0x1cd6fe044c632e75}},
        {7, {0x42c4ebd539dc5eca, 0xe9d7b71fd4dda253}},
        {8, {0xde456aec28a0951d, 0x78191eab7d25b067}},
        {9, {0xfdb2d6922c9e06a9, 0x42fe3d5d79100ba8}},
        {15, {0xbb895d66c2d8e87f, 0xb5bd13d5c9eaa9b0}},
        {16, {0xa390a6999576be80, 0x914a78ce6bd78ad3}},
        {17, {0x0b852c8ea00191c0, 0xac26124ec8b27621}},
        {24, {0x13cb7b18bb299bc2, 0xa2f44bcf9b92ab5e}},
        {32, {0xc77aa32c0e4b1d42, 0x1b45b75e6b924b32}},
        {40, {0x9ccab22beab93b60, 0xf0289dc46008eb5c}},
        {143, {0x4a5df83a916ac0ea, 0xfd6e40a5e50397a7}},
        {144, {0x32dbee1e14e40939, 0x5d1fa8c60aa486b8}},
        {160, {0xf023e721d2a14da0, 0x48b767371e20071d}},
        {271, {0x0e9fe12ce9c32d4c, 0x4775aef970b434a0}},
        {272, {0x7ad53cbddda67868, 0x31be241dd8020208}},
        {300, {0xa9648906688a2e21, 0x4d289986f1980c0c}},
        {1000, {0x7d21f27121920406, 0xe7345d3fb2d3a74a}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cityhash got = cityhash128(bytes(cases[i].n));
        CHECK(got.low == cases[i].want.low && got.high == cases[i].want.high);
    }
}
