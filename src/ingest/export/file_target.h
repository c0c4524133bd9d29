/* file_target: one growing file with its older ones: whole records are appended or nothing is.
 * thread: one at a time. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct file_rotation {
    bool enabled;
    uint64_t max_bytes;   /* of one file */
    nanos max_age;        /* older ones go; 0: never */
    uint32_t max_backups; /* older ones kept; 0: all */
    bool localtime;       /* in their names, else UTC */
};

struct file_target {
    const char *path; /* borrowed */
    struct file_rotation rotation;
    nanos sync_interval; /* 0: after each write */
    int fd;              /* -1: not open */
    uint64_t size;       /* whole records in it */
    nanos synced;        /* monotonic */
};

/* Opens the file for appending, or makes it; `empty`: what was in it goes. ST_UNAVAILABLE. */
[[nodiscard]] status file_target_open(struct file_target *t, bool empty, struct err *err);
void file_target_close(struct file_target *t); /* accepts one that is not open */

/* Appends whole records, in a new file when they would pass the rotation's size. The file is opened
 * when it is not, or when its name leads to another file by now (somebody else rotates).
 *
 * ST_UNAVAILABLE: not all of it could be written (a full disk); what was is taken out again. */
[[nodiscard]] status file_target_append(struct file_target *t, str records, struct err *err);
