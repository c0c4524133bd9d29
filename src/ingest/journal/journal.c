/* The door: opening, closing, and what callers put into the queue. The writing itself is writer.c.
 */
#include "ingest/journal/journal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ingest/journal/folder.h"
#include "ingest/journal/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

static status open_folder(struct journal *j, struct err *err)
{
    TRY(folder_make(j->dir_path, err));
    j->dir_fd = open(j->dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dir_fd >= 0) j->lock_fd = openat(j->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->lock_fd < 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal %s: %s", j->dir_path,
                       strerror(errno));
    if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal %s: in use by another process",
                       j->dir_path);
    return ST_OK;
}

static void journal_free(struct journal *j)
{
    if (j->fd >= 0) close(j->fd);
    if (j->lock_fd >= 0) close(j->lock_fd);
    if (j->dir_fd >= 0) close(j->dir_fd);
    journal_grow(j, -(int64_t)atomic_load(&j->bytes));
    attempts_close(j->attempts);
    for (int i = 0; i < DESTINATIONS_MAX; i++) block_set_done(&j->blocks[i]);
    segment_list_done(&j->segments);
    for (struct journal_item *i = j->owed, *next; i; i = next) {
        next = i->next;
        free(i);
    }
    free(j->retired);
    free(j->dir_path);
    pthread_cond_destroy(&j->retire_changed);
    pthread_cond_destroy(&j->filled);
    pthread_cond_destroy(&j->marked);
    pthread_mutex_destroy(&j->segment_mutex);
    pthread_mutex_destroy(&j->mutex);
    free(j);
}

static void defaults(struct journal_options *o)
{
    if (o->segment_bytes == 0) o->segment_bytes = 64 << 20;
    if (o->max_bytes == 0) o->max_bytes = 4ull << 30;
    if (o->reserve_bytes == 0) o->reserve_bytes = 256 << 20;
    /* Space comes back a segment at a time: a cap of few segments would never be reached from
     * below. */
    if (o->segment_bytes > o->max_bytes / 8) o->segment_bytes = o->max_bytes / 8;
    if (o->segment_bytes < 4096) o->segment_bytes = 4096;
    if (!o->boot_id_path) o->boot_id_path = "/proc/sys/kernel/random/boot_id";
}

static status name_destinations(struct journal *j, const struct journal_options *opt,
                                struct err *err)
{
    for (size_t i = 0; i < opt->n_destinations; i++) {
        const struct journal_destination *d = &opt->destinations[i];
        TRY(destination_list_add(&j->destinations, d->signal, d->name, 0, err));
        j->destinations.at[i].late = d->late;
        if (d->replays_after_boot) j->replays_after_boot |= (uint16_t)(1u << i);
    }
    j->opt.destinations = NULL;
    return ST_OK;
}

static void end_deleter(struct journal *j)
{
    pthread_mutex_lock(&j->segment_mutex);
    j->deleter_ends = true;
    pthread_cond_signal(&j->retire_changed);
    pthread_mutex_unlock(&j->segment_mutex);
    pthread_join(j->deleter, NULL);
}

static status start_threads(struct journal *j, struct err *err)
{
    int bad = pthread_create(&j->deleter, NULL, journal_delete_loop, j);
    if (bad == 0) {
        bad = pthread_create(&j->thread, NULL, journal_write_loop, j);
        if (bad != 0) end_deleter(j);
    }
    if (bad == 0) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal: cannot start its threads: %s",
                   strerror(bad));
}

status journal_open(const struct journal_options *opt, struct journal **ret, struct err *err)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j) abort();
    j->opt = *opt;
    defaults(&j->opt);
    j->dir_path = strndup(opt->dir.ptr, opt->dir.len);
    if (!j->dir_path) abort();
    j->opt.dir = (str){0};
    j->dir_fd = j->lock_fd = j->fd = -1;
    j->tail = &j->head;
    pthread_mutex_init(&j->mutex, NULL);
    pthread_mutex_init(&j->segment_mutex, NULL);
    pthread_cond_init(&j->marked, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->filled, &monotonic);
    pthread_cond_init(&j->retire_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);

    status s = name_destinations(j, opt, err);
    if (s == ST_OK) s = open_folder(j, err);
    if (s == ST_OK) s = journal_recover(j, err);
    if (s == ST_OK) s = start_threads(j, err);
    if (s != ST_OK) {
        journal_free(j);
        return s;
    }
    *ret = j;
    return ST_OK;
}

