/* weir query-api: the path out, reading from a ClickHouse server or a weir storage-writer. */
#include "cmd/cmd.h"
#include "cmd/service.h"

static status open_all(struct service *s, struct engine **engine, struct err *err)
{
    if (!s->config.store_url.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "store.url is not set: a query-api needs a ClickHouse server or a weir "
                       "storage-writer to read from (weir run does all in one process)");
    TRY(service_open_store(s, true, err));
    TRY(service_watch_memory(s, err));
    TRY(service_open_engine(s, engine, err));
    return service_open_admin(s, err);
}

int cmd_query_api(int argc, char **argv)
{
    struct service s;
    int code;
    if (!service_begin(&s, argc, argv, &code)) return code;
    struct engine *engine = NULL;
    struct err err;
    if (open_all(&s, &engine, &err) != ST_OK) service_fail(&s, &err);
    const struct service_port ports[] = {
        {"query", s.config.query_endpoint, engine_port(engine)},
        {"admin", s.config.admin_endpoint, admin_port(s.admin)},
    };
    service_ready_and_wait(&s, ports, sizeof ports / sizeof *ports);
    engine_close(engine);
    service_end(&s, 0);
}
