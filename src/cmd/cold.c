#include "cmd/cold.h"

#include <limits.h>

#include "store/s3_url.h"

static status invalid(struct err *err, const char *why)
{
    return err_set(err, ST_INVALID, ERR_NOPOS, "%s", why);
}

static status check_path(str path, const char *option, struct err *err)
{
    if (!path.len || path.ptr[0] == '/') return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "%s: want an absolute path, got \"" STR_FMT "\"",
                   option, STR_ARG(path));
}

static status check_url(const struct config *c, struct err *err)
{
    struct buf endpoint;
    buf_init(&endpoint, PATH_MAX);
    status s = s3_url_endpoint(c->cold_url, c->cold_region, &endpoint, err);
    buf_done(&endpoint);
    return s == ST_OK ? ST_OK : err_wrap(err, s, "store.cold.url");
}

status cold_check(const struct config *c, struct err *err)
{
    bool server = c->store_url.len, own = c->cold_path.len || c->cold_url.len;
    if (server && own)
        return invalid(err, "store.cold.path and store.cold.url are for the embedded engine; with "
                            "store.url name a storage policy of the server in store.cold.policy");
    if (!server && c->cold_policy.len)
        return invalid(err,
                       "store.cold.policy is for a server (store.url); for the embedded engine "
                       "give store.cold.path or store.cold.url");
    if (c->cold_path.len && c->cold_url.len)
        return invalid(err, "store.cold.path and store.cold.url: only one can be");
    TRY(check_path(c->cold_path, "store.cold.path", err));
    TRY(check_path(c->backup_path, "backup.path", err));
    return c->cold_url.len ? check_url(c, err) : ST_OK;
}

struct store_cold cold_store(const struct config *c)
{
    return (struct store_cold){c->cold_path, c->cold_url, c->cold_region, c->cold_cache};
}

static uint32_t whole_days(nanos t) { return (uint32_t)((t + NANOS_DAY - 1) / NANOS_DAY); }

void cold_settings(const struct config *c, struct schema_settings *set)
{
    if (!c->cold_path.len && !c->cold_url.len && !c->cold_policy.len) return;
    set->hot_days[SCHEMA_KEEP_traces] = whole_days(c->retention_traces_hot);
    set->hot_days[SCHEMA_KEEP_logs] = whole_days(c->retention_logs_hot);
    set->hot_days[SCHEMA_KEEP_metrics] = whole_days(c->retention_metrics_hot);
    set->cold_policy = c->cold_policy;
}
