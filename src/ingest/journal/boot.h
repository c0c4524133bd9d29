/* boot: in which boot of the machine the journal was open last, and which done marks its loss of
 * power makes doubtful.
 *
 * The file `boot` in the journal's folder:
 *
 *   weir journal boot 1
 *   8c6f4f5e-... 12 15        the kernel's boot id, durable, doubted
 *   crc 1a2b3c4d              crc32c of the lines above
 *
 * thread: one at a time (opening, closing). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { BOOT_ID_MAX = 63, BOOT_FILE_MAX = 256 };

/* Done marks in segments below `durable` speak of what the store had on disk at a clean close.
 * Those from there to below `doubted` were written before this boot. The others were written in
 * it. */
struct boot_note {
    char id[BOOT_ID_MAX + 1]; /* empty: not known */
    uint64_t durable, doubted;
};

/* The kernel's id of this boot, from `path`. False: it cannot be had. */
bool boot_id_read(const char *path, char ret[BOOT_ID_MAX + 1]);

void boot_note_print(const struct boot_note *n, struct buf *out);

/* ST_INVALID: not what boot_note_print writes. Pure. */
[[nodiscard]] status boot_note_parse(str text, struct boot_note *ret, struct err *err);

/* What is to be thought of the segments below `next_ordinal` in boot `id`. *ret_changed: it is not
 * what the file says. A damaged file: any boot. No file: this one. */
[[nodiscard]] status boot_note_load(int dir_fd, const char *id, uint64_t next_ordinal,
                                    struct boot_note *ret, bool *ret_changed, struct err *err);

/* Replaces the file. ST_UNAVAILABLE: the disk. */
[[nodiscard]] status boot_note_save(int dir_fd, const struct boot_note *n, struct err *err);
