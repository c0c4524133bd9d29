/* regex: patterns held against label values in memory, matched whole: ^(?s:pattern)$.
 *
 * PCRE2 with bounded work; a value on which the bound is reached does not match. Compiled patterns
 * live as long as the arena. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct regex;

/* ST_INVALID: not a regular expression; err->pos is where in the pattern. */
[[nodiscard]] status regex_compile(struct arena *a, str pattern, struct regex **ret,
                                   struct err *err);

bool regex_match(const struct regex *re, str s);

enum { REGEX_GROUPS = 32 };

/* Matches and fills in the groups (0: the whole); groups that took no part have ptr NULL. */
bool regex_capture(const struct regex *re, str s, str groups[REGEX_GROUPS]);

/* The number of the group called `name`, or -1. */
int regex_group(const struct regex *re, str name);
