#include "ingest/journal/scratch_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/metrics.h"
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
    static const struct journal_destination each[] = {
        {.name = S("traces>clickhouse"), .signal = SIGNAL_TRACES},
        {.name = S("logs>clickhouse"), .signal = SIGNAL_LOGS},
        {.name = S("metrics>clickhouse"), .signal = SIGNAL_METRICS}};
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

static void note(struct seen *s, const struct journal_read *r)
{
    int at = s->n;
    while (at > 0 && s->seq[at - 1] > r->seq) at--;
    if (s->n == SEEN_MAX || (at > 0 && s->seq[at - 1] == r->seq)) return;
    size_t behind = (size_t)(s->n - at);
    memmove(&s->seq[at + 1], &s->seq[at], behind * sizeof s->seq[0]);
    memmove(&s->block_first[at + 1], &s->block_first[at], behind * sizeof s->block_first[0]);
    memmove(&s->block_last[at + 1], &s->block_last[at], behind * sizeof s->block_last[0]);
    memmove(&s->signal[at + 1], &s->signal[at], behind * sizeof s->signal[0]);
    memmove(&s->text[at + 1], &s->text[at], behind * sizeof s->text[0]);
    s->seq[at] = r->seq;
    s->block_first[at] = r->block_first;
    s->block_last[at] = r->block_last;
    s->signal[at] = r->request.signal;
    snprintf(s->text[at], sizeof s->text[at], STR_FMT, STR_ARG(r->request.payload));
    s->items += r->request.items;
    s->n++;
}

struct seen *replay(struct journal *j)
{
    struct seen *s = calloc(1, sizeof *s);
    struct journal_reader *r;
    s->in_order = true;
    for (unsigned dest = 0; journal_reader_open(j, dest, 0, &r, NULL) == ST_OK; dest++) {
        struct journal_read in;
        status got;
        uint64_t before = 0;
        while ((got = journal_reader_next(r, &in, NULL)) == ST_OK &&
               in.seq < journal_first_new(j)) {
            s->in_order &= in.seq > before;
            before = in.seq;
            note(s, &in);
        }
        CHECK(got == ST_OK || got == ST_NOT_FOUND);
        journal_reader_close(r);
    }
    return s;
}

uint64_t lost_bytes(void) { return metric_get(M_JOURNAL_LOST_BYTES, 0); }

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
