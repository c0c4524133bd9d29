#include "ingest/journal/scratch_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/test.h"

const char *new_dir(void)
{
    char path[256];
    const char *tmp = getenv("TMPDIR");
    /* Thousands of openings: in memory when there is such a folder. */
    if (!tmp || !*tmp) tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/weir-journal-XXXXXX", tmp);
    CHECK(mkdtemp(path) != NULL);
    return strdup(path);
}

void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        char name[600];
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        unlink(name);
    }
    closedir(d);
    rmdir(path);
    free((void *)(uintptr_t)path);
}

int count_segments(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) n += strstr(e->d_name, ".seg") != NULL;
    if (d) closedir(d);
    return n;
}

static void copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (in < 0) { /* deleted meanwhile: as a crash would find it */
        close(out);
        unlink(to);
        return;
    }
    char piece[65536];
    for (ssize_t n; (n = read(in, piece, sizeof piece)) > 0;)
        CHECK(write(out, piece, (size_t)n) == n);
    close(in);
    close(out);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void wait_for_segments(const char *path, int at_most)
{
    while (count_segments(path) > at_most) sched_yield();
}

void copy_dir(const char *from, const char *to)
{
    struct dirent **list;
    int n = scandir(from, &list, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char a[600], b[600];
        snprintf(a, sizeof a, "%s/%s", from, list[i]->d_name);
        snprintf(b, sizeof b, "%s/%s", to, list[i]->d_name);
        if (list[i]->d_name[0] != '.') copy_file(a, b);
        free(list[i]);
    }
    free(list);
}

struct journal *open_with(const char *dir, struct journal_options o)
{
    struct journal *j = NULL;
    struct err err = {0};
    /* One of each signal, so that its index is the signal's. */
    static const struct journal_destination each[] = {{S("traces>clickhouse"), SIGNAL_TRACES},
                                                      {S("logs>clickhouse"), SIGNAL_LOGS},
                                                      {S("metrics>clickhouse"), SIGNAL_METRICS}};
    o.dir = (str){dir, strlen(dir)};
    if (!o.destinations) {
        o.destinations = each;
        o.n_destinations = 3;
    }
    if (o.reserve_bytes == 0) o.reserve_bytes = 1;
    if (journal_open(&o, &j, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(j != NULL);
    return j;
}

struct journal *open_dir(const char *dir)
{
    return open_with(dir, (struct journal_options){.sync = true});
}

void count_done(void *ctx, status s)
{
    struct tally *t = ctx;
    atomic_store(&t->last_status, (int)s);
    atomic_fetch_add(s == ST_OK ? &t->ok : &t->refused, 1);
}

void wait_for(struct tally *t, int n)
{
    while (atomic_load(&t->ok) + atomic_load(&t->refused) < n) sched_yield();
}

status append(struct journal *j, enum signal_kind signal, str payload, struct tally *t,
              uint64_t *seq)
{
    struct journal_request r = {.signal = signal,
                                .format = 1,
                                .compression = 2,
                                .items = (uint32_t)payload.len,
                                .received_at = 1234567890123456789,
                                .payload = payload};
    return journal_append(j, &r, count_done, t, seq, NULL);
}

static status note(void *ctx, const struct journal_replayed *r, struct err *err)
{
    struct seen *s = ctx;
    (void)err;
    if (s->n == 0) s->in_order = true;
    if (s->n > 0 && r->seq <= s->seq[s->n - 1]) s->in_order = false;
    if (s->n < 4096) {
        s->seq[s->n] = r->seq;
        s->block_first[s->n] = r->block_first;
        s->block_last[s->n] = r->block_last;
        s->signal[s->n] = r->request.signal;
        snprintf(s->text[s->n], 16, STR_FMT, STR_ARG(r->request.payload));
        s->n++;
    }
    return ST_OK;
}

struct seen *replay(struct journal *j, struct journal_replay_stats *stats)
{
    struct seen *s = calloc(1, sizeof *s);
    CHECK_INT(journal_replay(j, note, s, stats, NULL), ST_OK);
    return s;
}

void write_file(const char *path, str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

uint64_t append_n(struct journal *j, enum signal_kind signal, str payload, int n)
{
    struct tally t = {0};
    uint64_t seq = 0;
    for (int i = 0; i < n; i++) CHECK_INT(append(j, signal, payload, &t, &seq), ST_OK);
    wait_for(&t, n);
    CHECK_INT(t.ok, n);
    return seq;
}
