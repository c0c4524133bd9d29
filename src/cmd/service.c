#include "cmd/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_out.h"
#include "cmd/access.h"
#include "cmd/backup_folder.h"
#include "cmd/backup_job.h"
#include "cmd/naming_of.h"
#include "cmd/owner.h"
#include "cmd/retention_of.h"
#include "cmd/store_options.h"
#include "lifecycle/jobs.h"
#include "lifecycle/lifecycle.h"
#include "obs/log.h"
#include "obs/memory.h"
#include "query/api.h"
#include "query/cache/cache.h"

extern char **environ;

enum { BACKUP_FLUSH_MS = 30000 };

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* An engine in the process: a collector and a query-api never have one. */
static bool is_embedded(const struct service *s)
{
    return !s->config.store_url.len && strcmp(s->name, "collector") != 0 &&
           strcmp(s->name, "query-api") != 0;
}

static status check_pipelines(struct service *s, struct err *err)
{
    TRY(graph_read(&s->arena, &s->config, &s->graph, err));
    return parts_check(&s->config, &s->graph, err);
}

static bool begin(struct service *s, bool receives, int argc, char **argv, int *ret_exit)
{
    *s = (struct service){.name = argv[0], .began = clock_monotonic()};
    s->argc = argc;
    s->argv = argv;
    pthread_mutex_init(&s->reloading, NULL);
    s->owns_tables = strcmp(s->name, "run") == 0 || strcmp(s->name, "storage-writer") == 0;
    arena_init(&s->arena, 64u << 20);
    struct err err;
    status st = config_load(&s->config, &s->arena, argc, argv, environ, &err);
    if (st == ST_NOT_FOUND && !err.msg[0]) {
        struct buf help;
        buf_init(&help, 1u << 20);
        config_print_reference(&help, false);
        printf("usage: weir %s [--config FILE] [--data DIR] [--store URL] [--OPTION VALUE "
               "...]\n\n%.*s",
               s->name, STR_ARG(buf_str(&help)));
        buf_done(&help);
        *ret_exit = 0;
        return false;
    }
    if (st == ST_OK)
        st = memory_shares_of(&s->config, memory_there_is(""), is_embedded(s), &s->memory, &err);
    if (st == ST_OK && receives) st = check_pipelines(s, &err);
    if (st != ST_OK) {
        fprintf(stderr, "weir %s: %s\n", s->name, err.msg);
        *ret_exit = 2;
        return false;
    }
    log_setup((enum log_level)s->config.log_level, (enum log_format)s->config.log_format);
    for (size_t i = 0; i < s->graph.n_warnings; i++)
        log_warn("config", "not used", LOG_STR("where", s->graph.warnings[i]));
    sigset_t set;
    block_signals(&set);
    return true;
}

bool service_begin(struct service *s, int argc, char **argv, int *ret_exit)
{
    return begin(s, false, argc, argv, ret_exit);
}

bool service_begin_receiving(struct service *s, int argc, char **argv, int *ret_exit)
{
    return begin(s, true, argc, argv, ret_exit);
}

void service_fail(struct service *s, const struct err *err)
{
    log_error(s->name, "cannot start", LOG_CSTR("why", err->msg));
    fflush(NULL);
    _exit(1);
}

/* `dir`, made with its parents; its text lies in the arena. */
static status make_folder(struct service *s, str dir, str below, str *ret, struct err *err)
{
    size_t n = dir.len + below.len + 2;
    char *path = arena_alloc(&s->arena, n, 1);
    int len = snprintf(path, n, STR_FMT STR_FMT, STR_ARG(dir), STR_ARG(below));
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            (void)mkdir(path, 0755); /* the last mkdir tells */
            *p = '/';
        }
    struct stat st;
    int why = mkdir(path, 0755) == 0 ? 0 : errno;
    if (why && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the folder %s cannot be made: %s", path,
                       strerror(why));
    *ret = (str){path, (size_t)len};
    return ST_OK;
}

status service_open_store(struct service *s, bool may_be_away, struct err *err)
{
    struct store_options opt;
    TRY(store_options_of(&s->config, &opt, err));
    opt.memory_bytes = s->memory.engine;
    opt.may_be_away = may_be_away;
    opt.start_later = s->loads_later;
    if (opt.driver == STORE_EMBEDDED) {
        TRY(make_folder(s, s->config.data_dir, S("/clickhouse"), &opt.data_dir, err));
        TRY(backup_folder(&s->config, &s->arena, &opt.backup_path, err));
    }
    return store_open(&opt, &s->store, err);
}

