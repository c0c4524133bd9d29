#include "store/fake_server_test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing/test.h"

/* Bytes of the body that the head announces. */
static size_t announced(const struct buf *head)
{
    static const char name[] = "Content-Length: ";
    const char *at = memmem(head->ptr, head->len, name, sizeof name - 1);
    return at ? strtoul(at + sizeof name - 1, NULL, 10) : 0;
}

static bool take_request(int c, struct fake_request *r)
{
    char byte;
    while (recv(c, &byte, 1, 0) == 1) {
        buf_char(&r->head, byte);
        if (r->head.len < 4 || memcmp(r->head.ptr + r->head.len - 4, "\r\n\r\n", 4) != 0) continue;
        for (size_t left = announced(&r->head); left;) {
            char piece[4096];
            ssize_t n = recv(c, piece, left < sizeof piece ? left : sizeof piece, 0);
            if (n <= 0) return false;
            buf_add(&r->body, (str){piece, (size_t)n});
            left -= (size_t)n;
        }
        return true;
    }
    return false;
}

static void *serve(void *ctx)
{
    struct fake_server *f = ctx;
    for (int c; (c = accept(f->fd, NULL, NULL)) >= 0; close(c)) {
        unsigned n = atomic_load(&f->n);
        if (n == FAKE_REQUESTS || !take_request(c, &f->requests[n])) continue;
        atomic_store(&f->n, n + 1);
        pthread_mutex_lock(&f->lock);
        str answer = f->answer;
        pthread_mutex_unlock(&f->lock);
        if (answer.len) (void)!send(c, answer.ptr, answer.len, MSG_NOSIGNAL);
    }
    return NULL;
}

void fake_server_start(struct fake_server *f, str answer)
{
    *f = (struct fake_server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                              .answer = answer};
    pthread_mutex_init(&f->lock, NULL);
    for (unsigned i = 0; i < FAKE_REQUESTS; i++) {
        buf_init(&f->requests[i].head, 1 << 20);
        buf_init(&f->requests[i].body, 1 << 20);
    }
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    CHECK_INT(bind(f->fd, (struct sockaddr *)&a, len), 0);
    CHECK_INT(getsockname(f->fd, (struct sockaddr *)&a, &len), 0);
    CHECK_INT(listen(f->fd, 16), 0);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", ntohs(a.sin_port));
    CHECK_INT(pthread_create(&f->thread, NULL, serve, f), 0);
}

void fake_server_say(struct fake_server *f, str answer)
{
    pthread_mutex_lock(&f->lock);
    f->answer = answer;
    pthread_mutex_unlock(&f->lock);
}

void fake_server_stop(struct fake_server *f)
{
    shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->fd);
}

void fake_server_free(struct fake_server *f)
{
    for (unsigned i = 0; i < FAKE_REQUESTS; i++) {
        buf_done(&f->requests[i].head);
        buf_done(&f->requests[i].body);
    }
    pthread_mutex_destroy(&f->lock);
}

bool fake_has(const struct fake_request *r, const char *line)
{
    return memmem(r->head.ptr, r->head.len, line, strlen(line)) != NULL;
}
