#include "model/sampling.h"

#include <stdint.h>

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

/* 1 to 14 hex digits, the most significant ones of 56 bits. */
static double from_threshold(str hex)
{
    if (hex.len == 0 || hex.len > 14) return 1;
    uint64_t t = 0;
    for (size_t i = 0; i < 14; i++) {
        char c = i < hex.len ? hex.ptr[i] : '0';
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0) return 1;
        t = t << 4 | (uint64_t)d;
    }
    double all = 0x1p56;
    return all / (all - (double)t);
}

double sampling_adjusted_count(str trace_state)
{
    while (trace_state.len) {
        str entry = cut(&trace_state, ',');
        if (!starts(entry, S("ot="))) continue;
        entry = str_drop(entry, 3);
        while (entry.len) {
            str field = cut(&entry, ';');
            if (starts(field, S("th:"))) return from_threshold(str_drop(field, 3));
        }
        return 1;
    }
    return 1;
}
