/* backup_place: where a backup lies, as the engine's BACKUP and RESTORE name it. Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* An absolute path becomes File('...') (a folder, or one file when it ends with .zip, .tar,
 * .tar.gz, .tar.zst, ...), a place in an object store (store/s3_url.h) S3('...'), whose credentials
 * the engine finds in its environment. ST_INVALID: neither; the message does not hold the text of
 * an address. */
[[nodiscard]] status backup_place_sql(str place, str region, struct buf *out, struct err *err);
