#include "cmd/retention_of.h"

#include "cmd/cold.h"

static uint32_t whole_days(nanos t) { return (uint32_t)((t + NANOS_DAY - 1) / NANOS_DAY); }

struct schema_settings settings_of(const struct config *c)
{
    static const uint32_t seconds[] = {3600, 21600, 86400}; /* options.def: 1h|6h|1d */
    struct schema_settings set = {
        .traces_partition_seconds = seconds[c->traces_partition],
        .retention_days =
            {
#define RETENTION(ident) [SCHEMA_KEEP_##ident] = whole_days(c->retention_##ident),
#include "schema/retentions.def"
#undef RETENTION
            },
        .cluster = c->store_cluster,
        .database = c->store_database,
        .views = c->store_views,
    };
    cold_settings(c, &set);
    return set;
}

status retention_of(const struct config *c, struct arena *a, struct retention *ret, struct err *err)
{
    if (c->n_overrides && c->store_cluster.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "retention.overrides are not possible with store.cluster: give the services "
                       "a database of their own instead");
    *ret = (struct retention){.settings = settings_of(c), .n_rules = c->n_overrides};
    ret->settings.cluster = arena_str(a, c->store_cluster);
    ret->settings.database = arena_str(a, c->store_database);
    ret->settings.views = arena_str(a, ret->settings.views);
    ret->settings.cold_policy = arena_str(a, ret->settings.cold_policy);
    struct retention_rule *rules = arena_array(a, struct retention_rule, c->n_overrides + 1);
    for (size_t i = 0; i < c->n_overrides; i++) {
        const struct retention_override *o = &c->overrides[i];
        struct retention_match *match = arena_array(a, struct retention_match, o->n_match);
        for (size_t k = 0; k < o->n_match; k++)
            match[k] = (struct retention_match){arena_str(a, o->match[k].key),
                                                arena_str(a, o->match[k].value)};
        rules[i] = (struct retention_rule){.match = match,
                                           .n_match = o->n_match,
                                           .days = whole_days(o->raw),
                                           .traces = o->signals[0],
                                           .logs = o->signals[1],
                                           .metrics = o->signals[2]};
    }
    ret->rules = rules;
    return ST_OK;
}

status raw_ages_of(const struct config *c, struct raw_ages *ret, struct err *err)
{
    struct arena a;
    arena_init(&a, 1u << 20);
    struct retention r;
    status s = retention_of(c, &a, &r, err);
    if (s == ST_OK) {
        const struct schema_settings longest = retention_longest(&r);
        const uint32_t *days = longest.retention_days;
        *ret = (struct raw_ages){.traces = days[SCHEMA_KEEP_traces] * NANOS_DAY,
                                 .logs = days[SCHEMA_KEEP_logs] * NANOS_DAY,
                                 .metrics = days[SCHEMA_KEEP_metrics] * NANOS_DAY};
    }
    arena_done(&a);
    return s;
}
