/* CRC-32C (Castagnoli), as in RFC 3720; SSE4.2 where the machine has it. Pure. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* Continues from `crc` (0 to begin). */
uint32_t crc32c(uint32_t crc, str bytes);
uint32_t crc32c_plain(uint32_t crc, str bytes); /* table-driven; the oracle of the fast one */
