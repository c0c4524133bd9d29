#include "loadgen/link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10 };

static nanos pause_after(uint32_t failures)
{
    nanos ms = 20ll << (failures < 7 ? failures : 7);
    return ms * NANOS_MS;
}

static void up(struct link *l)
{
    int on = 1;
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    l->state = LINK_UP;
    l->failures = 0;
    l->connects++;
    l->wire.finished = false;
    l->stirred = true;
    buf_clear(&l->wire.out);
    l->wire.out_at = 0;
    l->wire.ops->begin(&l->wire);
}

static void down(struct link *l, nanos now)
{
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
    l->state = LINK_DOWN;
    l->watched = 0;
    l->next_try = now + pause_after(l->failures++);
}

void link_connect(struct link *l, const struct addrinfo *to, nanos now)
{
    assert(l->state == LINK_DOWN);
    l->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        down(l, now);
        return;
    }
    l->state = LINK_CONNECTING;
    if (connect(l->fd, to->ai_addr, to->ai_addrlen) == 0)
        up(l);
    else if (errno != EINPROGRESS)
        down(l, now);
}

void link_close(struct link *l, nanos now)
{
    bool was_up = l->state == LINK_UP;
    if (l->state == LINK_DOWN) return;
    down(l, now);
    if (!was_up) return;
    l->wire.ops->end(&l->wire);
    for (uint32_t i = 0; i < l->n_slots; i++) {
        struct slot *s = &l->slots[i];
        if (s->state != SLOT_OPEN) continue; /* of one not begun the server knows nothing */
        l->wire.over(l->wire.owner, s, s->sent == 0 ? OUTCOME_RETRY : OUTCOME_UNKNOWN);
    }
}

void link_flush(struct link *l, nanos now)
{
    struct wire *w = &l->wire;
    l->stirred = false;
    while (l->state == LINK_UP) {
        w->ops->fill(w);
        size_t left = w->out.len - w->out_at;
        if (left == 0) {
            buf_clear(&w->out);
            w->out_at = 0;
            break;
        }
        ssize_t n = send(l->fd, w->out.ptr + w->out_at, left, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (n < 0) {
            link_close(l, now);
            return;
        }
        w->out_at += (size_t)n;
        if (w->out_at == w->out.len) {
            buf_clear(&w->out);
            w->out_at = 0;
        }
    }
    if (l->state == LINK_UP && w->finished) link_close(l, now);
}

static void read_all(struct link *l, nanos now)
{
    static char bytes[READ_BYTES];
    for (;;) {
        ssize_t n = recv(l->fd, bytes, sizeof bytes, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0 || !l->wire.ops->input(&l->wire, (str){bytes, (size_t)n})) {
            link_close(l, now);
            return;
        }
        if ((size_t)n < sizeof bytes) return;
    }
}

void link_ready(struct link *l, uint32_t events, nanos now)
{
    l->stirred = true;
    if (l->state == LINK_CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
            down(l, now);
        else if (events & EPOLLOUT)
            up(l);
        return;
    }
    if (l->state == LINK_UP && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_all(l, now);
}

uint32_t link_events(const struct link *l)
{
    if (l->state == LINK_CONNECTING) return EPOLLOUT;
    return l->wire.out.len > l->wire.out_at ? EPOLLIN | EPOLLOUT : EPOLLIN;
}
