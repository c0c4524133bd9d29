/* labels: what names a series. Sorted by name, no name twice, no empty value (an empty value is an
 * absent label).
 *
 * Data lies in an arena; a label set is never changed once made: the functions below make new ones.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/regex.h"
#include "base/str.h"

struct label {
    str name, value;
};

struct labels {
    const struct label *list;
    uint32_t n;
};

#define LABEL_NAME S("__name__")

/* Sorts, drops empty values; of a name given twice the later one stays. `list` is reordered.
 * Strings are borrowed. */
struct labels labels_make(struct arena *a, struct label *list, uint32_t n);

str labels_get(struct labels l, str name); /* empty when absent */
int labels_compare(struct labels a, struct labels b);
bool labels_equal(struct labels a, struct labels b);
uint64_t labels_hash(struct labels l);

/* A copy with `name` set to `value` (empty: removed). */
struct labels labels_set(struct arena *a, struct labels l, str name, str value);
/* Only those in `names`, or only those not in `names`. */
struct labels labels_keep(struct arena *a, struct labels l, const str *names, uint32_t n);
struct labels labels_drop(struct arena *a, struct labels l, const str *names, uint32_t n);

/* {a="b", c="d"}: Prometheus' text form. */
void labels_print(struct buf *out, struct labels l);

enum label_match { MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX, MATCH_NOT_REGEX };

struct label_matcher {
    enum label_match op;
    str name, value;
    struct regex *regex; /* for the two regex forms */
};

bool matcher_accepts(const struct label_matcher *m, str value);

/* "text" in double quotes with Go's escapes (strconv.Quote). */
void quote_go(struct buf *out, str s);
