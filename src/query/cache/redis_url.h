/* redis_url: where a Redis is, as the configuration says it. Pure; private to the cache. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct redis_place {
    const char *host, *user, *password; /* user, password: NULL where there is none */
    int port;
    unsigned database;
};

/* [redis://][[user]:password@]host:port[/database], the port 6379 where there is none. In the
 * arena; %XX in user and password is decoded. ST_INVALID. */
[[nodiscard]] status redis_place_read(struct arena *a, str text, struct redis_place *ret,
                                      struct err *err);
