#include "cmd/graph.h"

#include <stdio.h>

#include "cmd/graph_name.h"
#include "cmd/graph_parts.h"
#include "ingest/pipeline.h"

struct reading {
    struct arena *arena;
    const struct config *config;
    const struct tree *root;
    struct graph *graph;
    unsigned routes;
    const struct tree *limiter; /* the memory_limiter that pipelines name */
    struct err *err;
};

static const str section_names[] = {S("receivers"), S("processors"), S("exporters")};
enum section { RECEIVERS, PROCESSORS, EXPORTERS, SECTIONS };
static const char *const kinds[] = {"receiver", "processor", "exporter"};

static const str processor_types[] = {
    S("attributes"),        S("resource"), S("filter"),         S("probabilistic_sampler"),
    S("redaction"),         S("batch"),    S("memory_limiter"), S("resourcedetection"),
    S("resource_detection")};
static const str exporter_types[] = {S("clickhouse"), S("otlp"),  S("otlp_grpc"), S("otlphttp"),
                                     S("otlp_http"),  S("debug"), S("logging"),   S("file")};

static bool is_processor(str type)
{
    return graph_is_batch(type) || graph_is_memory_limiter(type) || process_is_type(type);
}

static bool is_exporter(str type)
{
    return str_eq(type, S("clickhouse")) || exporter_is_type(type);
}

static status unknown_type(const struct tree *e, str type, enum section section, struct err *err)
{
    char near[160];
    bool exporters = section == EXPORTERS;
    graph_nearest(type, exporters ? exporter_types : processor_types,
                  exporters ? sizeof exporter_types / sizeof(str)
                            : sizeof processor_types / sizeof(str),
                  near);
    return tree_fail_key(e, err, "weir has no %s of the type \"" STR_FMT "\"%s", kinds[section],
                         STR_ARG(type), near);
}

/* All that is defined has a name and a type that weir knows, also when no pipeline names it. */
static status check_types(struct reading *r)
{
    for (enum section s = PROCESSORS; s < SECTIONS; s++) {
        const struct tree *all = tree_get(r->root, section_names[s]);
        if (!all || all->kind == TREE_NULL) continue;
        TRY(tree_expect(all, TREE_MAP, r->err));
        for (const struct tree *e = all->first; e; e = e->next) {
            str type;
            TRY(graph_type_of(e, true, e->key, &type, r->err));
            if (s == PROCESSORS ? !is_processor(type) : !is_exporter(type))
                return unknown_type(e, type, s, r->err);
            if (e->kind != TREE_NULL) TRY(tree_expect(e, TREE_MAP, r->err));
        }
    }
    return ST_OK;
}

/* The list of a pipeline, whose entries must be defined and each be there once. `ret`: the
 * definitions. */
static status named(struct reading *r, const struct tree *pipeline, enum section s,
                    const struct tree ***ret, size_t *ret_n)
{
    const struct tree *list = tree_get(pipeline, section_names[s]);
    const struct tree *defined = tree_get(r->root, section_names[s]);
    *ret_n = 0;
    if (!list || list->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(list, TREE_LIST, r->err));
    const struct tree **all = arena_array(r->arena, const struct tree *, list->n + 1);
    for (const struct tree *e = list->first; e; e = e->next) {
        TRY(tree_expect(e, TREE_SCALAR, r->err));
        for (const struct tree *o = list->first; o != e; o = o->next)
            if (str_eq(o->text, e->text))
                return tree_fail(e, r->err, "\"" STR_FMT "\" is in this pipeline a second time",
                                 STR_ARG(e->text));
        const struct tree *d = tree_get(defined, e->text);
        char near[160];
        if (!d)
            return tree_fail(e, r->err, "no %s \"" STR_FMT "\" is defined%s", kinds[s],
                             STR_ARG(e->text), graph_nearest_key(e->text, defined, near));
        all[(*ret_n)++] = d;
    }
    *ret = all;
    return ST_OK;
}

static const struct tree *options_of(const struct tree *t)
{
    return t->kind == TREE_NULL ? NULL : t;
}

static str type_of(str name)
{
    const char *slash = memchr(name.ptr, '/', name.len);
    return (str){name.ptr, slash ? (size_t)(slash - name.ptr) : name.len};
}

static status processors(struct reading *r, const struct tree *at, struct graph_pipeline *p)
{
    const struct tree **all = NULL;
    size_t n;
    const struct tree *batch = NULL, *limiter = NULL;
    TRY(named(r, at, PROCESSORS, &all, &n));
    p->processors = arena_array(r->arena, struct process_spec, n + 1);
    for (size_t i = 0; i < n; i++) {
        str type = type_of(all[i]->key);
        const struct tree **once = graph_is_batch(type)            ? &batch
                                   : graph_is_memory_limiter(type) ? &limiter
                                                                   : NULL;
        if (!once) {
            p->processors[p->n_processors++] =
                (struct process_spec){.name = all[i]->key, .options = options_of(all[i])};
            continue;
        }
        if (*once)
            return tree_fail_key(at, r->err,
                                 "a pipeline has one " STR_FMT ": \"" STR_FMT "\" and \"" STR_FMT
                                 "\" are two",
                                 STR_ARG(type), STR_ARG((*once)->key), STR_ARG(all[i]->key));
        *once = all[i];
    }
    if (batch) TRY(graph_read_batch(options_of(batch), &p->batch, r->err));
    if (limiter && r->limiter && r->limiter != limiter)
        return tree_fail_key(at, r->err,
                             "memory belongs to the process: \"" STR_FMT "\" is used here and "
                             "\"" STR_FMT "\" in another pipeline",
                             STR_ARG(limiter->key), STR_ARG(r->limiter->key));
    if (limiter) r->limiter = limiter;
    return ST_OK;
}

