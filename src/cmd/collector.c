/* weir collector: the path in, writing to a ClickHouse server or a weir storage-writer, or to
 * whatever exporters its pipelines name. */
#include "cmd/cmd.h"
#include "cmd/service.h"

static status open_all(struct service *s, struct err *err)
{
    bool needs_store = parts_need_store(&s->graph);
    if (needs_store && !s->config.store_url.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "store.url is not set: a collector needs a ClickHouse server or a weir "
                       "storage-writer to write to (weir run does all in one process)");
    if (needs_store) TRY(service_open_store(s, true, err));
    TRY(service_watch_memory(s, err));
    TRY(service_open_pipeline(s, err));
    if (needs_store) TRY(service_hear_parts(s, err));
    return service_open_admin(s, err);
}

int cmd_collector(int argc, char **argv)
{
    struct service s;
    int code;
    if (!service_begin_receiving(&s, argc, argv, &code)) return code;
    struct err err;
    if (open_all(&s, &err) != ST_OK) service_fail(&s, &err);
    const struct service_port ports[] = {
        {"grpc", s.config.grpc_endpoint, pipeline_grpc_port(s.pipeline)},
        {"http", s.config.http_endpoint, pipeline_http_port(s.pipeline)},
        {"admin", s.config.admin_endpoint, admin_port(s.admin)},
    };
    service_ready_and_wait(&s, ports, sizeof ports / sizeof *ports);
    service_end(&s, 0);
}
