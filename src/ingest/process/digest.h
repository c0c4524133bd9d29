/* digest: hashes as lower-case hexadecimal text, by OpenSSL. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct digest;

/* `name` as OpenSSL has it: "SHA256", "MD5". Freed with the arena. ST_INVALID: this OpenSSL does
 * not offer it. thread: any, once made. */
[[nodiscard]] status digest_new(struct arena *a, const char *name, const struct digest **ret,
                                struct err *err);

/* In the arena. */
str digest_hex(const struct digest *d, struct arena *a, str bytes);
