/* link: a wire with its socket: connecting, writing, reading, and coming back when it breaks. */
#pragma once

#include <netdb.h>

#include "loadgen/wire.h"

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct link {
    struct wire wire;
    enum link_state state;
    int fd;
    uint32_t failures; /* connects in a row that failed */
    uint64_t connects;
    nanos next_try;
    struct slot *slots;
    uint32_t n_slots;
    uint32_t watched; /* events that the caller waits for; 0 while it is down */
    bool stirred;     /* there may be something to write */
};

void link_connect(struct link *l, const struct addrinfo *to, nanos now);
/* The socket's events of epoll(7). Open slots are over (wire.over) when the connection breaks. */
void link_ready(struct link *l, uint32_t events, nanos now);
/* Writes what there is to write. */
void link_flush(struct link *l, nanos now);
void link_close(struct link *l, nanos now);
uint32_t link_events(const struct link *l);
