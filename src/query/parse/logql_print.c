#include <math.h>

#include "base/num.h"
#include "base/utf8.h"
#include "query/parse/logql_parse.h"

void logql_print_string(struct buf *out, str s)
{
    buf_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        char c = s.ptr[i];
        size_t n = utf8_length(s.ptr + i, s.len - i);
        static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
        const char *p = c ? strchr(from, c) : NULL;
        if (p) {
            buf_char(out, '\\');
            buf_char(out, to[p - from]);
        } else if (n == 0 || (unsigned char)c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\x%02x", (unsigned char)c);
        } else {
            buf_add(out, (str){s.ptr + i, n});
        }
        i += n ? n : 1;
    }
    buf_char(out, '"');
}

static const char *const cmp_text[] = {"=", "!=", "=~", "!~", ">", ">=", "<", "<="};

static void print_number(struct buf *out, double v)
{
    char t[NUM_MAX];
    /* LogQL has no word for these; folded constants can be them, so they are written as what makes
     * them. */
    if (isnan(v))
        buf_add(out, S("(0 / 0)"));
    else if (isinf(v))
        buf_add(out, v > 0 ? S("(1e308 * 10)") : S("(-1e308 * 10)"));
    else
        buf_add(out, (str){t, num_format_f(v, t)});
}

static void print_matcher(struct buf *out, const struct logql_matcher *m)
{
    buf_add(out, m->name);
    buf_printf(out, "%s", cmp_text[m->op]);
    logql_print_string(out, m->value);
}

void logql_print_matchers(struct buf *out, const struct logql_matchers *m)
{
    buf_char(out, '{');
    for (uint32_t i = 0; i < m->n; i++) {
        if (i) buf_add(out, S(", "));
        print_matcher(out, &m->v[i]);
    }
    buf_char(out, '}');
}

static void print_filter(struct buf *out, const struct logql_filter *f)
{
    if (f->kind == LOGQL_FILTER_AND || f->kind == LOGQL_FILTER_OR) {
        buf_add(out, S("( "));
        print_filter(out, f->left);
        buf_add(out, f->kind == LOGQL_FILTER_AND ? S(" , ") : S(" or "));
        print_filter(out, f->right);
        buf_add(out, S(" )"));
    } else if (f->kind == LOGQL_FILTER_TEXT) {
        print_matcher(out, &f->match);
    } else {
        buf_add(out, f->match.name);
        buf_printf(out, "%s", f->match.op == LOGQL_EQ ? "==" : cmp_text[f->match.op]);
        if (f->kind == LOGQL_FILTER_NUMBER)
            print_number(out, f->number);
        else
            buf_add(out, f->literal);
    }
}

static void print_stage(struct buf *out, const struct logql_stage *s)
{
    static const char *const line_text[] = {" |= ", " != ", " |~ ", " !~ "};
    switch (s->kind) {
    case LOGQL_STAGE_LINE:
        buf_printf(out, "%s", line_text[s->line.op]);
        for (uint32_t i = 0; i < s->line.n; i++) {
            if (i) buf_add(out, S(" or "));
            logql_print_string(out, s->line.values[i]);
        }
        break;
    case LOGQL_STAGE_LABEL:
        buf_add(out, S(" | "));
        print_filter(out, s->label);
        break;
    case LOGQL_STAGE_DROP:
    case LOGQL_STAGE_KEEP:
        buf_add(out, s->kind == LOGQL_STAGE_DROP ? S(" | drop ") : S(" | keep "));
        for (uint32_t i = 0; i < s->n_names; i++) {
            if (i) buf_char(out, ',');
            if (s->names[i].bare)
                buf_add(out, s->names[i].match.name);
            else
                print_matcher(out, &s->names[i].match);
        }
        break;
    }
}

static void print_log(struct buf *out, const struct logql_log *log)
{
    logql_print_matchers(out, &log->matchers);
    for (uint32_t i = 0; i < log->n_stages; i++) print_stage(out, &log->stages[i]);
}

