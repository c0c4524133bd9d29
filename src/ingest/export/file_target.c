#include "ingest/export/file_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static status failed(const struct file_target *t, struct err *err, const char *what)
{
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: %s: %s", t->path, what, strerror(errno));
}

void file_target_close(struct file_target *t)
{
    if (t->fd < 0) return;
    (void)fdatasync(t->fd);
    close(t->fd);
    t->fd = -1;
}

status file_target_open(struct file_target *t, bool empty, struct err *err)
{
    file_target_close(t);
    t->fd = open(t->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (empty ? O_TRUNC : 0), 0644);
    struct stat st;
    if (t->fd < 0) return failed(t, err, "cannot be opened");
    if (fstat(t->fd, &st) != 0) return failed(t, err, "cannot be looked at");
    t->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    return ST_OK;
}

/* name-2026-11-23T04-05-06.789.ext, beside the file. */
static void backup_name(const struct file_target *t, char *out, size_t room)
{
    const char *slash = strrchr(t->path, '/'), *base = slash ? slash + 1 : t->path;
    const char *dot = strrchr(base, '.');
    if (!dot || dot == base) dot = base + strlen(base);
    nanos now = clock_now();
    time_t s = (time_t)(now / NANOS_S);
    struct tm tm;
    char when[40];
    if (t->rotation.localtime)
        localtime_r(&s, &tm);
    else
        gmtime_r(&s, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H-%M-%S", &tm);
    snprintf(out, room, "%.*s-%s.%03d%s", (int)(dot - t->path), t->path, when,
             (int)(now % NANOS_S / NANOS_MS), dot);
}

struct backup {
    char name[256];
    nanos at;
};

static int newest_first(const void *a, const void *b)
{
    const struct backup *x = a, *y = b;
    return x->at < y->at ? 1 : x->at > y->at ? -1 : -strcmp(x->name, y->name);
}

/* Is `name` one of ours: between the file's stem and its extension a time as above? */
static bool is_backup(const char *name, const char *stem, size_t stem_len, const char *ext)
{
    static const char shape[] = "-0000-00-00T00-00-00.000";
    size_t len = strlen(name), ext_len = strlen(ext);
    if (len != stem_len + sizeof shape - 1 + ext_len || memcmp(name, stem, stem_len) != 0 ||
        strcmp(name + len - ext_len, ext) != 0)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        char c = name[stem_len + i];
        if (shape[i] == '0' ? c < '0' || c > '9' : c != shape[i]) return false;
    }
    return true;
}

enum { BACKUPS_MAX = 10000 };

/* Takes away what is too old or too many. What fails is tried at the next rotation. */
static void prune(const struct file_target *t, int dir_fd, const char *base)
{
    const char *dot = strrchr(base, '.');
    if (!dot || dot == base) dot = base + strlen(base);
    DIR *d = fdopendir(dir_fd);
    if (!d) {
        close(dir_fd);
        return;
    }
    struct backup *all = NULL;
    size_t n = 0, cap = 0;
    for (struct dirent *e; (e = readdir(d)) && n < BACKUPS_MAX;) {
        struct stat st;
        if (!is_backup(e->d_name, base, (size_t)(dot - base), dot) ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            all = realloc(all, cap * sizeof *all);
            if (!all) abort();
        }
        snprintf(all[n].name, sizeof all[n].name, "%s", e->d_name);
        all[n++].at = (nanos)st.st_mtim.tv_sec * NANOS_S + st.st_mtim.tv_nsec;
    }
    if (n) qsort(all, n, sizeof *all, newest_first);
    nanos now = clock_now();
    for (size_t i = 0; i < n; i++) {
        bool many = t->rotation.max_backups && i >= t->rotation.max_backups;
        bool old = t->rotation.max_age && now - all[i].at > t->rotation.max_age;
        if (many || old) (void)unlinkat(dirfd(d), all[i].name, 0);
    }
    free(all);
    closedir(d);
}

static status rotate(struct file_target *t, struct err *err)
{
    char name[4096], dir[4096] = ".";
    backup_name(t, name, sizeof name);
    file_target_close(t);
    if (rename(t->path, name) != 0 && errno != ENOENT) return failed(t, err, "cannot be renamed");
    const char *slash = strrchr(t->path, '/');
    if (slash) snprintf(dir, sizeof dir, "%.*s", (int)(slash - t->path) + 1, t->path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) prune(t, fd, slash ? slash + 1 : t->path);
    return file_target_open(t, false, err);
}

/* Does the name still lead to the file that is open? */
static bool moved(const struct file_target *t)
{
    struct stat ours, there;
    return fstat(t->fd, &ours) != 0 || stat(t->path, &there) != 0 || ours.st_ino != there.st_ino ||
           ours.st_dev != there.st_dev;
}

/* Not to be cut: a pipe, a terminal. */
static void take_back(const struct file_target *t)
{
    struct stat st;
    if (fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode)) (void)!ftruncate(t->fd, (off_t)t->size);
}

static status write_all(struct file_target *t, str records, struct err *err)
{
    str rest = records;
    while (rest.len) {
        ssize_t n = write(t->fd, rest.ptr, rest.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            status s = failed(t, err, "cannot be written");
            take_back(t);
            return s;
        }
        rest = str_drop(rest, (size_t)n);
    }
    t->size += records.len;
    return ST_OK;
}

status file_target_append(struct file_target *t, str records, struct err *err)
{
    if (t->fd < 0 || moved(t)) TRY(file_target_open(t, false, err));
    if (t->rotation.enabled && t->size && t->size + records.len > t->rotation.max_bytes)
        TRY(rotate(t, err));
    TRY(write_all(t, records, err));
    nanos now = clock_monotonic();
    if (now - t->synced >= t->sync_interval) {
        (void)fdatasync(t->fd);
        t->synced = now;
    }
    return ST_OK;
}
