/* The writer thread: all that was queued since the last time is written, synced once, and answered
 * in order.
 *
 *   group := what the queue held;  group = runs;  run = what goes into one segment;  run = chunks
 * of one writev each.
 *
 * When a chunk cannot be written, the segment is cut back to where the chunk began and the rest of
 * the group is refused. When the sync fails, nothing is known about the run: its segment is left,
 * and a void mark says that its requests were refused. Marks that cannot be written are owed: they
 * go first next time. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "ingest/journal/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { CHUNK_ITEMS = 300, IDLE_ROTATE_BYTES = 1 << 20, PAGE = 4096 };

/* A sync costs the same for one small request as for a hundred. When several come at a time, and
 * are small, one in GROUP_PACE is enough. What a loop took in one look comes within COMPANY. */
enum { GROUP_PACE_MS = 10, COMPANY_MS = 3, CROWD_ONE = 16, CROWD_MANY = 20, SMALL = 32 << 10 };

struct group {
    struct journal_item *items;
    status failed; /* ST_OK, or why the rest cannot be written */
    struct err err;
};

static struct segment *newest(struct journal *j) { return &j->segments.at[j->segments.n - 1]; }

static status from_errno(struct err *err, const char *what)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return err_set(err, full ? ST_OVERLOADED : ST_UNAVAILABLE, ERR_NOPOS, "journal: %s: %s", what,
                   strerror(errno));
}

static status sync_newest(struct journal *j, struct err *err)
{
    struct segment *s = newest(j);
    if (j->synced == s->bytes) return ST_OK;
    nanos from = clock_monotonic();
    if (fdatasync(j->fd) != 0) return from_errno(err, "fdatasync");
    metric_observe(M_JOURNAL_SYNC_SECONDS, 0, (double)(clock_monotonic() - from) / 1e9);
    metric_add(M_JOURNAL_SYNCS, 0, 1);
    /* The pages go back at once and are used for the next group: a copy into pages that are warm
     * costs a third. But a reader that follows would have to ask the disk. */
    if (atomic_load(&j->readers) == 0)
        posix_fadvise(j->fd, (off_t)(j->synced - j->synced % PAGE),
                      (off_t)(s->bytes - s->bytes % PAGE - (j->synced - j->synced % PAGE)),
                      POSIX_FADV_DONTNEED);
    j->synced = s->bytes;
    return ST_OK;
}

static void leave_segment(struct journal *j)
{
    if (j->fd < 0) return;
    struct err err;
    if (sync_newest(j, &err) != ST_OK)
        log_error("journal", "a segment could not be synced", LOG_CSTR("why", err.msg));
    close(j->fd);
    j->fd = -1;
}

/* Begins a segment. Its head and its name are on disk before anything is written to it. */
static status begin_segment(struct journal *j, struct err *err)
{
    leave_segment(j);
    char name[SEGMENT_NAME], head[SEGMENT_HEAD];
    segment_name(j->next_ordinal, name);
    segment_head_put(head, j->id, j->last_seq + 1);
    int fd = openat(j->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return from_errno(err, "new segment");
    ssize_t n = write(fd, head, sizeof head);
    if (n != sizeof head || fdatasync(fd) != 0 || fsync(j->dir_fd) != 0) {
        if (n >= 0 && n < (ssize_t)sizeof head) errno = ENOSPC;
        status s = from_errno(err, "new segment");
        close(fd);
        unlinkat(j->dir_fd, name, 0);
        return s;
    }
    j->fd = fd;
    pthread_mutex_lock(&j->segment_mutex);
    struct segment *s = segment_list_add(&j->segments, j->next_ordinal++, j->last_seq + 1);
    s->bytes = j->synced = SEGMENT_HEAD;
    pthread_mutex_unlock(&j->segment_mutex);
    journal_grow(j, SEGMENT_HEAD);
    return ST_OK;
}

bool journal_sync_marks(struct journal *j) { return j->fd < 0 || sync_newest(j, NULL) == ST_OK; }

/* When all is finished the newest segment is given up too, so that an idle journal is small and a
 * reached cap opens again. */
static void rotate_when_idle(struct journal *j)
{
    if (j->fd < 0) return;
    pthread_mutex_lock(&j->segment_mutex);
    bool idle = j->segments.n == 1 && newest(j)->live == 0;
    pthread_mutex_unlock(&j->segment_mutex);
    if (!idle) return;
    uint64_t least =
        j->opt.max_bytes / 4 < IDLE_ROTATE_BYTES ? j->opt.max_bytes / 4 : IDLE_ROTATE_BYTES;
    if (newest(j)->bytes < least) return;
    if (begin_segment(j, NULL) == ST_OK) journal_retire_finished(j);
}

/* Writes all of `iov` at the end of the newest segment; cuts the segment back when it cannot. */
static status write_chunk(struct journal *j, struct iovec *iov, int n, uint64_t bytes,
                          struct err *err)
{
    struct segment *s = newest(j);
    uint64_t left = bytes;
    off_t at = (off_t)s->bytes;
    while (left > 0) {
        ssize_t w = pwritev(j->fd, iov, n, at);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            if (w == 0) errno = ENOSPC;
            return from_errno(err, "write");
        }
        left -= (uint64_t)w;
        at += w;
        while (n > 0 && (size_t)w >= iov->iov_len) {
            w -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n > 0) {
            iov->iov_base = (char *)iov->iov_base + w;
            iov->iov_len -= (size_t)w;
        }
    }
    s->bytes += bytes;
    journal_grow(j, (int64_t)bytes);
    return ST_OK;
}