/* With the store durable a restart of the machine finds nothing doubtful. Unless what is doubted
 * since the last one is not all stored again. Without a bound of time: a sync cannot be called off,
 * and the deleting thread's is waited for too. */
static void close_clean(struct journal *j)
{
    uint64_t waits;
    if (!j->boot.id[0] || !j->replays_after_boot || !j->opt.before_delete) return;
    if (j->segments.n == 0 || j->boot.durable == j->next_ordinal) return; /* nothing new */
    if (segment_list_next(&j->segments, j->replays_after_boot, 1, &waits) &&
        waits <= j->doubted_last)
        return;
    struct err err = {0};
    status s = j->opt.before_delete(j->opt.before_delete_ctx, &err);
    j->boot.durable = j->boot.doubted = j->next_ordinal;
    if (s == ST_OK) s = boot_note_save(j->dir_fd, &j->boot, &err);
    if (s != ST_OK)
        log_warn("journal",
                 "a restart of the machine will read back what is finished: the store could not be "
                 "synced at closing",
                 LOG_CSTR("folder", j->dir_path), LOG_CSTR("why", err.msg));
}

void journal_close(struct journal *j)
{
    if (!j) return;
    pthread_mutex_lock(&j->mutex);
    j->closing = true;
    pthread_cond_signal(&j->filled);
    pthread_mutex_unlock(&j->mutex);
    pthread_join(j->thread, NULL);
    end_deleter(j);
    close_clean(j);
    journal_free(j);
}

uint64_t journal_durable(const struct journal *j) { return atomic_load(&j->durable); }

uint64_t journal_first_new(const struct journal *j) { return j->first_new; }

void journal_attempt_begin(struct journal *j, unsigned dest, uint64_t first, uint64_t last)
{
    assert(dest < j->destinations.n && first <= last);
    attempts_begin(j->attempts, dest, first, last);
}

void journal_attempt_end(struct journal *j, unsigned dest)
{
    assert(dest < j->destinations.n);
    attempts_end(j->attempts, dest);
}

const uint8_t *journal_id(const struct journal *j) { return j->id; }

uint64_t journal_bytes(const struct journal *j) { return atomic_load(&j->bytes); }

void journal_grow(struct journal *j, int64_t bytes)
{
    atomic_fetch_add(&j->bytes, (uint64_t)bytes);
    metric_move(M_JOURNAL_BYTES, 0, bytes);
}

/* Asks the file system again when what it said is older than `age`. */
static void refresh_disk(struct journal *j, nanos age)
{
    nanos now = clock_monotonic();
    if (j->disk_checked != 0 && now - j->disk_checked < age) return;
    struct statvfs v;
    /* A file system that does not say is not full: writing will tell. */
    j->disk_free = UINT64_MAX / 2;
    if (fstatvfs(j->dir_fd, &v) == 0) j->disk_free = (uint64_t)v.f_bavail * v.f_frsize;
    j->disk_free -= j->queued_bytes < j->disk_free ? j->queued_bytes : j->disk_free;
    j->disk_checked = now;
}

static status room_for(struct journal *j, uint64_t need, struct err *err)
{
    uint64_t held = atomic_load(&j->bytes) + j->queued_bytes;
    if (held + need > j->opt.max_bytes)
        return err_set(err, ST_OVERLOADED, ERR_NOPOS,
                       "the journal holds %llu bytes, its cap is %llu", (unsigned long long)held,
                       (unsigned long long)j->opt.max_bytes);
    refresh_disk(j, 100 * NANOS_MS);
    if (j->disk_free < j->opt.reserve_bytes + need) refresh_disk(j, 10 * NANOS_MS);
    if (j->disk_free < j->opt.reserve_bytes + need)
        return err_set(err, ST_OVERLOADED, ERR_NOPOS,
                       "the disk of the journal has %llu bytes left, %llu are kept free",
                       (unsigned long long)j->disk_free, (unsigned long long)j->opt.reserve_bytes);
    return ST_OK;
}

