#include "model/sampling.h"

#include <math.h>

#include "base/hex.h"

/* Cuts *rest at the first `sep` and returns what was before it, without spaces around. */
static str cut(str *rest, char sep)
{
    const char *p = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
    size_t n = p ? (size_t)(p - rest->ptr) : rest->len;
    str head = {rest->ptr, n};
    *rest = p ? str_drop(*rest, n + 1) : (str){0};
    while (head.len && (*head.ptr == ' ' || *head.ptr == '\t')) head = str_drop(head, 1);
    while (head.len && (head.ptr[head.len - 1] == ' ' || head.ptr[head.len - 1] == '\t'))
        head.len--;
    return head;
}

static bool starts(str s, str with)
{
    return s.len >= with.len && memcmp(s.ptr, with.ptr, with.len) == 0;
}

bool sampling_parse_threshold(str hex, uint64_t *ret)
{
    if (hex.len == 0 || hex.len > SAMPLING_DIGITS) return false;
    uint64_t t = 0;
    for (size_t i = 0; i < SAMPLING_DIGITS; i++) {
        char c = i < hex.len ? hex.ptr[i] : '0';
        if (c >= 'A' && c <= 'F') return false;
        int d = hex_digit(c);
        if (d < 0) return false;
        t = t << 4 | (uint64_t)d;
    }
    *ret = t;
    return true;
}

bool sampling_parse_randomness(str hex, uint64_t *ret)
{
    return hex.len == SAMPLING_DIGITS && sampling_parse_threshold(hex, ret);
}

struct sampling_state sampling_read(str trace_state)
{
    struct sampling_state s = {0};
    while (trace_state.len) {
        str entry = cut(&trace_state, ',');
        if (!starts(entry, S("ot="))) continue;
        entry = str_drop(entry, 3);
        while (entry.len) {
            str field = cut(&entry, ';');
            if (!s.has_threshold && starts(field, S("th:")))
                s.has_threshold = sampling_parse_threshold(str_drop(field, 3), &s.threshold);
            else if (!s.has_randomness && starts(field, S("rv:")))
                s.has_randomness = sampling_parse_randomness(str_drop(field, 3), &s.randomness);
        }
        break;
    }
    return s;
}

static char *append(char *to, str s)
{
    if (s.len) memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *append_digits(char *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) *to++ = "0123456789abcdef"[v >> (52 - 4 * i) & 15];
    return to;
}

size_t sampling_threshold_text(uint64_t threshold, char out[SAMPLING_DIGITS])
{
    size_t n = SAMPLING_DIGITS;
    while (n > 1 && (threshold >> (56 - 4 * n) & 15) == 0) n--;
    append_digits(out, threshold, n);
    return n;
}

/* The fields of the `ot` entry that are not ours, each with a ";" before it. */
static char *append_others(char *to, str fields)
{
    while (fields.len) {
        str field = cut(&fields, ';');
        if (field.len == 0 || starts(field, S("th:")) || starts(field, S("rv:"))) continue;
        *to++ = ';';
        to = append(to, field);
    }
    return to;
}

str sampling_write(struct arena *a, str trace_state, const struct sampling_state *s)
{
    enum { OWN = sizeof "ot=;th:;rv:" + 2 * SAMPLING_DIGITS };
    char *text = arena_alloc(a, OWN + trace_state.len * 2 + 2, 1), *to = append(text, S("ot="));
    if (s->has_threshold) {
        to = append(to, S(";th:"));
        to += sampling_threshold_text(s->threshold, to);
    }
    if (s->has_randomness)
        to = append_digits(append(to, S(";rv:")), s->randomness, SAMPLING_DIGITS);
    bool found = false;
    for (str rest = trace_state; rest.len && !found;) {
        str entry = cut(&rest, ',');
        if ((found = starts(entry, S("ot=")))) to = append_others(to, str_drop(entry, 3));
    }
    if (to == text + 3) { /* nothing to say: no entry */
        to = text;
    } else { /* the first field has no ";" before it */
        memmove(text + 3, text + 4, (size_t)(to - text) - 4);
        to--;
    }
    found = false;
    for (str rest = trace_state; rest.len;) {
        str entry = cut(&rest, ',');
        if (entry.len == 0 || (!found && (found = starts(entry, S("ot="))))) continue;
        if (to > text) *to++ = ',';
        to = append(to, entry);
    }
    return (str){text, (size_t)(to - text)};
}

double sampling_count(uint64_t threshold)
{
    return (double)SAMPLING_ALL / ((double)SAMPLING_ALL - (double)threshold);
}

double sampling_adjusted_count(str trace_state)
{
    struct sampling_state s = sampling_read(trace_state);
    return s.has_threshold ? sampling_count(s.threshold) : 1;
}

uint64_t sampling_threshold(double probability, unsigned precision)
{
    if (!(probability < 1)) return 0;
    int exp;
    (void)frexp(probability, &exp);
    int digits = (int)precision + -exp / 4; /* exp <= 0 */
    double t = (1 - probability) * (double)SAMPLING_ALL;
    if (digits < SAMPLING_DIGITS) { /* rounded to the last digit */
        double unit = ldexp(1, 4 * (SAMPLING_DIGITS - digits));
        t = floor(t / unit + 0.5) * unit;
    }
    return t >= (double)SAMPLING_ALL ? SAMPLING_ALL : (uint64_t)t;
}
