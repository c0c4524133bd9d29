#include "cmd/parts.h"

#include "cmd/access.h"
#include "cmd/door.h"
#include "cmd/store_options.h"

#include "base/json_out.h"
#include "ingest/detect/detect.h"
#include "store/store.h"

static bool is_detection(str name)
{
    const char *slash = memchr(name.ptr, '/', name.len);
    str type = {name.ptr, slash ? (size_t)(slash - name.ptr) : name.len};
    return str_eq(type, S("resourcedetection")) || str_eq(type, S("resource_detection"));
}

bool parts_need_store(const struct graph *g)
{
    for (size_t i = 0; i < g->n_exporters; i++)
        if (g->exporters[i].is_clickhouse && !g->exporters[i].store.url.len) return true;
    return false;
}

/* ---- checking ---- */

static status check_addresses(const struct config *c, struct err *err)
{
    const struct {
        str endpoint;
        const char *name;
    } all[] = {
        {c->grpc_endpoint, "receive.grpc.endpoint"},
        {c->http_endpoint, "receive.http.endpoint"},
        {c->query_endpoint, "query.endpoint"},
        {c->admin_endpoint, "admin.endpoint"},
    };
    const char *host;
    uint16_t port;
    if (!c->grpc_endpoint.len && !c->http_endpoint.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "receive.grpc.endpoint and receive.http.endpoint are both empty: nothing "
                       "could be received");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].endpoint.len || i >= 2)
            TRY(config_endpoint(c, all[i].endpoint, all[i].name, &host, &port, err));
    return ST_OK;
}

status parts_check(const struct config *c, const struct graph *g, struct err *err)
{
    struct access access;
    TRY(check_addresses(c, err));
    TRY(access_of(c, &access, err));
    TRY(door_check(c, err));
    struct store_options own;
    TRY(store_options_of(c, &own, err));
    TRY(store_check(&own, err));
    for (size_t i = 0; i < g->n_pipelines; i++) {
        const struct graph_pipeline *p = &g->pipelines[i];
        for (size_t k = 0; k < p->n_processors; k++)
            if (is_detection(p->processors[k].name))
                TRY(detect_check(p->processors[k].options, err));
        struct process_chain *chain;
        TRY(process_chain_new(p->signal, p->processors, p->n_processors, &chain, err));
        process_chain_free(chain);
    }
    for (size_t i = 0; i < g->n_exporters; i++) {
        const struct graph_exporter *e = &g->exporters[i];
        if (e->is_clickhouse) {
            status s = e->store.url.len ? store_check(&e->store, err) : ST_OK;
            if (s != ST_OK) return err_wrap(err, s, STR_FMT, STR_ARG(e->name));
            continue;
        }
        struct exporter *x;
        TRY(exporter_open(&(struct exporter_spec){e->name, e->options}, &x, err));
        exporter_close(x);
    }
    return ST_OK;
}

/* ---- opening ---- */

static struct attr_value value_of(struct arena *a, const struct detected_attr *d)
{
    if (d->is_int) return (struct attr_value){.type = ATTR_INT, .i = d->i};
    if (!d->n_list) return (struct attr_value){.type = ATTR_STRING, .text = d->text};
    struct buf json;
    buf_init(&json, 1u << 20);
    struct json_out j = json_begin(&json);
    json_array(&j);
    for (size_t i = 0; i < d->n_list; i++) json_str(&j, d->list[i]);
    json_end(&j);
    struct attr_value v = {.type = ATTR_ARRAY, .text = arena_str(a, buf_str(&json))};
    buf_done(&json);
    return v;
}

static status detect(struct arena *a, const struct tree *options,
                     const struct process_detected **ret, struct err *err)
{
    struct detected found;
    TRY(detect_resource(a, options, &found, err));
    struct process_detected *d = arena_new(a, struct process_detected);
    struct attr *attrs = arena_array(a, struct attr, found.n + 1);
    for (size_t i = 0; i < found.n; i++)
        attrs[i] = (struct attr){found.attrs[i].key, value_of(a, &found.attrs[i])};
    *d = (struct process_detected){.attrs = attrs, .n = found.n, .schema_url = found.schema_url};
    *ret = d;
    return ST_OK;
}

