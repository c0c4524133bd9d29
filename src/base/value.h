/* value: texts of option values (sizes, durations, choices) to numbers and back. Pure. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/* "64MiB", "1.5GiB", "10MB", "1000". Units: B, KiB MiB GiB TiB (1024), KB MB GB TB (1000). */
[[nodiscard]] status value_size(str s, uint64_t *ret, struct err *err);
/* "500ms", "10s", "1h30m", "30d", "2w", "1y", "0". */
[[nodiscard]] status value_time(str s, nanos *ret, struct err *err);
/* One of "a|b|c": its index. */
[[nodiscard]] status value_choice(str s, const char *list, uint32_t *ret, struct err *err);

void value_print_size(struct buf *out, uint64_t v);
void value_print_time(struct buf *out, nanos v);
/* Quoted as YAML does; what is not UTF-8 becomes U+FFFD. */
void value_print_text(struct buf *out, str s);
