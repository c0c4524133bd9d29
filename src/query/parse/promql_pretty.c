/* Pretty(): as promql_print while it fits in a line, else a part a line, indented by its depth. */
#include "query/parse/parse.h"
#include "query/parse/promql_printer.h"

enum { LINE_MAX_CHARS = 100 };

static bool fits(const struct promql_expr *e)
{
    struct buf b;
    buf_init(&b, LINE_MAX_CHARS + 1);
    promql_print(&b, e);
    bool ok = !b.over && b.len <= LINE_MAX_CHARS;
    buf_done(&b);
    return ok;
}

static void indent(struct buf *out, unsigned level)
{
    for (unsigned i = 0; i < level; i++) buf_add(out, S("  "));
}

static void pretty(struct buf *out, const struct promql_expr *e, unsigned level);

static void close_at(struct buf *out, unsigned level)
{
    buf_char(out, '\n');
    indent(out, level);
    buf_char(out, ')');
}

static void split(struct buf *out, const struct promql_expr *e, unsigned level)
{
    switch (e->kind) {
    case PROMQL_AGGREGATE:
        promql_print_grouping(out, e);
        buf_add(out, S("(\n"));
        if (e->aggregate.param) {
            pretty(out, e->aggregate.param, level + 1);
            buf_add(out, S(",\n"));
        }
        pretty(out, e->aggregate.expr, level + 1);
        close_at(out, level);
        return;
    case PROMQL_CALL:
        buf_add(out, (str){e->call.fn->name, strlen(e->call.fn->name)});
        buf_add(out, S("(\n"));
        for (uint32_t i = 0; i < e->call.n_args; i++) {
            if (i) buf_add(out, S(",\n"));
            pretty(out, e->call.args[i], level + 1);
        }
        close_at(out, level);
        return;
    case PROMQL_PAREN:
        buf_add(out, S("(\n"));
        pretty(out, e->paren, level + 1);
        close_at(out, level);
        return;
    default: promql_print(out, e); /* selectors and literals are never split */
    }
}

static void pretty(struct buf *out, const struct promql_expr *e, unsigned level)
{
    bool splits = !fits(e);
    if (splits && e->kind == PROMQL_BINARY) { /* the operands indent themselves */
        pretty(out, e->binary.lhs, level + 1);
        buf_char(out, '\n');
        indent(out, level);
        promql_print_operator(out, e);
        buf_char(out, '\n');
        pretty(out, e->binary.rhs, level + 1);
        return;
    }
    if (splits && e->kind == PROMQL_SUBQUERY) {
        pretty(out, e->subquery.expr, level);
        promql_print_subquery(out, e);
        return;
    }
    indent(out, level);
    if (e->kind == PROMQL_UNARY && splits) {
        struct buf child;
        buf_init(&child, out->max);
        pretty(&child, e->unary.expr, level);
        str text = buf_str(&child);
        while (text.len && text.ptr[0] == ' ') text = str_drop(text, 1);
        buf_char(out, e->unary.minus ? '-' : '+');
        buf_add(out, text);
        buf_done(&child);
        return;
    }
    if (splits)
        split(out, e, level);
    else
        promql_print(out, e);
}

void promql_pretty(struct buf *out, const struct promql_expr *e) { pretty(out, e, 0); }
