#include "cmd/promql_print.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"

void promql_print_metric(struct buf *out, const struct answer_series *s)
{
    bool some = false;
    for (uint32_t i = 0; i < s->n_labels; i++)
        if (str_eq(s->labels[i].name, S("__name__"))) buf_add(out, s->labels[i].value);
    for (uint32_t i = 0; i < s->n_labels; i++) {
        const struct answer_label *l = &s->labels[i];
        if (str_eq(l->name, S("__name__"))) continue;
        buf_add(out, some ? S(", ") : S("{"));
        some = true;
        buf_add(out, l->name);
        buf_add(out, S("=\""));
        for (size_t k = 0; k < l->value.len; k++) {
            char c = l->value.ptr[k];
            if (c == '\n') {
                buf_add(out, S("\\n"));
                continue;
            }
            if (c == '"' || c == '\\') buf_char(out, '\\');
            buf_char(out, c);
        }
        buf_char(out, '"');
    }
    if (some || !s->n_labels) buf_add(out, some ? S("}") : S("{}"));
}

/* 2026-11-23 07:00:00, with milliseconds when there are some. */
static void print_time(struct buf *out, double t)
{
    double whole = floor(t);
    time_t s = (time_t)whole;
    struct tm tm;
    char text[40];
    gmtime_r(&s, &tm);
    buf_add(out, (str){text, strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm)});
    int ms = (int)((t - whole) * 1000 + 0.5);
    if (ms) buf_printf(out, ".%03d", ms);
}

/* Characters, of UTF-8. */
static size_t width_of(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) n += (s.ptr[i] & 0xc0) != 0x80;
    return n;
}

void promql_print_table(struct buf *out, const struct promql_answer *r)
{
    struct buf metric;
    size_t widest = 0;
    buf_init(&metric, 1 << 20);
    for (uint32_t i = 0; i < r->n_series; i++) {
        buf_clear(&metric);
        promql_print_metric(&metric, &r->series[i]);
        size_t width = width_of(buf_str(&metric));
        if (width > widest) widest = width;
    }
    for (uint32_t i = 0; i < r->n_series; i++) {
        const struct answer_series *s = &r->series[i];
        bool alone = r->kind == ANSWER_SCALAR || r->kind == ANSWER_STRING;
        buf_clear(&metric);
        if (!alone) promql_print_metric(&metric, s);
        buf_add(out, buf_str(&metric));
        if (r->kind == ANSWER_MATRIX) {
            buf_char(out, '\n');
            for (uint32_t k = 0; k < s->n_points; k++) {
                buf_add(out, S("  "));
                print_time(out, s->points[k].t);
                buf_printf(out, "  " STR_FMT "\n", STR_ARG(s->points[k].text));
            }
            continue;
        }
        size_t pad = alone ? 0 : widest - width_of(buf_str(&metric)) + 2;
        for (size_t k = 0; k < pad; k++) buf_char(out, ' ');
        for (uint32_t k = 0; k < s->n_points; k++) buf_add(out, s->points[k].text);
        buf_char(out, '\n');
    }
    buf_done(&metric);
}

static int by_text(const void *x, const void *y)
{
    return str_compare(*(const str *)x, *(const str *)y);
}

/* The names of all labels, each once, sorted. */
static str *label_names(struct arena *a, const struct promql_answer *r, size_t *ret_n)
{
    size_t n = 0, kept = 0;
    for (uint32_t i = 0; i < r->n_series; i++) n += r->series[i].n_labels;
    str *list = arena_array(a, str, n + 1);
    n = 0;
    for (uint32_t i = 0; i < r->n_series; i++)
        for (uint32_t k = 0; k < r->series[i].n_labels; k++)
            list[n++] = r->series[i].labels[k].name;
    if (n) qsort(list, n, sizeof *list, by_text);
    for (size_t i = 0; i < n; i++)
        if (!kept || !str_eq(list[kept - 1], list[i])) list[kept++] = list[i];
    *ret_n = kept;
    return list;
}

static void csv_field(struct buf *out, str s)
{
    bool plain = true;
    for (size_t i = 0; i < s.len && plain; i++) plain = !strchr(",\"\r\n", s.ptr[i]);
    if (plain) {
        buf_add(out, s);
        return;
    }
    buf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"') buf_char(out, '"');
        buf_char(out, s.ptr[i]);
    }
    buf_char(out, '"');
}

static str label(const struct answer_series *s, str name)
{
    for (uint32_t i = 0; i < s->n_labels; i++)
        if (str_eq(s->labels[i].name, name)) return s->labels[i].value;
    return (str){0};
}

void promql_print_csv(struct arena *a, struct buf *out, const struct promql_answer *r)
{
    size_t n;
    str *names = label_names(a, r, &n);
    for (size_t i = 0; i < n; i++) {
        csv_field(out, names[i]);
        buf_char(out, ',');
    }
    buf_add(out, S("timestamp,value\r\n"));
    for (uint32_t i = 0; i < r->n_series; i++) {
        const struct answer_series *s = &r->series[i];
        for (uint32_t k = 0; k < s->n_points; k++) {
            char t[NUM_MAX];
            for (size_t c = 0; c < n; c++) {
                csv_field(out, label(s, names[c]));
                buf_char(out, ',');
            }
            buf_add(out, (str){t, num_format_f(s->points[k].t, t)});
            buf_char(out, ',');
            csv_field(out, s->points[k].text);
            buf_add(out, S("\r\n"));
        }
    }
}
