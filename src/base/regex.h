/* regex: the regular expressions of PromQL and LogQL (RE2's syntax), matched by PCRE2.
 *
 * What RE2 does not have (look-around, back references, recursion, possessive quantifiers, verbs)
 * is refused, so that no pattern means one thing here and another in ClickHouse or in Go. Matching
 * is bounded: a pattern that backtracks too much is matched without backtracking. A regex belongs
 * to one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct regex;

enum regex_mode {
    REGEX_SEARCH, /* anywhere in the text; "." does not match a newline */
    REGEX_WHOLE,  /* the whole text; "." matches everything: label matchers */
};

enum { REGEX_MAX_BYTES = 16 << 10, REGEX_MAX_GROUPS = 64 };

/* Freed with the arena. ST_INVALID: err->pos is the byte offset in `pattern`. */
[[nodiscard]] status regex_new(struct arena *a, str pattern, enum regex_mode mode,
                               struct regex **ret, struct err *err);

bool regex_match(struct regex *r, str text);

/* Matches and appends `replacement` to `out` with $1, ${1}, $name, ${name} and $$ filled in, as
 * Go's Expand does. False, and nothing appended, when `text` does not match. */
struct buf;
bool regex_expand(struct regex *r, str text, str replacement, struct buf *out);
