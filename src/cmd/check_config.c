/* weir check-config: reads the configuration as the services do, says what is wrong, or prints what
 * is in force. */
#include <stdio.h>
#include <string.h>

#include "cmd/access.h"
#include "cmd/cmd.h"
#include "cmd/memory_shares.h"
#include "config/config.h"
#include "obs/memory.h"

extern char **environ;

static status check_endpoints(const struct config *c, struct err *err)
{
    const struct {
        str endpoint;
        const char *name;
    } all[] = {
        {c->grpc_endpoint, "receive.grpc.endpoint"},
        {c->http_endpoint, "receive.http.endpoint"},
        {c->query_endpoint, "query.endpoint"},
        {c->admin_endpoint, "admin.endpoint"},
        {c->clickhouse_endpoint, "clickhouse.endpoint"},
    };
    const char *host;
    uint16_t port;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        TRY(config_endpoint(c, all[i].endpoint, all[i].name, &host, &port, err));
    return ST_OK;
}

/* With what this machine or cgroup has. */
static status check_memory(const struct config *c, struct err *err)
{
    struct memory_shares shares;
    return memory_shares_of(c, memory_there_is(""), !c->store_url.len, &shares, err);
}

int cmd_check_config(int argc, char **argv)
{
    struct arena arena;
    arena_init(&arena, 1u << 24);
    struct buf out;
    buf_init(&out, 1u << 20);
    int code = 0;
    if (argc == 2 && strcmp(argv[1], "--reference") == 0) {
        config_print_reference(&out, true);
    } else {
        struct config c;
        struct err err;
        status s = config_load(&c, &arena, argc, argv, environ, &err);
        if (s == ST_OK) s = check_endpoints(&c, &err);
        if (s == ST_OK) s = check_memory(&c, &err);
        struct access access;
        if (s == ST_OK) s = access_of(&c, &access, &err);
        if (s == ST_NOT_FOUND && !err.msg[0]) {
            puts("usage: weir check-config [--config FILE] [--OPTION VALUE ...]\n"
                 "       weir check-config --reference\n\n"
                 "Checks a configuration and prints the one in force; or prints all options as "
                 "Markdown.");
        } else if (s != ST_OK) {
            fprintf(stderr, "weir check-config: %s\n", err.msg);
            code = 2;
        } else {
            config_print(&c, &out);
        }
    }
    fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    arena_done(&arena);
    return code;
}
