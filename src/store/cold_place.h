/* cold_place: is the cold volume of an engine's folder the one its parts were moved to?
 *
 * The engine forgets the parts of a disk that is not configured any more, so the place is written
 * down in <engine's folder>/weir-cold, and a folder that serves as cold volume gets a file of the
 * same name and content. thread: main, before the engine starts. Blocks on the file system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct cold_place {
    str path;     /* a folder, ending with "/"; made with its parents when absent */
    str endpoint; /* s3_url.h; both empty: no cold volume */
};

/* How many parts lie there is set in *ret_parts. ST_INVALID: parts lie at another place than `want`
 * says, or want's folder is not the one that was used (not mounted?); the message names the place
 * and what to do. ST_UNAVAILABLE: files cannot be read or written. */
[[nodiscard]] status cold_place_settle(const char *engine_dir, const struct cold_place *want,
                                       size_t *ret_parts, struct err *err);
