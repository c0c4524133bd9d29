#include "ingest/journal/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ingest/journal/scratch_test.h"
#include "testing/test.h"

TEST(what_was_appended_is_replayed_in_order_with_all_its_fields)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir);
    uint8_t id[16];
    memcpy(id, journal_id(j), 16);
    struct tally t = {0};
    uint64_t a, b, c;
    CHECK_INT(append(j, SIGNAL_TRACES, S("one"), &t, &a), ST_OK);
    CHECK_INT(append(j, SIGNAL_METRICS, S(""), &t, &b), ST_OK);
    CHECK_INT(append(j, SIGNAL_LOGS, S("three33333"), &t, &c), ST_OK);
    CHECK(a < b && b < c);
    wait_for(&t, 3);
    CHECK_INT(t.ok, 3);
    journal_close(j);

    uint64_t lost = lost_bytes();
    j = open_dir(dir);
    CHECK(memcmp(id, journal_id(j), 16) == 0);
    struct seen *s = replay(j);
    CHECK_INT(s->n, 3);
    CHECK_INT(s->seq[1], b);
    CHECK_INT(s->signal[2], SIGNAL_LOGS);
    CHECK_STR(((str){s->text[2], strlen(s->text[2])}), S("three33333"));
    CHECK_INT(s->items, 13);
    CHECK_INT(lost_bytes() - lost, 0);
    uint64_t d;
    CHECK_INT(append(j, SIGNAL_LOGS, S("x"), &t, &d), ST_OK);
    CHECK(d > c);
    journal_close(j);
    free(s);
    remove_dir(dir);
}

TEST(the_folder_belongs_to_one_journal_at_a_time)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir), *k;
    struct journal_options o = {.dir = {dir, strlen(dir)}};
    struct err err;
    CHECK_INT(journal_open(&o, &k, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "in use") != NULL);
    journal_close(j);
    remove_dir(dir);
}

TEST(a_finished_block_is_not_replayed_and_an_unfinished_one_has_its_bounds)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir);
    struct tally t = {0};
    uint64_t seq[12];
    for (int i = 0; i < 12; i++)
        CHECK_INT(append(j, i % 2 ? SIGNAL_LOGS : SIGNAL_TRACES, S("p"), &t, &seq[i]), ST_OK);
    wait_for(&t, 12);
    CHECK_INT(journal_block_begin(j, SIGNAL_TRACES, seq[0], seq[4], NULL), ST_OK);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, seq[1], seq[3], NULL), ST_OK);
    journal_block_done(j, SIGNAL_LOGS, seq[1], seq[3]);
    journal_close(j);

    j = open_dir(dir);
    struct seen *s = replay(j);
    CHECK_INT(s->n, 10);
    CHECK(s->in_order);
    for (int i = 0; i < s->n; i++) {
        bool bounded = s->signal[i] == SIGNAL_TRACES && s->seq[i] <= seq[4];
        CHECK_INT(s->block_last[i], bounded ? seq[4] : 0);
        CHECK_INT(s->block_first[i], bounded ? seq[0] : 0);
        CHECK(!(s->signal[i] == SIGNAL_LOGS && s->seq[i] <= seq[3]));
    }
    journal_close(j);
    free(s);
    remove_dir(dir);
}

static char big[20000];