/* What the engine holds only to be quicker. */
static void shed_caches(void *ctx)
{
    struct service *s = ctx;
    if (!s->memory.engine) return;
    (void)!store_exec(s->store, S("SYSTEM DROP MARK CACHE"), NULL);
    (void)!store_exec(s->store, S("SYSTEM DROP INDEX MARK CACHE"), NULL);
    (void)!store_exec(s->store, S("SYSTEM DROP UNCOMPRESSED CACHE"), NULL);
}

status service_watch_memory(struct service *s, struct err *err)
{
    const struct memory_shares *m = &s->memory;
    struct memory_options opt = {.soft = m->soft,
                                 .hard = m->hard,
                                 .interval = s->config.memory_interval,
                                 .shed = shed_caches,
                                 .ctx = s};
    log_info("memory", "shared out", LOG_INT("there_is", m->there_is), LOG_INT("soft", m->soft),
             LOG_INT("hard", m->hard), LOG_INT("engine", m->engine),
             LOG_INT("inflight", m->inflight), LOG_INT("query", m->query));
    return memory_watch_start(&opt, err);
}

static void note_parts(void *ctx, uint64_t most)
{
    struct service *s = ctx;
    if (s->pipeline) pipeline_note_parts(s->pipeline, most);
}

static status hear_parts(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct service *s = ctx;
    const struct schema_settings set = settings_of(&s->config);
    uint64_t most;
    TRY(lifecycle_count_parts(r->store, &set, r->stop, &most, err));
    note_parts(s, most);
    return ST_OK;
}

status service_hear_parts(struct service *s, struct err *err)
{
    const struct lifecycle_job job = {"parts", 10 * NANOS_S, hear_parts, s};
    return lifecycle_jobs_start(s->store, &job, 1, &s->listening, err);
}

/* The disk of the tables is short. What comes by the ClickHouse door is refused there. */
static void refuse(void *ctx, const char *why)
{
    struct service *s = ctx;
    if (s->pipeline) pipeline_refuse(s->pipeline, why);
    store_refuse_input(s->store, why);
}

status service_prepare_tables(struct service *s, struct err *err)
{
    struct owner *owner;
    const struct owner_options opt = {
        .config = &s->config, .store = s->store, .refuse = refuse, .parts = note_parts, .ctx = s};
    TRY(owner_open(&opt, &owner, err));
    atomic_store(&s->owner, owner);
    if (s->pipeline) pipeline_store_ready(s->pipeline);
    return ST_OK;
}

/* Empty: not listened at. */
static status listen_at(const struct config *c, str endpoint, const char *name,
                        const char **ret_host, uint16_t *ret_port, struct err *err)
{
    *ret_host = "";
    return endpoint.len ? config_endpoint(c, endpoint, name, ret_host, ret_port, err) : ST_OK;
}

status service_open_pipeline(struct service *s, struct err *err)
{
    const struct config *c = &s->config;
    struct raw_ages ages;
    TRY(raw_ages_of(c, &ages, err));
    struct pipeline_options opt = {
        .workers = (unsigned)c->workers,
        .journal_segment_bytes = c->journal_segment,
        .journal_max_bytes = c->journal_max,
        .journal_reserve_bytes = c->journal_reserve,
        .ack = (enum ack_policy)c->ack,
        .partitioning = {.traces_seconds = settings_of(c).traces_partition_seconds,
                         .max_partitions = 4},
        .max_body_bytes = c->max_body,
        .max_decompressed_bytes = c->max_decompressed,
        .max_inflight_bytes = s->memory.inflight,
        .max_connections =
            (uint32_t)(c->max_connections < UINT32_MAX ? c->max_connections : UINT32_MAX),
        .retention_traces = ages.traces,
        .retention_logs = ages.logs,
        .retention_metrics = ages.metrics,
        .max_future = c->max_future ? c->max_future : 36500 * NANOS_DAY, /* 0: no bound */
        .max_attributes = (uint32_t)c->max_attributes,
        .store_not_ready = s->owns_tables,
    };
    struct access access;
    TRY(access_of(c, &access, err));
    if (access.grpc_has_tls) opt.grpc_tls = &access.grpc_tls;
    if (access.http_has_tls) opt.http_tls = &access.http_tls;
    opt.auth = access.auth;
    opt.cors = access.cors;
    if (is_embedded(s)) TRY(make_folder(s, c->data_dir, S("/clickhouse"), &opt.store_dir, err));
    TRY(listen_at(c, c->grpc_endpoint, "receive.grpc.endpoint", &opt.grpc_host, &opt.grpc_port,
                  err));
    TRY(listen_at(c, c->http_endpoint, "receive.http.endpoint", &opt.http_host, &opt.http_port,
                  err));
    if (c->journal_dir.len)
        TRY(make_folder(s, c->journal_dir, (str){0}, &opt.journal_dir, err));
    else
        TRY(make_folder(s, c->data_dir, S("/journal"), &opt.journal_dir, err));
    TRY(make_folder(s, c->data_dir, S("/dead"), &opt.dead_dir, err));
    pipeline_note_crashes();
    TRY(parts_open(&s->arena, &s->graph, s->store, &s->parts, err));
    opt.exporters = s->parts.exporters;
    opt.n_exporters = s->parts.n_exporters;
    opt.routes = s->parts.routes;
    opt.n_routes = s->parts.n_routes;
    return pipeline_open(&opt, s->store, &s->pipeline, err);
}

