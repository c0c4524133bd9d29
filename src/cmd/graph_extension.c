/* Extensions: authenticators for the receiver. What others do in the Collector weir does without.
 */
#include "cmd/graph_name.h"
#include "cmd/graph_parts.h"

static const str types[] = {
    S("basicauth"),
    S("basic_auth"),
    S("bearertokenauth"),
    S("bearer_token_auth"),
};
enum { TYPES = sizeof types / sizeof *types };

static const struct graph_refusal done_otherwise[] = {
    {S("health_check"), "weir answers /health and /ready at admin.endpoint; leave it out"},
    {S("health_check_v2"), "weir answers /health and /ready at admin.endpoint; leave it out"},
    {S("healthcheckv2"), "weir answers /health and /ready at admin.endpoint; leave it out"},
    {S("pprof"), "weir is no Go program; its metrics are at admin.endpoint; leave it out"},
    {S("zpages"), "weir answers /status and /metrics at admin.endpoint; leave it out"},
    {S("file_storage"), "weir's journal keeps what waits on disk for all exporters; leave it out"},
    {S("memory_limiter"), "weir has the memory_limiter processor for it"},
    {S("memory_ballast"), "weir has no garbage collector; leave it out"},
};

static status one(const struct tree *e, struct err *err)
{
    str type;
    TRY(graph_type_of(e, true, e->key, &type, err));
    for (size_t i = 0; i < TYPES; i++)
        if (str_eq(types[i], type)) return ST_OK;
    for (size_t i = 0; i < sizeof done_otherwise / sizeof *done_otherwise; i++)
        if (str_eq(done_otherwise[i].key, type))
            return tree_fail_key(e, err, "%s", done_otherwise[i].why);
    char near[160];
    return tree_fail_key(e, err, "weir has no such extension%s",
                         graph_nearest(type, types, TYPES, near));
}

status graph_check_extensions(const struct tree *root, struct err *err)
{
    const struct tree *connectors = tree_get(root, S("connectors"));
    if (connectors && connectors->kind != TREE_NULL)
        return tree_fail_key(connectors, err,
                             "weir has no connectors: name the exporters in each pipeline; RED "
                             "metrics of spans are made without one");
    const struct tree *all = tree_get(root, S("extensions"));
    if (all && all->kind != TREE_NULL) {
        TRY(tree_expect(all, TREE_MAP, err));
        for (const struct tree *e = all->first; e; e = e->next) TRY(one(e, err));
    }
    const struct tree *used = tree_get(tree_get(root, S("service")), S("extensions"));
    if (!used || used->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(used, TREE_LIST, err));
    for (const struct tree *u = used->first; u; u = u->next) {
        TRY(tree_expect(u, TREE_SCALAR, err));
        char near[160];
        if (!tree_get(all, u->text))
            return tree_fail(u, err, "no extension \"" STR_FMT "\" is defined%s", STR_ARG(u->text),
                             graph_nearest_key(u->text, all, near));
    }
    return ST_OK;
}
