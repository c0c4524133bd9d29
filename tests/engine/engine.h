/* engine: what the tests against the real engine share: a data directory that goes away, a store on
 * it, and one value read back. */
#pragma once

#include "store/store.h"
#include "testing/test.h"

/* This process's store, opened at the first call. Ends the process with _exit at exit, as the
 * engine wants it. */
struct store *engine_store(void);
const char *engine_dir(void);

/* The same engine through the server driver and the HTTP door. */
struct store *engine_server(void);
uint16_t engine_door_port(void);

/* A test of both drivers. */
#define ON_BOTH(claim)                                \
    static void claim(struct store *s);               \
    TEST(embedded_##claim) { claim(engine_store()); } \
    TEST(server_##claim) { claim(engine_server()); }  \
    static void claim(struct store *s)

/* The result as TabSeparatedRaw, without the last newline; fails the test on an error. Freed never.
 */
str engine_ask(struct store *s, const char *sql);
void engine_do(struct store *s, const char *sql);

/* Puts the status and message on the test's output when it is not `want`. */
void engine_want(status got, status want, const struct err *err, const char *file, int line);
#define WANT(expr, want) engine_want((expr), (want), &err, __FILE__, __LINE__)
