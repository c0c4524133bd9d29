/* admin: /metrics, /health, /ready and the flush hook, on a loop of its own.
 *
 *   GET /metrics        Prometheus text of obs/metrics
 *   GET /health         200 while the process lives
 *   GET /ready          200, or 503 with the reason
 *   POST /flush         seals and stores what is open; answers when it is stored
 *                       (?timeout_ms=, default 60000)
 *   GET /debug/config   the configuration in force, secrets masked */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct admin;

struct admin_options {
    const char *host;
    uint16_t port;
    /* May be NULL. Called on threads of admin's own (flush on another than ready and config), may
     * block. admin_close waits for the call that runs. */
    status (*ready)(void *ctx, struct err *err);
    status (*flush)(void *ctx, uint32_t timeout_ms, struct err *err);
    void (*config)(void *ctx, struct buf *out);
    void *ctx;
};

[[nodiscard]] status admin_open(const struct admin_options *opt, struct admin **ret,
                                struct err *err);
uint16_t admin_port(const struct admin *a);
void admin_close(struct admin *a); /* accepts NULL */
