/* Reading requests back, beside appends and deletions.
 *
 * Which request is next, and in which file, the segments' lists of who waits for what say; where it
 * lies in the file is found by going from head to head. Only bytes below `readable` are looked at:
 * whole records, on disk. The window holds a piece of the file, or the whole record that is given
 * out. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "ingest/journal/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { WINDOW = 256 << 10, PEEK = 4 << 10, TRIES_MAX = 5 };

struct journal_reader {
    struct journal *j;
    unsigned dest; /* whose requests */
    uint64_t position;
    int fd; /* of segment `ordinal`; -1: none */
    uint64_t ordinal;
    uint64_t at, until; /* in the file: where the next record is looked for; the readable bytes */
    char *window;
    size_t window_cap, window_len;
    uint64_t window_at; /* in the file */
    unsigned failures;  /* of the disk, one after the other */
};

status journal_reader_open(struct journal *j, unsigned dest, uint64_t from_seq,
                           struct journal_reader **ret, struct err *err)
{
    if (dest >= j->destinations.n)
        return err_set(err, ST_INVALID, ERR_NOPOS, "journal: there is no destination %u", dest);
    struct journal_reader *r = calloc(1, sizeof *r);
    if (!r) abort();
    *r = (struct journal_reader){
        .j = j, .dest = dest, .position = from_seq > 0 ? from_seq - 1 : 0, .fd = -1};
    atomic_fetch_add(&j->readers, 1);
    *ret = r;
    return ST_OK;
}

void journal_reader_close(struct journal_reader *r)
{
    if (!r) return;
    atomic_fetch_sub(&r->j->readers, 1);
    if (r->fd >= 0) close(r->fd);
    free(r->window);
    free(r);
}

uint64_t journal_reader_position(const struct journal_reader *r) { return r->position; }

/* ---- the file ---- */

static void leave_file(struct journal_reader *r)
{
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    r->window_len = 0;
}

/* ST_NOT_FOUND: the file is gone. */
static status enter_file(struct journal_reader *r, uint64_t ordinal, struct err *err)
{
    if (r->fd >= 0 && r->ordinal == ordinal) return ST_OK;
    leave_file(r);
    char name[SEGMENT_NAME];
    segment_name(ordinal, name);
    r->fd = openat(r->j->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        return err_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_UNAVAILABLE, ERR_NOPOS,
                       "journal: segment %s: %s", name, strerror(errno));
    r->ordinal = ordinal;
    r->at = SEGMENT_HEAD;
    return ST_OK;
}

/* Small again some time after a large record. */
static void size_window(struct journal_reader *r, size_t need)
{
    size_t cap = need > WINDOW ? need : WINDOW;
    if (r->window_cap >= cap && r->window_cap <= 4 * WINDOW) return;
    if (r->window_cap == cap || r->window_len > cap) return;
    r->window = realloc(r->window, cap);
    if (!r->window) abort();
    r->window_cap = cap;
}

/* A piece that cannot be read. The first times that is the disk's trouble and tried again; then it
 * is damage: zeros. */
static status unreadable(struct journal_reader *r, size_t most, size_t *ret_zeros, struct err *err)
{
    if (++r->failures < TRIES_MAX)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal: reading a segment: %s",
                       strerror(errno));
    uint64_t at = r->window_at + r->window_len;
    *ret_zeros = 4096 - (size_t)(at % 4096);
    if (*ret_zeros > most) *ret_zeros = most;
    memset(r->window + r->window_len, 0, *ret_zeros);
    return ST_OK;
}

/* `need` bytes from `r->at` on, all of them readable. */
static status look(struct journal_reader *r, size_t need, const char **ret, struct err *err)
{
    bool inside = r->at >= r->window_at && r->at <= r->window_at + r->window_len;
    if (!inside) { /* a large record was skipped, perhaps the next one is too */
        r->window_at = r->at;
        r->window_len = 0;
    }
    size_t skip = (size_t)(r->at - r->window_at);
    if (skip + need > r->window_len) { /* more of the file is wanted: drop what lies behind */
        r->window_len -= skip;
        if (skip > 0 && r->window_len > 0) memmove(r->window, r->window + skip, r->window_len);
        r->window_at = r->at;
        skip = 0;
        size_window(r, need);
    }
    while (skip + need > r->window_len) {
        uint64_t from = r->window_at + r->window_len;
        size_t most = inside ? r->window_cap - r->window_len : need > PEEK ? need : PEEK;
        if (most > r->until - from) most = (size_t)(r->until - from);
        ssize_t n = pread(r->fd, r->window + r->window_len, most, (off_t)from);
        if (n < 0 && errno == EINTR) continue;
        size_t got = n > 0 ? (size_t)n : 0;
        if (n == 0) errno = EIO; /* cut shorter by somebody else */
        if (n <= 0) TRY(unreadable(r, most, &got, err));
        if (n > 0) r->failures = 0;
        r->window_len += got;
    }
    *ret = r->window + skip;
    return ST_OK;
}