static void warn(struct reading *r, const struct tree *at, const char *why)
{
    struct err text;
    (void)tree_fail_key(at, &text, "%s", why);
    struct graph *g = r->graph;
    g->warnings[g->n_warnings++] = arena_str(r->arena, str_of(text.msg));
}

/* The journal is there instead. */
static void warn_of_queue(struct reading *r, const struct tree *options)
{
    static const str keys[] = {S("queue_size"), S("sizer"), S("storage")};
    const struct tree *q = tree_get(options, S("sending_queue"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct tree *t = tree_get(q, keys[i]);
        if (t) warn(r, t, "changes nothing: the journal is the queue (journal.max_size)");
    }
}

static status exporter_index(struct reading *r, const struct tree *at, unsigned *ret)
{
    struct graph *g = r->graph;
    for (unsigned i = 0; i < g->n_exporters; i++)
        if (g->exporters[i].at == at) {
            *ret = i;
            return ST_OK;
        }
    struct graph_exporter *e = &g->exporters[g->n_exporters];
    *e = (struct graph_exporter){.name = at->key, .at = at, .options = options_of(at)};
    e->is_clickhouse = str_eq(type_of(at->key), S("clickhouse"));
    TRY(graph_read_exporter(r->config, e, r->err));
    warn_of_queue(r, e->options);
    *ret = (unsigned)g->n_exporters++;
    return ST_OK;
}

static status exporters(struct reading *r, const struct tree *at, struct graph_pipeline *p)
{
    const struct tree **all = NULL;
    size_t n;
    TRY(named(r, at, EXPORTERS, &all, &n));
    if (n == 0) return tree_fail_key(at, r->err, "a pipeline needs exporters");
    r->routes += (unsigned)n;
    if (r->routes > PIPELINE_ROUTES_MAX)
        return tree_fail_key(at, r->err,
                             "more than %d exporters in all pipelines together (one in two "
                             "pipelines counts twice)",
                             PIPELINE_ROUTES_MAX);
    p->exporters = arena_array(r->arena, unsigned, n);
    for (int store = 1; store >= 0; store--) /* the store first: it is fed without the journal */
        for (size_t i = 0; i < n; i++) {
            bool is_store = str_eq(type_of(all[i]->key), S("clickhouse"));
            if (is_store != (store == 1)) continue;
            TRY(exporter_index(r, all[i], &p->exporters[p->n_exporters]));
            p->n_exporters++;
        }
    return ST_OK;
}

static struct batch_limits default_batch(const struct config *c)
{
    return (struct batch_limits){.send_batch_size = c->batch_size,
                                 .max_rows = c->batch_max_rows,
                                 .max_bytes = c->batch_max_bytes,
                                 .timeout = c->batch_timeout};
}

static const str signals[] = {
    [SIGNAL_TRACES] = S("traces"), [SIGNAL_LOGS] = S("logs"), [SIGNAL_METRICS] = S("metrics")};

static status pipeline(struct reading *r, const struct tree *at, struct graph_pipeline *p)
{
    str type;
    TRY(graph_type_of(at, true, at->key, &type, r->err));
    *p = (struct graph_pipeline){.name = at->key, .batch = default_batch(r->config)};
    size_t i = 0;
    while (i < SIGNAL_COUNT && !str_eq(signals[i], type)) i++;
    char near[160];
    if (i == SIGNAL_COUNT)
        return tree_fail_key(at, r->err,
                             "a pipeline is called traces, metrics or logs, or one of "
                             "them and a suffix%s",
                             graph_nearest(type, signals, SIGNAL_COUNT, near));
    p->signal = (enum signal_kind)i;
    TRY(tree_expect(at, TREE_MAP, r->err));
    TRY(TREE_ONLY(at, r->err, S("receivers"), S("processors"), S("exporters")));
    const struct tree **all = NULL;
    size_t n;
    TRY(named(r, at, RECEIVERS, &all, &n));
    if (n == 0) return tree_fail_key(at, r->err, "a pipeline needs a receiver");
    TRY(processors(r, at, p));
    return exporters(r, at, p);
}

static bool is_named(const struct reading *r, enum section s, str name)
{
    const struct tree *p = tree_get(tree_get(r->root, S("service")), S("pipelines"));
    for (p = p ? p->first : NULL; p; p = p->next) {
        const struct tree *list = tree_get(p, section_names[s]);
        for (const struct tree *e = list ? list->first : NULL; e; e = e->next)
            if (str_eq(e->text, name)) return true;
    }
    return false;
}

static bool extension_is_named(const struct reading *r, str name)
{
    const struct tree *list = tree_get(tree_get(r->root, S("service")), S("extensions"));
    for (const struct tree *e = list ? list->first : NULL; e; e = e->next)
        if (str_eq(e->text, name)) return true;
    return false;
}

/* Room for one of each definition, and three of each exporter's queue. */
static void make_warnings(struct reading *r)
{
    size_t n = 1;
    for (enum section s = RECEIVERS; s < SECTIONS; s++) {
        const struct tree *all = tree_get(r->root, section_names[s]);
        if (all) n += all->n * (s == EXPORTERS ? 4u : 1u);
    }
    const struct tree *extensions = tree_get(r->root, S("extensions"));
    if (extensions) n += extensions->n;
    r->graph->warnings = arena_array(r->arena, str, n);
}

static void warn_of_unused(struct reading *r)
{
    for (enum section s = RECEIVERS; s < SECTIONS; s++) {
        const struct tree *all = tree_get(r->root, section_names[s]);
        for (const struct tree *e = all ? all->first : NULL; e; e = e->next)
            if (!is_named(r, s, e->key)) warn(r, e, "no pipeline names it");
    }
    const struct tree *extensions = tree_get(r->root, S("extensions"));
    for (const struct tree *e = extensions ? extensions->first : NULL; e; e = e->next)
        if (!extension_is_named(r, e->key)) warn(r, e, "service.extensions does not name it");
}

static status service(struct reading *r)
{
    const struct tree *s = tree_get(r->root, S("service"));
    if (!s || s->kind == TREE_NULL)
        return tree_fail(r->root, r->err,
                         "receivers, processors and exporters without service.pipelines, which "
                         "says what is used");
    TRY(TREE_ONLY(s, r->err, S("extensions"), S("pipelines"), S("telemetry")));
    const struct tree *all = tree_get(s, S("pipelines"));
    bool none = !all || all->kind == TREE_NULL || (all->kind == TREE_MAP && all->n == 0);
    if (none) return tree_fail_key(all ? all : s, r->err, "no pipelines");
    TRY(tree_expect(all, TREE_MAP, r->err));
    struct graph *g = r->graph;
    const struct tree *exporters_tree = tree_get(r->root, S("exporters"));
    g->pipelines = arena_array(r->arena, struct graph_pipeline, all->n);
    g->exporters =
        arena_array(r->arena, struct graph_exporter, exporters_tree ? exporters_tree->n + 1 : 1);
    for (const struct tree *p = all->first; p; p = p->next) {
        TRY(pipeline(r, p, &g->pipelines[g->n_pipelines]));
        g->n_pipelines++;
    }
    return ST_OK;
}

static void default_graph(struct arena *a, const struct config *c, struct graph *g)
{
    g->exporters = arena_new(a, struct graph_exporter);
    g->n_exporters = 1;
    *g->exporters = (struct graph_exporter){.name = S("clickhouse"), .is_clickhouse = true};
    export_common_defaults(&g->exporters->common);
    g->exporters->common.consumers = (uint32_t)c->store_writers;
    g->exporters->common.retry.max_tries = (uint32_t)c->store_tries;
    g->pipelines = arena_array(a, struct graph_pipeline, SIGNAL_COUNT);
    g->n_pipelines = SIGNAL_COUNT;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        g->pipelines[i] = (struct graph_pipeline){.name = signals[i],
                                                  .signal = (enum signal_kind)i,
                                                  .batch = default_batch(c),
                                                  .exporters = arena_new(a, unsigned),
                                                  .n_exporters = 1};
}

status graph_read(struct arena *a, const struct config *c, struct graph *ret, struct err *err)
{
    struct graph g = {0};
    if (!c->sections) {
        default_graph(a, c, &g);
        *ret = g;
        return ST_OK;
    }
    struct reading r = {.arena = a, .config = c, .root = c->sections, .graph = &g, .err = err};
    make_warnings(&r);
    TRY(graph_check_extensions(r.root, err));
    TRY(check_types(&r));
    TRY(service(&r));
    warn_of_unused(&r);
    *ret = g;
    return ST_OK;
}

void graph_print(const struct graph *g, struct buf *out)
{
    buf_add(out, S("# pipelines:\n"));
    for (size_t i = 0; i < g->n_pipelines; i++) {
        const struct graph_pipeline *p = &g->pipelines[i];
        buf_printf(out, "#   " STR_FMT ": otlp -> ", STR_ARG(p->name));
        for (size_t k = 0; k < p->n_processors; k++)
            buf_printf(out, STR_FMT ", ", STR_ARG(p->processors[k].name));
        buf_printf(out, "batch %llu -> ", (unsigned long long)p->batch.send_batch_size);
        for (size_t k = 0; k < p->n_exporters; k++)
            buf_printf(out, "%s" STR_FMT, k ? ", " : "",
                       STR_ARG(g->exporters[p->exporters[k]].name));
        buf_char(out, '\n');
    }
}
