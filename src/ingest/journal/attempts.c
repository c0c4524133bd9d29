#include "ingest/journal/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "ingest/journal/folder.h"
#include "ingest/journal/journal.h"
#include "ingest/journal/little_endian.h"
#include "obs/log.h"

struct attempts {
    struct attempts *next; /* of all there ever were: the handler may be at one that is closed */
    atomic_bool used;
    atomic_int fd; /* -1: nothing to be written */
    atomic_bool noted;
    uint32_t seed, crash;
    struct destination_list destinations;
    struct {
        atomic_uint_fast64_t first, last; /* last 0: nothing is tried */
    } trying[DESTINATIONS_MAX];
    struct attempt_notes notes;
};

static _Atomic(struct attempts *) all;

/* ---- the records ---- */

void attempt_note_put(char out[ATTEMPT_RECORD], uint32_t seed, const struct attempt_note *n)
{
    memset(out, 0, ATTEMPT_RECORD);
    put32(out + 4, n->tag);
    put64(out + 8, n->first);
    put64(out + 16, n->last);
    put32(out + 24, n->crash);
    out[28] = (char)n->signal;
    put32(out, crc32c(seed, (str){out + 4, ATTEMPT_RECORD - 4}));
}

static bool note_get(const char *p, uint32_t seed, struct attempt_note *ret)
{
    uint8_t signal = (uint8_t)p[28];
    if (get32(p) != crc32c(seed, (str){p + 4, ATTEMPT_RECORD - 4}) || signal >= SIGNAL_COUNT)
        return false;
    *ret = (struct attempt_note){.tag = get32(p + 4),
                                 .first = get64(p + 8),
                                 .last = get64(p + 16),
                                 .crash = get32(p + 24),
                                 .signal = (enum signal_kind)signal};
    return ret->first <= ret->last;
}

static int by_crash(const void *a, const void *b)
{
    uint32_t x = ((const struct attempt_note *)a)->crash,
             y = ((const struct attempt_note *)b)->crash;
    return (x > y) - (x < y);
}

void attempt_notes_parse(str bytes, uint32_t seed, struct attempt_notes *ret)
{
    *ret = (struct attempt_notes){0};
    ret->at = calloc(bytes.len / ATTEMPT_RECORD + 1, sizeof *ret->at);
    if (!ret->at) abort();
    for (; bytes.len >= ATTEMPT_RECORD; bytes = str_drop(bytes, ATTEMPT_RECORD)) {
        if (note_get(bytes.ptr, seed, &ret->at[ret->n]))
            ret->n++;
        else
            ret->damaged += ATTEMPT_RECORD;
    }
    ret->damaged += bytes.len;
    if (ret->n > 0) qsort(ret->at, ret->n, sizeof *ret->at, by_crash);
}

void attempt_notes_done(struct attempt_notes *n)
{
    free(n->at);
    *n = (struct attempt_notes){0};
}

uint32_t attempts_count(const struct attempts *a, enum signal_kind signal, uint64_t seq)
{
    uint32_t n = 0, crash = 0;
    for (size_t i = 0; i < a->notes.n; i++) {
        const struct attempt_note *note = &a->notes.at[i];
        if (note->signal != signal || seq < note->first || seq > note->last) continue;
        n += n == 0 || note->crash != crash; /* two destinations may have been at it */
        crash = note->crash;
    }
    return n;
}

/* ---- opening ---- */

static void rewrite(int dir_fd, uint32_t seed, const struct attempt_notes *notes)
{
    char *bytes = malloc(notes->n * ATTEMPT_RECORD + 1);
    if (!bytes) abort();
    for (size_t i = 0; i < notes->n; i++)
        attempt_note_put(bytes + i * ATTEMPT_RECORD, seed, &notes->at[i]);
    struct err err;
    if (folder_replace(dir_fd, "attempts", (str){bytes, notes->n * ATTEMPT_RECORD}, &err) != ST_OK)
        log_warn("journal", "the notes of crashes could not be rewritten",
                 LOG_CSTR("why", err.msg));
    free(bytes);
}

