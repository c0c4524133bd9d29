/* Opening: the id, every segment scanned once, what is finished deleted, a torn tail cut off.
 *
 * Sequences go on above all that was ever seen. Where bytes are damaged, as many sequences are left
 * out as records could have lain there: a sequence is never given twice, so no token is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/hex.h"
#include "ingest/journal/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

static int by_ordinal(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static status list_segments(struct journal *j, uint64_t **ret, size_t *ret_n, struct err *err)
{
    int fd = openat(j->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0) close(fd);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal %s: %s", j->dir_path,
                       strerror(errno));
    }
    uint64_t *list = NULL;
    size_t n = 0, cap = 0;
    for (struct dirent *e; (e = readdir(d));) {
        uint64_t ordinal;
        if (!segment_name_parse(e->d_name, &ordinal)) continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            list = realloc(list, cap * sizeof *list);
            if (!list) abort();
        }
        list[n++] = ordinal;
    }
    closedir(d);
    if (n > 0) qsort(list, n, sizeof *list, by_ordinal);
    *ret = list;
    *ret_n = n;
    return ST_OK;
}

static bool read_id_file(struct journal *j)
{
    char text[33] = {0};
    int fd = openat(j->dir_fd, "journal_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    return n >= 32 && hex_decode((str){text, 32}, j->id, 16);
}

static status write_id_file(struct journal *j, struct err *err)
{
    char text[33];
    hex_encode(j->id, 16, text);
    text[32] = '\n';
    int fd = openat(j->dir_fd, "journal_id.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write(fd, text, sizeof text) == sizeof text && fdatasync(fd) == 0;
    int e = errno;
    if (fd >= 0) close(fd);
    if (ok) {
        ok = renameat(j->dir_fd, "journal_id.new", j->dir_fd, "journal_id") == 0 &&
             fsync(j->dir_fd) == 0;
        e = errno;
    }
    if (ok) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal %s/journal_id: %s", j->dir_path,
                   strerror(e));
}

/* From the file, else from a segment, else made. */
static status find_id(struct journal *j, const uint64_t *ordinals, size_t n, struct err *err)
{
    if (read_id_file(j)) return ST_OK;
    for (size_t i = n; i-- > 0;) {
        str bytes;
        uint64_t first;
        if (segment_load(j->dir_fd, ordinals[i], &bytes, NULL) != ST_OK) continue;
        bool found = segment_head_get(bytes, j->id, &first);
        free((void *)(uintptr_t)bytes.ptr);
        if (found) return write_id_file(j, err);
    }
    if (getrandom(j->id, sizeof j->id, 0) != sizeof j->id)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal: no random bytes: %s",
                       strerror(errno));
    return write_id_file(j, err);
}

static void add_void(struct journal *j, uint64_t first, uint64_t last)
{
    j->voids = realloc(j->voids, (j->n_voids + 1) * sizeof *j->voids);
    if (!j->voids) abort();
    j->voids[j->n_voids++] = (struct block_bounds){.first = first, .last = last};
}

bool journal_is_void(const struct journal *j, uint64_t seq)
{
    for (size_t i = 0; i < j->n_voids; i++)
        if (seq >= j->voids[i].first && seq <= j->voids[i].last) return true;
    return false;
}

static void take_record(struct journal *j, struct segment *s, const struct record *r)
{
    uint64_t last = r->seq;
    if (r->kind == RECORD_REQUEST) {
        segment_own(s, r->seq, r->signal);
    } else {
        if (!record_mark_last(r, &last)) return;
        if (r->kind == RECORD_BLOCK_BEGIN)
            block_set_begin_block(&j->blocks, r->signal, r->seq, last);
        if (r->kind == RECORD_BLOCK_DONE) block_set_end_block(&j->blocks, r->signal, r->seq, last);
        if (r->kind == RECORD_VOID) add_void(j, r->seq, last);
    }
    if (last >= j->next_seq) j->next_seq = last + 1;
}

