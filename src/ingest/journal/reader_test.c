/* Readers against a plain model: a list of requests, and for each destination what it has begun and
 * what it is done with. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ingest/journal/scratch_test.h"
#include "obs/metrics.h"
#include "testing/test.h"

/* The disk fails when a test says so. */
static atomic_int failing_reads;

ssize_t pread(int fd, void *bytes, size_t n, off_t at)
{
    if (atomic_load(&failing_reads) > 0) {
        atomic_fetch_sub(&failing_reads, 1);
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, bytes, n, at);
}

/* ---- the model ---- */

enum { NAMES = 5, REQUESTS_MAX = 4000, BLOCKS_MAX = 400, PAYLOAD_MAX = 3000 };

static const struct journal_destination pool[NAMES] = {{.name = S("t1"), .signal = SIGNAL_TRACES},
                                                       {.name = S("t2"), .signal = SIGNAL_TRACES},
                                                       {.name = S("l1"), .signal = SIGNAL_LOGS},
                                                       {.name = S("l2"), .signal = SIGNAL_LOGS},
                                                       {.name = S("l3"), .signal = SIGNAL_LOGS}};

struct model_destination {
    bool named;
    unsigned index;
    uint64_t since;
    bool done[REQUESTS_MAX]; /* by request */
    struct model_block {
        uint64_t first, last;
        bool done, old; /* old: begun before the last open */
    } blocks[BLOCKS_MAX];
    int n_blocks, next_begin; /* a request */
    struct journal_reader *reader;
    int at; /* the request the reader has to give next, or a later one */
};

struct model {
    const char *dir;
    struct journal *j;
    uint64_t random;
    struct tally tally;
    struct {
        uint64_t seq;
        enum signal_kind signal;
        size_t len;
    } requests[REQUESTS_MAX];
    int n, waited; /* requests known to be durable */
    struct model_destination to[NAMES];
    int reads;
};

static uint64_t any(struct model *m, uint64_t n)
{
    m->random ^= m->random << 13, m->random ^= m->random >> 7, m->random ^= m->random << 17;
    return m->random % n;
}

static char text[PAYLOAD_MAX + 64]; /* a request's payload: from its number on, so many */

static void open_model(struct model *m)
{
    struct journal_destination to[NAMES];
    unsigned n = 0, from = (unsigned)any(m, NAMES);
    for (unsigned k = 0; k < NAMES; k++) {
        unsigned i = (from + k) % NAMES;
        bool was = m->to[i].named;
        m->to[i].named = any(m, 20) != 0;
        if (!m->to[i].named) continue;
        if (!was) m->to[i].since = UINT64_MAX; /* new */
        m->to[i].index = n;
        to[n++] = pool[i];
    }
    m->j = open_with(
        m->dir, (struct journal_options){
                    .sync = true, .segment_bytes = 8192, .destinations = to, .n_destinations = n});
    for (unsigned i = 0; i < NAMES; i++) {
        struct model_destination *d = &m->to[i];
        if (d->since == UINT64_MAX) {
            d->since = journal_first_new(m->j);
            d->n_blocks = 0;
            d->next_begin = m->n;
            memset(d->done, 0, sizeof d->done);
        }
        for (int b = 0; b < d->n_blocks; b++) d->blocks[b].old = true;
    }
}

static void close_model(struct model *m)
{
    for (int i = 0; i < NAMES; i++) {
        journal_reader_close(m->to[i].reader);
        m->to[i].reader = NULL;
    }
    journal_close(m->j);
    m->waited = m->n;
}

static void append_some(struct model *m)
{
    for (uint64_t k = any(m, 8); k > 0 && m->n < REQUESTS_MAX; k--) {
        enum signal_kind signal = (enum signal_kind)any(m, SIGNAL_COUNT);
        size_t len = any(m, 4) ? any(m, 200) : any(m, PAYLOAD_MAX);
        struct journal_request r = {.signal = signal,
                                    .items = (uint32_t)m->n,
                                    .received_at = m->n,
                                    .payload = {text + m->n % 64, len}};
        m->requests[m->n].signal = signal;
        m->requests[m->n].len = len;
        CHECK_INT(journal_append(m->j, &r, count_done, &m->tally, &m->requests[m->n].seq, NULL),
                  ST_OK);
        m->n++;
    }
}

static void barrier(struct model *m)
{
    wait_for(&m->tally, m->n);
    CHECK_INT(m->tally.refused, 0);
    m->waited = m->n;
    if (m->n > 0) CHECK(journal_durable(m->j) >= m->requests[m->n - 1].seq);
}

