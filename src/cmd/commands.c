/* The table of subcommands. */
#include "cmd/cmd.h"

#include <stdio.h>

#include "cmd/loadgen.h"

static int cmd_version(int, char **)
{
    puts("weir " WEIR_VERSION);
    return 0;
}

const struct command commands[] = {
    {"loadgen", "send generated telemetry and count what is acknowledged", cmd_loadgen},
    {"version", "print the version", cmd_version},
    {0},
};
