#include "cmd/access.h"

static const char *text_or_null(str s) { return s.len ? s.ptr : NULL; }

/* Reads the files once, so that what is wrong with them is said by the option's name. */
status access_tls(const char *name, str cert, str key, str client_ca, uint32_t least,
                  struct http_tls *ret, bool *ret_has, struct err *err)
{
    if (!cert.len && !key.len && !client_ca.len) return ST_OK;
    if (!cert.len || !key.len)
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s.%s is not set: TLS needs both", name,
                       cert.len ? "key_file" : "cert_file");
    *ret = (struct http_tls){.cert_file = cert.ptr,
                             .key_file = key.ptr,
                             .client_ca_file = text_or_null(client_ca),
                             .least = (enum http_tls_version)least};
    *ret_has = true;
    status s = http_tls_check(ret, err);
    return s == ST_OK ? s : err_wrap(err, s, "%s", name);
}

status access_of(const struct config *c, struct access *ret, struct err *err)
{
    *ret = (struct access){
        .auth = {text_or_null(c->auth_token), text_or_null(c->auth_tokens_file),
                 text_or_null(c->auth_basic_file)},
        .cors = {c->cors_origins, c->cors_headers, (uint32_t)(c->cors_max_age / NANOS_S)},
    };
    TRY(access_tls("receive.grpc.tls", c->grpc_tls_cert, c->grpc_tls_key, c->grpc_tls_client_ca,
                   c->grpc_tls_min, &ret->grpc_tls, &ret->grpc_has_tls, err));
    TRY(access_tls("receive.http.tls", c->http_tls_cert, c->http_tls_key, c->http_tls_client_ca,
                   c->http_tls_min, &ret->http_tls, &ret->http_has_tls, err));
    status s = receive_auth_check(&ret->auth, err);
    return s == ST_OK ? s : err_wrap(err, s, "receive.auth");
}
