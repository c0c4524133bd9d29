/* embedded_connection: one connection to the engine in this process and the settings it has now.
 * Belongs to whoever took its slot from the pool. */
#pragma once

#include "store/embedded_engine.h"

struct embedded_connection {
    const struct chdb *api;
    chdb_connection *handle; /* NULL: not open */
    char comment[ENGINE_COMMENT_MAX];
    enum store_role role;  /* as whom it is now */
    struct buf database;   /* where it is now */
    struct buf set, reset; /* what the last SET said, and what takes it back */
};

/* Opens it when it is not open, goes to `database` (the store's, made when absent) or to the
 * statement's, takes on its role, and makes its settings exactly those of `q` and its timeout
 * (`q` may be NULL: the defaults). A SET only when they differ from the last statement's. */
[[nodiscard]] status embedded_connection_prepare(struct embedded_connection *c, str database,
                                                 const struct store_query *q, struct err *err);

/* Closes it; the next prepare opens another. */
void embedded_connection_close(struct embedded_connection *c);
