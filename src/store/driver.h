/* driver: what a store driver gives to store.c. A driver's own struct begins with a struct store.
 */
#pragma once

#include "store/changes.h"
#include "store/store.h"

struct store_ops {
    void (*close)(struct store *s);
    status (*start)(struct store *s, struct err *err); /* NULL: nothing to start */
    status (*query)(struct store *s, const struct store_query *q,
                    bool (*chunk)(void *ctx, str piece), void *ctx, struct store_stats *ret,
                    struct err *err);
    /* `sql` is a whole INSERT statement but FORMAT Native. */
    status (*insert)(struct store *s, str sql, const str *body, size_t n, atomic_bool *cancel,
                     struct err *err);
    status (*input_begin)(struct store *s, const struct store_query *q, struct store_input **ret,
                          struct err *err);
    status (*input_append)(struct store_input *in, str piece, struct err *err);
    status (*input_end)(struct store_input *in, struct store_stats *ret, struct err *err);
    void (*input_abort)(struct store_input *in);
};

struct store {
    const struct store_ops *ops;
    enum store_driver driver;
    uint32_t timeout_ms;
    bool is_cluster;
    char version[32];
    struct changes *changes;       /* of the engine in this process; NULL: a server */
    _Atomic(const char *) refusal; /* why no input begins; NULL: it does */
};

struct store_input {
    struct store *store;
    enum change change;
};

/* What an owner of the store, or of its users, can mend while weir runs. */
static inline bool store_may_come(status s) { return status_retryable(s) || s == ST_UNAUTHORIZED; }

/* The part of the pool that queries may not take. */
static inline unsigned store_reserved(unsigned connections)
{
    return connections >= 4 ? 2 : connections >= 2 ? 1 : 0;
}

/* The database's name checked and defaulted; options' strings are borrowed. */
[[nodiscard]] status embedded_open(const struct store_options *opt, struct store **ret,
                                   struct err *err);
[[nodiscard]] status server_check(const struct store_options *opt, struct err *err);
[[nodiscard]] status server_open(const struct store_options *opt, struct store **ret,
                                 struct err *err);
