/* resourcedetection: what detection found at start is put on each resource. The options other than
 * `override` say how to detect: they are checked where that is done.
 * Spec: opentelemetry-collector-contrib, resourcedetectionprocessor. */
#include "ingest/process/literal.h"
#include "ingest/process/processor.h"

struct detection {
    struct processor as;
    const struct process_detected *found; /* NULL: nothing */
    bool override;
};

/* A copy in the batch's arena, for all its resources. */
static struct attr *copy_of(struct arena *a, const struct process_detected *found)
{
    struct attr *copy = arena_array(a, struct attr, found->n);
    for (size_t i = 0; i < found->n; i++) {
        const struct attr *from = &found->attrs[i];
        bool text = from->value.type != ATTR_INT && from->value.type != ATTR_DOUBLE &&
                    from->value.type != ATTR_BOOL && from->value.type != ATTR_EMPTY;
        copy[i] = (struct attr){arena_str(a, from->key), from->value};
        if (text) copy[i].value.text = arena_str(a, from->value.text);
    }
    return copy;
}

/* A resource without a schema gets the one of what was put on it. */
static bool put_schema(struct resource *r, str schema_url)
{
    if (r->schema_url.len || schema_url.len == 0) return false;
    r->schema_url = schema_url;
    return true;
}

static void run(const struct processor *p, struct process_work *w, struct process_count *count)
{
    const struct detection *t = (const struct detection *)p;
    struct telemetry_batch *b = w->edit.batch;
    if (!t->found || t->found->n == 0) return;
    struct attr *found = copy_of(b->arena, t->found);
    str schema_url = arena_str(b->arena, t->found->schema_url);
    uint64_t *changed = bitmap_full(b->arena, b->n_resources);
    for (uint32_t i = 0; i < b->n_resources; i++) {
        struct attr_set *s = &w->set;
        attr_set_load(s, b, b->resources[i].attrs);
        for (size_t k = 0; k < t->found->n; k++)
            if (t->override || !attr_set_get(s, found[k].key))
                attr_set_put(s, found[k].key, found[k].value);
        bool schema = put_schema(&b->resources[i], schema_url);
        if (attr_set_store(s, &w->edit, &b->resources[i].attrs))
            batch_edit_resource(&w->edit, i);
        else if (!schema)
            bitmap_clear(changed, i);
    }
    process_count_resources(b, changed, count);
}

status resourcedetection_new(struct arena *a, enum signal_kind, const struct process_spec *spec,
                             const struct processor **ret, struct err *err)
{
    struct detection *t = arena_new(a, struct detection);
    *t = (struct detection){.as.run = run, .found = spec->detected, .override = true};
    TRY(tree_flag(spec->options, S("override"), &t->override, err));
    *ret = &t->as;
    return ST_OK;
}
