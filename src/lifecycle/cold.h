/* cold: which tables have rows that go to the volume `cold`, and, for a server, the storage policy
 * that has such a volume: its disks are its own (lifecycle_use_policy). */
#pragma once

#include "schema/settings.h"

/* At which age a table's rows go there; 0: never. Pure. */
uint32_t cold_after_days(const struct schema_settings *set, const char *table);
