/* /api/v1/read: Prometheus' remote read, so that one can ask weir for what it has not itself. Raw
 * samples as they are stored: stale markers too, nothing of rollups. Errors are plain text. */
#include "net/compress.h"
#include "query/parse/remote_read.h"
#include "query/prometheus_endpoints.h"
#include "query/render/remote_read_out.h"

enum { REQUEST_MAX = 32 << 20 };

static status select_query(struct query_job *j, struct promql_store *store,
                           const struct remote_read_query *q, struct series_set *ret,
                           struct err *err)
{
    struct notes warnings = {.arena = j->arena};
    if (q->to_ms < q->from_ms) return *ret = (struct series_set){0}, ST_OK;
    return store->source.select(&store->source, j->arena, q->matchers, q->n_matchers, q->from_ms,
                                q->to_ms, &warnings, ret, err);
}

static status too_large(struct err *err)
{
    return err_set(err, ST_LIMIT, ERR_NOPOS,
                   "the answer needs more than the query's memory limit: ask for less time");
}

static status answer_samples(struct query_job *j, struct promql_store *store,
                             const struct remote_read *ask, struct err *err)
{
    struct buf all;
    buf_init(&all, j->limits->max_bytes);
    struct pb_out out = pb_begin_in(&all);
    status s = ST_OK;
    for (uint32_t i = 0; s == ST_OK && i < ask->n_queries; i++) {
        struct series_set set;
        s = select_query(j, store, &ask->queries[i], &set, err);
        if (s == ST_OK) remote_read_result(&out, &set);
        if (s == ST_OK && all.over) s = too_large(err);
    }
    if (s == ST_OK) s = compress_snappy(buf_str(&all), &j->body, err);
    buf_done(&all);
    j->content_type = S("application/x-protobuf");
    j->content_encoding = S("snappy");
    return s;
}

/* Series that go out as chunks, and how far they are written. */
struct chunk_answer {
    struct series_set *sets; /* of each query */
    uint32_t n, query, next;
};

/* A piece of it; the rest when the client has taken that. */
static void write_chunks(struct query_job *j)
{
    struct chunk_answer *a = j->more_ctx;
    size_t until = j->body.len + job_piece(j);
    j->more = NULL;
    for (; a->query < a->n; a->query++, a->next = 0) {
        const struct series_set *set = &a->sets[a->query];
        for (; a->next < set->n; a->next++) {
            if (j->body.len >= until) {
                j->more = write_chunks;
                return;
            }
            if (!remote_read_frames(&j->body, a->query, &set->list[a->next])) return;
        }
    }
}

/* All is read before the first piece goes out: after that there can be no error. */
static status answer_chunks(struct query_job *j, struct promql_store *store,
                            const struct remote_read *ask, struct err *err)
{
    struct chunk_answer *a = arena_new(j->arena, struct chunk_answer);
    *a = (struct chunk_answer){.sets = arena_array(j->arena, struct series_set, ask->n_queries + 1),
                               .n = ask->n_queries};
    j->content_type = S("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
    for (uint32_t i = 0; i < a->n; i++)
        TRY(select_query(j, store, &ask->queries[i], &a->sets[i], err));
    j->more_ctx = a;
    write_chunks(j);
    return j->body.over ? too_large(err) : ST_OK;
}

static status run(struct query_job *j, struct err *err)
{
    str body;
    struct remote_read ask;
    struct promql_store store;
    TRY(decompress(j->arena, PAYLOAD_SNAPPY, j->sent, REQUEST_MAX, &body, err));
    TRY(remote_read_parse(j->arena, body, &ask, err));
    promql_store_init(&store, j);
    return ask.chunks ? answer_chunks(j, &store, &ask, err) : answer_samples(j, &store, &ask, err);
}

status prometheus_read(struct query_job *j, struct err *err)
{
    status s = run(j, err);
    if (s == ST_OK && arena_over(j->arena)) s = too_large(err);
    if (s == ST_OK) return ST_OK;
    j->http_status = s == ST_INVALID || s == ST_LIMIT ? 400 : s == ST_TIMEOUT ? 503 : 500;
    j->content_type = S("text/plain; charset=utf-8");
    j->content_encoding = (str){0};
    j->more = NULL;
    buf_done(&j->body);
    buf_init(&j->body, 4096);
    buf_printf(&j->body, "%s\n", err->msg);
    return s;
}
