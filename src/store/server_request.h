/* server_request: one HTTP exchange with a ClickHouse server on one connection. */
#pragma once

#include <curl/curl.h>

#include "store/engine_codes.h"
#include "store/store.h"

/* A slot's connection: one kept alive for each address. */
struct server_connection {
    CURL *easy;
    CURLM *multi;
};

/* NUL-terminated paths; NULL: not given. */
struct server_tls {
    char *ca_file, *cert_file, *key_file;
    bool insecure_skip_verify;
};

struct server_request {
    const char *base;   /* the server: http://host:port */
    const char *target; /* what server_url makes */
    struct curl_slist *headers;
    const struct server_tls *tls;
    const str *body; /* in pieces */
    size_t n_body;
    uint32_t connect_timeout_ms, timeout_ms;
    bool read_only;     /* may be sent again */
    uint64_t max_bytes; /* of the answer, decoded; 0: no limit */
    const atomic_bool *cancel;
    struct buf *message; /* may be NULL: the server's whole error text */
    enum engine_use use;
    bool (*chunk)(void *ctx, str piece);
    void *ctx;
};

enum server_reach {
    SERVER_SPOKE,     /* it answered, with whatever */
    SERVER_UNREACHED, /* nothing of the request was sent */
    SERVER_LOST,      /* it may have got the request; it does not work as a server should */
    SERVER_BROKE,     /* the same, after a part of the answer was handed over */
};

/* `*reach` is set always. An answer is undone of its Content-Encoding (zstd, lz4). */
[[nodiscard]] status server_request_run(struct server_connection *c, const struct server_request *r,
                                        enum server_reach *reach, struct store_stats *ret,
                                        struct err *err);
void server_connection_close(struct server_connection *c);
