#include "config/set.h"

status set_from(struct config *c, const struct tree *at, str option, str text, struct err *err)
{
    struct err why = {};
    if (config_set(c, option, text, &why) == ST_OK) return ST_OK;
    return tree_fail(at, err, "%s", why.msg);
}

status set_scalar(struct config *c, const struct tree *map, str key, str option, struct err *err)
{
    const struct tree *t = tree_get(map, key);
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(t, TREE_SCALAR, err));
    return set_from(c, t, option, t->text, err);
}

status refuse(const struct tree *map, const struct refusal *all, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct tree *t = tree_get(map, all[i].key);
        if (!t || t->kind == TREE_NULL) continue;
        if (t->kind == TREE_SCALAR && all[i].value.len && str_eq(t->text, all[i].value)) continue;
        return tree_fail_key(t, err, "%s", all[i].why);
    }
    return ST_OK;
}
