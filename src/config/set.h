/* set: options from entries of the file's tree, for receiver.c and authenticator.c. */
#pragma once

#include "config/config.h"

/* Sets the option from the text; what is wrong has the place of `at`. */
[[nodiscard]] status set_from(struct config *c, const struct tree *at, str option, str text,
                              struct err *err);

/* The scalar under `key`, when there is one, as it is. */
[[nodiscard]] status set_scalar(struct config *c, const struct tree *map, str key, str option,
                                struct err *err);

/* A key that the Collector knows and weir has no option for, and what to do without it. `value` is
 * what weir does anyway and may therefore be said (empty: nothing). */
struct refusal {
    str key, value;
    const char *why;
};
[[nodiscard]] status refuse(const struct tree *map, const struct refusal *all, size_t n,
                            struct err *err);
#define REFUSE(map, err, list) refuse(map, list, sizeof(list) / sizeof *(list), err)