/* From `at` on. ST_NOT_FOUND: it is not there. Requests lie in order, one behind the other: so from
 * head to head as far as the one behind it, unless `everywhere`. */
static status find_from_here(struct journal_reader *r, uint64_t seq, bool everywhere,
                             struct record *ret, struct err *err)
{
    while (r->until - r->at >= RECORD_HEAD) {
        const char *p;
        TRY(look(r, RECORD_HEAD, &p, err));
        struct record rec = {0};
        size_t len, room = (size_t)(r->until - r->at);
        uint32_t crc;
        if (!record_head_get(p, r->j->seed, &rec, &len, &crc) || len > room ||
            record_size(len) > room) {
            r->at += 8;
            continue;
        }
        if (rec.kind == RECORD_REQUEST && rec.seq > seq && !everywhere) break;
        if (rec.kind == RECORD_REQUEST && rec.seq == seq) {
            TRY(look(r, record_size(len), &p, err));
            rec.payload = (str){p + RECORD_HEAD, len};
            if (crc32c(r->j->seed, rec.payload) == crc) {
                r->at += record_size(len);
                *ret = rec;
                return ST_OK;
            }
        }
        r->at += everywhere ? 8 : record_size(len);
    }
    return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "journal: request %llu is damaged",
                   (unsigned long long)seq);
}

/* ST_NOT_FOUND: it is not there any more: damaged since it was written. Damage can leave heads and
 * copies of other requests in front of it: then all of the file is searched. */
static status find_record(struct journal_reader *r, uint64_t seq, struct record *ret,
                          struct err *err)
{
    status s = find_from_here(r, seq, false, ret, err);
    if (s != ST_NOT_FOUND) return s;
    uint64_t here = r->at;
    r->at = SEGMENT_HEAD;
    s = find_from_here(r, seq, true, ret, err);
    if (s == ST_NOT_FOUND) r->at = here;
    return s;
}

/* ---- the next request ---- */

/* The request cannot be read any more: nobody need wait for it. Unless somebody was done with it
 * meanwhile, and its segment deleted. */
static void lose(struct journal_reader *r, uint64_t seq)
{
    struct journal *j = r->j;
    pthread_mutex_lock(&j->segment_mutex);
    uint64_t next;
    bool lost =
        segment_list_next(&j->segments, (uint16_t)(1u << r->dest), seq, &next) && next == seq;
    if (lost) segment_list_finish(&j->segments, (uint16_t)(1u << r->dest), seq, seq);
    pthread_mutex_unlock(&j->segment_mutex);
    if (!lost) return;
    metric_add(M_JOURNAL_LOST_REQUESTS, 0, 1);
    log_error("journal", "a request is damaged and left out", LOG_INT("sequence", seq));
}

static void give(struct journal_reader *r, const struct record *rec, struct journal_read *ret)
{
    struct journal *j = r->j;
    const struct block_bounds *b = block_set_find(&j->blocks[r->dest], rec->seq);
    *ret = (struct journal_read){.seq = rec->seq,
                                 .block_first = b ? b->first : 0,
                                 .block_last = b ? b->last : 0,
                                 .crashes = attempts_count(j->attempts, rec->signal, rec->seq),
                                 .request = {.signal = rec->signal,
                                             .format = rec->format,
                                             .compression = rec->compression,
                                             .items = rec->items,
                                             .late = rec->late,
                                             .received_at = rec->received_at,
                                             .payload = rec->payload}};
    if (rec->seq < j->first_new) metric_add(M_JOURNAL_REPLAYED, rec->signal, 1);
}

status journal_reader_next(struct journal_reader *r, struct journal_read *ret, struct err *err)
{
    struct journal *j = r->j;
    for (;;) {
        uint64_t durable = journal_durable(j), seq, ordinal = 0;
        pthread_mutex_lock(&j->segment_mutex);
        const struct segment *s =
            segment_list_next(&j->segments, (uint16_t)(1u << r->dest), r->position + 1, &seq);
        if (s) {
            ordinal = s->ordinal;
            r->until = s->readable;
        }
        pthread_mutex_unlock(&j->segment_mutex);
        if (!s) {
            if (durable > r->position) r->position = durable;
            return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "journal: all is read");
        }
        struct record rec = {0};
        struct err why;
        status got = enter_file(r, ordinal, &why);
        if (got == ST_OK) got = find_record(r, seq, &rec, &why);
        if (got == ST_UNAVAILABLE) {
            if (err) *err = why;
            return got;
        }
        r->position = seq;
        if (got == ST_OK) {
            give(r, &rec, ret);
            return ST_OK;
        }
        lose(r, seq);
    }
}