/* A cluster has replicas that are behind: what was written is not known of them. */
static status open_cache(struct service *s, struct query_cache **ret, struct err *err)
{
    const struct config *c = &s->config;
    struct query_cache_options opt = {
        .max_bytes = s->memory.cache,
        .redis = c->cache_redis,
        .redis_timeout_ms = (uint32_t)(c->cache_redis_timeout / NANOS_MS),
        .redis_expire_s = (uint32_t)(c->cache_redis_expire / NANOS_S),
        .extent_ms = c->cache_extent / NANOS_MS,
        .settle_ms = c->cache_settle / NANOS_MS,
        .asks = c->cache_ask,
    };
    if (!is_embedded(s) && !opt.asks) return ST_OK; /* what was written is known elsewhere */
    if (!opt.max_bytes && !opt.redis.len) return ST_OK;
    if (c->store_cluster.len) {
        log_info("query", "store.cluster is set: answers of range queries are not cached");
        return ST_OK;
    }
    status st = query_cache_open(&opt, &s->cache, err);
    *ret = s->cache;
    return st == ST_OK ? st : err_wrap(err, st, "query.cache.redis");
}

status service_open_engine(struct service *s, struct engine **ret, struct err *err)
{
    static const struct query_route *const dialects[] = {prometheus_routes, loki_routes,
                                                         jaeger_routes, NULL};
    const struct config *c = &s->config;
    struct engine_options opt = {
        .tables = dialects,
        .threads = (unsigned)c->query_threads,
        .max_queued = (unsigned)c->query_queue,
        .begin_later = s->loads_later,
        .warm_up = prometheus_warm_up,
        .limits = {.max_rows = c->query_rows,
                   .max_series = c->query_series,
                   .max_bytes = s->memory.query,
                   .max_entries = c->query_entries,
                   .timeout_ms = (uint32_t)(c->query_timeout / NANOS_MS),
                   .experimental = c->query_experimental},
    };
    struct prometheus_naming *naming = arena_new(&s->arena, struct prometheus_naming);
    TRY(naming_of(c, &s->arena, naming, err));
    opt.limits.naming = naming;
    TRY(config_endpoint(c, c->query_endpoint, "query.endpoint", &opt.host, &opt.port, err));
    TRY(open_cache(s, &opt.cache, err));
    return engine_open(&opt, s->store, ret, err);
}

static status is_ready(void *ctx, struct err *err)
{
    struct service *s = ctx;
    if (s->owns_tables && !atomic_load(&s->owner))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the tables are being made ready");
    if (s->pipeline) TRY(pipeline_ready(s->pipeline, err));
    /* A collector is ready while it takes requests: what its store misses is in the journal. */
    bool is_collector = strcmp(s->name, "collector") == 0;
    return s->store && !is_collector ? store_ping(s->store, err) : ST_OK;
}

static status flush(void *ctx, uint32_t timeout_ms, struct err *err)
{
    struct service *s = ctx;
    return s->pipeline ? pipeline_flush(s->pipeline, timeout_ms, err) : ST_OK;
}

static status dead_retry(void *ctx, str id, struct err *err)
{
    return pipeline_dead_retry(((struct service *)ctx)->pipeline, id, err);
}