/* One detection for each such processor, however many pipelines name it. */
static status detect_all(struct arena *a, const struct graph *g, struct err *err)
{
    for (size_t i = 0; i < g->n_pipelines; i++)
        for (size_t k = 0; k < g->pipelines[i].n_processors; k++) {
            struct process_spec *spec = &g->pipelines[i].processors[k];
            if (!is_detection(spec->name)) continue;
            for (size_t m = 0; m < i && !spec->detected; m++)
                for (size_t n = 0; n < g->pipelines[m].n_processors; n++)
                    if (str_eq(g->pipelines[m].processors[n].name, spec->name))
                        spec->detected = g->pipelines[m].processors[n].detected;
            if (!spec->detected) TRY(detect(a, spec->options, &spec->detected, err));
        }
    return ST_OK;
}

static const char *c_string(struct arena *a, str s)
{
    char *copy = arena_alloc(a, s.len + 1, 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return copy;
}

static status open_store(const struct graph_exporter *e, struct parts *p, struct store **ret,
                         struct err *err)
{
    struct store_options opt = e->store;
    opt.connections = e->common.consumers + 2;
    opt.may_be_away = true;
    status s = store_open(&opt, ret, err);
    if (s != ST_OK) return err_wrap(err, s, STR_FMT, STR_ARG(e->name));
    p->stores[p->n_stores++] = *ret;
    return ST_OK;
}

static status open_exporters(struct arena *a, const struct graph *g, struct store *own,
                             struct parts *p, struct err *err)
{
    p->exporters = arena_array(a, struct pipeline_exporter, g->n_exporters);
    p->stores = arena_array(a, struct store *, g->n_exporters);
    for (size_t i = 0; i < g->n_exporters; i++) {
        const struct graph_exporter *e = &g->exporters[i];
        struct pipeline_exporter *x = &p->exporters[i];
        *x = (struct pipeline_exporter){.name = c_string(a, e->name),
                                        .common = e->common,
                                        .block_on_overflow = e->common.block_on_overflow};
        p->n_exporters++;
        if (!e->is_clickhouse)
            TRY(exporter_open(&(struct exporter_spec){e->name, e->options}, &x->exporter, err));
        else if (e->store.url.len)
            TRY(open_store(e, p, &x->store, err));
        else
            x->store = own;
    }
    return ST_OK;
}

static status open_routes(struct arena *a, const struct graph *g, struct parts *p, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_pipelines; i++) n += g->pipelines[i].n_exporters;
    p->routes = arena_array(a, struct pipeline_route, n);
    p->chains = arena_array(a, struct process_chain *, g->n_pipelines);
    for (size_t i = 0; i < g->n_pipelines; i++) {
        const struct graph_pipeline *from = &g->pipelines[i];
        struct process_chain *chain = NULL;
        if (from->n_processors) {
            TRY(process_chain_new(from->signal, from->processors, from->n_processors, &chain, err));
            p->chains[p->n_chains++] = chain;
        }
        const char *name = c_string(a, from->name);
        for (size_t k = 0; k < from->n_exporters; k++)
            p->routes[p->n_routes++] = (struct pipeline_route){.signal = from->signal,
                                                               .pipeline = name,
                                                               .exporter = from->exporters[k],
                                                               .chain = chain,
                                                               .batch = from->batch};
    }
    return ST_OK;
}

status parts_open(struct arena *a, const struct graph *g, struct store *own, struct parts *ret,
                  struct err *err)
{
    *ret = (struct parts){0};
    TRY(detect_all(a, g, err));
    TRY(open_exporters(a, g, own, ret, err));
    return open_routes(a, g, ret, err);
}

void parts_close(struct parts *p)
{
    for (size_t i = 0; i < p->n_chains; i++) process_chain_free(p->chains[i]);
    for (unsigned i = 0; i < p->n_exporters; i++) exporter_close(p->exporters[i].exporter);
    for (size_t i = 0; i < p->n_stores; i++) store_close(p->stores[i]);
}