static void cut_tail(struct journal *j, uint64_t ordinal, uint64_t to)
{
    char name[SEGMENT_NAME];
    segment_name(ordinal, name);
    int fd = openat(j->dir_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (ftruncate(fd, (off_t)to) != 0 || fdatasync(fd) != 0)
        log_warn("journal", "a torn tail stays", LOG_CSTR("file", name),
                 LOG_CSTR("why", strerror(errno)));
    close(fd);
}

/* Scans one segment into the journal's state. */
static status scan_segment(struct journal *j, uint64_t ordinal, bool last, struct err *err)
{
    str bytes;
    TRY(segment_load(j->dir_fd, ordinal, &bytes, err));
    uint8_t id[16];
    uint64_t first_seq = j->next_seq;
    bool head = segment_head_get(bytes, id, &first_seq);
    if (head && first_seq > j->next_seq) j->next_seq = first_seq;

    struct record_scan scan = record_scan_begin(bytes, j->seed);
    struct segment *s = segment_list_add(&j->segments, ordinal, first_seq);
    struct record r;
    bool any = false;
    while (record_next(&scan, &r)) {
        if (!head && !any && r.kind == RECORD_REQUEST) s->first_seq = r.seq;
        any |= r.kind == RECORD_REQUEST;
        take_record(j, s, &r);
    }
    uint64_t tail = bytes.len - scan.end;
    s->bytes = bytes.len;
    uint64_t damaged = scan.lost;
    if (last && tail > 0) {
        cut_tail(j, ordinal, scan.end);
        s->bytes = scan.end;
    } else {
        damaged += tail;
    }
    if (scan.lost + tail > 0) j->next_seq += (scan.lost + tail) / RECORD_HEAD + 1;
    if (damaged > 0) {
        char name[SEGMENT_NAME];
        segment_name(ordinal, name);
        log_error("journal", "part of a segment is damaged and left out", LOG_CSTR("file", name),
                  LOG_INT("bytes", damaged));
        metric_add(M_JOURNAL_LOST_BYTES, 0, damaged);
        j->lost_bytes += damaged;
    }
    free((void *)(uintptr_t)bytes.ptr);
    journal_grow(j, (int64_t)s->bytes);
    return ST_OK;
}

static void finish_blocks(struct journal *j)
{
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        for (size_t i = 0; i < j->blocks.of[signal].n; i++) {
            const struct block_bounds *b = &j->blocks.of[signal].at[i];
            if (b->done)
                segment_list_finish(&j->segments, (enum signal_kind)signal, b->first, b->last);
        }
        for (size_t i = 0; i < j->n_voids; i++)
            segment_list_finish(&j->segments, (enum signal_kind)signal, j->voids[i].first,
                                j->voids[i].last);
    }
}

/* The marks in the newest segment may not have been synced when the process ended: they must be
 * before anything is deleted. */
static void sync_marks(struct journal *j)
{
    if (j->segments.n == 0) return;
    char name[SEGMENT_NAME];
    segment_name(j->segments.at[j->segments.n - 1].ordinal, name);
    int fd = openat(j->dir_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fdatasync(fd) == 0) journal_delete_finished(j);
    close(fd);
}

status journal_recover(struct journal *j, struct err *err)
{
    uint64_t *ordinals = NULL;
    size_t n = 0;
    TRY(list_segments(j, &ordinals, &n, err));
    status s = find_id(j, ordinals, n, err);
    j->seed = record_seed(j->id);
    j->next_seq = 1;
    j->next_ordinal = n > 0 ? ordinals[n - 1] + 1 : 1;
    for (size_t i = 0; i < n && s == ST_OK; i++) s = scan_segment(j, ordinals[i], i + 1 == n, err);
    free(ordinals);
    if (s != ST_OK) return s;
    j->last_seq = j->next_seq - 1;
    finish_blocks(j);
    sync_marks(j);

    j->replay_ordinals = malloc((j->segments.n + 1) * sizeof *j->replay_ordinals);
    if (!j->replay_ordinals) abort();
    for (size_t i = 0; i < j->segments.n; i++)
        if (j->segments.at[i].live > 0)
            j->replay_ordinals[j->n_replay++] = j->segments.at[i].ordinal;
    return ST_OK;
}
