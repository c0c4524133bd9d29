#include "ingest/fake_store_test.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing/test.h"

enum { CONNECTIONS_MAX = 64, TOKENS_MAX = 4096, BODY_MAX = 64 << 20 };

struct fake_store {
    int fd;
    char url[64];
    pthread_t acceptor, threads[CONNECTIONS_MAX];
    int connections[CONNECTIONS_MAX];
    unsigned n_connections;
    bool listens;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum fake_answer answer;
    const char *poison;
    struct {
        char *token, *table;
        uint64_t rows;
    } known[TOKENS_MAX];
    unsigned n_known, repeats, tries;
};

struct connection {
    struct fake_store *f;
    int fd;
};

struct fake_store *fake_store_new(void)
{
    struct fake_store *f = calloc(1, sizeof *f);
    CHECK(f != NULL);
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    CHECK_INT(bind(f->fd, (struct sockaddr *)&a, len), 0);
    CHECK_INT(getsockname(f->fd, (struct sockaddr *)&a, &len), 0);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", ntohs(a.sin_port));
    return f;
}

const char *fake_store_url(const struct fake_store *f) { return f->url; }

/* The text behind `name` up to & or a space. */
static char *parameter(const char *head, const char *name)
{
    const char *at = strstr(head, name);
    if (!at) return NULL;
    at += strlen(name);
    return strndup(at, strcspn(at, "& \r"));
}

static char *table_of(const char *head)
{
    const char *at = strstr(head, "otel_");
    size_t n = 0;
    while (at && (isalnum((unsigned char)at[n]) || at[n] == '_')) n++;
    return at ? strndup(at, n) : NULL;
}

static uint64_t varint(const uint8_t **p)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 63; shift += 7) {
        uint8_t b = *(*p)++;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) break;
    }
    return v;
}

/* Rows of a Native block: columns, rows, ... */
static uint64_t rows_of(const char *body, size_t n)
{
    const uint8_t *p = (const uint8_t *)body;
    if (n < 20) return 0;
    varint(&p);
    return varint(&p);
}

static void keep(struct fake_store *f, char *token, char *table, uint64_t rows)
{
    for (unsigned i = 0; i < f->n_known; i++)
        if (strcmp(f->known[i].token, token) == 0) {
            f->repeats++;
            free(token);
            free(table);
            return;
        }
    CHECK(f->n_known < TOKENS_MAX);
    f->known[f->n_known].token = token;
    f->known[f->n_known].table = table;
    f->known[f->n_known++].rows = rows;
}

static const char *take(struct fake_store *f, const char *head, const char *body, size_t n)
{
    char *token = parameter(head, "insert_deduplication_token%3D"), *table = table_of(head);
    const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    pthread_mutex_lock(&f->mutex);
    if (token && table) {
        f->tries++;
        if (f->poison && memmem(body, n, f->poison, strlen(f->poison))) raise(SIGSEGV);
        while (f->answer == FAKE_WAIT) pthread_cond_wait(&f->changed, &f->mutex);
        if (f->answer == FAKE_OK) {
            keep(f, token, table, rows_of(body, n));
            token = table = NULL;
        } else if (f->answer == FAKE_INVALID) {
            answer = "HTTP/1.1 400 Bad\r\nX-ClickHouse-Exception-Code: 16\r\nContent-Length: 24"
                     "\r\n\r\nCode: 16. No such column";
        } else {
            answer = "HTTP/1.1 500 Error\r\nX-ClickHouse-Exception-Code: 252\r\nContent-Length: 24"
                     "\r\n\r\nCode: 252. Too many part";
        }
    }
    if (strncmp(head, "POST /v1/", 9) == 0) {
        f->tries++;
        if (f->answer == FAKE_INVALID) answer = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n";
        if (f->answer == FAKE_OVERLOADED)
            answer = "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n";
    }
    pthread_mutex_unlock(&f->mutex);
    free(token);
    free(table);
    return answer;
}

/* One request; false at the connection's end. */
static bool serve(struct connection *c, char *body)
{
    char head[65536];
    size_t n = 0;
    do {
        if (n + 1 >= sizeof head || recv(c->fd, head + n, 1, 0) != 1) return false;
        head[++n] = 0;
    } while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0);
    const char *length = strcasestr(head, "\r\ncontent-length:");
    size_t want = length ? strtoul(length + 17, NULL, 10) : 0, got = 0;
    if (strcasestr(head, "100-continue") &&
        send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) != 25)
        return false;
    for (ssize_t r; got < want; got += (size_t)r)
        if (want > BODY_MAX || (r = recv(c->fd, body + got, want - got, 0)) <= 0) return false;
    const char *answer = take(c->f, head, body, want);
    return send(c->fd, answer, strlen(answer), MSG_NOSIGNAL) > 0;
}

static void *serve_all(void *connection)
{
    struct connection *c = connection;
    char *body = malloc(BODY_MAX);
    while (serve(c, body)) continue;
    free(body);
    free(c);
    return NULL;
}

static void *accept_all(void *fake)
{
    struct fake_store *f = fake;
    for (int fd; (fd = accept(f->fd, NULL, NULL)) >= 0;) {
        struct connection *c = malloc(sizeof *c);
        *c = (struct connection){f, fd};
        unsigned i = f->n_connections++;
        CHECK(i < CONNECTIONS_MAX);
        f->connections[i] = fd;
        CHECK_INT(pthread_create(&f->threads[i], NULL, serve_all, c), 0);
    }
    return NULL;
}

void fake_store_listen(struct fake_store *f)
{
    CHECK_INT(listen(f->fd, 64), 0);
    CHECK_INT(pthread_create(&f->acceptor, NULL, accept_all, f), 0);
    f->listens = true;
}

void fake_store_answer(struct fake_store *f, enum fake_answer a)
{
    pthread_mutex_lock(&f->mutex);
    f->answer = a;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

void fake_store_poison(struct fake_store *f, const char *text) { f->poison = text; }

uint64_t fake_store_rows(struct fake_store *f, const char *table)
{
    uint64_t rows = 0;
    pthread_mutex_lock(&f->mutex);
    for (unsigned i = 0; i < f->n_known; i++)
        if (strcmp(f->known[i].table, table) == 0) rows += f->known[i].rows;
    pthread_mutex_unlock(&f->mutex);
    return rows;
}

unsigned fake_store_repeats(struct fake_store *f)
{
    pthread_mutex_lock(&f->mutex);
    unsigned n = f->repeats;
    pthread_mutex_unlock(&f->mutex);
    return n;
}

unsigned fake_store_tries(struct fake_store *f)
{
    pthread_mutex_lock(&f->mutex);
    unsigned n = f->tries;
    pthread_mutex_unlock(&f->mutex);
    return n;
}

struct store *fake_store_open(struct fake_store *f)
{
    struct store *s = NULL;
    struct err err = {0};
    struct store_options o = {.driver = STORE_SERVER,
                              .url = str_of(f->url),
                              .may_be_away = true,
                              .connect_timeout_ms = 2000};
    CHECK_INT(store_open(&o, &s, &err), ST_OK);
    return s;
}

void fake_store_free(struct fake_store *f)
{
    shutdown(f->fd, SHUT_RDWR);
    if (f->listens) pthread_join(f->acceptor, NULL);
    for (unsigned i = 0; i < f->n_connections; i++) {
        shutdown(f->connections[i], SHUT_RDWR);
        pthread_join(f->threads[i], NULL);
        close(f->connections[i]);
    }
    close(f->fd);
    for (unsigned i = 0; i < f->n_known; i++) {
        free(f->known[i].token);
        free(f->known[i].table);
    }
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}
