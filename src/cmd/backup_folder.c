#include "cmd/backup_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

status backup_folder(const struct config *c, struct arena *a, str *ret, struct err *err)
{
    if (c->backup_path.len) {
        *ret = c->backup_path;
        return ST_OK;
    }
    char name[PATH_MAX], whole[PATH_MAX];
    int n = snprintf(name, sizeof name, STR_FMT, STR_ARG(c->data_dir));
    if (n >= (int)sizeof name || !realpath(name, whole))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "data.dir " STR_FMT ": %s",
                       STR_ARG(c->data_dir),
                       strerror(n >= (int)sizeof name ? ENAMETOOLONG : errno));
    struct buf path;
    buf_init(&path, 2 * PATH_MAX);
    buf_printf(&path, "%s/backups", whole);
    *ret = arena_str(a, buf_str(&path));
    buf_done(&path);
    return ST_OK;
}
