/* loop: one thread, one libuv loop, one mailbox.
 *
 * Everything that lives on a loop (listeners, connections, timers) is touched by its thread only.
 * Other threads send it work with loop_post. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;

typedef void (*loop_fn)(void *ctx);

/* `name` is the thread's name (15 bytes at most). thread: any */
[[nodiscard]] status loop_new(const char *name, struct loop **ret, struct err *err);
void loop_free(struct loop *l); /* after loop_join; accepts NULL */

/* Starts the loop's thread. */
[[nodiscard]] status loop_start(struct loop *l, struct err *err);

/* Asks the loop to run what was posted before, close all handles and end. Does not wait. thread:
 * any */
void loop_stop(struct loop *l);
/* Waits for its thread. thread: any but the loop's */
void loop_join(struct loop *l);

/* Runs fn(ctx) on the loop's thread, soon, in the order posted. False when the mailbox is full
 * (65,536 messages) or the loop has stopped. thread: any */
[[nodiscard]] bool loop_post(struct loop *l, loop_fn fn, void *ctx);

/* The same with a message that the caller owns (part of what it is about), so there is always room.
 * It must not be posted again before it has run. False only when the loop has stopped. thread: any
 */
struct loop_message {
    loop_fn fn;
    void *ctx;
    struct loop_message *next; /* the loop's */
    bool queued;               /* the loop's */
};
[[nodiscard]] bool loop_post_message(struct loop *l, struct loop_message *m);

/* Is the calling thread this loop's? For asserts. */
bool loop_is_mine(const struct loop *l);

/* A repeating timer. Freed with the loop, or by loop_timer_free. thread: loop (or before
 * loop_start) */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, uint64_t every_ms, loop_fn fn, void *ctx);
void loop_timer_free(struct loop_timer *t);

/* Not 0: the loop looks at its sockets once in `every_ms` only, and takes what came meanwhile in
 * one go; timers may be late by as much. Mail is not: it wakes the loop as ever. For many small
 * requests, of which each would cost a wake-up. thread: loop */
void loop_set_pace(struct loop *l, uint64_t every_ms);

/* The loop's cached wall clock. thread: loop */
nanos loop_now(struct loop *l);
