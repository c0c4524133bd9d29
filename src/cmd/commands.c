/* The table of subcommands. */
#include "cmd/cmd.h"

#include <stdio.h>

static int cmd_version(int, char **)
{
    puts("weir " WEIR_VERSION);
    return 0;
}

const struct command commands[] = {
    {"version", "print the version", cmd_version},
    {0},
};