TEST(segments_are_deleted_when_all_before_and_in_them_is_finished)
{
    const char *dir = new_dir();
    struct journal *j =
        open_with(dir, (struct journal_options){.sync = true, .segment_bytes = 50000});
    struct tally t = {0};
    uint64_t seq[40];
    for (int i = 0; i < 40; i++) {
        CHECK_INT(
            append(j, i % 2 ? SIGNAL_LOGS : SIGNAL_TRACES, (str){big, sizeof big}, &t, &seq[i]),
            ST_OK);
        wait_for(&t, i + 1);
    }
    int many = count_segments(dir);
    CHECK(many >= 20);
    CHECK_INT(journal_block_begin(j, SIGNAL_TRACES, seq[0], seq[38], NULL), ST_OK);
    journal_block_done(j, SIGNAL_TRACES, seq[0], seq[38]);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, seq[1], seq[19], NULL),
              ST_OK); /* a barrier, too */
    CHECK_INT(count_segments(dir), many);
    journal_block_done(j, SIGNAL_LOGS, seq[1], seq[19]);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, seq[21], seq[39], NULL), ST_OK);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, seq[21], seq[39], NULL), ST_OK);
    wait_for_segments(dir, many / 2 + 1);
    journal_close(j);

    j = open_with(dir, (struct journal_options){.sync = true, .segment_bytes = 50000});
    struct seen *s = replay(j);
    CHECK_INT(s->n, 10);
    for (int i = 0; i < s->n; i++) CHECK_INT(s->block_first[i], seq[21]);
    journal_block_done(j, SIGNAL_LOGS, seq[21], seq[39]);
    journal_close(j);
    j = open_dir(dir);
    wait_for_segments(dir, 1);
    uint64_t next;
    CHECK_INT(append(j, SIGNAL_LOGS, S("x"), &t, &next), ST_OK);
    CHECK(next > seq[39]);
    journal_close(j);
    free(s);
    remove_dir(dir);
}

TEST(sequences_keep_rising_when_every_request_was_deleted)
{
    const char *dir = new_dir();
    uint64_t last = 0;
    for (int round = 0; round < 5; round++) {
        struct journal *j = open_dir(dir);
        struct tally t = {0};
        uint64_t seq;
        CHECK_INT(append(j, SIGNAL_LOGS, S("x"), &t, &seq), ST_OK);
        CHECK(seq > last);
        last = seq;
        wait_for(&t, 1);
        CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, seq, seq, NULL), ST_OK);
        journal_block_done(j, SIGNAL_LOGS, seq, seq);
        journal_close(j);
        CHECK(count_segments(dir) <= 2);
    }
    remove_dir(dir);
}

TEST(past_its_cap_the_journal_refuses_at_once_and_takes_again_when_blocks_are_done)
{
    const char *dir = new_dir();
    struct journal *j = open_with(dir, (struct journal_options){.sync = true, .max_bytes = 400000});
    struct tally t = {0};
    for (int round = 0; round < 3; round++) {
        uint64_t first = 0, last = 0, seq;
        int n = 0;
        while (append(j, SIGNAL_TRACES, (str){big, sizeof big}, &t, &seq) == ST_OK) {
            if (n++ == 0) first = seq;
            last = seq;
            CHECK(n < 100);
        }
        CHECK(n >= 10); /* 19 fit; some of the bytes of the round before may still be there */
        struct err err;
        struct journal_request r = {.payload = {big, sizeof big}};
        CHECK_INT(journal_append(j, &r, count_done, &t, &seq, &err), ST_OVERLOADED);
        CHECK(strstr(err.msg, "cap") != NULL);
        while (atomic_load(&t.ok) == 0) sched_yield();
        CHECK_INT(journal_block_begin(j, SIGNAL_TRACES, first, last, NULL), ST_OK);
        journal_block_done(j, SIGNAL_TRACES, first, last);
        CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, 1, 1, NULL), ST_OK); /* the done mark is in */
        CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, 1, 1, NULL), ST_OK); /* and dealt with */
        while (journal_bytes(j) > 100000) sched_yield();
    }
    CHECK_INT(t.refused, 0);
    journal_close(j);
    remove_dir(dir);
}

TEST(below_the_disk_reserve_the_journal_refuses_and_says_so)
{
    const char *dir = new_dir();
    struct journal *j =
        open_with(dir, (struct journal_options){.sync = true, .reserve_bytes = 1ull << 60});
    uint64_t seq;
    struct tally t = {0};
    struct err err;
    struct journal_request r = {.payload = S("x")};
    CHECK_INT(journal_append(j, &r, count_done, &t, &seq, &err), ST_OVERLOADED);
    CHECK(strstr(err.msg, "disk") != NULL);
    CHECK_INT(journal_room(j, 1, &err), ST_OVERLOADED);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, 1, 1, NULL),
              ST_OK); /* marks may use the reserve */
    journal_close(j);
    CHECK_INT(t.ok + t.refused, 0);
    remove_dir(dir);
}

