/* A worker: a loop with its receivers, its journal, and the open blocks of its signals. Nothing of
 * it is shared with another worker. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/pace.h"
#include "ingest/state.h"

unsigned shard_count_on_disk(const char *journal_dir)
{
    unsigned most = 0;
    DIR *d = opendir(journal_dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        unsigned index;
        int end = 0;
        if (sscanf(e->d_name, "shard-%u%n", &index, &end) != 1 || e->d_name[end] != 0) continue;
        if (index < 4096 && index >= most) most = index + 1;
    }
    if (d) closedir(d);
    return most;
}

static void open_lanes(struct shard *s)
{
    struct pipeline *p = s->p;
    s->lanes = calloc(p->n_routes, sizeof *s->lanes);
    if (!s->lanes) abort();
    for (unsigned i = 0; i < p->n_routes; i++) {
        s->lanes[i].shard = s;
        s->lanes[i].route = &p->routes[i];
        lane_forget(&s->lanes[i]);
    }
    for (int i = 0; i < SIGNAL_COUNT; i++)
        s->open[i] = open_block_new((enum signal_kind)i, s->index);
}

/* Its store drops tokens it has seen, and writes without a sync of its own. */
static bool is_embedded(const struct route *r)
{
    const struct store *store = r->outlet->spec.store;
    return store && store_driver_of(store) == STORE_EMBEDDED;
}

status shard_open(struct shard *s, struct pipeline *p, unsigned index, struct err *err)
{
    s->p = p;
    s->index = index;
    open_lanes(s);
    char dir[4096];
    int n = snprintf(dir, sizeof dir, "%s/shard-%u", p->journal_dir, index);
    if (n < 0 || (size_t)n >= sizeof dir)
        return err_set(err, ST_INVALID, ERR_NOPOS, "the journal's path is too long");
    struct journal_destination to[ROUTES_MAX];
    for (unsigned i = 0; i < p->n_routes; i++)
        to[i] = (struct journal_destination){.name = str_of(p->routes[i].name),
                                             .signal = p->routes[i].signal,
                                             .late = p->routes[i].late_of != NULL,
                                             .replays_after_boot = is_embedded(&p->routes[i])};
    struct journal_options o = {.dir = {dir, (size_t)n},
                                .segment_bytes = p->opt.journal_segment_bytes,
                                .max_bytes = p->opt.journal_max_bytes / p->n_workers,
                                .reserve_bytes = p->opt.journal_reserve_bytes,
                                .sync = p->opt.ack != ACK_MEMORY,
                                .destinations = to,
                                .n_destinations = p->n_routes,
                                .before_delete = *p->store_dir ? pipeline_sync_store : NULL,
                                .before_delete_ctx = p,
                                .group_done = pipeline_group_journaled,
                                .group_done_ctx = s};
    TRY(journal_open(&o, &s->journal, err));
    memcpy(s->journal_id, journal_id(s->journal), sizeof s->journal_id);
    return ST_OK;
}

static void pace(struct shard *s)
{
    struct pace_load l = {
        .requests = s->taken,
        .bytes = s->taken_bytes,
        .connections = receive_connections(s->grpc) + receive_connections(s->http),
    };
    s->taken = 0;
    s->taken_bytes = 0;
    unsigned ms = pace_of(&l, s->pace_ms);
    if (ms == s->pace_ms) return;
    s->pace_ms = ms;
    loop_set_pace(s->loop, ms);
}

/* Every 100 ms: what was missed, what is due, and figures for others. */
static void tick(void *ctx)
{
    struct shard *s = ctx;
    pipeline_settle(s);
    bool draining = atomic_load(&s->p->draining);
    pipeline_seal(s, draining);
    atomic_store(&s->open_requests,
                 receive_open_requests(s->grpc) + receive_open_requests(s->http));
    pace(s);
    if (draining) queue_progress(s->p);
}

/* A bit for each signal that no route takes. */
static unsigned unserved(const struct pipeline *p)
{
    unsigned bits = 0;
    for (int k = 0; k < SIGNAL_COUNT; k++)
        if (p->first_route[k] < 0) bits |= 1u << k;
    return bits;
}

status shard_listen(struct shard *s, uint16_t grpc_port, uint16_t http_port, struct err *err)
{
    const struct pipeline_options *opt = &s->p->opt;
    char name[16];
    snprintf(name, sizeof name, "ingest-%u", s->index);
    TRY(loop_new(name, &s->loop, err));
    struct receive_options o = {.max_body_bytes = opt->max_body_bytes,
                                .max_decompressed_bytes = opt->max_decompressed_bytes,
                                .gate = &s->p->gate,
                                .unserved = unserved(s->p),
                                .http = {.shares_port = s->index > 0,
                                         .max_connections = opt->max_connections,
                                         .tls = opt->grpc_tls},
                                .auth = opt->auth,
                                .sink = pipeline_take,
                                .ctx = s};
    if (*s->p->grpc_host) TRY(receive_open(s->loop, s->p->grpc_host, grpc_port, &o, &s->grpc, err));
    o.http.tls = opt->http_tls;
    o.cors = opt->cors;
    if (*s->p->http_host) TRY(receive_open(s->loop, s->p->http_host, http_port, &o, &s->http, err));
    s->timer = loop_timer_new(s->loop, PACE_TICK_MS, tick, s);
    return ST_OK;
}

status shard_start(struct shard *s, struct err *err)
{
    TRY(loop_start(s->loop, err));
    s->running = true;
    return ST_OK;
}

static void drain_here(void *ctx)
{
    struct shard *s = ctx;
    receive_drain(s->grpc);
    receive_drain(s->http);
    tick(s);
}

void shard_drain(struct shard *s)
{
    atomic_store(&s->open_requests, UINT32_MAX); /* until the loop has looked */
    if (!s->running || !loop_post(s->loop, drain_here, s)) atomic_store(&s->open_requests, 0);
}

static void flush_here(void *ctx)
{
    struct shard *s = ctx;
    unsigned wanted = atomic_load(&s->flush_wanted);
    pipeline_settle(s);
    pipeline_seal(s, true);
    atomic_store(&s->flushed, wanted);
    queue_progress(s->p);
}

void shard_flush_begin(struct shard *s)
{
    unsigned wanted = atomic_fetch_add(&s->flush_wanted, 1) + 1;
    if (!s->running || !loop_post(s->loop, flush_here, s))
        atomic_store(&s->flushed, wanted); /* the loop has ended, or never ran */
}

bool shard_flushed(const struct shard *s)
{
    return (int)(atomic_load(&s->flushed) - atomic_load(&s->flush_wanted)) >= 0;
}

void shard_close(struct shard *s)
{
    if (s->loop) {
        loop_stop(s->loop);
        loop_join(s->loop);
        receive_close(s->grpc);
        receive_close(s->http);
        loop_free(s->loop);
    }
    for (int i = 0; i < SIGNAL_COUNT; i++) open_block_free(s->open[i]);
    for (unsigned i = 0; i < s->p->n_routes && s->lanes; i++) encode_seen_free(s->lanes[i].seen);
    free(s->lanes);
}
