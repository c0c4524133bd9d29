/* envelope: an entry of the cache as bytes, with what tells whose it is. Pure; private to the cache
 * and its fuzz target.
 *
 *   "WQC1" | crc32c of all that follows (4) | generation (8) | length of name (4) | name | payload
 *
 * Little endian. The digit is the version of this and of the payload. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { ENVELOPE_HEAD = 20 };

static inline size_t envelope_size(size_t name, size_t payload)
{
    return ENVELOPE_HEAD + name + payload;
}
/* Writes envelope_size() bytes. */
void envelope_write(char *out, str name, uint64_t generation, str payload);
/* False: not one, or damaged. The strings borrow from `bytes`. */
bool envelope_read(str bytes, str *ret_name, uint64_t *ret_generation, str *ret_payload);
