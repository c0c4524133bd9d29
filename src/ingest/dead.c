/* dead/: blocks that the store refused for their content, as their clients sent them, so that a
 * person can look and send them again.
 *
 *   dead/<journal id>-<signal>-<first>-<last>/reason
 *                                            /<sequence>.<pb|json>[.gz|.zst]
 *
 * The folder appears under its name when all of it is on disk; written again after a crash it
 * replaces nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "ingest/state.h"

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

static status write_requests(int dir, const struct held *h, struct err *err)
{
    static const char *const compressions[] = {"", ".gz", ".zst"};
    for (; h; h = h->next) {
        char name[64];
        snprintf(name, sizeof name, "%020llu.%s%s", (unsigned long long)h->seq,
                 h->format == PAYLOAD_JSON ? "json" : "pb", compressions[h->compression]);
        TRY(write_file(dir, name, h->wire, err));
    }
    return ST_OK;
}

static status write_folder(int dir, const struct held *requests, const char *reason,
                           struct err *err)
{
    TRY(write_file(dir, "reason", (str){reason, strlen(reason)}, err));
    TRY(write_requests(dir, requests, err));
    if (syncfs(dir) != 0) return failed(err, "sync"); /* one call, however many files */
    return ST_OK;
}

status dead_write(const char *dir, const uint8_t journal_id[16], enum signal_kind signal,
                  uint64_t first_seq, uint64_t last_seq, const struct held *requests,
                  const char *reason, struct err *err)
{
    char id[33] = {0}, name[160], making[170];
    hex_encode(journal_id, 16, id);
    snprintf(name, sizeof name, "%s-%s-%llu-%llu", id, signal_name(signal),
             (unsigned long long)first_seq, (unsigned long long)last_seq);
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
    if (s == ST_OK) s = write_folder(fd, requests, reason, err);
    if (s == ST_OK && renameat(top, making, top, name) != 0) s = failed(err, name);
    if (s == ST_OK && fsync(top) != 0) s = failed(err, dir);
    if (fd >= 0) close(fd);
    close(top);
    return s;
}
