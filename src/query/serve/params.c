#include "query/serve/params.h"

#include <strings.h>

#include "net/http.h"

static status add(struct param_list *l, struct arena *a, str name, str value, struct err *err)
{
    if (l->n == PARAMS_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS, "more than %d parameters", (int)PARAMS_MAX);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct query_param *v = arena_array(a, struct query_param, cap);
        if (l->n) memcpy(v, l->v, l->n * sizeof *v);
        l->v = v;
        l->cap = cap;
    }
    struct query_param *p = &l->v[l->n++];
    p->name = http_decode(a, name, true);
    p->value = http_decode(a, value, true);
    if (!p->value.ptr) p->value.ptr = ""; /* present and empty is not absent */
    return ST_OK;
}

status params_add(struct param_list *l, struct arena *a, str text, struct err *err)
{
    while (text.len > 0) {
        const char *amp = memchr(text.ptr, '&', text.len);
        str pair = {text.ptr, amp ? (size_t)(amp - text.ptr) : text.len};
        text = str_drop(text, pair.len + 1);
        if (pair.len == 0) continue;
        const char *eq = memchr(pair.ptr, '=', pair.len);
        str name = {pair.ptr, eq ? (size_t)(eq - pair.ptr) : pair.len};
        TRY(add(l, a, name, str_drop(pair, name.len + 1), err));
    }
    return ST_OK;
}

bool params_is_form(str content_type)
{
    str form = S("application/x-www-form-urlencoded");
    if (content_type.len < form.len || strncasecmp(content_type.ptr, form.ptr, form.len) != 0)
        return false;
    return content_type.len == form.len || content_type.ptr[form.len] == ';' ||
           content_type.ptr[form.len] == ' ';
}
