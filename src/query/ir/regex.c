#include "query/ir/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"

enum { PATTERN_MAX = 64 * 1024, MATCH_LIMIT = 1000 * 1000 };

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
};

static void regex_free(void *arg)
{
    struct regex *re = arg;
    pcre2_match_data_free(re->match);
    pcre2_match_context_free(re->context);
    pcre2_code_free(re->code);
}

status regex_compile(struct arena *a, str pattern, struct regex **ret, struct err *err)
{
    static const char head[] = "^(?s:", tail[] = ")$";
    if (pattern.len > PATTERN_MAX)
        return err_set(err, ST_LIMIT, 0, "the pattern is %zu bytes long, limit %d", pattern.len,
                       PATTERN_MAX);
    struct buf whole;
    buf_init(&whole, PATTERN_MAX + 64);
    buf_add(&whole, S(head));
    buf_add(&whole, pattern);
    buf_add(&whole, S(tail));
    int number;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)whole.ptr, whole.len,
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                                     &number, &at, NULL);
    buf_done(&whole);
    if (!code) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(number, text, sizeof text);
        size_t pos = at > sizeof head - 1 ? at - (sizeof head - 1) : 0;
        return err_set(err, ST_INVALID, (uint32_t)pos, "error parsing regexp: %s: `" STR_FMT "`",
                       (const char *)text, (int)(pattern.len < 100 ? pattern.len : 100),
                       pattern.ptr);
    }
    struct regex *re = arena_new(a, struct regex);
    re->code = code;
    re->match = pcre2_match_data_create(REGEX_GROUPS, NULL);
    re->context = pcre2_match_context_create(NULL);
    if (!re->match || !re->context) abort();
    pcre2_set_match_limit(re->context, MATCH_LIMIT);
    arena_defer(a, regex_free, re);
    *ret = re;
    return ST_OK;
}

static int run(const struct regex *re, str s)
{
    return pcre2_match(re->code, (PCRE2_SPTR)(s.ptr ? s.ptr : ""), s.len, 0, 0, re->match,
                       re->context);
}

bool regex_match(const struct regex *re, str s) { return run(re, s) >= 0; }

bool regex_capture(const struct regex *re, str s, str groups[REGEX_GROUPS])
{
    int n = run(re, s);
    if (n < 0) return false;
    if (n == 0) n = REGEX_GROUPS;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(re->match);
    for (int i = 0; i < REGEX_GROUPS; i++) {
        groups[i] = (str){0};
        if (i < n && at[2 * i] != PCRE2_UNSET)
            groups[i] = (str){(s.ptr ? s.ptr : "") + at[2 * i], at[2 * i + 1] - at[2 * i]};
    }
    return true;
}

int regex_group(const struct regex *re, str name)
{
    char text[64];
    if (name.len >= sizeof text) return -1;
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    int n = pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)text);
    return n < 0 ? -1 : n;
}
