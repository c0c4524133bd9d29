#include "base/file_mark.h"

struct file_mark file_mark(const char *path)
{
    struct stat s;
    if (!path || stat(path, &s)) return (struct file_mark){0};
    return (struct file_mark){s.st_dev, s.st_ino, s.st_size, s.st_mtim};
}

bool file_mark_moved(struct file_mark *m, const char *path)
{
    struct file_mark was = *m;
    *m = file_mark(path);
    return m->dev != was.dev || m->ino != was.ino || m->size != was.size ||
           m->changed.tv_sec != was.changed.tv_sec || m->changed.tv_nsec != was.changed.tv_nsec;
}
