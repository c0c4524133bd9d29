/* weir check-config: reads the configuration as the services do, says what is wrong, or prints what
 * is in force. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/memory_shares.h"
#include "cmd/naming_of.h"
#include "cmd/parts.h"
#include "cmd/retention_of.h"
#include "config/config.h"
#include "obs/memory.h"

extern char **environ;

/* With what this machine or cgroup has. */
static status check_memory(const struct config *c, struct err *err)
{
    struct memory_shares shares;
    return memory_shares_of(c, memory_there_is(""), !c->store_url.len, &shares, err);
}

static void print_all(const struct config *c, const struct graph *g, struct buf *out)
{
    for (size_t i = 0; i < g->n_warnings; i++)
        fprintf(stderr, "weir check-config: warning: " STR_FMT "\n", STR_ARG(g->warnings[i]));
    config_print(c, out);
    if (c->sections) graph_print(g, out);
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
        struct graph graph;
        struct err err;
        status s = config_load(&c, &arena, argc, argv, environ, &err);
        if (s == ST_OK) s = check_memory(&c, &err);
        struct raw_ages ages;
        if (s == ST_OK) s = raw_ages_of(&c, &ages, &err);
        struct prometheus_naming naming;
        if (s == ST_OK) s = naming_of(&c, &arena, &naming, &err);
        if (s == ST_OK) s = graph_read(&arena, &c, &graph, &err);
        if (s == ST_OK) s = parts_check(&c, &graph, &err);
        if (s == ST_NOT_FOUND && !err.msg[0]) {
            puts("usage: weir check-config [--config FILE] [--OPTION VALUE ...]\n"
                 "       weir check-config --reference\n\n"
                 "Checks a configuration and prints the one in force; or prints all options as "
                 "Markdown.");
        } else if (s != ST_OK) {
            fprintf(stderr, "weir check-config: %s\n", err.msg);
            code = 2;
        } else {
            print_all(&c, &graph, &out);
        }
    }
    fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    arena_done(&arena);
    return code;
}
