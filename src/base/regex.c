#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <pcre2.h>

#include "base/buf.h"

struct regex_scratch {
    pcre2_match_data *found;
    int *workspace; /* of the matcher without backtracking; made when first needed */
};

struct regex {
    pcre2_code *code;
    pcre2_code *valid; /* for valid UTF-8 only: matching without backtracking knows no other */
    pcre2_match_context *limits;
    struct regex_scratch own;
};

enum { BACKTRACK_MAX = 200'000, DEPTH_MAX = 2000, HEAP_MAX_KIB = 16 << 10, WORKSPACE = 20000 };

static void scratch_init(struct regex_scratch *s)
{
    *s = (struct regex_scratch){.found = pcre2_match_data_create(REGEX_MAX_GROUPS, NULL)};
    if (!s->found) abort();
}

static void scratch_done(struct regex_scratch *s)
{
    pcre2_match_data_free(s->found);
    free(s->workspace);
}

struct regex_scratch *regex_scratch_new(void)
{
    struct regex_scratch *s = malloc(sizeof *s);
    if (!s) abort();
    scratch_init(s);
    return s;
}

void regex_scratch_free(struct regex_scratch *s)
{
    if (!s) return;
    scratch_done(s);
    free(s);
}

static void free_regex(void *p)
{
    struct regex *r = p;
    pcre2_code_free(r->code);
    pcre2_code_free(r->valid);
    pcre2_match_context_free(r->limits);
    scratch_done(&r->own);
}

static status refuse(struct err *err, size_t at, const char *what)
{
    return err_set(err, ST_INVALID, (uint32_t)at, "invalid or unsupported Perl syntax: %s", what);
}

/* The group that begins at s[at] == '(': is it one of RE2's? */
static const char *bad_group(str s, size_t at)
{
    if (at + 1 >= s.len) return NULL;
    if (s.ptr[at + 1] == '*') return "(*";
    if (s.ptr[at + 1] != '?') return NULL;
    str r = str_drop(s, at + 2);
    if (r.len >= 2 && r.ptr[0] == 'P' && r.ptr[1] == '<') return NULL;
    if (r.len >= 2 && r.ptr[0] == '<' && r.ptr[1] != '=' && r.ptr[1] != '!') return NULL;
    size_t n = 0;
    while (n < r.len && strchr("imsU-", r.ptr[n]) && r.ptr[n]) n++;
    if (n < r.len && (r.ptr[n] == ':' || (n && r.ptr[n] == ')'))) return NULL;
    return "(?";
}

static status check_syntax(str s, struct err *err)
{
    bool in_class = false, quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : 0;
        if (quoted) {
            if (c == '\\' && next == 'E') quoted = false, i++;
        } else if (c == '\\') {
            if (next == 'Q' && !in_class) quoted = true;
            if (next && strchr("123456789kgKGRhHNXZcelLuoEy", next))
                return refuse(err, i, "escape");
            i++;
        } else if (in_class) {
            if (c == '[' && next == ':') { /* [[:alpha:]] */
                i += 2;
                while (i + 1 < s.len && !(s.ptr[i] == ':' && s.ptr[i + 1] == ']')) i++;
                i++;
            } else if (c == ']') {
                in_class = false;
            }
        } else if (c == '[') {
            in_class = true;
            if (next == '^') i++;
            if (i + 1 < s.len && s.ptr[i + 1] == ']') i++;
        } else if (c == '(') {
            const char *bad = bad_group(s, i);
            if (bad) return refuse(err, i, bad);
        } else if (next == '+' && (c == '*' || c == '+' || c == '?')) {
            return err_set(err, ST_INVALID, (uint32_t)i, "invalid nested repetition operator: %c+",
                           c);
        }
    }
    return ST_OK;
}

status regex_new(struct arena *a, str pattern, enum regex_mode mode, struct regex **ret,
                 struct err *err)
{
    if (pattern.len > REGEX_MAX_BYTES)
        return err_set(err, ST_INVALID, ERR_NOPOS, "a regular expression of %zu bytes, limit %d",
                       pattern.len, REGEX_MAX_BYTES);
    status s = check_syntax(pattern, err);
    if (s != ST_OK) return err_wrap(err, s, "error parsing regexp");

