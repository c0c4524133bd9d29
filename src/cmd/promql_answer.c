#include "cmd/promql_answer.h"

#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json_in.h"
#include "base/num.h"

struct list {
    uint32_t n, cap;
};

/* Room for one more. */
static void *more(struct arena *a, void *array, struct list *l, size_t elem)
{
    if (l->n < l->cap) return array;
    l->cap = l->cap * 2 + 16;
    void *wider = arena_alloc(a, arena_size(elem, l->cap), 16);
    if (l->n) memcpy(wider, array, elem * l->n);
    return wider;
}

static void read_labels(struct json_in *j, struct answer_series *s)
{
    struct list l = {0};
    while (json_next(j) == JSON_KEY) {
        str name = arena_str(j->arena, j->text);
        json_next(j);
        s->labels = more(j->arena, s->labels, &l, sizeof *s->labels);
        s->labels[l.n++] = (struct answer_label){name, arena_str(j->arena, j->text)};
    }
    s->n_labels = l.n;
}

/* {"count":"6","sum":"9.5",...} */
static str read_histogram(struct json_in *j)
{
    str count = {0}, sum = {0};
    while (json_next(j) == JSON_KEY) {
        str *to = str_eq(j->text, S("count")) ? &count : str_eq(j->text, S("sum")) ? &sum : NULL;
        json_next(j);
        if (to)
            *to = arena_str(j->arena, j->text);
        else
            json_skip(j);
    }
    char *text = arena_alloc(j->arena, count.len + sum.len + 16, 1);
    int n = sprintf(text, "count=" STR_FMT " sum=" STR_FMT, STR_ARG(count), STR_ARG(sum));
    return (str){text, (size_t)n};
}

/* [1435781451.781,"1"] or [1435781451.781,{...}]; the token before is its bracket. */
static struct answer_point read_point(struct json_in *j)
{
    struct answer_point p = {.v = NAN};
    if (json_next(j) == JSON_NUMBER) (void)num_parse_f64(j->text, &p.t);
    if (json_next(j) == JSON_OBJECT) {
        p.text = read_histogram(j);
    } else {
        p.text = arena_str(j->arena, j->text);
        if (!num_parse_f64(p.text, &p.v)) p.v = NAN;
    }
    json_next(j);
    return p;
}

static void add_point(struct json_in *j, struct answer_series *s, struct list *l)
{
    s->points = more(j->arena, s->points, l, sizeof *s->points);
    s->points[l->n++] = read_point(j);
    s->n_points = l->n;
}

/* {"metric":{},"value":[]}, or values, histogram, histograms. */
static void read_series(struct json_in *j, struct answer_series *s)
{
    struct list l = {0};
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        bool one = str_eq(key, S("value")) || str_eq(key, S("histogram"));
        bool many = str_eq(key, S("values")) || str_eq(key, S("histograms"));
        json_next(j);
        if (str_eq(key, S("metric")))
            read_labels(j, s);
        else if (one)
            add_point(j, s, &l);
        else if (many)
            while (json_next(j) == JSON_ARRAY) add_point(j, s, &l);
        else
            json_skip(j);
    }
}

static void read_result(struct json_in *j, struct promql_answer *ret)
{
    struct list l = {0};
    enum json_token t = json_next(j);
    if (t == JSON_OBJECT || t == JSON_ARRAY_END) { /* a vector or a matrix */
        for (; t == JSON_OBJECT; t = json_next(j)) {
            ret->series = more(j->arena, ret->series, &l, sizeof *ret->series);
            ret->series[l.n] = (struct answer_series){0};
            read_series(j, &ret->series[l.n++]);
        }
        ret->n_series = l.n;
        return;
    }
    struct answer_point *p = arena_new(j->arena, struct answer_point); /* [t,"v"] */
    p->v = NAN;
    (void)num_parse_f64(j->text, &p->t);
    json_next(j);
    p->text = arena_str(j->arena, j->text);
    if (!num_parse_f64(p->text, &p->v)) p->v = NAN;
    json_next(j);
    ret->series = arena_new(j->arena, struct answer_series);
    *ret->series = (struct answer_series){.points = p, .n_points = 1};
    ret->n_series = 1;
}

