#include "cmd/door.h"

#include "cmd/access.h"

enum { READERS_THREADS = 2, AUTO = 0, TRUE = 1 };

/* `tls` is where the options point. */
static status options_of(const struct config *c, bool reader, struct http_tls *tls,
                         struct http_door_options *ret, struct err *err)
{
    bool has_tls = false;
    struct http_door_options opt = {
        .read_only = c->clickhouse_readonly == TRUE || (reader && c->clickhouse_readonly == AUTO),
        .users_file = c->clickhouse_users.len ? c->clickhouse_users.ptr : NULL,
        .threads = reader ? READERS_THREADS : 0,
    };
    if (c->clickhouse_endpoint.len)
        TRY(config_endpoint(c, c->clickhouse_endpoint, "clickhouse.endpoint", &opt.host, &opt.port,
                            err));
    TRY(access_tls("clickhouse.tls", c->clickhouse_tls_cert, c->clickhouse_tls_key,
                   c->clickhouse_tls_client_ca, c->clickhouse_tls_min, tls, &has_tls, err));
    if (has_tls) opt.tls = tls;
    *ret = opt;
    status s = http_door_check(ret, err);
    return s == ST_OK ? s : err_wrap(err, s, "clickhouse.users_file");
}

status door_check(const struct config *c, struct err *err)
{
    struct http_tls tls;
    struct http_door_options opt;
    return options_of(c, false, &tls, &opt, err);
}

status door_open(const struct config *c, struct store *store, bool reader, struct http_door **ret,
                 struct err *err)
{
    struct http_tls tls;
    struct http_door_options opt;
    if (!c->clickhouse_endpoint.len || c->store_url.len) return ST_OK;
    TRY(options_of(c, reader, &tls, &opt, err));
    return http_door_open(&opt, store, ret, err);
}
