/* backup_folder: below which folder the embedded engine may write and read backups. */
#pragma once

#include "config/config.h"

/* backup.path, or <data.dir>/backups as an absolute path; the data folder exists. Nothing is made.
 * The text lies in the arena. */
[[nodiscard]] status backup_folder(const struct config *c, struct arena *a, str *ret,
                                   struct err *err);
