/* file_mark: what tells one version of a file from the next: for those who read a file again when
 * it has changed. thread: any */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct file_mark {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* Of the file as it is now; zeroes when it is not there or `path` is NULL. */
struct file_mark file_mark(const char *path);

/* Takes the file's mark of now into *m; true when it is another than the one that was there. Mark
 * before you read: a change meanwhile is seen the next time. */
bool file_mark_moved(struct file_mark *m, const char *path);
