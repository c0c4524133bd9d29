/* hex, base64, UTF-8 and CRC-32C. */
#include <stdio.h>

#include "base/crc32c.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "testing/test.h"

TEST(hex_goes_there_and_back_in_either_case)
{
    char text[8];
    uint8_t bytes[4];
    hex_encode("\x00\x9a\xff\x10", 4, text);
    CHECK_STR(((str){text, 8}), S("009aff10"));
    CHECK(hex_decode(S("009AfF10"), bytes, 4));
    CHECK(memcmp(bytes, "\x00\x9a\xff\x10", 4) == 0);
    CHECK(!hex_decode(S("009aff1"), bytes, 4));
    CHECK(!hex_decode(S("009aff100"), bytes, 4));
    CHECK(!hex_decode(S("009afg10"), bytes, 4));
    CHECK(!hex_decode(S("0x9aff10"), bytes, 4));
    CHECK(!hex_decode(S("@09aff10"), bytes, 4));
}

TEST(hex_digit_is_of_either_case)
{
    const char *digits = "0123456789abcdef", *capitals = "0123456789ABCDEF";
    for (int i = 0; i < 16; i++) CHECK(hex_digit(digits[i]) == i && hex_digit(capitals[i]) == i);
    for (const char *c = "/:@G`g \xff"; *c; c++) CHECK_INT(hex_digit(*c), -1);
}

TEST(str_eq_fold_knows_letters_only)
{
    CHECK(str_eq_fold(S("Content-Type"), S("content-tYPE")));
    CHECK(str_eq_fold((str){0}, S("")));
    CHECK(!str_eq_fold(S("a"), S("ab")));
    CHECK(!str_eq_fold(S("@["), S("`{")));
    CHECK(str_eq(str_of("abc"), S("abc")));
}

TEST(base64_is_that_of_rfc_4648)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        str plain = {pairs[i][0], strlen(pairs[i][0])}, coded = {pairs[i][1], strlen(pairs[i][1])};
        char out[64];
        size_t n;
        CHECK_STR(((str){out, base64_encode(plain, out)}), coded);
        CHECK_INT(base64_size(plain.len), coded.len);
        CHECK(base64_decode(coded, out, &n));
        CHECK_STR(((str){out, n}), plain);
        while (coded.len && coded.ptr[coded.len - 1] == '=') coded.len--; /* padding is optional */
        CHECK(base64_decode(coded, out, &n));
        CHECK_STR(((str){out, n}), plain);
    }
}

TEST(base64_takes_both_alphabets_and_refuses_the_rest)
{
    char out[64];
    size_t n;
    CHECK(base64_decode(S("-_+/"), out, &n));
    CHECK_STR(((str){out, n}), S("\xfb\xff\xbf"));
    CHECK(!base64_decode(S("Z"), out, &n));
    CHECK(!base64_decode(S("Zg="), out, &n));
    CHECK(!base64_decode(S("Z=g="), out, &n));
    CHECK(!base64_decode(S("Zm 9"), out, &n));
    CHECK(!base64_decode(S("===="), out, &n));
}

/* RFC 3629, section 4, as a table of ranges. */
static size_t plain_length(const uint8_t *u, size_t n)
{
    static const uint8_t forms[][5] = {
        {2, 0xc2, 0xdf, 0x80, 0xbf}, {3, 0xe0, 0xe0, 0xa0, 0xbf}, {3, 0xe1, 0xec, 0x80, 0xbf},
        {3, 0xed, 0xed, 0x80, 0x9f}, {3, 0xee, 0xef, 0x80, 0xbf}, {4, 0xf0, 0xf0, 0x90, 0xbf},
        {4, 0xf1, 0xf3, 0x80, 0xbf}, {4, 0xf4, 0xf4, 0x80, 0x8f},
    };
    if (u[0] < 0x80) return 1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const uint8_t *f = forms[i];
        if (u[0] < f[1] || u[0] > f[2] || n < f[0] || u[1] < f[3] || u[1] > f[4]) continue;
        for (size_t k = 2; k < f[0]; k++)
            if (u[k] < 0x80 || u[k] > 0xbf) return 0;
        return f[0];
    }
    return 0;
}

TEST(utf8_length_is_that_of_the_table_in_rfc_3629)
{
    for (uint32_t a = 0; a < 256; a++)
        for (uint32_t b = 0; b < 256; b++)
            for (size_t n = 1; n <= 4; n++) {
                uint8_t u[4] = {(uint8_t)a, (uint8_t)b, (uint8_t)(0x80 + b % 64), 0xbf};
                CHECK_INT(utf8_length((const char *)u, n), plain_length(u, n));
            }
}

TEST(utf8_put_writes_what_utf8_valid_takes)
{
    for (uint32_t c = 0; c <= 0x110000; c += c < 0x3000 ? 1 : 251) {
        char out[4];
        size_t n = utf8_put(c, out);
        CHECK_INT(utf8_length(out, n), n);
        bool none = c > 0x10ffff || (c >= 0xd800 && c < 0xe000);
        CHECK(none == str_eq((str){out, n}, S("\xef\xbf\xbd")) || c == 0xfffd);
    }
    CHECK(utf8_valid(S("plain ascii that is longer than a word \xc3\xa9 and on")));
    CHECK(!utf8_valid(S("plain ascii that is longer than a word \xc3")));
    CHECK(!utf8_valid(S("0123456\xff")));
    CHECK(utf8_valid(S("")));
}

TEST(crc32c_fast_is_plain)
{
    char bytes[5000];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
    for (size_t from = 0; from < 9; from++)
        for (size_t n = 0; from + n <= sizeof bytes; n += n < 300 ? 1 : 37) {
            str s = {bytes + from, n};
            CHECK_INT(crc32c(0, s), crc32c_plain(0, s));
            CHECK_INT(crc32c(crc32c(0, (str){s.ptr, n / 3}), str_drop(s, n / 3)),
                      crc32c_plain(0, s));
        }
    CHECK_INT(crc32c(0, S("123456789")),
              0xe3069283u); /* RFC 3720's polynomial, the usual check value */
}
