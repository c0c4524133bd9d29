/* access: the TLS, credentials and CORS of ports, from the configuration. thread: main */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "ingest/receive/receive.h"

struct access {
    bool grpc_has_tls, http_has_tls;
    struct http_tls grpc_tls, http_tls;
    struct receive_auth auth;
    struct receive_cors cors;
};

/* Strings borrow from the configuration. ST_INVALID: an option without the one it needs, or a file
 * that cannot be used; the message begins with the option. */
[[nodiscard]] status access_of(const struct config *c, struct access *ret, struct err *err);

/* The TLS of a port from its options, whose common name is `name` ("clickhouse.tls"). *ret_has:
 * false: all are empty. */
[[nodiscard]] status access_tls(const char *name, str cert, str key, str client_ca, uint32_t least,
                                struct http_tls *ret, bool *ret_has, struct err *err);
