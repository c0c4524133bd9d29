/* Finds the subcommand, nothing more. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static void usage(FILE *to)
{
    fputs("usage: weir COMMAND [OPTION ...]\n\n", to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-15s %s\n", c->name, c->summary);
    fputs("\n`weir COMMAND --help` tells about one of them.\n", to);
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, argv[1]) == 0) return c->run(argc - 1, argv + 1);
    fprintf(stderr, "weir: no command \"%s\"\n", argv[1]);
    usage(stderr);
    return 2;
}