static void owe(struct journal *j, struct journal_item *i)
{
    struct journal_item **end = &j->owed;
    while (*end) end = &(*end)->next;
    i->next = NULL;
    *end = i;
}

static void owe_void(struct journal *j, uint64_t first, uint64_t last)
{
    struct journal_item *i = calloc(1, sizeof *i);
    if (!i) abort();
    i->mark_last = htole64(last);
    i->rec = (struct record){.kind = RECORD_VOID, .seq = first, .received_at = clock_now()};
    i->rec.payload = (str){(const char *)&i->mark_last, sizeof i->mark_last};
    owe(j, i);
}

/* Up to CHUNK_ITEMS items that fit the segment. Returns the first one not taken. */
static struct journal_item *gather(struct journal *j, struct journal_item *from, struct iovec *iov,
                                   int *ret_n, uint64_t *ret_bytes)
{
    static const char zeros[8];
    uint64_t bytes = 0;
    int n = 0;
    struct journal_item *i = from;
    for (; i && n < CHUNK_ITEMS * 3; i = i->next) {
        size_t len = i->rec.payload.len, size = record_size(len);
        struct segment *s = newest(j);
        bool over =
            s->bytes + bytes + size > j->opt.segment_bytes ||
            (i->rec.kind == RECORD_REQUEST && i->rec.seq - s->first_seq >= SEGMENT_SEQUENCES);
        if (over && s->bytes + bytes > SEGMENT_HEAD) break;
        record_head_put(i->head, j->seed, &i->rec);
        iov[n++] = (struct iovec){i->head, RECORD_HEAD};
        if (len > 0) iov[n++] = (struct iovec){(void *)(uintptr_t)i->rec.payload.ptr, len};
        if (size - RECORD_HEAD > len)
            iov[n++] = (struct iovec){(void *)(uintptr_t)zeros, size - RECORD_HEAD - len};
        bytes += size;
    }
    *ret_n = n;
    *ret_bytes = bytes;
    return i;
}

/* Cuts the newest segment back to `to`. False when that cannot be done: then the segment must be
 * left. */
static bool cut_back(struct journal *j, uint64_t to, const struct journal_item *from,
                     const struct journal_item *until)
{
    if (ftruncate(j->fd, (off_t)to) == 0) return true;
    uint64_t first = 0, last = 0;
    for (const struct journal_item *i = from; i != until; i = i->next) {
        if (i->rec.kind != RECORD_REQUEST) continue;
        if (first == 0) first = i->rec.seq;
        last = i->rec.seq;
    }
    if (first != 0) owe_void(j, first, last);
    return false;
}

static bool wants_sync(const struct journal *j, const struct journal_item *from,
                       const struct journal_item *until)
{
    for (const struct journal_item *i = from; i != until; i = i->next)
        if (i->rec.kind == RECORD_BLOCK_BEGIN || i->rec.kind == RECORD_VOID ||
            (i->rec.kind == RECORD_REQUEST && j->opt.sync))
            return true;
    return false;
}

