/* "explain":{"reads":[...],"statements":[...]}: what a query read of the store, and how. */
#include "query/render/prometheus_json.h"

enum { PARAM_MAX = 200 }; /* bytes of a parameter that are shown: lists of ids are long */

static void number(struct json_out *j, str key, uint64_t n)
{
    json_key(j, key);
    json_u64(j, n);
}

static void text(struct json_out *j, str key, str value)
{
    json_key(j, key);
    json_str(j, value);
}

static void param(struct json_out *j, const struct sql_param *p)
{
    struct buf b;
    if (p->value.len <= PARAM_MAX) {
        text(j, p->name, p->value);
        return;
    }
    buf_init(&b, PARAM_MAX + 64);
    buf_add(&b, (str){p->value.ptr, PARAM_MAX});
    buf_printf(&b, "... (%zu bytes)", p->value.len);
    text(j, p->name, buf_str(&b));
    buf_done(&b);
}

static void statement(struct json_out *j, const struct query_statement *s)
{
    json_object(j);
    text(j, S("sql"), s->sql);
    json_key(j, S("params"));
    json_object(j);
    for (uint32_t i = 0; i < s->n_params; i++) param(j, &s->params[i]);
    json_end(j);
    number(j, S("rows"), s->rows);
    number(j, S("rowsRead"), s->rows_read);
    json_key(j, S("seconds"));
    json_f64(j, (double)s->took / (double)NANOS_S);
    json_end(j);
}

static void read_of(struct json_out *j, const struct query_read *r)
{
    json_object(j);
    text(j, S("selector"), r->selector);
    json_key(j, S("from"));
    json_f64(j, (double)r->from_ms / 1000);
    json_key(j, S("to"));
    json_f64(j, (double)r->to_ms / 1000);
    number(j, S("series"), r->series);
    number(j, S("sets"), r->sets);
    text(j, S("resolution"), r->resolution);
    json_end(j);
}

void prometheus_explain(struct json_out *j, const struct query_trace *t)
{
    json_key(j, S("explain"));
    json_object(j);
    json_key(j, S("reads"));
    json_array(j);
    for (const struct query_read *r = t->reads; r; r = r->next) read_of(j, r);
    json_end(j);
    json_key(j, S("statements"));
    json_array(j);
    for (const struct query_statement *s = t->statements; s; s = s->next) statement(j, s);
    json_end(j);
    json_end(j);
}
