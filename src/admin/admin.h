/* admin: /metrics, /health, /ready, /status and calls that do something, on a loop of its own.
 *
 *   GET /metrics        Prometheus text of obs/metrics
 *   GET /health         200 while the process lives
 *   GET /ready          200, or 503 with the reason
 *   POST /flush         seals and stores what is open; answers when it is stored
 *                       (?timeout_ms=, default 60000)
 *   POST /reload        reads the configuration again; answers when what can change has changed
 *   GET /status         what the process is at, one JSON object
 *   POST /dead/retry    ?id=, percent-encoded: sends a block of dead/ again; answers when it is
 *                       delivered
 *   POST /backup        ?to=[&base=], percent-encoded: begins a backup; answers with its id, JSON
 *   GET /backup         ?id=: what it is at, JSON
 *   GET /debug/config   the configuration in force, secrets masked */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct admin;

struct admin_options {
    const char *host;
    uint16_t port;
    /* May be NULL. Called on threads of admin's own (flush, dead_retry, backup and reload on
     * another than ready, backup_state, status and config), may block. admin_close waits for the
     * call that runs.
     */
    status (*ready)(void *ctx, struct err *err);
    status (*flush)(void *ctx, uint32_t timeout_ms, struct err *err);
    status (*dead_retry)(void *ctx, str id, struct err *err);
    status (*reload)(void *ctx, struct err *err);
    status (*backup)(void *ctx, str to, str base, struct buf *out, struct err *err);
    status (*backup_state)(void *ctx, str id, struct buf *out, struct err *err);
    void (*status)(void *ctx, struct buf *out);
    void (*config)(void *ctx, struct buf *out);
    void *ctx;
};

[[nodiscard]] status admin_open(const struct admin_options *opt, struct admin **ret,
                                struct err *err);
uint16_t admin_port(const struct admin *a);
void admin_close(struct admin *a); /* accepts NULL */

/* Resident memory of the process, as the kernel counts it. thread: any */
int64_t admin_resident_bytes(void);