static bool wants(const struct model *m, int to, int request)
{
    const struct model_destination *d = &m->to[to];
    return m->requests[request].signal == pool[to].signal && m->requests[request].seq >= d->since &&
           !d->done[request];
}

static void begin_some(struct model *m, int to)
{
    struct model_destination *d = &m->to[to];
    int most = m->waited - d->next_begin;
    if (most <= 0 || d->n_blocks == BLOCKS_MAX) return;
    int first = d->next_begin + (int)any(m, 2), last = first + (int)any(m, 10);
    if (last >= m->waited) return;
    struct model_block *b = &d->blocks[d->n_blocks++];
    *b = (struct model_block){.first = m->requests[first].seq, .last = m->requests[last].seq};
    d->next_begin = last + 1;
    CHECK_INT(journal_block_begin(m->j, d->index, b->first, b->last, NULL), ST_OK);
}

static void done_range(struct model *m, int to, uint64_t first, uint64_t last)
{
    struct model_destination *d = &m->to[to];
    journal_block_done(m->j, d->index, first, last);
    for (int i = 0; i < m->n; i++)
        if (m->requests[i].seq >= first && m->requests[i].seq <= last) d->done[i] = true;
    for (int b = 0; b < d->n_blocks; b++)
        if (d->blocks[b].first >= first && d->blocks[b].last <= last) d->blocks[b].done = true;
}

static void done_some(struct model *m, int to)
{
    struct model_destination *d = &m->to[to];
    if (any(m, 4) == 0 && m->waited > 0) { /* whatever lies in a range, begun or not */
        int first = (int)any(m, (uint64_t)m->waited), last = first + (int)any(m, 20);
        if (last < m->waited) done_range(m, to, m->requests[first].seq, m->requests[last].seq);
        return;
    }
    for (int b = 0; b < d->n_blocks; b++) {
        if (d->blocks[b].done || any(m, 2)) continue;
        done_range(m, to, d->blocks[b].first, d->blocks[b].last);
        return;
    }
}

static void check_read(struct model *m, int to, int want, const struct journal_read *got)
{
    CHECK_INT(got->seq, m->requests[want].seq);
    CHECK_INT(got->request.signal, pool[to].signal);
    CHECK_INT(got->request.items, want);
    CHECK_INT(got->request.received_at, want);
    CHECK_STR(got->request.payload, ((str){text + want % 64, m->requests[want].len}));
    CHECK_INT(got->crashes, 0);
    const struct model_block *block = NULL;
    for (int b = 0; b < m->to[to].n_blocks; b++) {
        const struct model_block *x = &m->to[to].blocks[b];
        if (x->old && !x->done && got->seq >= x->first && got->seq <= x->last) block = x;
    }
    CHECK_INT(got->block_first, block ? block->first : 0);
    CHECK_INT(got->block_last, block ? block->last : 0);
    m->reads++;
}

/* Up to `most` requests. True at the end. */
static bool read_some(struct model *m, int to, struct journal_reader *r, int *at, uint64_t most)
{
    struct journal_read got;
    for (; most > 0; most--) {
        status s = journal_reader_next(r, &got, NULL);
        while (*at < m->n && !wants(m, to, *at)) ++*at;
        if (s == ST_NOT_FOUND) {
            CHECK(*at >= m->waited); /* no request that is known to be durable is left */
            CHECK(m->waited == 0 || journal_reader_position(r) >= m->requests[m->waited - 1].seq);
            return true;
        }
        CHECK_INT(s, ST_OK);
        check_read(m, to, *at, &got);
        CHECK_INT(journal_reader_position(r), got.seq);
        ++*at;
    }
    return false;
}

/* What it has not read shall be settled first: a done mark takes effect when it is written. */
static void settle_marks(struct model *m)
{
    for (int i = 0; i < NAMES; i++) {
        if (!m->to[i].named) continue;
        CHECK_INT(journal_block_begin(m->j, m->to[i].index, UINT64_MAX / 2, UINT64_MAX / 2, NULL),
                  ST_OK);
        return;
    }
}

static void read_all(struct model *m, int to)
{
    struct journal_reader *r;
    int at = m->n > 0 && any(m, 2) ? (int)any(m, (uint64_t)m->n) : 0;
    uint64_t from = at ? m->requests[at].seq : any(m, 2);
    CHECK_INT(journal_reader_open(m->j, m->to[to].index, from, &r, NULL), ST_OK);
    while (!read_some(m, to, r, &at, 1000)) continue;
    journal_reader_close(r);
}

