/* status + err: how a function says no.
 *
 * The return value says what to do (a status), the err says why (for a human).
 * A function that fails has set *err exactly once; one that succeeds has not
 * touched it. `err` may be NULL when nobody will read it. No allocation, no
 * globals, no longjmp: an err lives on the stack of whoever asked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
#define X(name, http, grpc, retry, doc) ST_##name,
#include "base/status.def"
#undef X
} status;

#define ERR_NOPOS UINT32_MAX

struct err {
    status code;
    uint32_t pos;  /* byte offset into the input, or ERR_NOPOS */
    char msg[480]; /* "outer: inner: cause", always NUL-terminated */
};

/* Sets *err and returns `code`, so a failure is one line: return err_set(...); */
[[gnu::format(printf, 4, 5)]] status err_set(struct err *err, status code, uint32_t pos,
                                             const char *fmt, ...);

/* Prefixes err->msg with "context: " and returns `code` unchanged. */
[[gnu::format(printf, 3, 4)]] status err_wrap(struct err *err, status code, const char *fmt, ...);

#ifdef __clang_analyzer__ /* or it takes every failure for one that may return ST_OK */
static inline status err_code(status code, status) { return code; }
#define err_set(err, code, ...) err_code(code, err_set(err, code, __VA_ARGS__))
#define err_wrap(err, code, ...) err_code(code, err_wrap(err, code, __VA_ARGS__))
#endif

const char *status_name(status s);
int status_http(status s);
int status_grpc(status s);
bool status_retryable(status s);

/* Leave the function with the same status; the err is already filled in. */
#define TRY(expr)                       \
    do {                                \
        status try_ = (expr);           \
        if (try_ != ST_OK) return try_; \
    } while (0)