    uint32_t flags = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    if (mode == REGEX_WHOLE) flags |= PCRE2_DOTALL | PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    pcre2_compile_context *how = pcre2_compile_context_create(NULL);
    pcre2_set_newline(how, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(how, 200);
    int code;
    size_t at;
    const char *text = pattern.ptr ? pattern.ptr : "";
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, pattern.len,
                                         flags | PCRE2_MATCH_INVALID_UTF, &code, &at, how);
    pcre2_code *valid = NULL;
    if (compiled) valid = pcre2_compile((PCRE2_SPTR)text, pattern.len, flags, &code, &at, how);
    pcre2_compile_context_free(how);
    if (!valid) {
        pcre2_code_free(compiled);
        char why[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        return err_set(err, ST_INVALID, (uint32_t)at, "error parsing regexp: %s: `%.*s`", why,
                       (int)(pattern.len < 80 ? pattern.len : 80), text);
    }
    struct regex *r = arena_new(a, struct regex);
    r->code = compiled;
    r->valid = valid;
    (void)pcre2_jit_compile(r->code,
                            PCRE2_JIT_COMPLETE); /* without it matching is slower, not different */
    scratch_init(&r->own);
    r->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(r->limits, BACKTRACK_MAX);
    pcre2_set_depth_limit(r->limits, DEPTH_MAX);
    pcre2_set_heap_limit(r->limits, HEAP_MAX_KIB);
    arena_defer(a, free_regex, r);
    *ret = r;
    return ST_OK;
}

/* Finds the longest or, with PCRE2_DFA_SHORTEST, any match. */
static bool match_without_backtracking(const struct regex *r, struct regex_scratch *s, str text,
                                       size_t from, uint32_t flags)
{
    if (!s->workspace) s->workspace = malloc(WORKSPACE * sizeof *s->workspace);
    if (!s->workspace) abort();
    int n = pcre2_dfa_match(r->valid, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, flags,
                            s->found, r->limits, s->workspace, WORKSPACE);
    return n >= 0;
}

static int match(const struct regex *r, struct regex_scratch *s, str text, size_t from)
{
    return pcre2_match(r->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, 0, s->found,
                       r->limits);
}

bool regex_matches(const struct regex *r, struct regex_scratch *s, str text)
{
    int n = match(r, s, text, 0);
    if (n >= 0) return true;
    return n != PCRE2_ERROR_NOMATCH &&
           match_without_backtracking(r, s, text, 0, PCRE2_DFA_SHORTEST);
}

bool regex_match(struct regex *r, str text) { return regex_matches(r, &r->own, text); }

uint32_t regex_group_count(const struct regex *r)
{
    uint32_t n = 0;
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &n);
    return n;
}

str regex_group_name(const struct regex *r, uint32_t group)
{
    uint32_t names = 0, size = 0;
    PCRE2_SPTR table = NULL;
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &names);
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < names; i++) { /* an entry: the number in two bytes, the name, NUL */
        const uint8_t *entry = table + (size_t)i * size;
        if ((uint32_t)(entry[0] << 8 | entry[1]) == group) return str_of((const char *)entry + 2);
    }
    return (str){0};
}

bool regex_find(const struct regex *r, struct regex_scratch *s, str text, size_t from, str *ret,
                uint32_t n)
{
    const char *p = text.ptr ? text.ptr : "";
    int found = match(r, s, text, from);
    if (found < 0) {
        if (found == PCRE2_ERROR_NOMATCH || !match_without_backtracking(r, s, text, from, 0))
            return false;
        found = 1;
    }
    const size_t *at = pcre2_get_ovector_pointer(s->found);
    for (uint32_t i = 0; i < n; i++) {
        bool took_part = i < (uint32_t)found && at[2 * i] != PCRE2_UNSET;
        ret[i] = took_part ? (str){p + at[2 * i], at[2 * i + 1] - at[2 * i]} : (str){0};
    }
    return true;
}

/* $name at the front of `s` (behind the dollar): how long it is, and its group's number or -1. */
static size_t group_of(const struct regex *r, str s, int *ret)
{
    size_t at = s.len && s.ptr[0] == '{' ? 1 : 0, n = at;
    while (n < s.len && (s.ptr[n] == '_' || (s.ptr[n] >= '0' && s.ptr[n] <= '9') ||
                         ((s.ptr[n] | 0x20) >= 'a' && (s.ptr[n] | 0x20) <= 'z')))
        n++;
    if (n == at || (at && (n == s.len || s.ptr[n] != '}'))) return 0;
    char name[64];
    size_t len = n - at;
    *ret = -1;
    bool digits = true;
    int number = 0;
    for (size_t i = at; i < n; i++) {
        digits = digits && s.ptr[i] >= '0' && s.ptr[i] <= '9';
        if (digits && number < 1000) number = number * 10 + (s.ptr[i] - '0');
    }
    if (digits) {
        *ret = number;
    } else if (len < sizeof name) {
        memcpy(name, s.ptr + at, len);
        name[len] = 0;
        int g = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)name);
        if (g > 0) *ret = g;
    }
    return n + at;
}

bool regex_expand(struct regex *r, str text, str replacement, struct buf *out)
{
    const char *p = text.ptr ? text.ptr : "";
    int n = match(r, &r->own, text, 0);
    if (n < 0) return false;
    const size_t *at = pcre2_get_ovector_pointer(r->own.found);
    for (size_t i = 0; i < replacement.len; i++) {
        if (replacement.ptr[i] != '$') {
            buf_char(out, replacement.ptr[i]);
            continue;
        }
        str rest = str_drop(replacement, i + 1);
        int g;
        size_t len = group_of(r, rest, &g);
        if (len) {
            if (g >= 0 && g < n && at[2 * g] != PCRE2_UNSET)
                buf_add(out, (str){p + at[2 * g], at[2 * g + 1] - at[2 * g]});
            i += len;
        } else {
            buf_char(out, '$');
            if (rest.len && rest.ptr[0] == '$') i++;
        }
    }
    return true;
}
