/* engine_config: the text of the embedded engine's configuration file. Pure. */
#pragma once

#include "base/buf.h"
#include "store/store.h"

/* The disk of the objects. What lies there is listed in <engine's folder>/disks/<this>/. */
#define ENGINE_COLD_BUCKET "cold_bucket"

struct engine_config {
    str users_file;        /* of users and roles */
    uint64_t memory_bytes; /* 0: the engine's default */
    /* Where cold parts lie: a folder that ends with "/", or an endpoint that does. Both empty:
     * there is no cold volume. Without the check an endpoint that does not answer is no reason not
     * to start. */
    str cold_path, cold_endpoint, cold_region;
    str no_cold_path; /* a folder for the volume when there is no other */
    uint64_t cold_cache_bytes;

    str backup_path; /* the folder below which BACKUP and RESTORE may work; empty: none */
};

/* No credential is in it: the engine finds them in its environment (embedded_engine.h). */
void engine_config_write(const struct engine_config *c, struct buf *out);
