/* client_options: the options that OTLP's two exporters share, as the Collector spells them: tls,
 * headers, compression, timeout. Everything lies in the arena given. */
#pragma once

#include "base/tree.h"
#include "model/request.h"

struct client_tls {
    bool insecure, insecure_skip_verify;
    const char *ca_file, *cert_file, *key_file; /* NULL: not given */
    str ca_pem, cert_pem, key_pem;
    const char *server_name; /* server_name_override */
    uint32_t min_version;    /* 0 to 3: TLS 1.0 to 1.3; default 2 */
};

struct client_header {
    const char *line; /* "name: value" */
};

struct client_options {
    struct client_tls tls;
    struct client_header *headers;
    size_t n_headers;
    enum payload_compression compression;
    int level;
    uint32_t timeout_ms;
    uint64_t max_request_bytes; /* of the telemetry, before compression */
};

/* For TREE_ONLY, beside the exporter's own. */
#define CLIENT_OPTIONS                                                               \
    S("tls"), S("headers"), S("compression"), S("compression_params"), S("timeout"), \
        S("max_request_size"), S("auth")

[[nodiscard]] status client_options_read(struct arena *a, const struct tree *options,
                                         nanos default_timeout, struct client_options *ret,
                                         struct err *err);
