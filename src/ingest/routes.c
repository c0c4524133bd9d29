/* Exporters and routes as configured, or, when nothing is, the store for every signal. Their names,
 * and their places in the metrics. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/state.h"
#include "obs/metrics.h"

/* A late block may wait for more three times as long as others. 50,000 rows need no turn. */
enum { LATE_ROWS = WIDE_ROWS, LATE_TIMEOUTS = 3 };

static char *text_of(const char *s)
{
    char *p = strdup(s);
    if (!p) abort();
    return p;
}

/* '/' becomes ',' and '>' '~'; what else a file name or token should not hold is %XX: two names are
 * never the same. False: it is too long. */
static bool make_safe(const char *name, char out[ROUTE_NAME_MAX + 1])
{
    size_t n = 0;
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '.';
        char piece[4] = {c == '/' ? ',' : c == '>' ? '~' : (char)c};
        if (!plain && c != '/' && c != '>') snprintf(piece, sizeof piece, "%%%02X", c);
        size_t len = strlen(piece);
        if (n + len > ROUTE_NAME_MAX) return false;
        memcpy(out + n, piece, len);
        n += len;
    }
    out[n] = 0;
    return true;
}

static bool to_store(const struct pipeline *p, const struct outlet *o)
{
    return !o->spec.exporter && (o->spec.store || p->opt.discard);
}

/* As many as there is room for. They come last: the others' places do not depend on them. */
static status add_late(struct pipeline *p, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < n && p->n_routes < ROUTES_MAX; i++) {
        struct route *of = &p->routes[i], *r = &p->routes[p->n_routes];
        if (!to_store(p, of->outlet)) continue;
        *r = *of;
        r->index = p->n_routes;
        r->pipeline = text_of(of->pipeline);
        r->first = false;
        r->late_of = of;
        p->n_routes++;
        r->batch.send_batch_size = r->batch.max_rows = LATE_ROWS;
        r->batch.timeout *= LATE_TIMEOUTS;
        int len =
            snprintf(r->name, sizeof r->name, "%s>%s>late", r->pipeline, r->outlet->spec.name);
        if (len < 0 || (size_t)len >= sizeof r->name || !make_safe(r->name, r->safe))
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "pipeline %.60s with exporter %.60s: the names are too long",
                           r->pipeline, r->outlet->spec.name);
        of->late = r;
        metric_label_route(r->index, str_of(r->pipeline), str_of(r->name + strlen(r->pipeline) + 1),
                           signal_name(r->signal));
    }
    return ST_OK;
}

static status check(const struct pipeline_options *o, struct err *err)
{
    if (o->n_routes > ROUTES_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "%u routes (an exporter of a pipeline is one), at most %d are possible",
                       o->n_routes, ROUTES_MAX);
    for (unsigned i = 0; i < o->n_exporters; i++) {
        const struct pipeline_exporter *e = &o->exporters[i];
        if (!e->store == !e->exporter && !o->discard)
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "exporter %s has neither or both of store and exporter", e->name);
    }
    for (unsigned i = 0; i < o->n_routes; i++)
        if (o->routes[i].exporter >= o->n_exporters)
            return err_set(err, ST_INVALID, ERR_NOPOS, "pipeline %s names no exporter",
                           o->routes[i].pipeline);
    return ST_OK;
}

static void limits_defaults(struct batch_limits *b)
{
    if (b->send_batch_size == 0) b->send_batch_size = 10000;
    if (b->max_rows == 0) b->max_rows = 500000;
    if (b->max_rows < b->send_batch_size) b->max_rows = b->send_batch_size;
    if (b->max_bytes == 0) b->max_bytes = 160u << 20;
    if (b->timeout == 0) b->timeout = 10 * NANOS_S;
}

/* A pipeline with several exporters is processed once for each: its first route counts. */
static status count_processors(const struct pipeline *p, struct route *r, unsigned *io_slot,
                               struct err *err)
{
    if (!r->chain) return ST_OK;
    for (unsigned i = 0; i < r->index; i++)
        if (strcmp(p->routes[i].pipeline, r->pipeline) == 0) return ST_OK;
    size_t n = process_chain_length(r->chain);
    if (*io_slot + n > METRIC_SLOT_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "pipeline %s: with it there are more than %d processors, over all pipelines",
                       r->pipeline, METRIC_SLOT_MAX);
    r->n_processors = (unsigned)n;
    r->processor_slot = *io_slot;
    for (size_t i = 0; i < n; i++)
        metric_label_processor((*io_slot)++, str_of(r->pipeline), process_chain_name(r->chain, i));
    return ST_OK;
}

