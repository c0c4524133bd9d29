#include "base/json_in.h"

#include "base/utf8.h"

enum { WANT_VALUE, WANT_FIRST, WANT_KEY, WANT_COMMA, WANT_NOTHING };

struct json_in json_read(str in, struct arena *a)
{
    return (struct json_in){.in = in, .arena = a, .state = WANT_VALUE};
}

static enum json_token bad(struct json_in *j, const char *why)
{
    j->bad = true;
    j->why = why;
    return j->token = JSON_END;
}

static bool in_array(const struct json_in *j)
{
    unsigned d = j->depth - 1;
    return j->array[d / 64] >> (d % 64) & 1;
}

static void space(struct json_in *j)
{
    while (j->at < j->in.len) {
        char c = j->in.ptr[j->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
        j->at++;
    }
}

static bool hex4(struct json_in *j, size_t at, uint32_t *ret)
{
    uint32_t v = 0;
    if (j->in.len - at < 4) return false;
    for (size_t i = 0; i < 4; i++) {
        char c = j->in.ptr[at + i];
        uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 16;
        if (d == 16) return false;
        v = v << 4 | d;
    }
    *ret = v;
    return true;
}

/* From `from` (after the opening quote) with an escape at j->at: copies to the arena. */
static bool unescape(struct json_in *j, size_t from)
{
    size_t end = j->at; /* find the closing quote for the size */
    while (end < j->in.len && j->in.ptr[end] != '"') end += j->in.ptr[end] == '\\' ? 2 : 1;
    if (end >= j->in.len) return bad(j, "string without an end"), false;
    char *out = arena_alloc(j->arena, end - from + 4, 1);
    size_t n = j->at - from;
    memcpy(out, j->in.ptr + from, n);
    while (j->at < end) {
        unsigned char c = (unsigned char)j->in.ptr[j->at];
        if (c < 0x20) return bad(j, "control character in a string"), false;
        if (c != '\\') {
            out[n++] = (char)c;
            j->at++;
            continue;
        }
        static const char from_c[] = "\"\\/bfnrt", to_c[] = "\"\\/\b\f\n\r\t";
        char e = j->in.ptr[j->at + 1];
        const char *hit = e ? strchr(from_c, e) : NULL;
        if (hit) {
            out[n++] = to_c[hit - from_c];
            j->at += 2;
            continue;
        }
        uint32_t cp;
        if (e != 'u' || !hex4(j, j->at + 2, &cp)) return bad(j, "bad escape in a string"), false;
        j->at += 6;
        uint32_t low;
        if (cp >= 0xd800 && cp < 0xdc00 && j->in.len - j->at >= 6 && j->in.ptr[j->at] == '\\' &&
            j->in.ptr[j->at + 1] == 'u' && hex4(j, j->at + 2, &low) && low >= 0xdc00 &&
            low < 0xe000) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            j->at += 6;
        }
        n += utf8_put(cp, out + n);
    }
    if (j->at != end) return bad(j, "bad escape in a string"), false;
    j->text = (str){out, n};
    return true;
}

static bool string(struct json_in *j)
{
    size_t from = ++j->at;
    for (; j->at < j->in.len; j->at++) {
        unsigned char c = (unsigned char)j->in.ptr[j->at];
        if (c == '"' || c == '\\') break;
        if (c < 0x20) return bad(j, "control character in a string"), false;
    }
    if (j->at == j->in.len) return bad(j, "string without an end"), false;
    if (j->in.ptr[j->at] == '"')
        j->text = (str){j->in.ptr + from, j->at - from};
    else if (!unescape(j, from))
        return false;
    if (!utf8_valid(j->text)) return bad(j, "string that is not UTF-8"), false;
    j->at++;
    return true;
}

static bool digits(struct json_in *j)
{
    size_t from = j->at;
    while (j->at < j->in.len && j->in.ptr[j->at] >= '0' && j->in.ptr[j->at] <= '9') j->at++;
    return j->at > from;
}

