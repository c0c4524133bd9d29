/* Folders of dead/, read back, listed and removed. */
#include "ingest/dead_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/num.h"

enum { FILE_MAX = 1 << 30, REASON_MAX = 4096 };

/* ---- names ---- */

/* The number behind the last '-', which is cut off. */
static bool take_number(str *s, uint64_t *ret)
{
    const char *dash = s->len ? memrchr(s->ptr, '-', s->len) : NULL;
    if (!dash) return false;
    size_t at = (size_t)(dash - s->ptr);
    if (!num_parse_u64(str_drop(*s, at + 1), ret)) return false;
    s->len = at;
    return true;
}

bool dead_id_parse(str id, struct dead_id *ret)
{
    struct dead_id d;
    str s = id;
    if (id.len > 255 || memchr(id.ptr, '/', id.len)) return false;
    if (!take_number(&s, &d.last_seq) || !take_number(&s, &d.first_seq)) return false;
    if (s.len < 34 || s.ptr[32] != '-' || !hex_decode((str){s.ptr, 32}, d.journal_id, 16))
        return false;
    d.route = str_drop(s, 33);
    if (d.first_seq > d.last_seq) return false;
    *ret = d;
    return true;
}

/* "00000000000000000042.pb.gz" */
static bool parse_request_name(const char *name, struct dead_request *ret)
{
    static const struct {
        const char *suffix;
        enum payload_format format;
        enum payload_compression compression;
    } kinds[] = {{".pb", PAYLOAD_PROTOBUF, PAYLOAD_IDENTITY},
                 {".pb.gz", PAYLOAD_PROTOBUF, PAYLOAD_GZIP},
                 {".pb.zst", PAYLOAD_PROTOBUF, PAYLOAD_ZSTD},
                 {".json", PAYLOAD_JSON, PAYLOAD_IDENTITY},
                 {".json.gz", PAYLOAD_JSON, PAYLOAD_GZIP},
                 {".json.zst", PAYLOAD_JSON, PAYLOAD_ZSTD},
                 {".rw1.sz", PAYLOAD_REMOTE_WRITE_1, PAYLOAD_SNAPPY},
                 {".rw2.sz", PAYLOAD_REMOTE_WRITE_2, PAYLOAD_SNAPPY}};
    const char *dot = strchr(name, '.');
    if (!dot || !num_parse_u64((str){name, (size_t)(dot - name)}, &ret->seq)) return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(dot, kinds[i].suffix) == 0) {
            ret->format = kinds[i].format;
            ret->compression = kinds[i].compression;
            return true;
        }
    return false;
}

/* ---- files ---- */

static status failed(struct err *err, str id, const char *what)
{
    status s = errno == ENOENT ? ST_NOT_FOUND : ST_UNAVAILABLE;
    return err_set(err, s, ERR_NOPOS, "dead letters " STR_FMT "%s%s: %s", STR_ARG(id),
                   *what ? "/" : "", what, strerror(errno));
}

/* The folder `id` of `dir`, which is checked to be a name first. */
static status open_folder(const char *dir, str id, int *ret_fd, struct err *err)
{
    struct dead_id d;
    char path[4096];
    if (!dead_id_parse(id, &d))
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "\"%.*s\" is not the name of a folder of dead letters",
                       (int)(id.len < 100 ? id.len : 100), id.ptr);
    int n = snprintf(path, sizeof path, "%s/" STR_FMT, dir, STR_ARG(id));
    if (n < 0 || (size_t)n >= sizeof path)
        errno = ENAMETOOLONG;
    else if ((*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) >= 0)
        return ST_OK;
    return failed(err, id, "");
}

static status read_file(struct arena *a, int dir, str id, const char *name, str *ret,
                        struct err *err)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) close(fd);
        return failed(err, id, name);
    }
    if (st.st_size > FILE_MAX) {
        close(fd);
        return err_set(err, ST_LIMIT, ERR_NOPOS,
                       "dead letters " STR_FMT "/%s: larger than %d bytes", STR_ARG(id), name,
                       FILE_MAX);
    }
    size_t n = (size_t)st.st_size, got = 0;
    char *p = arena_alloc(a, n + 1, 1);
    while (got < n) {
        ssize_t r = read(fd, p + got, n - got);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) break;
        got += (size_t)r;
    }
    close(fd);
    *ret = (str){p, got};
    return ST_OK;
}

static str take_line(str *text)
{
    const char *end = text->len ? memchr(text->ptr, '\n', text->len) : NULL;
    str line = {text->ptr, end ? (size_t)(end - text->ptr) : text->len};
    *text = str_drop(*text, end ? line.len + 1 : line.len);
    return line;
}

/* ---- reading a folder's requests ---- */

static int by_sequence(const void *a, const void *b)
{
    uint64_t x = ((const struct dead_request *)a)->seq, y = ((const struct dead_request *)b)->seq;
    return (x > y) - (x < y);
}

/* Their names, sorted; their bytes are still to be read. */
static status list_requests(struct arena *a, DIR *d, struct dead_request **ret, size_t *ret_n)
{
    size_t n = 0, cap = 0;
    struct dead_request *all = NULL;
    for (struct dirent *e; (e = readdir(d));) {
        struct dead_request one = {0};
        if (!parse_request_name(e->d_name, &one)) continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            struct dead_request *wider = arena_array(a, struct dead_request, cap);
            if (n) memcpy(wider, all, n * sizeof *all);
            all = wider;
        }
        one.wire = arena_str(a, (str){e->d_name, strlen(e->d_name) + 1}); /* for now its name */
        all[n++] = one;
    }
    if (n) qsort(all, n, sizeof *all, by_sequence);
    *ret = all;
    *ret_n = n;
    return ST_OK;
}