static enum answer_kind kind_of(str s)
{
    return str_eq(s, S("matrix"))   ? ANSWER_MATRIX
           : str_eq(s, S("scalar")) ? ANSWER_SCALAR
           : str_eq(s, S("string")) ? ANSWER_STRING
                                    : ANSWER_VECTOR;
}

/* A read or a statement: its text, then the rest of it as comments. */
static void explain_one(struct json_in *j, struct buf *text, struct buf *rest)
{
    while (json_next(j) == JSON_KEY) {
        str key = arena_str(j->arena, j->text);
        enum json_token t = json_next(j);
        if (t == JSON_OBJECT)
            explain_one(j, rest, rest);
        else if (str_eq(key, S("sql")) || str_eq(key, S("selector")))
            buf_printf(text, STR_FMT "\n", STR_ARG(j->text));
        else
            buf_printf(rest, "-- " STR_FMT " = " STR_FMT "\n", STR_ARG(key), STR_ARG(j->text));
    }
}

static void read_explained(struct json_in *j, struct promql_answer *ret)
{
    struct buf all, rest;
    buf_init(&all, 64u << 20);
    buf_init(&rest, 64u << 20);
    while (json_next(j) == JSON_KEY) /* reads, statements */
        if (json_next(j) == JSON_ARRAY)
            while (json_next(j) == JSON_OBJECT) {
                explain_one(j, &all, &rest);
                buf_add(&all, buf_str(&rest));
                buf_char(&all, '\n');
                buf_clear(&rest);
            }
    ret->explained = arena_str(j->arena, buf_str(&all));
    buf_done(&rest);
    buf_done(&all);
}

static void read_data(struct json_in *j, struct promql_answer *ret)
{
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        enum json_token t = json_next(j);
        if (str_eq(key, S("resultType")))
            ret->kind = kind_of(j->text);
        else if (str_eq(key, S("result")) && t == JSON_ARRAY)
            read_result(j, ret);
        else if (str_eq(key, S("explain")) && t == JSON_OBJECT)
            read_explained(j, ret);
        else
            json_skip(j);
    }
}

static void read_notes(struct json_in *j, struct promql_answer *ret, struct list *l)
{
    while (json_next(j) == JSON_STRING) {
        ret->notes = more(j->arena, ret->notes, l, sizeof *ret->notes);
        ret->notes[l->n++] = arena_str(j->arena, j->text);
    }
    ret->n_notes = l->n;
}

status promql_answer_read(struct arena *a, str json, struct promql_answer *ret, struct err *err)
{
    struct json_in j = json_read(json, a);
    struct list notes = {0};
    str failure = {0};
    bool any = false;
    *ret = (struct promql_answer){0};
    if (json_next(&j) == JSON_OBJECT)
        while (json_next(&j) == JSON_KEY) {
            str key = j.text;
            enum json_token t = json_next(&j);
            any = any || str_eq(key, S("status"));
            if (str_eq(key, S("data")) && t == JSON_OBJECT)
                read_data(&j, ret);
            else if (str_eq(key, S("error")))
                failure = arena_str(a, j.text);
            else if (t == JSON_ARRAY && (str_eq(key, S("warnings")) || str_eq(key, S("infos"))))
                read_notes(&j, ret, &notes);
            else
                json_skip(&j);
        }
    if (failure.len && !j.bad)
        return err_set(err, ST_EXECUTION, ERR_NOPOS, STR_FMT, STR_ARG(failure));
    if (j.bad || !any)
        return err_set(err, ST_INVALID, ERR_NOPOS, "this is no answer of Prometheus' API: %.*s",
                       (int)(json.len < 200 ? json.len : 200), json.ptr);
    return ST_OK;
}
