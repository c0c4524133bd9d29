/* resource: actions on the attributes of resources, once a resource.
 * Spec: opentelemetry-collector-contrib, resourceprocessor. */
#include "ingest/process/actions.h"

struct resource_actions {
    struct processor as;
    const struct actions *actions;
};

static void run(const struct processor *p, struct process_work *w, struct process_count *count)
{
    const struct resource_actions *t = (const struct resource_actions *)p;
    struct telemetry_batch *b = w->edit.batch;
    struct actions_bound actions = actions_bind(t->actions, b->arena);
    uint64_t *changed = bitmap_full(b->arena, b->n_resources);
    for (uint32_t i = 0; i < b->n_resources; i++) {
        attr_set_load(&w->set, b, b->resources[i].attrs);
        actions_apply(&actions, w);
        if (attr_set_store(&w->set, &w->edit, &b->resources[i].attrs))
            batch_edit_resource(&w->edit, i);
        else
            bitmap_clear(changed, i);
    }
    process_count_resources(b, changed, count);
}

status resource_new(struct arena *a, enum signal_kind, const struct process_spec *spec,
                    const struct processor **ret, struct err *err)
{
    struct resource_actions *t = arena_new(a, struct resource_actions);
    t->as.run = run;
    TRY(TREE_ONLY(spec->options, err, S("attributes")));
    const struct tree *list = tree_get(spec->options, S("attributes"));
    if (!list) return process_fail(spec, err, "attributes is needed: a list of actions");
    TRY(actions_new(a, list, &t->actions, err));
    *ret = &t->as;
    return ST_OK;
}
