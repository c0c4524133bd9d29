/* loop_hooks: what the rest of net/ needs of a loop and nobody else does. thread: loop, or before
 * loop_start. */
#pragma once

#include <uv.h>

#include "net/loop.h"

uv_loop_t *loop_uv(struct loop *l);

/* Runs m once, before the loop waits for I/O again. Adding what is already in the list does
 * nothing. */
void loop_defer(struct loop *l, struct loop_message *m);
void loop_undefer(struct loop *l, struct loop_message *m);

/* `end` runs on the loop when it is asked to stop: close your handles. `gone` runs in loop_free. */
struct loop_guest {
    void (*end)(void *ctx);
    void (*gone)(void *ctx);
    void *ctx;
    struct loop_guest *next;
};
void loop_add_guest(struct loop *l, struct loop_guest *g);

/* Has its thread ended (or was it never started)? */
bool loop_is_over(const struct loop *l);
