#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/http_door.h"

static struct store *store;
static char dir[] = "/tmp/weir-engine-XXXXXX";

/* The engine's own destructors must not run: they crash while its threads do. */
static void leave(int code)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    fflush(NULL);
    if (system(command) != 0) fprintf(stderr, "%s is left behind\n", dir);
    _exit(code);
}

const char *engine_dir(void)
{
    static bool made;
    if (!made) CHECK(mkdtemp(dir) != NULL);
    made = true;
    return dir;
}

struct store *engine_store(void)
{
    if (store) return store;
    struct err err = {};
    struct store_options opt = {.driver = STORE_EMBEDDED,
                                .data_dir = {engine_dir(), sizeof dir - 1}};
    WANT(store_open(&opt, &store, &err), ST_OK);
    test_at_end(leave);
    return store;
}

static struct http_door *door;

uint16_t engine_door_port(void)
{
    struct err err = {};
    struct http_door_options opt = {.host = "127.0.0.1"};
    if (!door) WANT(http_door_open(&opt, engine_store(), &door, &err), ST_OK);
    return http_door_port(door);
}

struct store *engine_server(void)
{
    static struct store *server;
    if (server) return server;
    struct err err = {};
    char url[64];
    int n = snprintf(url, sizeof url, "http://127.0.0.1:%u", engine_door_port());
    struct store_options opt = {
        .driver = STORE_SERVER, .url = {url, (size_t)n}, .user = S("default")};
    WANT(store_open(&opt, &server, &err), ST_OK);
    return server;
}

void engine_want(status got, status want, const struct err *err, const char *file, int line)
{
    if (got != want)
        printf("%s:%d: %s, want %s: %s\n", file, line, status_name(got), status_name(want),
               got == ST_OK ? "" : err->msg);
    test_check(got == want, file, line, "the status");
}

str engine_ask(struct store *s, const char *sql)
{
    struct err err = {};
    struct buf out;
    buf_init(&out, 1 << 24);
    struct store_query q = {.sql = {sql, strlen(sql)}, .format = S("TabSeparatedRaw")};
    WANT(store_query_buf(s, &q, &out, &err), ST_OK);
    while (out.len && out.ptr[out.len - 1] == '\n') out.len--;
    return buf_str(&out);
}

void engine_do(struct store *s, const char *sql)
{
    struct err err = {};
    WANT(store_exec(s, (str){sql, strlen(sql)}, &err), ST_OK);
}
