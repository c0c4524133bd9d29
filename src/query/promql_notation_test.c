/* The notation of series in promqltest scripts: name{a="b"} 1 2+3x4 {{schema:0 count:1}} _ */
#include "query/promql_notation_test.h"

#include <stdlib.h>

#include "base/num.h"
#include "query/parse/parse.h"

enum { POINTS_MAX = 20000 };

str notation_trim(str s)
{
    while (s.len && strchr(" \t\r", s.ptr[0])) s = str_drop(s, 1);
    while (s.len && strchr(" \t\r", s.ptr[s.len - 1])) s.len--;
    return s;
}

str notation_word(str *s)
{
    *s = notation_trim(*s);
    size_t n = 0;
    while (n < s->len && !strchr(" \t", s->ptr[n])) n++;
    str w = {s->ptr, n};
    *s = notation_trim(str_drop(*s, n));
    return w;
}

bool notation_starts(str s, const char *with)
{
    return s.len >= strlen(with) && memcmp(s.ptr, with, strlen(with)) == 0;
}

bool notation_duration(str s, int64_t *ret)
{
    bool minus = notation_starts(s, "-");
    if (minus) s = str_drop(s, 1);
    if (promql_parse_duration(s, ret, NULL) != ST_OK) return false;
    if (minus) *ret = -*ret;
    return true;
}

bool notation_number(str s, double *ret)
{
    if (str_eq(s, S("stale"))) return *ret = stale_nan(), true;
    if (num_parse_f64(s, ret)) return true;
    char text[64];
    if (s.len == 0 || s.len >= sizeof text) return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    char *end;
    *ret = strtod(text, &end);
    return *end == 0;
}

/* name{a="b"} at the front of a line; the rest is left in *line. */
bool notation_metric(struct arena *a, str *line, struct labels *ret)
{
    size_t n = 0;
    bool braces = false;
    char quote = 0;
    for (; n < line->len; n++) {
        char c = line->ptr[n];
        if (quote) {
            if (c == '\\' && quote != '`')
                n++;
            else if (c == quote)
                quote = 0;
        } else if (strchr("\"'`", c))
            quote = c;
        else if (c == '{')
            braces = true;
        else if (c == '}') {
            n++;
            break;
        } else if (strchr(" \t@", c) && !braces)
            break;
    }
    str text = {line->ptr, n};
    *line = notation_trim(str_drop(*line, n));
    if (str_eq(text, S("{}"))) return *ret = (struct labels){0}, true;
    struct promql_expr *e;
    if (promql_parse_selector(a, text, &e, NULL) != ST_OK) return false;
    struct label *list = arena_array(a, struct label, e->selector.n_matchers);
    for (uint32_t i = 0; i < e->selector.n_matchers; i++)
        list[i] = (struct label){e->selector.matchers[i].name, e->selector.matchers[i].value};
    *ret = labels_make(a, list, e->selector.n_matchers);
    return true;
}

static bool duration_f64(str s, double *ret)
{
    int64_t ms;
    bool plus = notation_starts(s, "+");
    if (str_eq(s, S("0")) || str_eq(s, S("-0ms"))) return *ret = 0, true;
    if (!notation_duration(plus ? str_drop(s, 1) : s, &ms)) return false;
    *ret = (double)ms;
    return true;
}

/* V, VxN, V+DxN, V-DxN, _, _xN */
/* `is_duration`: the numbers are durations, in ms. */
static bool item(str w, bool is_duration, struct points *p)
{
    bool (*number)(str s, double *ret) = is_duration ? duration_f64 : notation_number;
    size_t x = w.len;
    for (size_t i = 0; i + 1 < w.len; i++)
        if (w.ptr[i] == 'x') x = i;
    uint64_t times = 0;
    if (x < w.len && !num_parse_u64(str_drop(w, x + 1), &times)) return false;
    str head = {w.ptr, x};
    bool omitted = str_eq(head, S("_"));
    double v = 0, d = 0;
    if (!omitted && !number(head, &v)) {
        size_t sign = 1;
        while (sign < head.len &&
               !(strchr("+-", head.ptr[sign]) && !strchr("eE", head.ptr[sign - 1])))
            sign++;
        if (sign >= head.len || !number((str){head.ptr, sign}, &v) ||
            !number(str_drop(head, sign + 1), &d))
            return false;
        if (head.ptr[sign] == '-') d = -d;
    }
    uint64_t n = omitted ? (x < w.len ? times : 1) : times + 1;
    for (uint64_t i = 0; i < n; i++, v += d) {
        if (p->n == POINTS_MAX) return false;
        p->has[p->n] = !omitted;
        p->v[p->n++] = v;
    }
    return true;
}

/* Histogram literals: {{key:value key:[v v] ...}} */

static bool list_of(struct arena *a, str inside, double **ret, uint32_t *ret_n)
{
    double *v = arena_array(a, double, inside.len + 1);
    uint32_t n = 0;
    while (notation_trim(inside).len)
        if (!notation_number(notation_word(&inside), &v[n++])) return false;
    *ret = v;
    *ret_n = n;
    return true;
}

struct literal {
    struct histogram h;
    double *list[3]; /* buckets, n_buckets, custom_values */
    uint32_t n[3];
    double offset[2];
    bool hinted;
};