static void one_step(struct model *m)
{
    int to = (int)any(m, NAMES);
    struct model_destination *d = &m->to[to];
    uint64_t what = any(m, 100);
    if (what < 40) append_some(m);
    if (what >= 40 && what < 45) barrier(m);
    if (what == 99) {
        close_model(m);
        open_model(m);
        return;
    }
    if (!d->named) return;
    if (what >= 45 && what < 55) begin_some(m, to);
    if (what >= 55 && what < 72) done_some(m, to);
    if (what < 72) return;
    settle_marks(m);
    if (what < 80) {
        read_all(m, to);
        return;
    }
    if (!d->reader) {
        d->at = 0;
        CHECK_INT(journal_reader_open(m->j, d->index, 0, &d->reader, NULL), ST_OK);
    }
    read_some(m, to, d->reader, &d->at, any(m, 12) + 1);
}

TEST(whatever_happens_a_reader_returns_exactly_what_its_destination_is_not_done_with_in_order)
{
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 131 >> 3);
    int reads = 0;
    for (uint64_t round = 1; round <= 60; round++) {
        struct model *m = calloc(1, sizeof *m);
        m->dir = new_dir();
        m->random = round * 0x9e3779b97f4a7c15ull;
        open_model(m);
        for (int i = 0; i < 400; i++) one_step(m);
        barrier(m);
        settle_marks(m);
        for (int i = 0; i < NAMES; i++)
            if (m->to[i].named) read_all(m, i);
        for (int i = 0; i < NAMES; i++)
            if (m->to[i].named && m->n > 0)
                done_range(m, i, m->requests[0].seq, m->requests[m->n - 1].seq);
        close_model(m);
        struct journal *j = open_with(m->dir, (struct journal_options){.sync = true});
        wait_for_segments(m->dir, 1);
        journal_close(j);
        reads += m->reads;
        remove_dir(m->dir);
        free(m);
    }
    CHECK(reads > 10000);
}

/* ---- beside appends and deletions ---- */

struct tail {
    struct journal *j;
    unsigned dest;
    uint64_t last; /* the last sequence to come; 0: not known yet */
    atomic_uint_fast64_t *ends;
    uint64_t seen, sum;
    bool in_order;
};

static void *tail_run(void *ctx)
{
    struct tail *t = ctx;
    struct journal_reader *r;
    if (journal_reader_open(t->j, t->dest, 0, &r, NULL) != ST_OK) return NULL;
    uint64_t before = 0, first = 0;
    t->in_order = true;
    for (;;) {
        struct journal_read in;
        uint64_t end = atomic_load(t->ends);
        if (journal_reader_next(r, &in, NULL) == ST_OK) {
            t->in_order &= in.seq > before;
            before = in.seq;
            if (first == 0) first = in.seq;
            uint32_t number;
            memcpy(&number, in.request.payload.ptr, sizeof number);
            t->seen++;
            t->sum += number;
            if (t->seen % 100 == 0) {
                journal_block_done(t->j, t->dest, first, before);
                first = 0;
            }
        } else if (end != 0 && journal_reader_position(r) >= end) {
            break;
        } else {
            sched_yield();
        }
    }
    journal_reader_close(r);
    return NULL;
}

TEST(readers_follow_beside_appends_and_beside_the_deletion_of_what_they_finished)
{
    enum { N = 6000 };
    const char *dir = new_dir();
    struct journal *j = open_with(
        dir, (struct journal_options){
                 .sync = true, .segment_bytes = 40000, .destinations = pool, .n_destinations = 3});
    atomic_uint_fast64_t ends = 0;
    struct tail tails[2] = {{.j = j, .dest = 0, .ends = &ends}, {.j = j, .dest = 1, .ends = &ends}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, tail_run, &tails[i]);
    static char payloads[N][200];
    struct tally t = {0};
    uint64_t seq = 0, sum = 0;
    for (uint32_t i = 0; i < N; i++) {
        memcpy(payloads[i], &i, sizeof i);
        sum += i;
        CHECK_INT(append(j, SIGNAL_TRACES, (str){payloads[i], 200}, &t, &seq), ST_OK);
    }
    wait_for(&t, N);
    atomic_store(&ends, seq);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(tails[i].seen, N);
        CHECK_INT(tails[i].sum, sum);
        CHECK(tails[i].in_order);
    }
    wait_for_segments(dir, 2);
    journal_close(j);
    remove_dir(dir);
}

