/* weir migrate: applies or lists the migrations of the store of this configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/cmd.h"
#include "cmd/retention_of.h"
#include "cmd/store_options.h"
#include "lifecycle/lifecycle.h"
#include "obs/log.h"
#include "store/store.h"

extern char **environ;

static const char help[] =
    "usage: weir migrate [up|status] [--dry-run] [--to N] [--config FILE] [--OPTION VALUE ...]\n"
    "\n"
    "up       applies the missing migrations to the store of this configuration, one weir at a "
    "time\n"
    "status   lists the migrations and when they were applied\n"
    "\n"
    "--dry-run   up: prints the statements instead and changes nothing\n"
    "--to N      up: up to version N\n"
    "\n"
    "weir run and weir storage-writer do the same at their start. An embedded store belongs to the "
    "process that\n"
    "runs: stop it first.\n"
    "\n"
    "Exit code: 0, 1 it failed, 2 the command line or the configuration is wrong.\n";

enum { PRINT_BYTES = 64 << 20 };

struct request {
    bool list, dry_run;
    uint32_t to;
};

/* Takes what is migrate's own out of argv. */
static status read_arguments(int *argc, char **argv, struct request *ret, struct err *err)
{
    int n = 1;
    bool named = false;
    for (int i = 1; i < *argc; i++) {
        bool up = !named && strcmp(argv[i], "up") == 0;
        bool list = !named && strcmp(argv[i], "status") == 0;
        uint64_t to = 0;
        if (up || list) {
            named = true;
            ret->list = list;
        } else if (strcmp(argv[i], "--dry-run") == 0) {
            ret->dry_run = true;
        } else if (strcmp(argv[i], "--to") == 0) {
            if (++i == *argc || !num_parse_u64(str_of(argv[i]), &to) || !to || to > UINT32_MAX)
                return err_set(err, ST_INVALID, ERR_NOPOS, "--to wants the number of a migration");
            ret->to = (uint32_t)to;
        } else {
            argv[n++] = argv[i];
        }
    }
    *argc = n;
    if (ret->list && (ret->dry_run || ret->to))
        return err_set(err, ST_INVALID, ERR_NOPOS, "--dry-run and --to are options of up");
    return ST_OK;
}

static status open_store(const struct config *c, struct arena *a, struct store **ret,
                         struct err *err)
{
    struct store_options opt;
    TRY(store_options_of(c, &opt, err));
    if (opt.driver == STORE_EMBEDDED) {
        size_t n = c->data_dir.len + sizeof "/clickhouse";
        char *path = arena_alloc(a, n, 1);
        snprintf(path, n, STR_FMT "/clickhouse", STR_ARG(c->data_dir));
        opt.data_dir = (str){path, n - 1};
    }
    return store_open(&opt, ret, err);
}

static const char *at_of(const struct applied_migration *rows, size_t n, uint32_t version)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].version == version) return rows[i].at;
    return "missing";
}

static status print_status(struct store *s, struct err *err)
{
    struct applied_migration *rows = calloc(SCHEMA_MIGRATIONS_MAX, sizeof *rows);
    bool *pending = calloc(n_migrations + 1, sizeof *pending);
    if (!rows || !pending) abort();
    size_t n = 0;
    uint32_t count = 0;
    status st = lifecycle_applied(s, rows, SCHEMA_MIGRATIONS_MAX, &n, err);
    if (st == ST_OK) {
        for (size_t i = 0; i < n_migrations; i++)
            printf("%-32s %s\n", migrations[i].name, at_of(rows, n, migrations[i].version));
        st = schema_pending(rows, n, 0, pending, &count, err);
    }
    if (st == ST_OK) printf("%" PRIu32 " missing\n", count);
    free(rows);
    free(pending);
    return st;
}

static status up(struct store *s, const struct config *c, const struct request *r, struct err *err)
{
    const struct schema_settings set = settings_of(c);
    struct buf text;
    buf_init(&text, PRINT_BYTES);
    uint32_t n = 0;
    status st = lifecycle_migrate_to(s, &set, r->to, r->dry_run ? &text : NULL, &n, err);
    if (st == ST_OK && r->dry_run) fwrite(text.ptr, 1, text.len, stdout);
    if (st == ST_OK && !r->dry_run)
        printf("%" PRIu32 " migration%s applied\n", n, n == 1 ? "" : "s");
    buf_done(&text);
    return st;
}

static status run(const struct config *c, struct arena *a, const struct request *r, struct err *err)
{
    struct store *s;
    TRY(open_store(c, a, &s, err));
    status st = r->list ? print_status(s, err) : up(s, c, r, err);
    store_close(s);
    return st;
}

int cmd_migrate(int argc, char **argv)
{
    static struct arena a;
    arena_init(&a, 64u << 20);
    struct request r = {};
    struct config c;
    struct err err = {};
    int code = 0;
    status s = read_arguments(&argc, argv, &r, &err);
    if (s == ST_OK) s = config_load(&c, &a, argc, argv, environ, &err);
    if (s == ST_NOT_FOUND && !err.msg[0]) {
        fputs(help, stdout);
        return 0;
    }
    if (s != ST_OK) code = 2;
    if (s == ST_OK) {
        log_setup((enum log_level)c.log_level, (enum log_format)c.log_format);
        s = run(&c, &a, &r, &err);
        if (s != ST_OK) code = 1;
    }
    if (s != ST_OK) fprintf(stderr, "weir migrate: %s\n", err.msg);
    fflush(NULL);
    _exit(code); /* the embedded engine cannot be shut down cleanly */
}