/* Writes a run into one segment and syncs it. Returns the first item that is not safely written. */
static struct journal_item *write_run(struct journal *j, struct group *g)
{
    if (j->fd < 0) {
        for (struct journal_item *i = g->items; i; i = i->next) {
            if (i->rec.kind != RECORD_REQUEST) continue;
            j->last_seq = i->rec.seq - 1; /* refused ones may lie between */
            break;
        }
        if ((g->failed = begin_segment(j, &g->err)) != ST_OK) return g->items;
    }
    uint64_t run_begin = newest(j)->bytes;
    bool leave = false;
    struct journal_item *at = g->items;
    while (at) {
        struct iovec iov[CHUNK_ITEMS * 3 + 3];
        int n;
        uint64_t bytes, before = newest(j)->bytes;
        struct journal_item *next = gather(j, at, iov, &n, &bytes);
        if (next == at) break; /* the segment is full */
        g->failed = write_chunk(j, iov, n, bytes, &g->err);
        if (g->failed != ST_OK) {
            leave = !cut_back(j, before, at, next);
            break;
        }
        for (struct journal_item *i = at; i != next; i = i->next)
            if (i->rec.kind == RECORD_REQUEST) j->last_seq = i->rec.seq;
        at = next;
    }
    struct err sync_err;
    status synced = ST_OK;
    if (at != g->items && wants_sync(j, g->items, at)) synced = sync_newest(j, &sync_err);
    if (synced != ST_OK) { /* after that the file is not to be trusted, cut back or not */
        g->failed = synced;
        g->err = sync_err;
        journal_grow(j, (int64_t)run_begin - (int64_t)newest(j)->bytes);
        newest(j)->bytes = run_begin;
        cut_back(j, run_begin, g->items, at);
        at = g->items;
        leave = true;
    }
    if (leave) {
        close(j->fd);
        j->fd = -1;
    } else if (g->failed == ST_OK && at) {
        leave_segment(j);
    }
    return at;
}

static void wake(struct journal *j, struct journal_wait *w, status s, const struct err *err)
{
    pthread_mutex_lock(&j->mutex);
    w->result = s;
    if (s != ST_OK) w->err = *err;
    w->over = true;
    pthread_cond_broadcast(&j->marked);
    pthread_mutex_unlock(&j->mutex);
}

static void item_written(struct journal *j, struct journal_item *i)
{
    uint64_t last = le64toh(i->mark_last);
    switch ((enum record_kind)i->rec.kind) {
    case RECORD_REQUEST: i->done(i->ctx, ST_OK); break;
    case RECORD_BLOCK_DONE:
        pthread_mutex_lock(&j->segment_mutex);
        segment_list_finish(&j->segments, (uint16_t)(1u << i->destination), i->rec.seq, last);
        pthread_mutex_unlock(&j->segment_mutex);
        break;
    case RECORD_BLOCK_BEGIN: wake(j, i->wait, ST_OK, NULL); break;
    case RECORD_VOID:
    case RECORD_KIND_END: break;
    }
    free(i);
}

static void item_refused(struct journal *j, struct journal_item *i, status s, const struct err *err)
{
    switch ((enum record_kind)i->rec.kind) {
    case RECORD_REQUEST: i->done(i->ctx, s); break;
    case RECORD_BLOCK_BEGIN: wake(j, i->wait, s, err); break;
    case RECORD_BLOCK_DONE:
    case RECORD_VOID:
    case RECORD_KIND_END: owe(j, i); return;
    }
    free(i);
}

/* Gives back [from, until), of which the requests are `s`. */
static void give_back(struct journal *j, struct journal_item *from,
                      const struct journal_item *until, status s, const struct err *err)
{
    bool requests = false;
    for (struct journal_item *i = from, *next; i != until; i = next) {
        next = i->next;
        requests |= i->rec.kind == RECORD_REQUEST;
        if (s == ST_OK)
            item_written(j, i);
        else
            item_refused(j, i, s, err);
    }
    if (requests && j->opt.group_done) j->opt.group_done(j->opt.group_done_ctx);
}

/* What became of these is known. */
static void settle(struct journal *j, const struct journal_item *from,
                   const struct journal_item *until)
{
    uint64_t last = 0;
    for (const struct journal_item *i = from; i != until; i = i->next)
        if (i->rec.kind == RECORD_REQUEST) last = i->rec.seq;
    if (last > 0) atomic_store(&j->durable, last);
}