TEST(large_and_small_records_of_other_signals_between_them_are_stepped_over)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir);
    size_t large = 3000000;
    char *bytes = malloc(large);
    for (size_t i = 0; i < large; i++) bytes[i] = (char)(i % 251);
    uint64_t want[20];
    for (int i = 0; i < 20; i++) {
        append_n(j, SIGNAL_LOGS, (str){bytes, i % 3 ? large : 7}, 1 + i % 2);
        want[i] = append_n(j, SIGNAL_TRACES, (str){bytes + i, i % 4 ? 100 : large - 20}, 1);
    }
    struct journal_reader *r;
    struct journal_read in;
    CHECK_INT(journal_reader_open(j, 0, want[3], &r, NULL), ST_OK);
    for (int i = 3; i < 20; i++) {
        CHECK_INT(journal_reader_next(r, &in, NULL), ST_OK);
        CHECK_INT(in.seq, want[i]);
        CHECK_STR(in.request.payload, ((str){bytes + i, i % 4 ? 100 : large - 20}));
    }
    CHECK_INT(journal_reader_next(r, &in, NULL), ST_NOT_FOUND);
    CHECK_INT(journal_reader_position(r), journal_durable(j));
    journal_reader_close(r);
    journal_close(j);
    free(bytes);
    remove_dir(dir);
}

/* ---- the disk ---- */

static void flip(const char *dir, off_t at)
{
    char path[600], c;
    snprintf(path, sizeof path, "%s/0000000000000001.seg", dir);
    int fd = open(path, O_RDWR);
    CHECK(pread(fd, &c, 1, at) == 1);
    c ^= 1;
    CHECK(pwrite(fd, &c, 1, at) == 1);
    close(fd);
}

TEST(a_request_that_is_damaged_after_it_was_written_is_left_out_and_its_segment_is_let_go)
{
    const char *dir = new_dir();
    struct journal *j =
        open_with(dir, (struct journal_options){.sync = true, .segment_bytes = 4096});
    append_n(j, SIGNAL_TRACES, S("payload"), 10);
    flip(dir, SEGMENT_HEAD + (RECORD_HEAD + 8) * 2 + RECORD_HEAD); /* the third's payload */
    flip(dir, SEGMENT_HEAD + (RECORD_HEAD + 8) * 5);               /* the sixth's head */
    uint64_t lost = metric_get(M_JOURNAL_LOST_REQUESTS, 0);
    struct journal_reader *r;
    struct journal_read in;
    CHECK_INT(journal_reader_open(j, 0, 0, &r, NULL), ST_OK);
    for (uint64_t want = 1; want <= 10; want++) {
        if (want == 3 || want == 6) continue;
        CHECK_INT(journal_reader_next(r, &in, NULL), ST_OK);
        CHECK_INT(in.seq, want);
        journal_block_done(j, 0, want, want);
    }
    CHECK_INT(journal_reader_next(r, &in, NULL), ST_NOT_FOUND);
    CHECK_INT(metric_get(M_JOURNAL_LOST_REQUESTS, 0) - lost, 2);
    append_n(j, SIGNAL_TRACES, (str){text, 3000}, 3); /* a segment each */
    wait_for_segments(dir, 3);
    journal_reader_close(r);
    journal_close(j);
    remove_dir(dir);
}

TEST(a_disk_that_cannot_be_read_is_asked_again_and_given_up_the_fifth_time)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir);
    append_n(j, SIGNAL_TRACES, S("payload"), 3);
    struct journal_reader *r;
    struct journal_read in;
    struct err err;
    CHECK_INT(journal_reader_open(j, 0, 0, &r, NULL), ST_OK);
    atomic_store(&failing_reads, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(journal_reader_next(r, &in, &err), ST_UNAVAILABLE);
        CHECK(strstr(err.msg, "Input/output error") != NULL);
        CHECK_INT(journal_reader_position(r), 0);
    }
    CHECK_INT(journal_reader_next(r, &in, NULL), ST_OK);
    CHECK_INT(in.seq, 1);
    journal_reader_close(r);

    CHECK_INT(journal_reader_open(j, 0, 0, &r, NULL), ST_OK);
    atomic_store(&failing_reads, 1000);
    for (int i = 0; i < 4; i++) CHECK_INT(journal_reader_next(r, &in, &err), ST_UNAVAILABLE);
    CHECK_INT(journal_reader_next(r, &in, &err), ST_NOT_FOUND);
    atomic_store(&failing_reads, 0);
    CHECK_INT(journal_reader_position(r), 3);
    journal_reader_close(r);
    journal_close(j);
    remove_dir(dir);
}
