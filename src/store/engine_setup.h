/* engine_setup: what is written and set before the embedded engine starts: its configuration files,
 * the note of where cold parts lie, the credentials it will look for. thread: main, before the
 * engine has threads. */
#pragma once

#include <limits.h>

#include "store/store.h"

struct engine_setup {
    char cold_endpoint[PATH_MAX];  /* empty: cold parts lie in a folder, or there are none */
    char cold_list[PATH_MAX + 64]; /* the folder that lists them by store/abc/UUID/part; or empty */
    size_t cold_parts;             /* that lie there already */
};

/* `dir` is the engine's own folder. ST_INVALID: paths that are not absolute, parts that lie
 * elsewhere (cold_place.h), no such file of credentials, half of a backup. */
[[nodiscard]] status engine_setup(const struct store_options *opt, const char *dir,
                                  const char *config_file, const char *users_file,
                                  struct engine_setup *ret, struct err *err);