static void load(struct attempts *a, int dir_fd,
                 bool (*wanted)(void *ctx, const struct attempt_note *n), void *ctx)
{
    str bytes = {0};
    struct err err;
    status s = folder_read(dir_fd, "attempts", ATTEMPTS_FILE_MAX, &bytes, &err);
    if (s != ST_OK && s != ST_NOT_FOUND)
        log_warn("journal", "the notes of crashes cannot be read, they begin anew",
                 LOG_CSTR("why", err.msg));
    attempt_notes_parse(bytes, a->seed, &a->notes);
    free((void *)(uintptr_t)bytes.ptr);
    struct attempt_notes *notes = &a->notes;
    if (notes->damaged > 0)
        log_warn("journal", "notes of crashes are damaged and left out",
                 LOG_INT("bytes", notes->damaged));
    a->crash = notes->n > 0 ? notes->at[notes->n - 1].crash + 1 : 1;
    size_t kept = 0, all_of_them = notes->n;
    for (size_t i = 0; i < all_of_them; i++)
        if (all_of_them - i <= ATTEMPTS_KEPT && wanted(ctx, &notes->at[i]))
            notes->at[kept++] = notes->at[i];
    notes->n = kept;
    if (kept > 0)
        log_warn("journal", "requests are here that were being tried when weir crashed",
                 LOG_INT("notes", kept));
    if (s == ST_LIMIT || kept < all_of_them || notes->damaged > 0) rewrite(dir_fd, a->seed, notes);
}

/* One that no journal has, or a new one. They are never freed. */
static struct attempts *take_free(void)
{
    for (struct attempts *a = atomic_load(&all); a; a = a->next)
        if (!atomic_exchange(&a->used, true)) return a;
    struct attempts *a = calloc(1, sizeof *a);
    if (!a) abort();
    atomic_store(&a->used, true);
    atomic_store(&a->fd, -1);
    a->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &a->next, a)) continue;
    return a;
}

struct attempts *attempts_open(int dir_fd, uint32_t seed, const struct destination_list *l,
                               bool (*wanted)(void *ctx, const struct attempt_note *n), void *ctx)
{
    struct attempts *a = take_free();
    a->seed = seed;
    a->destinations = *l;
    for (int i = 0; i < DESTINATIONS_MAX; i++) atomic_store(&a->trying[i].last, 0);
    atomic_store(&a->noted, false);
    load(a, dir_fd, wanted, ctx);
    int fd = openat(dir_fd, "attempts", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        log_warn("journal",
                 "the file of attempts cannot be opened: requests that crash weir are "
                 "not found out",
                 LOG_CSTR("why", strerror(errno)));
    atomic_store(&a->fd, fd);
    return a;
}

void attempts_close(struct attempts *a)
{
    if (!a) return;
    int fd = atomic_exchange(&a->fd, -1);
    if (fd >= 0) close(fd);
    attempt_notes_done(&a->notes);
    atomic_store(&a->used, false);
}

/* ---- trying, and crashing ---- */

void attempts_begin(struct attempts *a, unsigned dest, uint64_t first, uint64_t last)
{
    atomic_store(&a->trying[dest].last, 0);
    atomic_store(&a->trying[dest].first, first);
    atomic_store(&a->trying[dest].last, last);
}

void attempts_end(struct attempts *a, unsigned dest) { atomic_store(&a->trying[dest].last, 0); }

static void note_one(struct attempts *a)
{
    int fd = atomic_load(&a->fd);
    if (fd < 0 || atomic_exchange(&a->noted, true)) return;
    char bytes[DESTINATIONS_MAX * ATTEMPT_RECORD];
    size_t len = 0;
    for (size_t i = 0; i < a->destinations.n; i++) {
        uint64_t last = atomic_load(&a->trying[i].last);
        struct attempt_note n = {.first = atomic_load(&a->trying[i].first),
                                 .last = last,
                                 .tag = a->destinations.at[i].tag,
                                 .crash = a->crash,
                                 .signal = a->destinations.at[i].signal};
        if (last == 0 || n.first > last) continue;
        attempt_note_put(bytes + len, a->seed, &n);
        len += ATTEMPT_RECORD;
    }
    /* Cut short is as good as damaged; nothing can be done about it here. */
    if (len > 0 && write(fd, bytes, len) < 0) return;
}

void journal_note_crash(void)
{
    int before = errno;
    for (struct attempts *a = atomic_load(&all); a; a = a->next) note_one(a);
    errno = before;
}