/* In the units that a duration literal has, largest first: 1h30m, 1.5s is 1s500ms. */
static void print_duration(struct buf *out, nanos d)
{
    static const struct {
        const char *text;
        nanos size;
    } units[] = {{"h", NANOS_HOUR}, {"m", 60 * NANOS_S}, {"s", NANOS_S},
                 {"ms", NANOS_MS},  {"us", 1000},        {"ns", 1}};
    if (d < 0) buf_char(out, '-');
    uint64_t left = d < 0 ? -(uint64_t)d : (uint64_t)d;
    if (!left) buf_add(out, S("0s"));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        uint64_t n = left / (uint64_t)units[i].size;
        left %= (uint64_t)units[i].size;
        if (n) buf_printf(out, "%llu%s", (unsigned long long)n, units[i].text);
    }
}

static void print_labels(struct buf *out, const struct logql_grouping *g)
{
    buf_char(out, '(');
    for (uint32_t i = 0; i < g->n; i++) {
        if (i) buf_char(out, ',');
        buf_add(out, g->labels[i]);
    }
    buf_char(out, ')');
}

static const char *const range_text[] = {
#define RANGE_OP(id, text) [LOGQL_##id] = text,
#include "query/ir/logql_ops.def"
};
static const char *const vector_text[] = {
#define VECTOR_OP(id, text) [LOGQL_##id] = text,
#include "query/ir/logql_ops.def"
};
static const char *const binary_text[] = {
#define BINARY_OP(id, text, precedence) [LOGQL_##id] = text,
#include "query/ir/logql_ops.def"
};

static void print_binary(struct buf *out, const struct logql_expr *e)
{
    buf_char(out, '(');
    logql_print(out, e->left);
    buf_printf(out, " %s", binary_text[e->binary_op]);
    if (e->returns_bool) buf_add(out, S(" bool"));
    if (e->by.given) {
        buf_add(out, e->by.without ? S(" ignoring ") : S(" on "));
        print_labels(out, &e->by);
    }
    buf_char(out, ' ');
    logql_print(out, e->right);
    buf_char(out, ')');
}

static void print_vector(struct buf *out, const struct logql_expr *e)
{
    buf_printf(out, "%s", vector_text[e->vector_op]);
    if (e->by.given) {
        buf_add(out, e->by.without ? S(" without ") : S(" by "));
        print_labels(out, &e->by);
    }
    buf_char(out, '(');
    if (e->k) buf_printf(out, "%lld,", (long long)e->k);
    logql_print(out, e->left);
    buf_char(out, ')');
}

static void print_label_replace(struct buf *out, const struct logql_expr *e)
{
    const str parts[] = {e->dst, e->replacement, e->src, e->regex};
    buf_add(out, S("label_replace("));
    logql_print(out, e->left);
    for (unsigned i = 0; i < 4; i++) {
        buf_char(out, ',');
        logql_print_string(out, parts[i]);
    }
    buf_char(out, ')');
}

void logql_print(struct buf *out, const struct logql_expr *e)
{
    switch (e->kind) {
    case LOGQL_LOG: print_log(out, &e->log); break;
    case LOGQL_RANGE:
        buf_printf(out, "%s(", range_text[e->range_op]);
        print_log(out, &e->log);
        buf_char(out, '[');
        print_duration(out, e->range);
        buf_char(out, ']');
        if (e->offset) {
            buf_add(out, S(" offset "));
            print_duration(out, e->offset);
        }
        buf_char(out, ')');
        break;
    case LOGQL_VECTOR: print_vector(out, e); break;
    case LOGQL_BINARY: print_binary(out, e); break;
    case LOGQL_LITERAL: print_number(out, e->number); break;
    case LOGQL_CONSTANT:
        buf_add(out, S("vector("));
        print_number(out, e->number);
        buf_char(out, ')');
        break;
    case LOGQL_LABEL_REPLACE: print_label_replace(out, e); break;
    }
}