/* From here on the requests wait for their destinations, and can be read. */
static void own(struct journal *j, const struct journal_item *from,
                const struct journal_item *until)
{
    pthread_mutex_lock(&j->segment_mutex);
    for (const struct journal_item *i = from; i != until; i = i->next)
        if (i->rec.kind == RECORD_REQUEST)
            segment_own(newest(j), i->rec.seq, journal_wanted_by(&j->destinations, &i->rec));
    newest(j)->readable = newest(j)->bytes;
    pthread_mutex_unlock(&j->segment_mutex);
}

static void commit(struct journal *j, struct journal_item *items)
{
    struct group g = {.items = items};
    while (g.items && g.failed == ST_OK) {
        struct journal_item *rest = write_run(j, &g);
        if (rest != g.items) own(j, g.items, rest);
        settle(j, g.items, rest);
        give_back(j, g.items, rest, ST_OK, NULL);
        g.items = rest;
    }
    nanos now = clock_monotonic();
    if (g.failed != ST_OK && now - j->warned > NANOS_S) {
        j->warned = now;
        log_warn("journal", "requests refused: they could not be written",
                 LOG_CSTR("why", g.err.msg));
    }
    settle(j, g.items, NULL);
    give_back(j, g.items, NULL, g.failed, &g.err);
}

static void wait_until(struct journal *j, nanos when)
{
    struct timespec until = {.tv_sec = when / NANOS_S, .tv_nsec = when % NANOS_S};
    pthread_cond_timedwait(&j->filled, &j->mutex, &until);
}

/* More may join the group. */
static void wait_for_company(struct journal *j)
{
    nanos now = clock_monotonic(), until = j->group_began + GROUP_PACE_MS * NANOS_MS;
    if (!j->opt.sync || j->crowd < CROWD_MANY || j->request_bytes > SMALL) return;
    if (until < now + COMPANY_MS * NANOS_MS) until = now + COMPANY_MS * NANOS_MS;
    j->pacing = true;
    while (j->head && !j->closing && !j->hurry && j->queued_bytes < JOURNAL_GROUP_BYTES &&
           clock_monotonic() < until)
        wait_until(j, until);
    j->pacing = false;
}

/* How many requests come at a time, lately, and how large they are. */
static void count_crowd(struct journal *j, const struct journal_item *items)
{
    size_t n = 0, bytes = 0;
    for (const struct journal_item *i = items; i && n < 1000; i = i->next) {
        if (i->rec.kind != RECORD_REQUEST) continue;
        n++;
        bytes += i->rec.payload.len;
    }
    if (n == 0) return;
    j->crowd = (7 * j->crowd + (unsigned)n * CROWD_ONE) / 8;
    j->request_bytes = (7 * j->request_bytes + bytes / n) / 8;
}

/* What is owed, then what the queue holds. Waits for something; NULL at the end. */
static struct journal_item *take(struct journal *j, uint64_t *ret_bytes)
{
    pthread_mutex_lock(&j->mutex);
    while (!j->head && !j->closing) {
        if (!j->owed) {
            pthread_cond_wait(&j->filled, &j->mutex);
            continue;
        }
        nanos until = clock_monotonic() + 100 * NANOS_MS;
        wait_until(j, until);
        if (clock_monotonic() >= until) break;
    }
    wait_for_company(j);
    struct journal_item *items = j->head;
    bool ending = j->closing && !items;
    *ret_bytes = j->queued_bytes;
    j->hurry = false;
    j->head = NULL;
    j->tail = &j->head;
    pthread_mutex_unlock(&j->mutex);
    j->group_began = clock_monotonic();
    count_crowd(j, items);
    if (j->owed) {
        struct journal_item **end = &j->owed;
        while (*end) end = &(*end)->next;
        *end = items;
        items = j->owed;
        j->owed = NULL;
    }
    if (ending && items) { /* one last try for what is owed */
        commit(j, items);
        return NULL;
    }
    return items;
}

void *journal_write_loop(void *journal)
{
    struct journal *j = journal;
    pthread_setname_np(pthread_self(), "journal");
    uint64_t bytes;
    for (struct journal_item *items; (items = take(j, &bytes));) {
        commit(j, items);
        pthread_mutex_lock(&j->mutex);
        j->queued_bytes -= bytes;
        pthread_mutex_unlock(&j->mutex);
        journal_retire_finished(j);
        rotate_when_idle(j);
    }
    leave_segment(j);
    return NULL;
}
