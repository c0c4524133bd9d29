/* regex: the regular expressions of PromQL and LogQL (RE2's syntax), matched by PCRE2.
 *
 * What RE2 does not have (look-around, back references, recursion, possessive quantifiers, verbs)
 * is refused, so that no pattern means one thing here and another in ClickHouse or in Go. Matching
 * is bounded: a pattern that backtracks too much is matched without backtracking. A regex belongs
 * to one thread at a time, but for the functions that take a scratch: with a scratch each, threads
 * share regexes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* What matching writes to: one for each thread, and good for every regex. */
struct regex_scratch;
struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *s); /* accepts NULL */

bool regex_matches(const struct regex *r, struct regex_scratch *s, str text);

/* Groups of the pattern, without the whole match, which is group 0. */
uint32_t regex_group_count(const struct regex *r);
/* The name of group 1, 2, ...; empty when it has none. Borrows from the regex. */
str regex_group_name(const struct regex *r, uint32_t group);

/* The first match at or behind byte `from` (<= text.len). ret[0] is the match, ret[1] to ret[n - 1]
 * the groups; one that took no part has a NULL ptr. A pattern that backtracks too much has its
 * longest match for ret[0], and no groups. */
bool regex_find(const struct regex *r, struct regex_scratch *s, str text, size_t from, str *ret,
                uint32_t n);