status journal_room(struct journal *j, size_t bytes, struct err *err)
{
    pthread_mutex_lock(&j->mutex);
    status s = room_for(j, record_size(bytes), err);
    pthread_mutex_unlock(&j->mutex);
    return s;
}

/* True: the writer is to be woken (wake_writer), best without the mutex that it wants first. */
static bool enqueue(struct journal *j, struct journal_item *i)
{
    *j->tail = i;
    j->tail = &i->next;
    j->queued_bytes += record_size(i->rec.payload.len);
    j->hurry |= i->rec.kind == RECORD_BLOCK_BEGIN;
    return !j->pacing || j->hurry || j->queued_bytes >= JOURNAL_GROUP_BYTES;
}

static void wake_writer(struct journal *j) { pthread_cond_signal(&j->filled); }

status journal_append(struct journal *j, const struct journal_request *r, journal_done_fn done,
                      void *ctx, uint64_t *ret_seq, struct err *err)
{
    if (r->payload.len > RECORD_PAYLOAD_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a request of %zu bytes, the journal takes %u",
                       r->payload.len, RECORD_PAYLOAD_MAX);
    struct journal_item *i = malloc(sizeof *i);
    if (!i) abort();
    *i = (struct journal_item){.rec = {.kind = RECORD_REQUEST,
                                       .signal = (uint8_t)r->signal,
                                       .format = r->format,
                                       .compression = r->compression,
                                       .items = r->items,
                                       .late = r->late,
                                       .received_at = r->received_at,
                                       .payload = r->payload},
                               .done = done,
                               .ctx = ctx};
    uint64_t size = record_size(r->payload.len);
    pthread_mutex_lock(&j->mutex);
    status s = room_for(j, size, err);
    if (s == ST_OK && j->closing)
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the journal is closing");
    bool idle = false;
    if (s == ST_OK) {
        j->disk_free -= size;
        *ret_seq = i->rec.seq = j->next_seq++;
        idle = enqueue(j, i);
    }
    pthread_mutex_unlock(&j->mutex);
    if (idle) wake_writer(j);
    if (s != ST_OK) free(i);
    return s;
}

static struct journal_item *mark_new(struct journal *j, enum record_kind kind, unsigned dest,
                                     uint64_t first_seq, uint64_t last_seq)
{
    assert(dest < j->destinations.n);
    const struct destination *d = &j->destinations.at[dest];
    struct journal_item *i = malloc(sizeof *i);
    if (!i) abort();
    *i = (struct journal_item){.mark_last = htole64(last_seq),
                               .destination = dest,
                               .rec = {.kind = (uint8_t)kind,
                                       .signal = (uint8_t)d->signal,
                                       .items = d->tag,
                                       .seq = first_seq,
                                       .received_at = clock_now(),
                                       .payload = {.len = sizeof i->mark_last}}};
    i->rec.payload.ptr = (const char *)&i->mark_last;
    return i;
}

status journal_block_begin(struct journal *j, unsigned dest, uint64_t first_seq, uint64_t last_seq,
                           struct err *err)
{
    struct journal_wait w = {0};
    struct journal_item *i = mark_new(j, RECORD_BLOCK_BEGIN, dest, first_seq, last_seq);
    i->wait = &w;
    pthread_mutex_lock(&j->mutex);
    if (j->closing) {
        pthread_mutex_unlock(&j->mutex);
        free(i);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the journal is closing");
    }
    if (enqueue(j, i)) wake_writer(j);
    while (!w.over) pthread_cond_wait(&j->marked, &j->mutex);
    pthread_mutex_unlock(&j->mutex);
    if (w.result != ST_OK && err) *err = w.err;
    return w.result;
}

void journal_block_done(struct journal *j, unsigned dest, uint64_t first_seq, uint64_t last_seq)
{
    struct journal_item *i = mark_new(j, RECORD_BLOCK_DONE, dest, first_seq, last_seq);
    pthread_mutex_lock(&j->mutex);
    bool late = j->closing;
    bool idle = !late && enqueue(j, i);
    pthread_mutex_unlock(&j->mutex);
    if (idle) wake_writer(j);
    if (late) free(i);
}
