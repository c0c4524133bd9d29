/* tree: a configuration as it was written: maps, lists and scalars, each with its place, so that
 * whoever reads an option can say where it is wrong. base/yaml.h makes one. Pure; read-only once
 * made; thread: any.
 *
 * Readers leave *io as it is when the key is absent (or null), so a caller puts the default there
 * first. What they say no to reads "file:line:column: path.to.key: why". All return ST_INVALID on
 * failure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum tree_kind { TREE_NULL, TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
    enum tree_kind kind;
    bool quoted; /* a scalar in quotes: text even when it looks like a number */
    str key;     /* in a map; else empty */
    str text;    /* of a scalar, after ${...} has been replaced */
    const struct tree *parent, *first, *next; /* `first`: of a list's or a map's entries */
    uint32_t n;                               /* entries */
    const char *file;
    uint32_t line, column;         /* of the value, from 1 */
    uint32_t key_line, key_column; /* of its key; 0 outside maps */
};

/* The entry of a map; NULL when `map` is NULL or no map, or has none. */
const struct tree *tree_get(const struct tree *map, str key);

/* Sets *err to "file:line:column: path: message" and returns ST_INVALID. `at`: the value's place.
 */
[[gnu::format(printf, 3, 4)]] status tree_fail(const struct tree *at, struct err *err,
                                               const char *fmt, ...);

/* The same at the key's place. */
[[gnu::format(printf, 3, 4)]] status tree_fail_key(const struct tree *at, struct err *err,
                                                   const char *fmt, ...);

/* `at` is absent or a map whose keys are all among `names`; the nearest valid one is told. */
[[nodiscard]] status tree_only(const struct tree *at, const str *names, size_t n, struct err *err);
#define TREE_ONLY(at, err, ...) \
    tree_only(at, (const str[]){__VA_ARGS__}, sizeof((const str[]){__VA_ARGS__}) / sizeof(str), err)

[[nodiscard]] status tree_expect(const struct tree *at, enum tree_kind kind, struct err *err);
[[nodiscard]] status tree_text(const struct tree *map, str key, str *io, struct err *err);
[[nodiscard]] status tree_flag(const struct tree *map, str key, bool *io, struct err *err);
[[nodiscard]] status tree_u64(const struct tree *map, str key, uint64_t least, uint64_t most,
                              uint64_t *io, struct err *err);
[[nodiscard]] status tree_f64(const struct tree *map, str key, double least, double most,
                              double *io, struct err *err);
[[nodiscard]] status tree_size(const struct tree *map, str key, uint64_t *io, struct err *err);
[[nodiscard]] status tree_time(const struct tree *map, str key, nanos least, nanos *io,
                               struct err *err);
/* One of "a|b|c": its index. */
[[nodiscard]] status tree_choice(const struct tree *map, str key, const char *list, uint32_t *io,
                                 struct err *err);
/* A list of scalars, or one scalar, which is a list of one. In the arena. */
[[nodiscard]] status tree_texts(struct arena *a, const struct tree *map, str key, str **io,
                                size_t *io_n, struct err *err);
