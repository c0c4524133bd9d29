/* A running service reads its configuration again. */
#include "cmd/retention_of.h"
#include "cmd/service.h"
#include "obs/log.h"

extern char **environ;

static const str prefixes[] = {S("retention."), S("store.disk.")};

static void needs_restart(void *service, str name)
{
    const struct service *s = service;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (name.len > prefixes[i].len && memcmp(name.ptr, prefixes[i].ptr, prefixes[i].len) == 0)
            return;
    log_warn(s->name, "an option has changed that takes effect at the next start",
             LOG_STR("option", name));
}

/* `reloading` is held. The texts of `a` are the configuration's from here on. */
static void take(struct service *s, const struct config *c, struct arena a,
                 const struct raw_ages *ages)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        config_take(&s->config, c, prefixes[i]);
    arena_done(&s->reloaded);
    s->reloaded = a;
    if (s->pipeline) pipeline_set_retention(s->pipeline, ages->traces, ages->logs, ages->metrics);
}

static status reload(struct service *s, struct owner *owner, struct err *err)
{
    struct arena a;
    struct config c;
    struct raw_ages ages;
    arena_init(&a, 64u << 20);
    status st = config_load(&c, &a, s->argc, s->argv, environ, err);
    if (st == ST_OK) st = raw_ages_of(&c, &ages, err);
    if (st == ST_OK) st = owner_reload(owner, &c, err);
    if (st != ST_OK) {
        arena_done(&a);
        return st;
    }
    config_compare(&s->config, &c, needs_restart, s);
    take(s, &c, a, &ages);
    log_info(s->name, "the configuration was read again");
    return ST_OK;
}

status service_reload(struct service *s, struct err *err)
{
    struct owner *owner = atomic_load(&s->owner);
    if (!owner)
        return err_set(err, s->owns_tables ? ST_UNAVAILABLE : ST_UNSUPPORTED, ERR_NOPOS,
                       s->owns_tables ? "the tables are being made ready"
                                      : "nothing to read again in this process");
    pthread_mutex_lock(&s->reloading);
    status st = reload(s, owner, err);
    pthread_mutex_unlock(&s->reloading);
    return st;
}
