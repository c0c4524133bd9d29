/* weir restore: a backup into an empty data folder, or an empty database of a server. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/backup_args.h"
#include "cmd/cmd.h"
#include "cmd/retention_of.h"
#include "cmd/store_options.h"
#include "lifecycle/backup.h"
#include "store/store.h"

static const char help[] =
    "usage: weir restore PLACE [--base BASE] [--json] [--config FILE] [--data DIR] [--OPTION VALUE "
    "...]\n"
    "\n"
    "Restores what `weir backup PLACE` made into an empty data folder (or, with store.url, into a\n"
    "database without tables), reads all of it once and compares checksums. Then start weir as\n"
    "ever. --base: where the base of an incremental backup lies now, if it was moved.\n"
    "\n"
    "A folder in which a restore did not end is not opened by weir; run the restore again.\n"
    "\n"
    "Exit code: 0 done, 1 not done, 2 the command line or the configuration is wrong.\n";

static int remove_one(const char *path, const struct stat *, int, struct FTW *)
{
    return remove(path);
}

static status failed(const char *what, const char *path, struct err *err)
{
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s %s: %s", what, path, strerror(errno));
}

/* Nothing but backups, and with `ours` the engine's folder, may lie in the data folder. */
static status check_empty(const char *data_dir, bool ours, struct err *err)
{
    DIR *d = opendir(data_dir);
    if (!d) return errno == ENOENT ? ST_OK : failed("cannot read", data_dir, err);
    status s = ST_OK;
    for (struct dirent *e; s == ST_OK && (e = readdir(d));) {
        bool may = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                   strcmp(e->d_name, "backups") == 0 || strcmp(e->d_name, "lost+found") == 0 ||
                   (ours && strcmp(e->d_name, "clickhouse") == 0);
        if (!may)
            s = err_set(err, ST_INVALID, ERR_NOPOS,
                        "the data folder %s is not empty (%s lies there): restore into a new one",
                        data_dir, e->d_name);
    }
    closedir(d);
    return s;
}

/* The engine's folder, new and empty, with the mark that it is not whole. */
static status make_folder(const struct config *c, const char *engine_dir, char mark[PATH_MAX],
                          struct err *err)
{
    const char *data_dir = c->data_dir.ptr; /* texts of a config are NUL-terminated */
    snprintf(mark, PATH_MAX, "%s/" STORE_RESTORING, engine_dir);
    bool ours = access(mark, F_OK) == 0;
    if (store_in_use(str_of(engine_dir)))
        return err_set(err, ST_INVALID, ERR_NOPOS, "a weir runs on %s", data_dir);
    TRY(check_empty(data_dir, ours, err));
    if (ours && nftw(engine_dir, remove_one, 64, FTW_DEPTH | FTW_PHYS) != 0)
        return failed("cannot remove", engine_dir, err);
    if (mkdir(data_dir, 0755) != 0 && errno != EEXIST) return failed("cannot make", data_dir, err);
    if (mkdir(engine_dir, 0755) != 0) return failed("cannot make", engine_dir, err);
    int fd = open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
    if (fd < 0 || fsync(fd) != 0) {
        if (fd >= 0) close(fd);
        return failed("cannot write", mark, err);
    }
    close(fd);
    return ST_OK;
}

static void print(const struct backup_args *args, const struct restored *r)
{
    printf(args->json ? "{\"tables\":%llu,\"rows\":%llu,\"bytes\":%llu}\n"
                      : "%llu tables, %llu rows, %llu bytes restored and checked\n",
           (unsigned long long)r->tables, (unsigned long long)r->rows,
           (unsigned long long)r->bytes);
}

static status run(const struct backup_args *args, const struct config *c, struct arena *a,
                  struct err *err)
{
    struct store_options opt;
    struct store *s;
    char mark[PATH_MAX] = "";
    TRY(store_options_of(c, &opt, err));
    if (opt.driver == STORE_EMBEDDED) {
        opt.data_dir = backup_engine_folder(c, a);
        opt.backup_path = S("/"); /* this process is the user's own */
        opt.restoring = true;
        TRY(make_folder(c, opt.data_dir.ptr, mark, err));
    }
    TRY(store_open(&opt, &s, err));
    struct schema_settings set = settings_of(c);
    struct backup_places places = {args->place, args->base, c->cold_region};
    struct restored done;
    status st = backup_restore(s, &set, &places, &done, err);
    if (st == ST_OK && *mark && unlink(mark) != 0) st = failed("cannot remove", mark, err);
    if (st != ST_OK) return err_wrap(err, st, "nothing that can be used was restored");
    print(args, &done);
    return ST_OK;
}

int cmd_restore(int argc, char **argv)
{
    static const struct backup_usage usage = {
        .name = "restore", .help = help, .base_flag = "--base", .run = run};
    return backup_main(&usage, argc, argv);
}
