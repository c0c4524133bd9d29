#include "store/read_ahead.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "obs/log.h"

enum {
    WALKS = 4,
    PART_DEPTH = 3, /* of a part's folder below DIR/store: abc, UUID, PART */
    DEEPEST = 5,    /* projections are at 4 */
    FILES_MAX = 1 << 18,
    FILE_BYTES = 65536, /* of a file; those of real parts have 1 to 20 KiB */
};

struct walk {
    unsigned share, shares;
    atomic_bool *stop;
    struct read_ahead_found found;
};

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with)
{
    size_t n = strlen(name), m = strlen(with);
    return n >= m && memcmp(name + n - m, with, m) == 0;
}

/* What is read of a part when its table is loaded: all but the rows, the primary key, the indexes
 * and the marks; of those the ones that tell how many rows are in a granule, which are a compact
 * part's, and the first column's of a wide part. And the statements that make the tables. */
static bool is_read_at_start(const char *name)
{
    return ends(name, ".txt") || ends(name, ".json") || ends(name, ".dat") || ends(name, ".sql") ||
           begins(name, "minmax_") || begins(name, "data.cmrk") || begins(name, "timestamp.cmrk");
}

static bool is_over(const struct walk *w)
{
    return atomic_load_explicit(w->stop, memory_order_relaxed) || w->found.files >= FILES_MAX;
}

/* Looked at, because the engine does that with every file of a part. */
static void look(struct walk *w, int dir, const char *name)
{
    w->found.files++;
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        w->found.failed++;
        return;
    }
    if (!S_ISREG(st.st_mode) || !st.st_size || !is_read_at_start(name)) return;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        w->found.failed++;
        return;
    }
    w->found.asked++;
    (void)posix_fadvise(fd, 0, st.st_size < FILE_BYTES ? st.st_size : FILE_BYTES,
                        POSIX_FADV_WILLNEED);
    close(fd);
}

/* Is a part in the page cache? Its checksums are read by whoever reads the rest. */
static bool is_warm(int dir)
{
    int fd = openat(dir, "checksums.txt", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    char byte;
    ssize_t n = preadv2(fd, &(struct iovec){&byte, 1}, 1, 0, RWF_NOWAIT);
    close(fd);
    return n == 1;
}

static int open_folder(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool is_folder(int dir, const struct dirent *e)
{
    if (e->d_type != DT_UNKNOWN) return e->d_type == DT_DIR;
    struct stat st;
    return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Is this folder or file, `depth` below DIR/store, for this walk? Above the parts every walk goes
 * through all folders. By the name: the engine makes and deletes folders meanwhile. */
static bool is_mine(const struct walk *w, const char *name, bool folder, int depth)
{
    if (!folder) return depth > PART_DEPTH || w->share == 0;
    if (depth != PART_DEPTH) return depth <= DEEPEST;
    return strcmp(name, "detached") != 0 && hash_str(str_of(name)) % w->shares == w->share;
}

/* Takes `fd`, a folder `depth` below DIR/store. */
static void walk_folder(struct walk *w, int fd, int depth)
{
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        w->found.failed++;
        if (fd >= 0) close(fd);
        return;
    }
    if (depth == PART_DEPTH && is_warm(fd)) {
        w->found.warm++;
        closedir(d);
        return;
    }
    for (const struct dirent *e; !is_over(w) && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        bool folder = is_folder(fd, e);
        if (!is_mine(w, e->d_name, folder, depth + 1)) continue;
        if (folder)
            walk_folder(w, open_folder(fd, e->d_name), depth + 1);
        else
            look(w, fd, e->d_name);
    }
    closedir(d);
}

void read_ahead_walk(const char *dir, unsigned share, unsigned shares, atomic_bool *stop,
                     struct read_ahead_found *ret)
{
    struct walk w = {.share = share, .shares = shares, .stop = stop};
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/store", dir) < (int)sizeof path)
        walk_folder(&w, open_folder(AT_FDCWD, path), 0);
    *ret = w.found;
}

/* ---- threads ---- */

struct thread {
    pthread_t id;
    bool runs;
    unsigned share;
    struct read_ahead *of;
    struct read_ahead_found found;
};

struct read_ahead {
    atomic_bool stop;
    nanos began;
    char dir[PATH_MAX];
    struct thread threads[WALKS];
};

static void *run_walk(void *arg)
{
    struct thread *t = arg;
    read_ahead_walk(t->of->dir, t->share, WALKS, &t->of->stop, &t->found);
    log_debug("store", "read ahead", LOG_INT("files", t->found.files),
              LOG_INT("asked", t->found.asked), LOG_INT("warm", t->found.warm),
              LOG_INT("failed", t->found.failed),
              LOG_INT("ms", (clock_monotonic() - t->of->began) / NANOS_MS));
    return NULL;
}

struct read_ahead *read_ahead_begin(const char *dir)
{
    struct read_ahead *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->began = clock_monotonic();
    snprintf(r->dir, sizeof r->dir, "%s", dir);
    for (unsigned i = 0; i < WALKS; i++) {
        struct thread *t = &r->threads[i];
        t->share = i;
        t->of = r;
        t->runs = pthread_create(&t->id, NULL, run_walk, t) == 0;
    }
    return r;
}

void read_ahead_end(struct read_ahead *r)
{
    if (!r) return;
    atomic_store(&r->stop, true);
    for (unsigned i = 0; i < WALKS; i++)
        if (r->threads[i].runs) pthread_join(r->threads[i].id, NULL);
    free(r);
}