/* One journal with requests of both signals, a finished and an unfinished block. */
static str sample_segment(const char *dir, char path[600])
{
    struct journal *j = open_dir(dir);
    struct tally t = {0};
    uint64_t seq;
    for (int i = 0; i < 8; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "payload-%d", i);
        append(j, i % 2 ? SIGNAL_LOGS : SIGNAL_TRACES, (str){text, (size_t)n}, &t, &seq);
        wait_for(&t, i + 1);
    }
    CHECK_INT(journal_block_begin(j, SIGNAL_TRACES, 1, 3, NULL), ST_OK);
    journal_block_done(j, SIGNAL_TRACES, 1, 3);
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, 2, 4, NULL), ST_OK);
    journal_close(j);
    snprintf(path, 600, "%s/0000000000000001.seg", dir);
    return test_read_file(path);
}

static void check_whole(const struct seen *s)
{
    for (int i = 0; i < s->n; i++) {
        int number = s->text[i][8] - '0';
        CHECK(strncmp(s->text[i], "payload-", 8) == 0);
        CHECK_INT(s->seq[i], number + 1);
    }
}

TEST(every_truncation_of_the_last_segment_gives_a_prefix_and_the_journal_goes_on)
{
    const char *dir = new_dir();
    char path[600];
    str whole = sample_segment(dir, path);
    CHECK(whole.len > 8 * RECORD_HEAD);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        write_file(path, (str){whole.ptr, cut});
        uint64_t lost = lost_bytes();
        struct journal *j = open_dir(dir);
        struct seen *s = replay(j);
        check_whole(s);
        CHECK_INT(lost_bytes() - lost, 0);
        for (int i = 1; i < s->n; i++) CHECK(s->seq[i] > s->seq[i - 1]);
        uint64_t most = s->n ? s->seq[s->n - 1] : 0, seq;
        struct tally t = {0};
        CHECK_INT(append(j, SIGNAL_LOGS, S("x"), &t, &seq), ST_OK);
        CHECK(seq > most);
        journal_close(j);
        free(s);
        char second[600];
        snprintf(second, sizeof second, "%s/0000000000000002.seg", dir);
        unlink(second);
    }
    free((void *)(uintptr_t)whole.ptr);
    remove_dir(dir);
}

TEST(thousands_of_bit_flips_lose_only_what_they_hit)
{
    const char *dir = new_dir();
    char path[600], last[600];
    str whole = sample_segment(dir, path);
    snprintf(last, sizeof last, "%s/00000000000000ff.seg",
             dir); /* so that the first is not the last */
    char *copy = malloc(whole.len);
    uint64_t random = 88172645463325252ull;
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, whole.ptr, whole.len);
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t bit = (size_t)(random % (whole.len * 8));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        write_file(path, (str){copy, whole.len});
        write_file(last, (str){whole.ptr, SEGMENT_HEAD});
        uint64_t lost = lost_bytes();
        struct journal *j = open_dir(dir);
        struct seen *s = replay(j);
        check_whole(s);
        CHECK(s->n >= 5 && s->n <= 8); /* 6 unflipped; one request lost, or a done mark (2 more) */
        bool in_head = bit / 8 < SEGMENT_HEAD;
        CHECK(in_head ? lost_bytes() - lost == 0 : lost_bytes() - lost > 0 || s->n == 6);
        journal_close(j);
        free(s);
    }
    free(copy);
    free((void *)(uintptr_t)whole.ptr);
    remove_dir(dir);
}