static bool number(struct json_in *j)
{
    size_t from = j->at;
    if (j->in.ptr[j->at] == '-') j->at++;
    size_t first = j->at;
    if (!digits(j)) return bad(j, "not a JSON value"), false;
    if (j->in.ptr[first] == '0' && j->at - first > 1)
        return bad(j, "number with a leading 0"), false;
    if (j->at < j->in.len && j->in.ptr[j->at] == '.') {
        j->at++;
        if (!digits(j)) return bad(j, "number without digits after the point"), false;
    }
    if (j->at < j->in.len && (j->in.ptr[j->at] | 0x20) == 'e') {
        j->at++;
        if (j->at < j->in.len && (j->in.ptr[j->at] == '+' || j->in.ptr[j->at] == '-')) j->at++;
        if (!digits(j)) return bad(j, "number without digits in its exponent"), false;
    }
    j->text = (str){j->in.ptr + from, j->at - from};
    return true;
}

static bool word(struct json_in *j, str w)
{
    if (j->in.len - j->at < w.len || memcmp(j->in.ptr + j->at, w.ptr, w.len) != 0)
        return bad(j, "not a JSON value"), false;
    j->at += w.len;
    return true;
}

static enum json_token opened(struct json_in *j, bool array)
{
    if (j->depth == JSON_DEPTH_MAX) return bad(j, "nested deeper than 128 levels");
    uint64_t bit = 1ull << (j->depth % 64), *w = &j->array[j->depth / 64];
    *w = array ? *w | bit : *w & ~bit;
    j->depth++;
    j->at++;
    j->state = WANT_FIRST;
    return j->token = array ? JSON_ARRAY : JSON_OBJECT;
}

static enum json_token closed(struct json_in *j)
{
    bool array = in_array(j);
    j->depth--;
    j->at++;
    j->state = j->depth ? WANT_COMMA : WANT_NOTHING;
    return j->token = array ? JSON_ARRAY_END : JSON_OBJECT_END;
}

static enum json_token key(struct json_in *j)
{
    if (j->in.ptr[j->at] != '"') return bad(j, "a key must be a string");
    if (!string(j)) return JSON_END;
    space(j);
    if (j->at == j->in.len || j->in.ptr[j->at] != ':') return bad(j, "no ':' after a key");
    j->at++;
    j->state = WANT_VALUE;
    return j->token = JSON_KEY;
}

static enum json_token value(struct json_in *j)
{
    enum json_token t;
    bool ok;
    switch (j->in.ptr[j->at]) {
    case '{': return opened(j, false);
    case '[': return opened(j, true);
    case '"': t = JSON_STRING, ok = string(j); break;
    case 't': t = JSON_TRUE, ok = word(j, S("true")); break;
    case 'f': t = JSON_FALSE, ok = word(j, S("false")); break;
    case 'n': t = JSON_NULL, ok = word(j, S("null")); break;
    default: t = JSON_NUMBER, ok = number(j); break;
    }
    if (!ok) return JSON_END;
    j->state = j->depth ? WANT_COMMA : WANT_NOTHING;
    return j->token = t;
}

enum json_token json_next(struct json_in *j)
{
    if (j->bad) return JSON_END;
    space(j);
    if (j->at == j->in.len) {
        if (j->state != WANT_NOTHING) return bad(j, "the text ends too early");
        return j->token = JSON_END;
    }
    char c = j->in.ptr[j->at];
    switch (j->state) {
    case WANT_NOTHING: return bad(j, "something follows the value");
    case WANT_FIRST:
        if (c == (in_array(j) ? ']' : '}')) return closed(j);
        return in_array(j) ? value(j) : key(j);
    case WANT_COMMA:
        if (c == (in_array(j) ? ']' : '}')) return closed(j);
        if (c != ',') return bad(j, "no ',' between two values");
        j->at++;
        space(j);
        if (j->at == j->in.len) return bad(j, "the text ends too early");
        return in_array(j) ? value(j) : key(j);
    default: return value(j);
    }
}

void json_skip(struct json_in *j)
{
    if (j->token == JSON_KEY) (void)json_next(j);
    if (j->token != JSON_OBJECT && j->token != JSON_ARRAY) return;
    unsigned outer = j->depth - 1;
    while (json_next(j) != JSON_END && j->depth > outer) {
    }
}
