/* cmd: the subcommands. main.c finds one and nothing more. */
#pragma once

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit code */
};

extern const struct command commands[]; /* ends with name NULL */

int cmd_run(int argc, char **argv);
int cmd_collector(int argc, char **argv);
int cmd_storage_writer(int argc, char **argv);
int cmd_query_api(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_dead(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_promql(int argc, char **argv);
