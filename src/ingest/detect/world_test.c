#include "ingest/detect/world_test.h"

#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/yaml.h"
#include "testing/test.h"

enum { ENV_MAX = 32, ANSWERS_MAX = 32 };

static struct arena arena;
static char root[64], base[64], mute_base[64];
static char *env[ENV_MAX + 1];
static size_t n_env;
static struct answer {
    const char *request, *header, *more, *body;
} answers[ANSWERS_MAX];
static size_t n_answers;
static int listener = -1, mute = -1;
static pthread_t thread;
static atomic_bool stopping;

void world_begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 24);
    snprintf(root, sizeof root, "/tmp/weir-detect-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    n_env = n_answers = 0;
    env[0] = NULL;
}

static int make_listener(char url[64])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (void *)&at, sizeof at) == 0 && listen(fd, 16) == 0);
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    snprintf(url, 64, "http://127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

void world_end(void)
{
    char command[100];
    if (listener >= 0) {
        atomic_store(&stopping, true);
        pthread_join(thread, NULL);
        close(listener);
    }
    if (mute >= 0) close(mute);
    listener = mute = -1;
    snprintf(command, sizeof command, "rm -rf %s", root);
    CHECK_INT(system(command), 0);
}

static void make_parents(char *whole)
{
    for (char *p = whole + strlen(root) + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            (void)mkdir(whole, 0755);
            *p = '/';
        }
}

void world_file(const char *path, const char *text)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    make_parents(whole);
    FILE *f = fopen(whole, "w");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

void world_link(const char *path, const char *to)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    make_parents(whole);
    CHECK_INT(symlink(to, whole), 0);
}

void world_env(const char *assignment)
{
    CHECK(n_env < ENV_MAX);
    env[n_env++] = (char *)(uintptr_t)assignment;
    env[n_env] = NULL;
}

/* ---- the server ---- */

static void answer(int fd)
{
    char in[8192], head[400];
    size_t len = 0;
    while (len < sizeof in - 1) {
        ssize_t n = recv(fd, in + len, sizeof in - 1 - len, 0);
        if (n <= 0) return;
        len += (size_t)n;
        in[len] = 0;
        if (strstr(in, "\r\n\r\n")) break;
    }
    const char *body = "none", *more = "";
    int code = 404;
    for (size_t i = 0; i < n_answers; i++) {
        const struct answer *a = &answers[i];
        if (strncmp(in, a->request, strlen(a->request)) != 0) continue;
        if (a->header && !strstr(in, a->header)) continue;
        body = a->body;
        more = a->more;
        code = 200;
        break;
    }
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d x\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", code,
                     more, strlen(body));
    if (send(fd, head, (size_t)n, MSG_NOSIGNAL) == n)
        (void)!send(fd, body, strlen(body), MSG_NOSIGNAL);
}

static void *serve(void *)
{
    while (!atomic_load(&stopping)) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        if (poll(&p, 1, 20) <= 0) continue;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        answer(fd);
        close(fd);
    }
    return NULL;
}

const char *world_server(void)
{
    if (listener >= 0) return base;
    listener = make_listener(base);
    atomic_store(&stopping, false);
    CHECK_INT(pthread_create(&thread, NULL, serve, NULL), 0);
    return base;
}

/* All answers are told before anything is asked. */
void world_answer(const char *request, const char *header, const char *more, const char *body)
{
    CHECK(n_answers < ANSWERS_MAX);
    answers[n_answers++] = (struct answer){request, header, more, body};
}

const char *world_mute(void)
{
    if (mute < 0) mute = make_listener(mute_base);
    return mute_base;
}

/* ---- running ---- */

status world_detect(const char *yaml, const char *url, struct detected *ret, struct err *err)
{
    char text[2000];
    const char *at = strstr(yaml, "%s");
    if (at)
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - yaml), yaml, url, at + 2);
    else
        snprintf(text, sizeof text, "%s", yaml);
    const struct tree *t;
    CHECK_INT(yaml_parse(&arena, arena_str(&arena, str_of(text)), "w.yaml", NULL, NULL, &t, err),
              ST_OK);
    struct detect_plan p;
    TRY(detect_plan_read(&arena, t, &p, err));
    struct world w = {.root = root, .env = env};
    return detect_run(&arena, &p, &w, ret, err);
}

str world_value(const struct detected *d, const char *key)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct detected_attr *x = &d->attrs[i];
        if (!str_eq(x->key, str_of(key))) continue;
        char out[2000];
        size_t n = 0;
        if (x->is_int) n = (size_t)snprintf(out, sizeof out, "%lld", (long long)x->i);
        if (!x->is_int && !x->n_list) return x->text;
        for (size_t k = 0; k < x->n_list; k++)
            n += (size_t)snprintf(out + n, sizeof out - n, "%s" STR_FMT, k ? "," : "[",
                                  STR_ARG(x->list[k]));
        if (x->n_list) out[n++] = ']';
        return arena_str(&arena, (str){out, n});
    }
    return S("-");
}
