/* The deleting thread: finished segments go when what the store has confirmed is durable.
 *
 * The writer gives a segment up (`retired`) once it is the oldest, nobody waits for anything in it
 * and the marks that say so are synced. Then `before_delete` is asked, then the file goes: never in
 * the writer's way, and with a callback at most once a second. What is left at closing the next
 * start finds finished again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ingest/journal/state.h"
#include "obs/log.h"

enum { PACE_S = 1, WARN_S = 30 };

static bool oldest_is_finished(struct journal *j)
{
    pthread_mutex_lock(&j->segment_mutex);
    bool is = j->segments.n > 1 && j->segments.at[0].live == 0;
    pthread_mutex_unlock(&j->segment_mutex);
    return is;
}

void journal_retire_finished(struct journal *j)
{
    while (oldest_is_finished(j)) {
        /* The marks that say so must outlive the segment. */
        if (!journal_sync_marks(j)) return;
        pthread_mutex_lock(&j->segment_mutex);
        if (j->n_retired == j->retired_cap) {
            j->retired_cap = j->retired_cap ? j->retired_cap * 2 : 16;
            j->retired = realloc(j->retired, j->retired_cap * sizeof *j->retired);
            if (!j->retired) abort();
        }
        j->retired[j->n_retired++] = (struct retired_segment){.ordinal = j->segments.at[0].ordinal,
                                                              .bytes = j->segments.at[0].bytes};
        segment_list_drop_oldest(&j->segments);
        pthread_cond_signal(&j->retire_changed);
        pthread_mutex_unlock(&j->segment_mutex);
    }
}

static void warn(struct journal *j, const char *file, const char *why)
{
    nanos now = clock_monotonic();
    if (j->delete_warned != 0 && now - j->delete_warned < WARN_S * NANOS_S) return;
    j->delete_warned = now;
    log_warn("journal", "finished segments cannot be deleted yet", LOG_CSTR("file", file),
             LOG_CSTR("why", why));
}

static bool may_delete(struct journal *j)
{
    struct err err = {0};
    if (!j->opt.before_delete || j->opt.before_delete(j->opt.before_delete_ctx, &err) == ST_OK)
        return true;
    warn(j, "", err.msg);
    return false;
}

/* How many of the first `n` are gone. Only this thread takes any out of the list. */
static size_t delete_first(struct journal *j, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&j->segment_mutex);
        struct retired_segment s = j->retired[i];
        pthread_mutex_unlock(&j->segment_mutex);
        char name[SEGMENT_NAME];
        segment_name(s.ordinal, name);
        if (unlinkat(j->dir_fd, name, 0) != 0 && errno != ENOENT) {
            warn(j, name, strerror(errno));
            return i;
        }
        journal_grow(j, -(int64_t)s.bytes);
    }
    return n;
}

static void wait_until(struct journal *j, nanos when)
{
    struct timespec until = {.tv_sec = when / NANOS_S, .tv_nsec = when % NANOS_S};
    while (!j->deleter_ends && clock_monotonic() < when)
        pthread_cond_timedwait(&j->retire_changed, &j->segment_mutex, &until);
}

void *journal_delete_loop(void *journal)
{
    struct journal *j = journal;
    pthread_setname_np(pthread_self(), "journal-delete");
    pthread_mutex_lock(&j->segment_mutex);
    for (;;) {
        while (j->n_retired == 0 && !j->deleter_ends)
            pthread_cond_wait(&j->retire_changed, &j->segment_mutex);
        if (j->n_retired == 0 || (j->deleter_ends && j->opt.before_delete)) break;
        size_t n = j->n_retired;
        pthread_mutex_unlock(&j->segment_mutex);
        nanos began = clock_monotonic();
        size_t gone = may_delete(j) ? delete_first(j, n) : 0;
        pthread_mutex_lock(&j->segment_mutex);
        j->n_retired -= gone;
        memmove(j->retired, j->retired + gone, j->n_retired * sizeof *j->retired);
        if (gone < n && j->deleter_ends) break;
        if (gone < n || j->opt.before_delete) wait_until(j, began + PACE_S * NANOS_S);
    }
    pthread_mutex_unlock(&j->segment_mutex);
    return NULL;
}