static status add_route(struct pipeline *p, const struct pipeline_route *in, unsigned *processors,
                        struct err *err)
{
    struct route *r = &p->routes[p->n_routes];
    *r = (struct route){.index = p->n_routes,
                        .signal = in->signal,
                        .outlet = &p->outlets[in->exporter],
                        .pipeline = text_of(in->pipeline),
                        .chain = in->chain,
                        .batch = in->batch};
    p->n_routes++;
    limits_defaults(&r->batch);
    int n = snprintf(r->name, sizeof r->name, "%s>%s", r->pipeline, r->outlet->spec.name);
    if (n < 0 || (size_t)n >= sizeof r->name || !make_safe(r->name, r->safe))
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "pipeline %.60s with exporter %.60s: the names are too long, %d bytes are "
                       "possible",
                       r->pipeline, r->outlet->spec.name, ROUTE_NAME_MAX);
    for (unsigned i = 0; i < r->index; i++)
        if (strcmp(p->routes[i].name, r->name) == 0)
            return err_set(err, ST_INVALID, ERR_NOPOS, "pipeline %s names exporter %s twice",
                           r->pipeline, r->outlet->spec.name);
    r->first = p->first_route[r->signal] < 0;
    if (r->first) p->first_route[r->signal] = (int)r->index;
    metric_label_route(r->index, str_of(r->pipeline), str_of(r->outlet->spec.name),
                       signal_name(r->signal));
    return count_processors(p, r, processors, err);
}

static void add_outlet(struct pipeline *p, const struct pipeline_exporter *in)
{
    struct outlet *o = &p->outlets[p->n_outlets++];
    o->p = p;
    o->spec = *in;
    o->spec.name = text_of(in->name);
    if (o->spec.common.consumers == 0) o->spec.common.consumers = 2;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

status routes_make(struct pipeline *p, struct store *store, struct err *err)
{
    const struct pipeline_options *o = &p->opt;
    struct pipeline_exporter own = {
        .name = "clickhouse", .store = store, .block_on_overflow = true};
    own.common.retry = (struct export_retry){.enabled = true,
                                             .max_tries = o->insert_tries,
                                             .initial_interval = NANOS_S,
                                             .max_interval = 30 * NANOS_S,
                                             .multiplier = 2,
                                             .randomization_factor = 0.5};
    own.common.consumers = o->store_writers;
    struct pipeline_route all[SIGNAL_COUNT];
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++)
        all[k] =
            (struct pipeline_route){.signal = k, .pipeline = signal_name(k), .batch = p->opt.batch};
    struct pipeline_options with = *o;
    if (o->n_routes == 0) {
        with.exporters = &own;
        with.routes = all;
        with.n_exporters = 1;
        with.n_routes = SIGNAL_COUNT;
    }
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) p->first_route[k] = -1;
    TRY(check(&with, err));
    p->outlets = calloc(with.n_exporters, sizeof *p->outlets);
    p->routes = calloc(ROUTES_MAX, sizeof *p->routes);
    if (!p->outlets || !p->routes) abort();
    for (unsigned i = 0; i < with.n_exporters; i++) {
        add_outlet(p, &with.exporters[i]);
        bool own_store = with.exporters[i].store && with.exporters[i].store == store;
        atomic_store(&p->outlets[i].held_back, own_store && o->store_not_ready);
    }
    unsigned processors = 0;
    for (unsigned i = 0; i < with.n_routes; i++)
        TRY(add_route(p, &with.routes[i], &processors, err));
    TRY(add_late(p, with.n_routes, err));
    p->opt.exporters = NULL; /* the caller's */
    p->opt.routes = NULL;
    return ST_OK;
}

void routes_free(struct pipeline *p)
{
    for (unsigned i = 0; i < p->n_routes; i++) free(p->routes[i].pipeline);
    for (unsigned i = 0; i < p->n_outlets; i++) {
        free((char *)(uintptr_t)p->outlets[i].spec.name);
        pthread_cond_destroy(&p->outlets[i].work);
    }
    free(p->routes);
    free(p->outlets);
}

const struct route *routes_find(const struct pipeline *p, str safe_name)
{
    for (unsigned i = 0; i < p->n_routes; i++)
        if (str_eq(safe_name, (str){p->routes[i].safe, strlen(p->routes[i].safe)}))
            return &p->routes[i];
    return NULL;
}
