/* cityhash: CityHash128 as of version 1.0.2, the checksum of ClickHouse's compressed frames. Later
 * versions give other values. Pure. thread: any. */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct cityhash {
    uint64_t low, high;
};

struct cityhash cityhash128(str bytes);
