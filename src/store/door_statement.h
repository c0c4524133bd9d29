/* door_statement: one exchange's statement, from its text to the end of its answer. thread: door */
#pragma once

#include "store/door_active.h"
#include "store/door_exchange.h"

struct door_context {
    struct store *store;
    struct door_users *users;
    struct door_active *active;
    bool read_only; /* whoever asks */
    uint64_t max_insert_bytes;
    char timezone[64], host[256];
};

/* `user`: who asks. */
void door_statement_run(const struct door_context *c, struct door_exchange *e,
                        const struct door_user *user);

/* An answer without a statement: code and text as an exception. */
void door_statement_refuse(const struct door_context *c, struct door_exchange *e, int code,
                           status s, const struct err *err);
