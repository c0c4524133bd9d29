/* backup_job: a backup of weir's own store as JSON, for the admin port and for `weir backup`.
 * thread: any but a loop; calls block */
#pragma once

#include "config/config.h"
#include "store/store.h"

/* Begins one. `out` gets {"id": "...", "journal": "..."}; `journal` says whether all that was
 * acknowledged is in it. Statuses: lifecycle/backup.h. */
[[nodiscard]] status backup_job_start(const struct config *c, struct store *s, str to, str base,
                                      str journal, struct buf *out, struct err *err);

/* {"running", "files", "bytes", "new_files", "new_bytes"}. */
[[nodiscard]] status backup_job_state(struct store *s, str id, struct buf *out, struct err *err);
