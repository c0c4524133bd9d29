/* The first line of a request's target and its form, as any client may send them: parameters are
 * decoded within their bounds, routes match at most one segment, trace ids and Jaeger's parameters
 * are read or refused. */
#include <assert.h>
#include <stdint.h>

#include "query/parse/jaeger_params.h"
#include "query/serve/params.h"
#include "query/serve/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static status nothing(struct query_job *, struct err *) { return ST_OK; }

static const struct query_route routes[] = {
    {"GET", "/api/traces", nothing, QUERY_JAEGER},
    {"GET", "/api/traces/{}", nothing, QUERY_JAEGER},
    {"GET POST", "/api/v1/label/{}/values", nothing, QUERY_PROMETHEUS},
    {0},
};
static const struct query_route *const tables[] = {routes, NULL};
static const struct query_limits limits = {.max_entries = 5000};

static void read_jaeger(const struct query_job *j)
{
    struct trace_search q;
    struct jaeger_range r;
    const struct trace_id *ids;
    size_t n;
    if (jaeger_search(j, &q, NULL) == ST_OK) {
        assert(q.start >= 0 && q.limit >= 1 && q.limit <= limits.max_entries);
        assert(q.n_tags <= JAEGER_TAGS_MAX);
    }
    if (jaeger_dependency_range(j, &r, NULL) == ST_OK) assert(r.start <= r.end);
    (void)!jaeger_hint(j, &r, NULL);
    if (jaeger_trace_ids(j, &ids, &n, NULL) == ST_OK) assert(n <= JAEGER_IDS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = {(const char *)data, size};
    const char *mark = memchr(data, '?', size);
    str path = {in.ptr, mark ? (size_t)(mark - in.ptr) : size};
    struct route_match m;
    if (route_find(tables, S("GET"), path, &m) == ROUTE_FOUND)
        assert(!memchr(m.segment.ptr ? m.segment.ptr : "", '/', m.segment.len) &&
               m.segment.len < path.len);

    struct arena a;
    arena_init(&a, 1 << 24);
    struct param_list l = {0};
    if (params_add(&l, &a, str_drop(in, path.len + 1), NULL) == ST_OK) {
        assert(l.n <= PARAMS_MAX && l.n <= size);
        struct query_job j = {
            .arena = &a, .limits = &limits, .params = l.v, .n_params = l.n, .now = NANOS_DAY};
        read_jaeger(&j);
    }
    arena_done(&a);
    return 0;
}
