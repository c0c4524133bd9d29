/* weir run: collector, storage-writer and query-api in one process. */
#include "cmd/cmd.h"
#include "cmd/service.h"

static status open_all(struct service *s, struct engine **engine, struct err *err)
{
    TRY(service_open_store(s, false, err));
    TRY(service_watch_memory(s, err));
    TRY(service_open_pipeline(s, err)); /* journals what comes while the tables are made */
    TRY(service_open_admin(s, err));
    TRY(service_prepare_tables(s, err));
    return service_open_engine(s, engine, err);
}

int cmd_run(int argc, char **argv)
{
    struct service s;
    int code;
    if (!service_begin_receiving(&s, argc, argv, &code)) return code;
    struct engine *engine = NULL;
    struct err err;
    if (open_all(&s, &engine, &err) != ST_OK) service_fail(&s, &err);
    const struct service_port ports[] = {
        {"grpc", s.config.grpc_endpoint, pipeline_grpc_port(s.pipeline)},
        {"http", s.config.http_endpoint, pipeline_http_port(s.pipeline)},
        {"query", s.config.query_endpoint, engine_port(engine)},
        {"admin", s.config.admin_endpoint, admin_port(s.admin)},
    };
    service_ready_and_wait(&s, ports, sizeof ports / sizeof *ports);
    engine_close(engine);
    service_end(&s, 0);
}
