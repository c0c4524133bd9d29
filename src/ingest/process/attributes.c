/* attributes: actions on the attributes of spans, log records and data points.
 * Spec: opentelemetry-collector-contrib, attributesprocessor. */
#include "ingest/process/actions.h"
#include "ingest/process/match.h"

struct attributes {
    struct processor as;
    const struct actions *actions;
    const struct match *include, *exclude; /* NULL: all, none */
};

static void run(const struct processor *p, struct process_work *w, struct process_count *count)
{
    const struct attributes *t = (const struct attributes *)p;
    struct telemetry_batch *b = w->edit.batch;
    struct attr_range *runs = process_attrs(b);
    struct actions_bound actions = actions_bind(t->actions, b->arena);
    uint32_t n = telemetry_batch_rows(b);
    uint64_t before = count->changed;
    for (uint32_t i = 0; i < n; i++) {
        if (t->include && !match_row(t->include, w, i)) continue;
        if (t->exclude && match_row(t->exclude, w, i)) continue;
        attr_set_load(&w->set, b, runs[i]);
        actions_apply(&actions, w);
        count->changed += attr_set_store(&w->set, &w->edit, &runs[i]);
    }
    if (count->changed > before) batch_edit_point(&w->edit);
}

status attributes_new(struct arena *a, enum signal_kind signal, const struct process_spec *spec,
                      const struct processor **ret, struct err *err)
{
    struct attributes *t = arena_new(a, struct attributes);
    t->as.run = run;
    TRY(TREE_ONLY(spec->options, err, S("actions"), S("include"), S("exclude")));
    const struct tree *list = tree_get(spec->options, S("actions"));
    if (!list) return process_fail(spec, err, "actions is needed: a list");
    TRY(actions_new(a, list, &t->actions, err));
    TRY(match_new(a, signal, tree_get(spec->options, S("include")), &t->include, err));
    TRY(match_new(a, signal, tree_get(spec->options, S("exclude")), &t->exclude, err));
    *ret = &t->as;
    return ST_OK;
}
