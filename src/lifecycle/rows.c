#include "lifecycle/rows.h"

enum { ROWS_BYTES = 16 << 20 };

static status read_text(struct store *s, struct store_query *q, struct rows *ret, struct err *err)
{
    struct rows r = {};
    buf_init(&r.text, ROWS_BYTES);
    q->format = S("TabSeparatedRaw");
    status st = store_query_buf(s, q, &r.text, err);
    if (st != ST_OK) {
        buf_done(&r.text);
        return st;
    }
    r.rest = buf_str(&r.text);
    *ret = r;
    return ST_OK;
}

status rows_read(struct store *s, str sql, const struct store_param *params, size_t n_params,
                 struct rows *ret, struct err *err)
{
    struct store_query q = {.sql = sql, .params = params, .n_params = n_params};
    return read_text(s, &q, ret, err);
}

status rows_read_until(struct store *s, str sql, uint32_t timeout_ms, atomic_bool *stop,
                       struct rows *ret, struct err *err)
{
    struct store_query q = {.sql = sql, .timeout_ms = timeout_ms, .cancel = stop};
    return read_text(s, &q, ret, err);
}

/* The part of `rest` before `end`, which is stepped over; all of it when there is none. */
static str cut(str *rest, char end)
{
    const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    size_t n = at ? (size_t)(at - rest->ptr) : rest->len;
    str part = {rest->ptr, n};
    *rest = str_drop(*rest, n + 1);
    return part;
}

bool rows_next(struct rows *r, str *fields, size_t n)
{
    if (!r->rest.len) return false;
    str line = cut(&r->rest, '\n');
    for (size_t i = 0; i < n; i++) fields[i] = cut(&line, '\t');
    return true;
}

void rows_done(struct rows *r) { buf_done(&r->text); }
