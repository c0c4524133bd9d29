#include "config/memory_limiter.h"

#include <stdio.h>

#include "config/set.h"

static bool is_limiter(str name)
{
    const str type = S("memory_limiter");
    return name.len >= type.len && memcmp(name.ptr, type.ptr, type.len) == 0 &&
           (name.len == type.len || name.ptr[type.len] == '/');
}

/* Its definition, when a pipeline names one. */
static const struct tree *find(const struct tree *root)
{
    const struct tree *p = tree_get(tree_get(root, S("service")), S("pipelines"));
    for (p = p ? p->first : NULL; p; p = p->next) {
        const struct tree *list = tree_get(p, S("processors"));
        for (const struct tree *e = list ? list->first : NULL; e; e = e->next)
            if (is_limiter(e->text)) return tree_get(tree_get(root, S("processors")), e->text);
    }
    return NULL;
}

static status set_number(struct config *c, const struct tree *at, str option, uint64_t v,
                         const char *unit, struct err *err)
{
    char text[40];
    snprintf(text, sizeof text, "%llu%s", (unsigned long long)v, unit);
    return set_from(c, at, option, str_of(text), err);
}

/* The hard limit is the Collector's limit, the soft one that less the spike. A spike that is not
 * said is a fifth, as there. */
static status set_limits(struct config *c, const struct tree *t, struct err *err)
{
    uint64_t mib = 0, spike_mib = 0, percent = 0, spike_percent = 0;
    TRY(tree_u64(t, S("limit_mib"), 1, 1u << 30, &mib, err));
    TRY(tree_u64(t, S("spike_limit_mib"), 1, 1u << 30, &spike_mib, err));
    TRY(tree_u64(t, S("limit_percentage"), 1, 100, &percent, err));
    TRY(tree_u64(t, S("spike_limit_percentage"), 1, 100, &spike_percent, err));
    const struct tree *spike =
        tree_get(t, mib ? S("spike_limit_mib") : S("spike_limit_percentage"));
    if (mib ? spike_mib >= mib : spike_percent >= (percent ? percent : 90))
        return tree_fail(spike, err, "not less than the limit: requests would always be refused");
    if (mib) { /* wins over percentages, as in the Collector */
        TRY(set_number(c, t, S("memory.limit"), mib, "MiB", err));
        TRY(set_number(c, t, S("memory.limit_percentage"), 100, "", err));
        uint64_t soft = spike_mib ? 100 * (mib - spike_mib) / mib : 80;
        return set_number(c, t, S("memory.soft_percentage"), soft ? soft : 1, "", err);
    }
    if (!percent && !spike_percent) return ST_OK;
    if (!percent) percent = 90;
    uint64_t soft = spike_percent ? percent - spike_percent : percent * 4 / 5;
    TRY(set_number(c, t, S("memory.limit_percentage"), percent, "", err));
    return set_number(c, t, S("memory.soft_percentage"), soft ? soft : 1, "", err);
}

status memory_limiter_options(struct config *c, const struct tree *root, struct err *err)
{
    static const struct refusal refused[] = {
        {S("min_gc_interval_when_soft_limited"), S(""), "weir has no garbage collector"},
        {S("min_gc_interval_when_hard_limited"), S(""), "weir has no garbage collector"},
    };
    const struct tree *t = find(root);
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(REFUSE(t, err, refused));
    TRY(TREE_ONLY(t, err, S("check_interval"), S("limit_mib"), S("spike_limit_mib"),
                  S("limit_percentage"), S("spike_limit_percentage")));
    TRY(set_scalar(c, t, S("check_interval"), S("memory.check_interval"), err));
    return set_limits(c, t, err);
}
