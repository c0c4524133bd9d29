/* weir dead: what was given up: list it, send it again, remove it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "cmd/admin_client.h"
#include "cmd/cmd.h"
#include "ingest/dead.h"

extern char **environ;

enum { RETRY_TIMEOUT_MS = 600000 };

static const char help[] =
    "usage: weir dead ls    [--json] [--config FILE] [--OPTION VALUE ...]\n"
    "       weir dead retry ID ... | --all   (the same options)\n"
    "       weir dead rm    ID ... | --all   (the same options)\n"
    "\n"
    "Blocks that a destination refused to the last try lie in <data.dir>/dead, a folder each: the\n"
    "requests as their clients sent them, and why. `ls` lists them and `rm` removes them, with or\n"
    "without a running weir. `retry` has the running process send them again, once: it is asked "
    "at\n"
    "admin.endpoint. What is delivered leaves dead/. Give the configuration of that process.\n"
    "\n"
    "Exit code: 0 done, 1 not, or not all, 2 the command line or the configuration is wrong.\n";

struct dead {
    struct arena arena;
    struct config config;
    const char *dir; /* <data.dir>/dead */
    str *ids;
    size_t n_ids;
    bool json, all;
};

/* Takes --json, --all and the ids out; what stays is for config_load. */
static int take_own(struct dead *d, int argc, char **argv, char **rest)
{
    int n = 0;
    rest[n++] = argv[0];
    d->ids = arena_array(&d->arena, str, (size_t)argc);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            d->json = true;
        else if (strcmp(argv[i], "--all") == 0)
            d->all = true;
        else if (strncmp(argv[i], "--", 2) != 0)
            d->ids[d->n_ids++] = str_of(argv[i]);
        else {
            rest[n++] = argv[i];
            bool alone = strchr(argv[i], '=') || strcmp(argv[i], "--help") == 0;
            if (!alone && i + 1 < argc) rest[n++] = argv[++i];
        }
    }
    return n;
}

static void print_json(const struct dead_entry *all, size_t n, struct buf *out)
{
    struct json_out j = json_begin(out);
    json_array(&j);
    for (size_t i = 0; i < n; i++) {
        json_object(&j);
        json_key(&j, S("id")), json_str(&j, str_of(all[i].id));
        json_key(&j, S("route")), json_str(&j, str_of(all[i].route));
        json_key(&j, S("items")), json_u64(&j, all[i].items);
        json_key(&j, S("requests")), json_u64(&j, all[i].requests);
        json_key(&j, S("bytes")), json_u64(&j, all[i].bytes);
        json_key(&j, S("time")), json_str(&j, str_of(all[i].time));
        json_key(&j, S("reason")), json_str(&j, str_of(all[i].reason));
        json_end(&j);
    }
    json_end(&j);
    buf_char(out, '\n');
}

static void print_table(const struct dead_entry *all, size_t n, const char *dir, struct buf *out)
{
    if (n == 0) {
        buf_printf(out, "nothing in %s\n", dir);
        return;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\n  %s  %s  %llu items, %llu requests, %llu bytes\n  %s\n", all[i].id,
                   all[i].time, all[i].route, (unsigned long long)all[i].items,
                   (unsigned long long)all[i].requests, (unsigned long long)all[i].bytes,
                   all[i].reason);
}

/* One outcome: a line, or a member of the JSON array. */
static void tell(const struct dead *d, struct json_out *j, str id, const char *done,
                 const char *why)
{
    if (!d->json) {
        if (why)
            fprintf(stderr, STR_FMT ": %s\n", STR_ARG(id), why);
        else
            printf(STR_FMT ": %s\n", STR_ARG(id), done);
        return;
    }
    json_object(j);
    json_key(j, S("id")), json_str(j, id);
    json_key(j, S("done")), json_bool(j, !why);
    if (why) json_key(j, S("why")), json_str(j, str_of(why));
    json_end(j);
}