TEST(bytes_of_a_client_that_look_like_a_record_are_not_one_after_damage)
{
    const char *dir = new_dir();
    uint8_t other_id[16] = {0};
    struct record forged = {.kind = RECORD_BLOCK_DONE, .signal = SIGNAL_LOGS, .seq = 1};
    uint64_t most = 1000;
    forged.payload = (str){(const char *)&most, 8};
    char payload[RECORD_HEAD + 8];
    record_head_put(payload, record_seed(other_id), &forged);
    memcpy(payload + RECORD_HEAD, &most, 8);

    struct journal *j = open_dir(dir);
    struct tally t = {0};
    uint64_t seq;
    append(j, SIGNAL_LOGS, (str){payload, sizeof payload}, &t, &seq);
    append(j, SIGNAL_LOGS, S("good"), &t, &seq);
    journal_close(j);
    char path[600];
    snprintf(path, sizeof path, "%s/0000000000000001.seg", dir);
    str whole = test_read_file(path);
    ((char *)(uintptr_t)whole.ptr)[SEGMENT_HEAD] ^=
        1; /* the first record's head: now its payload is searched */
    write_file(path, whole);
    free((void *)(uintptr_t)whole.ptr);
    j = open_dir(dir);
    struct seen *s = replay(j);
    CHECK_INT(s->n, 1);
    CHECK_STR(((str){s->text[0], strlen(s->text[0])}), S("good"));
    journal_close(j);
    free(s);
    remove_dir(dir);
}

struct load {
    struct journal *j;
    atomic_bool stop;
    atomic_uint_fast64_t durable; /* highest sequence known durable */
    struct load_one {
        struct load *load;
        uint64_t seq;
        atomic_int state;
    } one[20000];
    atomic_int n;
};

static void load_done(void *ctx, status s)
{
    struct load_one *o = ctx;
    atomic_store(&o->state, s == ST_OK ? 1 : 2);
}

static void *load_run(void *ctx)
{
    struct load *l = ctx;
    int i = 0, block = 0;
    for (; i < 20000 && !atomic_load(&l->stop); i++) {
        l->one[i].load = l;
        struct journal_request r = {
            .signal = SIGNAL_LOGS, .items = 1, .payload = S("some bytes of a request")};
        if (journal_append(l->j, &r, load_done, &l->one[i], &l->one[i].seq, NULL) != ST_OK) break;
        atomic_store(&l->n, i + 1);
        if (i - block == 50) { /* first 10 sequences of these become a finished block */
            while (atomic_load(&l->one[i].state) == 0) sched_yield();
            uint64_t first = l->one[block].seq, last = l->one[block + 9].seq;
            if (journal_block_begin(l->j, SIGNAL_LOGS, first, last, NULL) != ST_OK) break;
            journal_block_done(l->j, SIGNAL_LOGS, first, last);
            block = i + 1;
        }
    }
    return NULL;
}

TEST(what_was_durable_when_the_process_was_killed_is_there_whenever_that_was)
{
    const char *dir = new_dir();
    struct load *l = calloc(1, sizeof *l);
    l->j = open_with(dir, (struct journal_options){.sync = true, .segment_bytes = 30000});
    pthread_t thread;
    pthread_create(&thread, NULL, load_run, l);
    for (int copy = 0; copy < 15; copy++) {
        for (int i = 0; i < 2000; i++) sched_yield();
        int n = atomic_load(&l->n), durable = 0;
        while (durable < n && atomic_load(&l->one[durable].state) == 1) durable++;
        const char *snapshot = new_dir();
        copy_dir(dir, snapshot);
        uint64_t lost = lost_bytes();
        struct journal *k = open_dir(snapshot);
        struct seen *s = replay(k);
        CHECK(s->in_order || s->n == 0);
        CHECK_INT(lost_bytes() - lost, 0);
        /* Of every 51 requests the first 10 may be finished; the others must all be here. */
        int at = 0;
        for (int i = 0; i < durable && s->n < 4096; i++) {
            while (at < s->n && s->seq[at] < l->one[i].seq) at++;
            bool found = at < s->n && s->seq[at] == l->one[i].seq;
            CHECK(found || i % 51 < 10);
        }
        journal_close(k);
        free(s);
        remove_dir(snapshot);
    }
    atomic_store(&l->stop, true);
    pthread_join(thread, NULL);
    journal_close(l->j);
    free(l);
    remove_dir(dir);
}

