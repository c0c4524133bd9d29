/* kept: answers of the store to statements that are asked again and again while nothing they read
 * changes: which series there are. Whole answers, as bytes, up to a number of bytes together; what
 * was used longest ago goes first. Private to query/fetch. thread: any (one mutex) */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "query/fetch/fetch.h"

/* What an answer holds for. */
struct kept_mark {
    uint64_t epoch, series; /* of struct store_changes */
    nanos until;            /* monotonic; 0: no matter how long */
};

/* An answer that is in use stays. */
struct kept_answer;
str kept_bytes(const struct kept_answer *a);

/* The answer to `question` (the statement and its parameters) that holds now, whose `until` is not
 * looked at; NULL: there is none. To be given back. */
const struct kept_answer *kept_find(struct kept *k, str question, struct kept_mark now);
void kept_done(struct kept *k, const struct kept_answer *a);
/* Copies both. Nothing when they are a large part of what may be kept. */
void kept_put(struct kept *k, str question, struct kept_mark mark, str answer);
/* No larger answer is kept. */
size_t kept_most_of_one(const struct kept *k);