static void escape(str id, struct buf *out)
{
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '-' || c == '_' || c == '.';
        if (plain)
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static status retry(const struct dead *d, str id, struct err *err)
{
    struct buf path, answer;
    buf_init(&path, 4096);
    buf_init(&answer, 1u << 20);
    buf_add(&path, S("/dead/retry?id="));
    escape(id, &path);
    buf_char(&path, 0);
    long code = 0;
    status s = admin_ask(&d->config, true, path.ptr, RETRY_TIMEOUT_MS, &answer, &code, err);
    if (s == ST_OK && code != 200) {
        str text = buf_str(&answer);
        while (text.len && text.ptr[text.len - 1] == '\n') text.len--;
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS, STR_FMT " (HTTP %ld)", STR_ARG(text), code);
    }
    buf_done(&path);
    buf_done(&answer);
    return s;
}

static int each(struct dead *d, bool again, struct buf *out)
{
    struct json_out j = json_begin(out);
    int code = 0;
    if (d->json) json_array(&j);
    for (size_t i = 0; i < d->n_ids; i++) {
        struct err err = {};
        status s = again ? retry(d, d->ids[i], &err) : dead_remove(d->dir, d->ids[i], &err);
        tell(d, &j, d->ids[i], again ? "delivered" : "removed", s == ST_OK ? NULL : err.msg);
        if (s != ST_OK) code = 1;
    }
    if (d->json) json_end(&j), buf_char(out, '\n');
    return code;
}

static int with_entries(struct dead *d, const char *verb, const struct dead_entry *all, size_t n,
                        struct buf *out)
{
    if (strcmp(verb, "ls") == 0) {
        if (d->json)
            print_json(all, n, out);
        else
            print_table(all, n, d->dir, out);
        return 0;
    }
    if (d->all) {
        d->ids = arena_array(&d->arena, str, n + 1);
        for (size_t i = 0; i < n; i++) d->ids[d->n_ids++] = str_of(all[i].id);
    }
    return each(d, strcmp(verb, "retry") == 0, out);
}

static int run(struct dead *d, const char *verb, struct buf *out)
{
    struct dead_entry *all = NULL;
    size_t n = 0;
    struct err err;
    bool list = strcmp(verb, "ls") == 0;
    if (list ? d->n_ids || d->all : (d->n_ids > 0) == d->all) {
        fputs(help, stderr);
        return 2;
    }
    int code = 1;
    if (dead_list(d->dir, &all, &n, &err) == ST_OK)
        code = with_entries(d, verb, all, n, out);
    else
        fprintf(stderr, "weir dead: %s\n", err.msg);
    free(all);
    return code;
}

int cmd_dead(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    bool known = strcmp(verb, "ls") == 0 || strcmp(verb, "retry") == 0 || strcmp(verb, "rm") == 0;
    if (!known) {
        bool asked = strcmp(verb, "--help") == 0;
        fputs(help, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    struct dead d = {0};
    arena_init(&d.arena, 64u << 20);
    struct buf out;
    buf_init(&out, 64u << 20);
    char **rest = arena_array(&d.arena, char *, (size_t)argc + 1);
    int n = take_own(&d, argc, argv, rest), code;
    struct err err;
    status s = config_load(&d.config, &d.arena, n, rest, environ, &err);
    if (s == ST_NOT_FOUND && !err.msg[0]) {
        fputs(help, stdout);
        code = 0;
    } else if (s != ST_OK) {
        fprintf(stderr, "weir dead: %s\n", err.msg);
        code = 2;
    } else {
        struct buf dir;
        buf_init(&dir, 1u << 16);
        buf_printf(&dir, STR_FMT "/dead", STR_ARG(d.config.data_dir));
        buf_char(&dir, 0);
        d.dir = dir.ptr;
        code = run(&d, verb, &out);
        buf_done(&dir);
    }
    fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    arena_done(&d.arena);
    return code;
}