/* What is before the next space, or all. */
static str take_field(str *line)
{
    const char *space = line->len ? memchr(line->ptr, ' ', line->len) : NULL;
    str field = {line->ptr, space ? (size_t)(space - line->ptr) : line->len};
    *line = str_drop(*line, field.len + (space ? 1 : 0));
    return field;
}

/* "<sequence> <nanoseconds>[ <late rows>]", one a request in the same order. */
static status read_received(str text, str id, struct dead_request *all, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        str line = take_line(&text);
        uint64_t seq, at, late = 0;
        if (!num_parse_u64(take_field(&line), &seq) || !num_parse_u64(take_field(&line), &at) ||
            (line.len && !num_parse_u64(line, &late)) || seq != all[i].seq || at > INT64_MAX ||
            late > UINT32_MAX)
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "dead letters " STR_FMT "/received, line %zu: does not belong to the "
                           "request %llu",
                           STR_ARG(id), i + 1, (unsigned long long)all[i].seq);
        all[i].received_at = (nanos)at;
        all[i].late = (uint32_t)late;
    }
    return ST_OK;
}

static status read_all(struct arena *a, int fd, DIR *d, str id, struct dead_request **ret,
                       size_t *ret_n, struct err *err)
{
    str received;
    TRY(list_requests(a, d, ret, ret_n));
    if (*ret_n == 0)
        return err_set(err, ST_INVALID, ERR_NOPOS, "dead letters " STR_FMT ": no requests in it",
                       STR_ARG(id));
    TRY(read_file(a, fd, id, "received", &received, err));
    TRY(read_received(received, id, *ret, *ret_n, err));
    for (size_t i = 0; i < *ret_n; i++) {
        const char *name = (*ret)[i].wire.ptr;
        TRY(read_file(a, fd, id, name, &(*ret)[i].wire, err));
    }
    return ST_OK;
}

status dead_read(struct arena *a, const char *dir, str id, struct dead_request **ret, size_t *ret_n,
                 struct err *err)
{
    int fd;
    TRY(open_folder(dir, id, &fd, err));
    DIR *d = fdopendir(dup(fd));
    status s = d ? read_all(a, fd, d, id, ret, ret_n, err) : failed(err, id, "");
    if (d) closedir(d);
    close(fd);
    return s;
}

/* ---- list ---- */

static void copy(char *out, size_t size, str s)
{
    if (s.len >= size) s.len = size - 1;
    memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
}

static void describe(struct dead_entry *e, str reason)
{
    static const char *const keys[] = {"route ", "time ", "items "};
    str line;
    while ((line = take_line(&reason)).len > 0) {
        for (int i = 0; i < 3; i++) {
            size_t n = strlen(keys[i]);
            if (line.len < n || memcmp(line.ptr, keys[i], n) != 0) continue;
            str value = str_drop(line, n);
            if (i == 0) copy(e->route, sizeof e->route, value);
            if (i == 1) copy(e->time, sizeof e->time, value);
            if (i == 2) (void)!num_parse_u64(value, &e->items);
        }
    }
    copy(e->reason, sizeof e->reason, take_line(&reason));
}

static status read_entry(const char *dir, str id, struct dead_entry *ret, struct err *err)
{
    int fd;
    TRY(open_folder(dir, id, &fd, err));
    *ret = (struct dead_entry){0};
    copy(ret->id, sizeof ret->id, id);
    struct arena a;
    str reason;
    arena_init(&a, REASON_MAX);
    if (read_file(&a, fd, id, "reason", &reason, NULL) == ST_OK) describe(ret, reason);
    arena_done(&a);
    DIR *d = fdopendir(fd);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct dead_request one;
        struct stat st;
        if (!parse_request_name(e->d_name, &one)) continue;
        ret->requests++;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            ret->bytes += (uint64_t)st.st_size;
    }
    if (d) closedir(d);
    return ST_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct dead_entry *x = a, *y = b;
    int c = strcmp(x->time, y->time);
    return c ? c : strcmp(x->id, y->id);
}

status dead_list(const char *dir, struct dead_entry **ret, size_t *ret_n, struct err *err)
{
    struct dead_entry *all = NULL;
    size_t n = 0, cap = 0;
    DIR *d = opendir(dir);
    if (!d && errno != ENOENT) return failed(err, (str){dir, strlen(dir)}, "");
    for (struct dirent *e; d && (e = readdir(d));) {
        struct dead_id id;
        str name = {e->d_name, strlen(e->d_name)};
        if (!dead_id_parse(name, &id)) continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            all = reallocarray(all, cap, sizeof *all);
            if (!all) abort();
        }
        if (read_entry(dir, name, &all[n], NULL) == ST_OK) n++; /* else removed meanwhile */
    }
    if (d) closedir(d);
    if (n) qsort(all, n, sizeof *all, by_time);
    *ret = all;
    *ret_n = n;
    return ST_OK;
}

/* ---- remove ---- */

/* Under another name first: half a folder is never taken for a whole one. */
status dead_remove(const char *dir, str id, struct err *err)
{
    int fd;
    char path[4096], old[4104];
    TRY(open_folder(dir, id, &fd, err));
    snprintf(path, sizeof path, "%s/" STR_FMT, dir, STR_ARG(id));
    snprintf(old, sizeof old, "%s.old", path);
    if (rename(path, old) != 0) {
        close(fd);
        return failed(err, id, "");
    }
    DIR *d = fdopendir(fd);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') (void)unlinkat(fd, e->d_name, 0); /* rmdir tells */
    if (d) closedir(d);
    return rmdir(old) == 0 ? ST_OK : failed(err, id, "");
}
