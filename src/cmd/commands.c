/* The table of subcommands. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/loadgen.h"

static int cmd_version(int, char **)
{
    puts("weir " WEIR_VERSION);
    return 0;
}

const struct command commands[] = {
    {"run", "collector, storage-writer and query-api in one process", cmd_run},
    {"collector", "receive OTLP, write to ClickHouse or a storage-writer", cmd_collector},
    {"storage-writer", "own the tables; serve the embedded ClickHouse over HTTP",
     cmd_storage_writer},
    {"query-api", "answer Prometheus, Loki and Jaeger queries", cmd_query_api},
    {"loadgen", "send generated telemetry and count what is acknowledged", cmd_loadgen},
    {"migrate", "apply or list the migrations of the store", cmd_migrate},
    {"backup", "back the store up, whole or incrementally", cmd_backup},
    {"restore", "restore a backup into an empty folder", cmd_restore},
    {"check-config", "check a configuration and print the one in force", cmd_check_config},
    {"status", "what a running weir received, delivered and holds", cmd_status},
    {"promql", "ask a PromQL query at the shell", cmd_promql},
    {"dead", "list, send again or remove what was given up", cmd_dead},
    {"version", "print the version", cmd_version},
    {0},
};