static bool literal_list(struct arena *a, struct literal *l, str key, str inside)
{
    static const str keys[] = {{"buckets", 7}, {"n_buckets", 9}, {"custom_values", 13}};
    for (int i = 0; i < 3; i++)
        if (str_eq(key, keys[i])) return list_of(a, inside, &l->list[i], &l->n[i]);
    return false;
}

static bool literal_value(struct literal *l, str key, str value)
{
    static const str hints[] = {{"unknown", 7}, {"reset", 5}, {"not_reset", 9}, {"gauge", 5}};
    double v = 0;
    if (str_eq(key, S("counter_reset_hint"))) {
        for (int i = 0; i < 4; i++)
            if (str_eq(value, hints[i])) l->h.hint = (enum histogram_hint)i;
        return l->hinted = true;
    }
    if (!notation_number(value, &v)) return false;
    if (str_eq(key, S("schema")))
        l->h.schema = (int32_t)v;
    else if (str_eq(key, S("sum")))
        l->h.sum = v;
    else if (str_eq(key, S("count")))
        l->h.count = v;
    else if (str_eq(key, S("z_bucket")))
        l->h.zero_count = v;
    else if (str_eq(key, S("z_bucket_w")))
        l->h.zero_threshold = v;
    else if (str_eq(key, S("offset")))
        l->offset[0] = v;
    else if (str_eq(key, S("n_offset")))
        l->offset[1] = v;
    else
        return false;
    return true;
}

/* The literal at the front of *line. */
static bool literal(struct arena *a, str *line, const struct histogram **ret, bool *ret_hinted)
{
    const char *end = memmem(line->ptr, line->len, "}}", 2);
    if (!notation_starts(*line, "{{") || !end) return false;
    str in = {line->ptr + 2, (size_t)(end - line->ptr) - 2};
    *line = str_drop(*line, in.len + 4);
    struct literal l = {};
    for (in = notation_trim(in); in.len; in = notation_trim(in)) {
        const char *colon = memchr(in.ptr, ':', in.len);
        if (!colon) return false;
        str key = {in.ptr, (size_t)(colon - in.ptr)};
        in = str_drop(in, key.len + 1);
        if (in.len && in.ptr[0] == '[') {
            const char *close = memchr(in.ptr, ']', in.len);
            if (!close ||
                !literal_list(a, &l, key, (str){in.ptr + 1, (size_t)(close - in.ptr) - 1}))
                return false;
            in = str_drop(in, (size_t)(close - in.ptr) + 1);
        } else if (!literal_value(&l, key, notation_word(&in))) {
            return false;
        }
    }
    l.h.positive = histogram_side_trimmed((int32_t)l.offset[0], l.list[0], l.n[0]);
    l.h.negative = histogram_side_trimmed((int32_t)l.offset[1], l.list[1], l.n[1]);
    l.h.custom = l.list[2];
    l.h.n_custom = l.n[2];
    struct histogram *h = arena_new(a, struct histogram);
    *h = l.h;
    *ret = h;
    *ret_hinted = l.hinted;
    return true;
}

/* {{..}}, {{..}}xN, {{a}}+{{b}}xN, {{a}}-{{b}}xN */
static bool histograms(struct arena *a, str *line, struct points *p)
{
    const struct histogram *h, *by = NULL;
    bool hinted, ignored;
    if (!literal(a, line, &h, &hinted)) return false;
    double sign = 1;
    if (line->len && strchr("+-", line->ptr[0])) {
        sign = line->ptr[0] == '-' ? -1 : 1;
        *line = str_drop(*line, 1);
        if (!literal(a, line, &by, &ignored)) return false;
    }
    uint64_t times = 0;
    if (line->len && line->ptr[0] == 'x') {
        str w = notation_word(line);
        if (!num_parse_u64(str_drop(w, 1), &times)) return false;
    }
    for (uint64_t i = 0; i <= times; i++) {
        if (p->n == POINTS_MAX) return false;
        p->h[p->n] = h;
        p->hinted[p->n] = hinted;
        p->v[p->n] = 0;
        p->has[p->n++] = POINT_HISTOGRAM;
        if (!by || i == times) continue;
        struct histogram_sum s = {0};
        histogram_sum_add(a, &s, h, 1);
        histogram_sum_add(a, &s, by, sign);
        s.hint = h->hint;
        h = histogram_sum_value(a, &s);
    }
    return true;
}

bool notation_points(struct arena *a, str line, struct points *p)
{
    p->v = arena_array(a, double, POINTS_MAX);
    p->has = arena_array(a, uint8_t, POINTS_MAX);
    p->h = arena_array(a, const struct histogram *, POINTS_MAX);
    p->hinted = arena_array(a, bool, POINTS_MAX);
    p->n = 0;
    for (line = notation_trim(line); line.len; line = notation_trim(line))
        if (notation_starts(line, "{{") ? !histograms(a, &line, p)
                                        : !item(notation_word(&line), false, p))
            return false;
    return true;
}

bool notation_durations(struct arena *a, str line, struct points *p)
{
    p->v = arena_array(a, double, POINTS_MAX);
    p->has = arena_array(a, uint8_t, POINTS_MAX);
    p->n = 0;
    for (line = notation_trim(line); line.len; line = notation_trim(line))
        if (!item(notation_word(&line), true, p)) return false;
    return true;
}
