#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set
#undef err_wrap

static const struct {
    const char *name;
    int http, grpc;
    bool retryable;
} status_table[] = {
#define X(name, http, grpc, retry, doc) [ST_##name] = {#name, http, grpc, retry},
#include "base/status.def"
#undef X
};

const char *status_name(status s) { return status_table[s].name; }
int status_http(status s) { return status_table[s].http; }
int status_grpc(status s) { return status_table[s].grpc; }
bool status_retryable(status s) { return status_table[s].retryable; }

status err_set(struct err *err, status code, uint32_t pos, const char *fmt, ...)
{
    if (!err) return code;
    err->code = code;
    err->pos = pos;

    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return code;
}

status err_wrap(struct err *err, status code, const char *fmt, ...)
{
    if (!err) return code;
    char inner[sizeof err->msg];
    memcpy(inner, err->msg, sizeof inner);

    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    int room = (int)sizeof err->msg - n - (int)sizeof ": ";
    if (n >= 0 && room > 0) /* a message too long to fit loses its tail */
        snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %.*s", room, inner);
    return code;
}