/* What was acknowledged before is stored first. */
static status backup(void *ctx, str to, str base, struct buf *out, struct err *err)
{
    struct service *s = ctx;
    if (!atomic_load(&s->owner))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the tables are being made ready");
    struct err why = {};
    char journal[sizeof why.msg + 32] = "stored";
    if (!s->pipeline)
        snprintf(journal, sizeof journal, "not here: collectors have their own");
    else if (pipeline_flush(s->pipeline, BACKUP_FLUSH_MS, &why) != ST_OK)
        snprintf(journal, sizeof journal, "not all is stored: %s", why.msg);
    return backup_job_start(&s->config, s->store, to, base, str_of(journal), out, err);
}

static status backup_state(void *ctx, str id, struct buf *out, struct err *err)
{
    return backup_job_state(((struct service *)ctx)->store, id, out, err);
}

static void print_status(void *ctx, struct buf *out)
{
    struct service *s = ctx;
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("service"));
    json_str(&j, str_of(s->name));
    json_key(&j, S("version"));
    json_str(&j, S(WEIR_VERSION));
    json_key(&j, S("uptime_seconds"));
    json_i64(&j, (clock_monotonic() - s->began) / NANOS_S);
    json_key(&j, S("resident_bytes"));
    json_i64(&j, admin_resident_bytes());
    if (s->pipeline) pipeline_status(s->pipeline, &j);
    struct owner *owner = atomic_load(&s->owner);
    if (owner) owner_status(owner, &j);
    json_end(&j);
    buf_char(out, '\n');
}

static void print_config(void *ctx, struct buf *out)
{
    struct service *s = ctx;
    pthread_mutex_lock(&s->reloading);
    config_print(&s->config, out);
    pthread_mutex_unlock(&s->reloading);
    if (s->graph.n_pipelines && s->config.sections) graph_print(&s->graph, out);
}

static status reload(void *ctx, struct err *err) { return service_reload(ctx, err); }

status service_open_admin(struct service *s, struct err *err)
{
    struct admin_options opt = {.ready = is_ready,
                                .flush = flush,
                                .status = print_status,
                                .config = print_config,
                                .ctx = s};
    if (s->pipeline) opt.dead_retry = dead_retry;
    if (s->owns_tables) opt.backup = backup, opt.backup_state = backup_state, opt.reload = reload;
    TRY(config_endpoint(&s->config, s->config.admin_endpoint, "admin.endpoint", &opt.host,
                        &opt.port, err));
    return admin_open(&opt, &s->admin, err);
}

void service_ready_and_wait(struct service *s, const struct service_port *ports, size_t n)
{
    struct buf line;
    buf_init(&line, 65536);
    buf_printf(&line, "weir %s\n", WEIR_VERSION);
    for (size_t i = 0; i < n; i++) {
        const char *host = "";
        uint16_t configured;
        struct err err;
        if (config_endpoint(&s->config, ports[i].endpoint, ports[i].name, &host, &configured,
                            &err) == ST_OK)
            buf_printf(&line, "  %-12s %s:%u\n", ports[i].name, host, ports[i].port);
    }
    buf_add(&line, S("ready "));
    struct json_out j = json_begin(&line);
    json_object(&j);
    for (size_t i = 0; i < n; i++) {
        if (!ports[i].port) continue; /* not listened at */
        json_key(&j, str_of(ports[i].name));
        json_u64(&j, ports[i].port);
    }
    json_end(&j);
    buf_char(&line, '\n');
    fwrite(line.ptr, 1, line.len, stdout);
    fflush(stdout);
    buf_done(&line);

    sigset_t set;
    block_signals(&set);
    int got;
    struct err err;
    while (sigwait(&set, &got) == 0 && got == SIGHUP)
        if (service_reload(s, &err) != ST_OK)
            log_error(s->name, "the configuration is not read again", LOG_CSTR("why", err.msg));
    log_info(s->name, "stopping", LOG_CSTR("signal", got == SIGTERM ? "SIGTERM" : "SIGINT"));
}

void service_end(struct service *s, int exit_code)
{
    uint32_t timeout_ms = (uint32_t)(s->config.shutdown_timeout / NANOS_MS);
    memory_watch_stop(); /* what still comes is refused by the pipeline */
    if (s->pipeline) pipeline_stop(s->pipeline, timeout_ms);
    admin_close(s->admin); /* until here its threads ask the pipeline */
    owner_close(atomic_load(&s->owner));
    lifecycle_jobs_stop(s->listening);
    pipeline_close(s->pipeline, 0);
    parts_close(&s->parts);
    query_cache_close(s->cache);
    store_close(s->store);
    log_info(s->name, "stopped");
    fflush(NULL);
    _exit(exit_code);
}
