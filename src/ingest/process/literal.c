#include "ingest/process/literal.h"

#include "base/num.h"

struct attr_value literal_of(const struct tree *t)
{
    int64_t i;
    double d;
    if (t->quoted) return (struct attr_value){ATTR_STRING, {t->text}};
    if (str_eq(t->text, S("true"))) return (struct attr_value){ATTR_BOOL, {.i = 1}};
    if (str_eq(t->text, S("false"))) return (struct attr_value){ATTR_BOOL, {.i = 0}};
    if (num_parse_i64(t->text, &i)) return (struct attr_value){ATTR_INT, {.i = i}};
    if (t->text.len && strchr("+-.0123456789", t->text.ptr[0]) && num_parse_f64(t->text, &d))
        return (struct attr_value){ATTR_DOUBLE, {.d = d}};
    return (struct attr_value){ATTR_STRING, {t->text}};
}

status literal_read(const struct tree *map, str key, struct attr_value *ret, bool *ret_found,
                    struct err *err)
{
    const struct tree *t = tree_get(map, key);
    *ret_found = t && t->kind != TREE_NULL;
    if (!*ret_found) return ST_OK;
    TRY(tree_expect(t, TREE_SCALAR, err));
    *ret = literal_of(t);
    return ST_OK;
}

struct attr_value literal_copy(struct arena *a, const struct attr_value *v)
{
    struct attr_value copy = *v;
    if (v->type == ATTR_STRING) copy.text = arena_str(a, v->text);
    return copy;
}
