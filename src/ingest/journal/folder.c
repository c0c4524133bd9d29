#include "ingest/journal/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

status folder_make(const char *path, struct err *err)
{
    char *p = strdup(path);
    if (!p) abort();
    int bad = 0;
    for (char *c = p + 1; *c && !bad; c++) {
        if (*c != '/') continue;
        *c = 0;
        if (mkdir(p, 0777) != 0 && errno != EEXIST) bad = errno;
        *c = '/';
    }
    if (!bad && mkdir(p, 0777) != 0 && errno != EEXIST) bad = errno;
    free(p);
    if (!bad) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal %s: %s", path, strerror(bad));
}

status folder_read(int dir_fd, const char *name, size_t max, str *ret, struct err *err)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_UNAVAILABLE, ERR_NOPOS,
                       "journal's %s: %s", name, strerror(errno));
    char *p = malloc(max + 1);
    if (!p) abort();
    size_t len = 0;
    int bad = 0;
    while (len <= max) {
        ssize_t n = read(fd, p + len, max + 1 - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) bad = errno;
        if (n <= 0) break;
        len += (size_t)n;
    }
    close(fd);
    status s = ST_OK;
    if (bad)
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal's %s: %s", name, strerror(bad));
    else if (len > max)
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "journal's %s: more than %zu bytes", name, max);
    if (s != ST_OK) {
        free(p);
        return s;
    }
    *ret = (str){p, len};
    return ST_OK;
}

static bool write_all(int fd, str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) return false;
        bytes = str_drop(bytes, (size_t)n);
    }
    return true;
}

status folder_replace(int dir_fd, const char *name, str bytes, struct err *err)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.new", name);
    int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write_all(fd, bytes) && fdatasync(fd) == 0;
    int e = errno;
    if (fd >= 0) close(fd);
    if (ok) {
        ok = renameat(dir_fd, temporary, dir_fd, name) == 0 && fsync(dir_fd) == 0;
        e = errno;
    }
    if (ok) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal's %s: %s", name, strerror(e));
}
