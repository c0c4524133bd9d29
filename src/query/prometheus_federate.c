/* /federate: the latest sample of every series that any of match[] selects, in the text exposition
 * format, for a Prometheus to scrape. Errors are plain text. */
#include <stdlib.h>

#include "query/plan/promql_plan.h"
#include "query/prometheus_endpoints.h"
#include "query/prometheus_params.h"
#include "query/render/exposition.h"

enum { LOOKBACK_MS = 300000 };

static int by_labels(const void *x, const void *y)
{
    const struct raw_series *a = x, *b = y;
    int c = str_compare(labels_get(a->labels, LABEL_NAME), labels_get(b->labels, LABEL_NAME));
    return c ? c : labels_compare(a->labels, b->labels);
}

/* Those whose last sample does not say that the series has ended; each once, sorted. */
static void tidy(struct series_set *set)
{
    uint32_t kept = 0, n = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        const struct raw_series *s = &set->list[i];
        int64_t number = s->n ? s->samples[s->n - 1].t : INT64_MIN;
        bool native = s->n_histograms && s->histograms[s->n_histograms - 1].t > number;
        if (native ? is_stale(s->histograms[s->n_histograms - 1].h->sum)
                   : !s->n || is_stale(s->samples[s->n - 1].v))
            continue;
        set->list[kept++] = *s;
    }
    if (kept) qsort(set->list, kept, sizeof *set->list, by_labels);
    for (uint32_t i = 0; i < kept; i++)
        if (!n || !labels_equal(set->list[n - 1].labels, set->list[i].labels))
            set->list[n++] = set->list[i];
    set->n = n;
}

static status collect(struct query_job *j, struct series_set *ret, struct err *err)
{
    struct selector *selectors;
    uint32_t n;
    int64_t now = j->now / NANOS_MS;
    struct notes warnings = {.arena = j->arena};
    struct promql_store store;
    TRY(prometheus_matches(j, &selectors, &n, err));
    if (!n) return err_set(err, ST_INVALID, 0, "no match[] parameter provided");
    promql_store_init(&store, j);
    *ret = (struct series_set){0};
    for (uint32_t i = 0; i < n; i++) {
        struct series_set got;
        TRY(store.source.select(&store.source, j->arena, selectors[i].matchers, selectors[i].n,
                                now - LOOKBACK_MS + 1, now, &warnings, &got, err));
        struct raw_series *all = arena_array(j->arena, struct raw_series, ret->n + got.n + 1);
        if (ret->n) memcpy(all, ret->list, ret->n * sizeof *all);
        if (got.n) memcpy(all + ret->n, got.list, got.n * sizeof *all);
        ret->list = all;
        ret->n += got.n;
    }
    tidy(ret);
    return ST_OK;
}

struct page {
    struct series_set set;
    bool utf8;
    uint32_t next;
};

/* A piece of it; the rest when the client has taken that. */
static void write_page(struct query_job *j)
{
    struct page *p = j->more_ctx;
    bool whole = exposition_write(&j->body, &p->set, p->utf8, &p->next, job_piece(j));
    j->more = whole ? NULL : write_page;
}

status prometheus_federate(struct query_job *j, struct err *err)
{
    static const char allow[] = "escaping=allow-utf-8";
    struct page *p = arena_new(j->arena, struct page);
    str accept = job_header(j, S("accept"));
    *p = (struct page){.utf8 =
                           accept.len && memmem(accept.ptr, accept.len, allow, sizeof allow - 1)};
    j->more_ctx = p;
    status s = collect(j, &p->set, err);
    if (s == ST_OK) write_page(j);
    j->content_type = S("text/plain; version=0.0.4; charset=utf-8");
    if (s == ST_OK) return ST_OK;
    j->http_status = s == ST_INVALID ? 400 : s == ST_TIMEOUT ? 503 : 500;
    j->content_type = S("text/plain; charset=utf-8");
    buf_clear(&j->body);
    buf_printf(&j->body, "%s\n", err->msg);
    return s;
}
