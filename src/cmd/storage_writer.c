/* weir storage-writer: owner of the tables. With the embedded engine it serves ClickHouse's HTTP
 * interface on it. */
#include "cmd/cmd.h"
#include "cmd/door.h"
#include "cmd/service.h"

static status open_all(struct service *s, struct http_door **door, struct err *err)
{
    TRY(service_open_store(s, false, err));
    TRY(service_watch_memory(s, err));
    TRY(service_open_admin(s, err));
    TRY(service_prepare_tables(s, err));
    return door_open(&s->config, s->store, false, door, err);
}

int cmd_storage_writer(int argc, char **argv)
{
    struct service s;
    int code;
    if (!service_begin(&s, argc, argv, &code)) return code;
    struct http_door *door = NULL;
    struct err err;
    if (open_all(&s, &door, &err) != ST_OK) service_fail(&s, &err);
    const struct service_port ports[] = {
        {"admin", s.config.admin_endpoint, admin_port(s.admin)},
        {"clickhouse", s.config.clickhouse_endpoint, door ? http_door_port(door) : 0},
    };
    service_ready_and_wait(&s, ports, door ? 2 : 1);
    http_door_close(door);
    service_end(&s, 0);
}
