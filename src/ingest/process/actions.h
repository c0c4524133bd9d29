/* actions: the list of changes that `attributes` and `resource` make to a run of attributes, in the
 * order they are configured. */
#pragma once

#include "ingest/process/processor.h"

struct actions;

/* Reads a list of actions. ST_INVALID: with the place. */
[[nodiscard]] status actions_new(struct arena *a, const struct tree *list,
                                 const struct actions **ret, struct err *err);

/* The configured texts, copied into a batch's arena once for all its runs. */
struct actions_bound {
    const struct actions *actions;
    struct attr *values;   /* key and value of each action */
    struct attr *defaults; /* its default_value */
    str *const *groups;    /* names of the groups of each action's pattern */
};
struct actions_bound actions_bind(const struct actions *as, struct arena *a);

/* Changes w->set, which is loaded. */
void actions_apply(const struct actions_bound *as, struct process_work *w);
