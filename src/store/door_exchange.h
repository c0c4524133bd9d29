/* door_exchange: one request and its answer, between the loop that has the socket and the thread
 * that runs the statement.
 *
 *   loop                                     door thread
 *   input()  --> pieces, at most a window --> read()
 *            <-- http_consume, posted     <--
 *   flush()  <-- answer, at most a window <-- begin(), write(), end()
 *
 * Both sides hold a reference. When the peer leaves, the thread finds its statement cancelled, no
 * more input, and no one who takes output. */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "net/http.h"
#include "store/door_request.h"

struct door_exchange;

struct door_exchange *door_exchange_new(struct loop *loop, struct http_exchange *x);
void door_exchange_unref(struct door_exchange *e);
void door_exchange_ref(struct door_exchange *e);

/* thread: loop */
void door_exchange_input(struct door_exchange *e, str bytes);
void door_exchange_input_end(struct door_exchange *e);
void door_exchange_writable(struct door_exchange *e);
void door_exchange_gone(struct door_exchange *e);      /* the http_exchange is over */
size_t door_exchange_waiting(struct door_exchange *e); /* bytes of input that nobody has read */

/* What the request says; filled in by the loop before the thread sees it. */
struct arena *door_exchange_arena(struct door_exchange *e);
struct door_request *door_exchange_request(struct door_exchange *e);
atomic_bool *door_exchange_cancel(struct door_exchange *e);

/* The next piece of the body, borrowed until the next call. False at its end, or when the peer has
 * left. thread: door */
bool door_exchange_read(struct door_exchange *e, str *ret);
/* Was the body complete? thread: door */
bool door_exchange_complete(struct door_exchange *e);

/* The answer's head; header strings are copied. Then pieces (copied; waits while the peer is slow;
 * false when it has left), then the end: whole, or broken off so that the peer sees it. thread:
 * door */
void door_exchange_begin(struct door_exchange *e, unsigned http_status,
                         const struct http_header *headers, size_t n);
bool door_exchange_write(struct door_exchange *e, str piece);
void door_exchange_end(struct door_exchange *e, bool whole);
