#include "cmd/backup_args.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/backup_folder.h"
#include "obs/log.h"
#include "store/s3_url.h"

extern char **environ;

static str joined(struct arena *a, str first, const char *second)
{
    size_t n = first.len + strlen(second) + 1;
    char *text = arena_alloc(a, n, 1);
    snprintf(text, n, STR_FMT "%s", STR_ARG(first), second);
    return (str){text, n - 1};
}

str backup_engine_folder(const struct config *c, struct arena *a)
{
    return joined(a, c->data_dir, "/clickhouse");
}

/* Takes PLACE and the flags of these commands out of argv; what stays is for config_load. */
static bool take_own(const struct backup_usage *usage, int *argc, char **argv,
                     struct backup_args *ret)
{
    int n = 1;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            ret->json = true;
        } else if (strcmp(argv[i], usage->base_flag) == 0) {
            if (++i == *argc) return false;
            ret->base = str_of(argv[i]);
        } else if (strncmp(argv[i], "--", 2) != 0) {
            if (ret->place.len) return false;
            ret->place = str_of(argv[i]);
        } else {
            bool alone = strchr(argv[i], '=') || strcmp(argv[i], "--help") == 0;
            argv[n++] = argv[i];
            if (!alone && i + 1 < *argc) argv[n++] = argv[++i];
        }
    }
    *argc = n;
    return true;
}

static status make_whole(const struct config *c, struct arena *a, str *place, struct err *err)
{
    str folder;
    if (!place->len || place->ptr[0] == '/' || s3_url_is(*place)) return ST_OK;
    TRY(backup_folder(c, a, &folder, err));
    *place = joined(a, joined(a, folder, "/"), place->ptr);
    return ST_OK;
}

int backup_main(const struct backup_usage *usage, int argc, char **argv)
{
    static struct arena a;
    arena_init(&a, 64u << 20);
    struct backup_args args = {};
    struct config c;
    struct err err = {};
    int code = 2;
    bool taken = take_own(usage, &argc, argv, &args);
    status s = config_load(&c, &a, argc, argv, environ, &err);
    if (s == ST_NOT_FOUND && !err.msg[0]) {
        fputs(usage->help, stdout);
        return 0;
    }
    if (s == ST_OK && (!taken || !args.place.len)) {
        fputs(usage->help, stderr);
        return 2;
    }
    if (s == ST_OK) {
        log_setup((enum log_level)c.log_level, (enum log_format)c.log_format);
        code = 1;
        s = make_whole(&c, &a, &args.place, &err);
        if (s == ST_OK) s = make_whole(&c, &a, &args.base, &err);
        if (s == ST_OK) s = usage->run(&args, &c, &a, &err);
    }
    if (s == ST_OK)
        code = 0;
    else
        fprintf(stderr, "weir %s: %s\n", usage->name, err.msg);
    fflush(NULL);
    _exit(code);
}
