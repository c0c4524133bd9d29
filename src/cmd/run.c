/* weir run: collector, storage-writer and query-api in one process. */
#include "cmd/cmd.h"
#include "cmd/door.h"
#include "cmd/service.h"
#include "obs/log.h"

static status open_all(struct service *s, struct engine **engine, struct http_door **door,
                       struct err *err)
{
    s->loads_later = true;
    TRY(service_open_store(s, false, err));
    TRY(service_watch_memory(s, err));
    TRY(service_open_pipeline(s, err)); /* journals what comes while the tables are made */
    TRY(service_open_admin(s, err));
    TRY(service_open_engine(s, engine, err)); /* says 503 meanwhile */
    log_info(s->name, "telemetry is taken, tables are loaded",
             LOG_INT("ms", (clock_monotonic() - s->began) / NANOS_MS));
    TRY(store_start(s->store, err));
    TRY(service_prepare_tables(s, err));
    engine_begin(*engine);
    return door_open(&s->config, s->store, true, door, err);
}

int cmd_run(int argc, char **argv)
{
    struct service s;
    int code;
    if (!service_begin_receiving(&s, argc, argv, &code)) return code;
    struct engine *engine = NULL;
    struct http_door *door = NULL;
    struct err err;
    if (open_all(&s, &engine, &door, &err) != ST_OK) service_fail(&s, &err);
    const struct service_port ports[] = {
        {"grpc", s.config.grpc_endpoint, pipeline_grpc_port(s.pipeline)},
        {"http", s.config.http_endpoint, pipeline_http_port(s.pipeline)},
        {"query", s.config.query_endpoint, engine_port(engine)},
        {"admin", s.config.admin_endpoint, admin_port(s.admin)},
        {"clickhouse", s.config.clickhouse_endpoint, door ? http_door_port(door) : 0},
    };
    service_ready_and_wait(&s, ports, sizeof ports / sizeof *ports - (door ? 0 : 1));
    http_door_close(door);
    engine_close(engine);
    service_end(&s, 0);
}
