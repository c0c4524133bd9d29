/* backup_args: what `weir backup` and `weir restore` have in common: PLACE and the flag of the
 * base, the configuration, the exit. thread: main */
#pragma once

#include "config/config.h"

struct backup_args {
    str place, base; /* absolute paths or addresses, NUL-terminated; base may be empty */
    bool json;
};

struct backup_usage {
    const char *name, *help, *base_flag;
    status (*run)(const struct backup_args *args, const struct config *c, struct arena *a,
                  struct err *err);
};

/* Ends the process: an embedded engine cannot be shut down cleanly. Returns only when there was
 * nothing to run. */
int backup_main(const struct backup_usage *usage, int argc, char **argv);

/* <data.dir>/clickhouse, NUL-terminated, in the arena. */
str backup_engine_folder(const struct config *c, struct arena *a);
