/* dead/: blocks that were given up, as their clients sent them, so that a person can look and send
 * them again.
 *
 *   dead/<journal id>-<route>-<first>-<last>/reason     route, time and items, then why
 *                                           /received   a line a request: sequence, receive time,
 *                                                       and how many rows are late, if any
 *                                           /<sequence>.<pb|json>[.gz|.zst]
 *
 * The folder appears under its name when all of it is on disk; written again after a crash it
 * replaces nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hex.h"
#include "ingest/state.h"

enum { RECEIVED_MAX = 64 << 20 };

static status failed(struct err *err, const char *path)
{
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "dead letters %s: %s", path, strerror(errno));
}

static status write_file(int dir, const char *name, str bytes, struct err *err)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return failed(err, name);
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            status s = failed(err, name);
            close(fd);
            return s;
        }
        bytes = str_drop(bytes, (size_t)n);
    }
    if (close(fd) != 0) return failed(err, name);
    return ST_OK;
}

static status write_requests(int dir, const struct held *h, struct buf *received, struct err *err)
{
    static const char *const compressions[] = {"", ".gz", ".zst", ".sz"};
    static const char *const formats[] = {"pb", "json", "rw1", "rw2"};
    for (; h; h = h->next) {
        char name[64];
        snprintf(name, sizeof name, "%020llu.%s%s", (unsigned long long)h->seq, formats[h->format],
                 compressions[h->compression]);
        TRY(write_file(dir, name, h->wire, err));
        buf_printf(received, "%llu %lld", (unsigned long long)h->seq, (long long)h->received_at);
        if (h->late) buf_printf(received, " %u", h->late);
        buf_char(received, '\n');
    }
    return ST_OK;
}

static void print_reason(struct buf *out, const struct dead_block *b)
{
    time_t now = (time_t)(clock_now() / NANOS_S);
    struct tm tm;
    char text[40];
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_printf(out, "route %s\ntime %s\nitems %llu\n\n%s\n", b->route->name, text,
               (unsigned long long)b->items, b->reason);
}

static status write_folder(int dir, const struct dead_block *b, struct err *err)
{
    struct buf received, reason;
    buf_init(&received, RECEIVED_MAX);
    buf_init(&reason, 4096);
    print_reason(&reason, b);
    status s = write_file(dir, "reason", buf_str(&reason), err);
    if (s == ST_OK) s = write_requests(dir, b->requests, &received, err);
    if (s == ST_OK) s = write_file(dir, "received", buf_str(&received), err);
    buf_done(&received);
    buf_done(&reason);
    if (s == ST_OK && syncfs(dir) != 0) return failed(err, "sync"); /* one call for all files */
    return s;
}

status dead_write(const char *dir, const struct dead_block *b, struct err *err)
{
    char id[33] = {0}, name[256], making[264];
    hex_encode(b->journal_id, 16, id);
    snprintf(name, sizeof name, "%s-%s-%llu-%llu", id, b->route->safe,
             (unsigned long long)b->first_seq, (unsigned long long)b->last_seq);
    snprintf(making, sizeof making, "%s.new", name);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) return failed(err, dir);
    int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) return failed(err, dir);
    if (faccessat(top, name, F_OK, 0) == 0) { /* written before a crash */
        close(top);
        return ST_OK;
    }
    int fd = -1;
    status s = ST_OK;
    if (mkdirat(top, making, 0777) != 0 && errno != EEXIST) s = failed(err, making);
    if (s == ST_OK && (fd = openat(top, making, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        s = failed(err, making);
    if (s == ST_OK) s = write_folder(fd, b, err);
    if (s == ST_OK && renameat(top, making, top, name) != 0) s = failed(err, name);
    if (s == ST_OK && fsync(top) != 0) s = failed(err, dir);
    if (fd >= 0) close(fd);
    close(top);
    return s;
}
