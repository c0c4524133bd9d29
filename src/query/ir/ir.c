#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "query/ir/job.h"
#include "query/ir/sql.h"

enum { TEXT_MAX = 16 << 20 };

void sql_init(struct sql *q, struct arena *a)
{
    *q = (struct sql){.arena = a};
    q->text.max = TEXT_MAX;
}

/* The text lies in the arena, not on the heap: a `struct sql` may be gone before its arena is. */
void sql_add(struct sql *q, str text)
{
    struct buf *t = &q->text;
    if (text.len > t->max - t->len) {
        t->over = true;
        return;
    }
    if (text.len > t->cap - t->len) {
        size_t cap = t->cap ? t->cap * 2 : 1024;
        while (cap - t->len < text.len) cap *= 2;
        char *p = arena_alloc(q->arena, cap, 1);
        if (t->len) memcpy(p, t->ptr, t->len);
        t->ptr = p;
        t->cap = cap;
    }
    if (text.len) memcpy(t->ptr + t->len, text.ptr, text.len);
    t->len += text.len;
}

void sql_addf(struct sql *q, const char *fmt, ...)
{
    char tmp[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(tmp, sizeof tmp, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof tmp) {
        q->text.over = true;
        return;
    }
    sql_add(q, (str){tmp, (size_t)n});
}

/* Takes `value` as it is (it lies in the arena). */
static void bind(struct sql *q, str value, const char *type)
{
    if (q->n_params == q->cap_params) {
        uint32_t cap = q->cap_params ? q->cap_params * 2 : 16;
        struct sql_param *p = arena_array(q->arena, struct sql_param, cap);
        if (q->n_params) memcpy(p, q->params, q->n_params * sizeof *p);
        q->params = p;
        q->cap_params = cap;
    }
    char name[16];
    int n = snprintf(name, sizeof name, "p%u", q->n_params);
    q->params[q->n_params++] = (struct sql_param){
        .name = arena_str(q->arena, (str){name, (size_t)n}),
        .value = value,
    };
    sql_addf(q, "{%s:%s}", name, type);
}

void sql_bind_str(struct sql *q, str v) { bind(q, arena_str(q->arena, v), "String"); }

static str number(struct sql *q, const char *text, size_t n)
{
    return arena_str(q->arena, (str){text, n});
}

void sql_bind_u64(struct sql *q, uint64_t v)
{
    char t[NUM_MAX];
    bind(q, number(q, t, num_format_u64(v, t)), "UInt64");
}

void sql_bind_i64(struct sql *q, int64_t v)
{
    char t[NUM_MAX];
    bind(q, number(q, t, num_format_i64(v, t)), "Int64");
}

void sql_bind_f64(struct sql *q, double v)
{
    char t[NUM_MAX];
    bind(q, number(q, t, num_format_prometheus(v, t)), "Float64");
}

/* ClickHouse's text form of a string inside an array: quoted, \ and ' escaped. */
static void quote(struct buf *b, str s)
{
    buf_char(b, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\') buf_char(b, '\\');
        if (s.ptr[i] == 0)
            buf_add(b, S("\\0"));
        else
            buf_char(b, s.ptr[i]);
    }
    buf_char(b, '\'');
}

void sql_bind_strs(struct sql *q, const str *v, size_t n)
{
    struct buf b;
    buf_init(&b, 16u << 20);
    buf_char(&b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(&b, ',');
        quote(&b, v[i]);
    }
    buf_char(&b, ']');
    if (b.over) q->text.over = true;
    bind(q, arena_str(q->arena, buf_str(&b)), "Array(String)");
    buf_done(&b);
}

void sql_bind_u64s(struct sql *q, const uint64_t *v, size_t n)
{
    struct buf b;
    buf_init(&b, 64u << 20);
    buf_char(&b, '[');
    char t[NUM_MAX];
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(&b, ',');
        buf_add(&b, (str){t, num_format_u64(v[i], t)});
    }
    buf_char(&b, ']');
    if (b.over) q->text.over = true;
    bind(q, arena_str(q->arena, buf_str(&b)), "Array(UInt64)");
    buf_done(&b);
}

void sql_bind_time_ns(struct sql *q, nanos t)
{
    sql_add(q, S("fromUnixTimestamp64Nano("));
    sql_bind_i64(q, t);
    sql_add(q, S(", 'UTC')"));
}

void sql_bind_time_ms(struct sql *q, int64_t ms)
{
    sql_add(q, S("fromUnixTimestamp64Milli("));
    sql_bind_i64(q, ms);
    sql_add(q, S(", 'UTC')"));
}

status fetch_rows(struct fetcher *f, const struct sql *q,
                  status (*block)(void *ctx, const struct native_block *b, struct err *err),
                  void *ctx, struct err *err)
{
    if (q->text.over) return err_set(err, ST_LIMIT, ERR_NOPOS, "the query's SQL is too large");
    return f->run(f, q, block, ctx, err);
}

str job_param_at(const struct query_job *j, str name, size_t i)
{
    for (size_t k = 0; k < j->n_params; k++)
        if (str_eq(j->params[k].name, name) && i-- == 0) return j->params[k].value;
    return (str){0};
}

str job_param(const struct query_job *j, str name) { return job_param_at(j, name, 0); }

void query_trace_begin(struct query_job *j)
{
    j->trace = arena_new(j->arena, struct query_trace);
    j->trace->last_statement = &j->trace->statements;
    j->trace->last_read = &j->trace->reads;
}

str job_header(const struct query_job *j, str name)
{
    for (size_t k = 0; k < j->n_headers; k++)
        if (str_eq(j->headers[k].name, name)) return j->headers[k].value;
    return (str){0};
}

status job_check(const struct query_job *j, struct err *err)
{
    if (atomic_load_explicit(&j->cancelled, memory_order_relaxed))
        return err_set(err, ST_CANCELLED, ERR_NOPOS, "the client left");
    if (clock_monotonic() > j->deadline)
        return err_set(err, ST_TIMEOUT, ERR_NOPOS, "the query ran longer than its timeout of %u ms",
                       j->limits->timeout_ms);
    if (arena_over(j->arena))
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query needs more memory than its limit of %zu bytes: narrow it",
                       j->arena->budget);
    return ST_OK;
}
