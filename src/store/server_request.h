/* server_request: one HTTP exchange with a ClickHouse server on one connection. */
#pragma once

#include <curl/curl.h>

#include "store/engine_codes.h"
#include "store/store.h"

/* A slot's connection; kept alive between exchanges. */
struct server_connection {
    CURL *easy;
    CURLM *multi;
};

struct server_request {
    const char *url;
    struct curl_slist *headers;
    const str *body; /* in pieces */
    size_t n_body;
    uint32_t connect_timeout_ms, timeout_ms;
    bool compress_answer;
    uint64_t max_bytes; /* of the answer; 0: no limit */
    const atomic_bool *cancel;
    struct buf *message; /* may be NULL: the server's whole error text */
    enum engine_use use;
    bool (*chunk)(void *ctx, str piece);
    void *ctx;
};

[[nodiscard]] status server_request_run(struct server_connection *c, const struct server_request *r,
                                        struct store_stats *ret, struct err *err);
void server_connection_close(struct server_connection *c);
