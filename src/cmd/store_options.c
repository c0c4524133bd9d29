#include "cmd/store_options.h"

#include <stdio.h>

#include "cmd/cold.h"

enum { PASSWORD_MOST = 1024, CONNECTIONS_EMBEDDED = 6, CONNECTIONS_SERVER = 8 };

static uint32_t milliseconds(nanos t)
{
    return (uint32_t)((t < NANOS_DAY ? t : NANOS_DAY) / NANOS_MS);
}

/* The first line of the file, in the configuration's arena. */
static status read_password(const struct config *c, str *ret, struct err *err)
{
    if (!c->store_password_file.len) return ST_OK;
    if (c->store_password.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "store.password and store.password_file are both given: one of them");
    FILE *f = fopen(c->store_password_file.ptr, "re"); /* texts of a config are NUL-terminated */
    char line[PASSWORD_MOST + 2];
    size_t n = f ? fread(line, 1, sizeof line, f) : 0;
    bool failed = !f || ferror(f);
    if (failed)
        (void)!err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                       "store.password_file: " STR_FMT " cannot be read: %m",
                       STR_ARG(c->store_password_file));
    if (f) fclose(f);
    if (failed) return ST_UNAVAILABLE;
    const char *end = memchr(line, '\n', n);
    if (end) n = (size_t)(end - line);
    if (n && line[n - 1] == '\r') n--;
    if (n == 0 || n > PASSWORD_MOST)
        return err_set(
            err, ST_INVALID, ERR_NOPOS,
            "store.password_file: the first line of " STR_FMT " is the password; it has %s",
            STR_ARG(c->store_password_file), n ? "more than 1024 bytes" : "nothing in it");
    *ret = arena_str(c->arena, (str){line, n});
    return ST_OK;
}

/* It is put into statements as it is. */
static status check_views(const struct config *c, struct err *err)
{
    str name = c->store_views;
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
        if (!letter && !(i && ch >= '0' && ch <= '9'))
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "store.views_database: \"" STR_FMT
                           "\" is no name: letters, digits and underscores",
                           STR_ARG(name));
    }
    if (!name.len || !str_eq(name, c->store_database)) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "store.views_database is store.database: the views have the tables' names");
}

/* A name, or a macro as {cluster}: it is put into statements. */
static status check_cluster(const struct config *c, struct err *err)
{
    static const char signs[] = "_-.{}";
    str name = c->store_cluster;
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                  (ch >= '0' && ch <= '9') || memchr(signs, ch, sizeof signs - 1);
        if (!ok)
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "store.cluster: \"" STR_FMT "\" is no cluster's name", STR_ARG(name));
    }
    if (name.len && !c->store_url.len)
        return err_set(
            err, ST_INVALID, ERR_NOPOS,
            "store.cluster: a cluster is of ClickHouse servers, and store.url is not set");
    return ST_OK;
}

status store_options_of(const struct config *c, struct store_options *ret, struct err *err)
{
    TRY(cold_check(c, err));
    struct store_options o = {
        .driver = c->store_url.len ? STORE_SERVER : STORE_EMBEDDED,
        .database = c->store_database,
        .is_cluster = c->store_cluster.len > 0,
        .connections =
            (unsigned)(c->store_connections < UINT32_MAX ? c->store_connections : UINT32_MAX),
        .library = c->store_library,
        .cold = cold_store(c),
        .s3_credentials_file = c->s3_credentials,
        .url = c->store_url,
        .round_robin = c->store_balance == 1, /* options.def: first|round_robin */
        .user = c->store_user,
        .password = c->store_password,
        .compression = (enum store_compression)c->store_compression,
        .tls = {.ca_file = c->store_tls_ca,
                .cert_file = c->store_tls_cert,
                .key_file = c->store_tls_key,
                .insecure_skip_verify = c->store_tls_skip_verify},
        .connect_timeout_ms = milliseconds(c->store_connect_timeout),
        .request_timeout_ms = milliseconds(c->store_timeout),
    };
    if (!o.connections)
        o.connections = o.driver == STORE_SERVER ? CONNECTIONS_SERVER : CONNECTIONS_EMBEDDED;
    TRY(check_views(c, err));
    TRY(check_cluster(c, err));
    TRY(read_password(c, &o.password, err));
    *ret = o;
    return ST_OK;
}
