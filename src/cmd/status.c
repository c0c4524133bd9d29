/* weir status: what the running process of this configuration says of itself at /status. */
#include <stdio.h>

#include "cmd/admin_client.h"
#include "cmd/cmd.h"
#include "cmd/status_table.h"

extern char **environ;

static const char help[] =
    "usage: weir status [--json] [--config FILE] [--OPTION VALUE ...]\n"
    "\n"
    "Asks the running weir at admin.endpoint what it received, delivered, dropped and holds. Give "
    "the\n"
    "configuration of that process, or --admin.endpoint HOST:PORT. --json: its answer as it is.\n"
    "\n"
    "Exit code: 0, 1 no answer, 2 the command line or the configuration is wrong.\n";

static int ask(const struct config *c, bool json, struct arena *a, struct buf *out)
{
    struct buf answer;
    buf_init(&answer, 16u << 20);
    struct err err;
    long code = 0;
    status s = admin_ask(c, false, "/status", 30000, &answer, &code, &err);
    if (s == ST_OK && code != 200)
        s = err_set(&err, ST_UNAVAILABLE, ERR_NOPOS, "HTTP %ld: " STR_FMT, code,
                    STR_ARG(buf_str(&answer)));
    if (s == ST_OK && json) buf_add(out, buf_str(&answer));
    if (s == ST_OK && !json) s = status_table(a, buf_str(&answer), out, &err);
    if (s != ST_OK) fprintf(stderr, "weir status: %s\n", err.msg);
    buf_done(&answer);
    return s == ST_OK ? 0 : 1;
}

int cmd_status(int argc, char **argv)
{
    struct arena a;
    arena_init(&a, 64u << 20);
    struct buf out;
    buf_init(&out, 32u << 20);
    bool json = false;
    int n = 0, code;
    char **rest = arena_array(&a, char *, (size_t)argc + 1);
    for (int i = 0; i < argc; i++) {
        bool own = strcmp(argv[i], "--json") == 0;
        json = json || own;
        if (!own) rest[n++] = argv[i];
    }
    struct config c;
    struct err err;
    status s = config_load(&c, &a, n, rest, environ, &err);
    if (s == ST_NOT_FOUND && !err.msg[0]) {
        fputs(help, stdout);
        code = 0;
    } else if (s != ST_OK) {
        fprintf(stderr, "weir status: %s\n", err.msg);
        code = 2;
    } else {
        code = ask(&c, json, &a, &out);
    }
    fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    arena_done(&a);
    return code;
}