TEST(a_replay_may_run_beside_appends_and_sees_only_what_was_there)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir);
    struct tally t = {0};
    uint64_t seq;
    for (int i = 0; i < 100; i++) append(j, SIGNAL_LOGS, S("old"), &t, &seq);
    journal_close(j);
    uint64_t old_last = seq;
    j = open_dir(dir);
    for (int i = 0; i < 100; i++) append(j, SIGNAL_LOGS, S("new"), &t, &seq);
    struct seen *s = replay(j);
    CHECK_INT(s->n, 100);
    CHECK_INT(s->seq[99], old_last);
    journal_close(j);
    free(s);
    remove_dir(dir);
}

/* The file size limit stands for a full disk: a write is cut short, the next one fails. */
TEST(a_write_that_finds_no_space_refuses_its_requests_and_the_journal_goes_on)
{
    const char *dir = new_dir();
    struct journal *j = open_dir(dir);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 110000;
    setrlimit(RLIMIT_FSIZE, &small);

    struct tally t = {0};
    uint64_t seq, last_kept = 0;
    for (int i = 0; i < 8; i++) {
        CHECK_INT(append(j, SIGNAL_LOGS, (str){big, sizeof big}, &t, &seq), ST_OK);
        wait_for(&t, i + 1);
        if (atomic_load(&t.last_status) == ST_OK) last_kept = seq;
    }
    CHECK_INT(t.ok, 5);
    CHECK_INT(t.refused, 3);
    CHECK_INT(t.last_status, ST_OVERLOADED);
    struct err err;
    /* A mark that does not fit is refused too, and a done mark is written when there is room. */
    status mark = ST_OK;
    uint64_t first = 1;
    for (int i = 0; i < 500 && mark == ST_OK; i++)
        mark = journal_block_begin(j, SIGNAL_TRACES, 1000, 1000, &err);
    CHECK_INT(mark, ST_OVERLOADED);
    journal_block_done(j, SIGNAL_LOGS, first, first + 1);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_INT(append(j, SIGNAL_LOGS, S("after"), &t, &seq), ST_OK);
    CHECK(seq > last_kept);
    journal_close(j);
    CHECK_INT(t.ok, 6);

    uint64_t lost = lost_bytes();
    j = open_dir(dir);
    struct seen *s = replay(j);
    CHECK_INT(s->n, 4); /* 5 + 1, less the 2 of the finished block */
    CHECK_INT(s->seq[2], last_kept);
    CHECK_STR(((str){s->text[3], strlen(s->text[3])}), S("after"));
    CHECK_INT(lost_bytes() - lost, 0);
    journal_close(j);
    free(s);
    remove_dir(dir);
}

struct told {
    struct tally t;
    atomic_int groups, answered; /* at the last group's end */
};

static void group_ended(void *ctx)
{
    struct told *told = ctx;
    atomic_store(&told->answered, atomic_load(&told->t.ok) + atomic_load(&told->t.refused));
    atomic_fetch_add(&told->groups, 1);
}

TEST(the_end_of_a_group_comes_after_the_callbacks_of_its_requests)
{
    const char *dir = new_dir();
    struct told told = {0};
    struct journal *j = open_with(
        dir,
        (struct journal_options){.sync = true, .group_done = group_ended, .group_done_ctx = &told});
    uint64_t seq;
    for (int i = 0; i < 50; i++)
        CHECK_INT(append(j, SIGNAL_LOGS, S("small"), &told.t, &seq), ST_OK);
    while (atomic_load(&told.answered) < 50) sched_yield();
    int groups = atomic_load(&told.groups);
    CHECK(groups >= 1 && groups <= 50);
    struct err err;
    CHECK_INT(journal_block_begin(j, SIGNAL_LOGS, 1, 50, &err), ST_OK);
    CHECK_INT(atomic_load(&told.groups), groups); /* a mark is nobody's request */
    journal_close(j);
    remove_dir(dir);
}
