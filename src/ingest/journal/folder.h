/* folder: the journal's folder and the small files in it. thread: one at a time (opening). */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* The folder and those above it; there already is fine. */
[[nodiscard]] status folder_make(const char *path, struct err *err);

/* A whole small file; longer than `max` is ST_LIMIT. `ret` is malloc'ed. ST_NOT_FOUND: there is
 * none. ST_UNAVAILABLE: it cannot be read. */
[[nodiscard]] status folder_read(int dir_fd, const char *name, size_t max, str *ret,
                                 struct err *err);

/* Writes `name`.new, syncs it, renames it to `name` and syncs the folder: after a crash there is
 * the old file or the new one. ST_UNAVAILABLE: the disk. */
[[nodiscard]] status folder_replace(int dir_fd, const char *name, str bytes, struct err *err);
