/* auth: bearer tokens and basic passwords of the OTLP ports.
 *
 * What is kept are SHA-256 hashes; what a client sends is hashed and compared with all of them, so
 * the time it takes tells nothing of how much was right. Secrets are in no error and no log.
 * thread: loop (each receiver has its own) */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "ingest/receive/receive.h"

struct auth;

/* *ret is NULL when nothing is asked for: everybody may. Strings of `opt` are borrowed for as long.
 * ST_INVALID: a file cannot be read, or a line of it is wrong ("file:line: why"). */
[[nodiscard]] status auth_open(const struct receive_auth *opt, struct auth **ret, struct err *err);
void auth_close(struct auth *a); /* accepts NULL */

/* Looks at most every two seconds whether a file has changed, and then reads it again. One that
 * cannot be used is logged and the old one stays in force. */
void auth_refresh(struct auth *a, uint64_t now_ms);

/* `authorization`: the header's value; ptr NULL when there is none. */
bool auth_allows(const struct auth *a, str authorization);

/* For WWW-Authenticate. */
str auth_challenge(const struct auth *a);
