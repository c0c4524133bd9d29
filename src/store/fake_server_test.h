/* fake_server: a socket that takes HTTP requests one after another, keeps them, and answers as it
 * was told. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"

enum { FAKE_REQUESTS = 16 };

struct fake_request {
    struct buf head, body; /* the head ends with an empty line */
};

struct fake_server {
    int fd;
    char url[60];
    pthread_mutex_t lock;
    str answer; /* under the lock */
    struct fake_request
        requests[FAKE_REQUESTS]; /* after fake_server_stop, or when it has answered */
    atomic_uint n;
    pthread_t thread;
};

/* `answer`: whole, with its head, borrowed; empty: the connection is closed without a word. Listens
 * at http://127.0.0.1:<any>. */
void fake_server_start(struct fake_server *f, str answer);
void fake_server_say(struct fake_server *f, str answer); /* from the next request on */
void fake_server_stop(struct fake_server *f);
void fake_server_free(struct fake_server *f); /* its requests */

bool fake_has(const struct fake_request *r, const char *line); /* a part of the head */
