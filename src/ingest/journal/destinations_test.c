/* The file of destinations, and what a journal does when they change between runs. */
#include "ingest/journal/destinations.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/journal/scratch_test.h"
#include "testing/test.h"

static struct destination_list sample(void)
{
    struct destination_list l = {0};
    CHECK_INT(destination_list_add(&l, SIGNAL_TRACES, S("traces>clickhouse"), 0, NULL), ST_OK);
    CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, S("logs/a b>otlp/eu"), 77, NULL), ST_OK);
    CHECK_INT(destination_list_add(&l, SIGNAL_METRICS, S("traces>clickhouse"), 1ull << 60, NULL),
              ST_OK);
    l.at[2].late = true;
    return l;
}

TEST(destinations_are_read_as_they_were_written)
{
    struct destination_list l = sample(), back;
    struct buf text;
    buf_init(&text, DESTINATIONS_FILE_MAX);
    destination_list_print(&l, &text);
    CHECK_INT(destination_list_parse(buf_str(&text), &back, NULL), ST_OK);
    CHECK(destination_list_eq(&l, &back));
    CHECK(destination_list_find(&back, SIGNAL_LOGS, S("logs/a b>otlp/eu")) == &back.at[1]);
    CHECK(destination_list_find(&back, SIGNAL_TRACES, S("logs/a b>otlp/eu")) == NULL);
    buf_done(&text);
}

TEST(every_flipped_bit_and_every_truncation_of_the_file_of_destinations_is_seen)
{
    struct destination_list l = sample(), back;
    struct buf text;
    buf_init(&text, DESTINATIONS_FILE_MAX);
    destination_list_print(&l, &text);
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        text.ptr[bit / 8] = (char)(text.ptr[bit / 8] ^ 1 << bit % 8);
        CHECK_INT(destination_list_parse(buf_str(&text), &back, NULL), ST_INVALID);
        text.ptr[bit / 8] = (char)(text.ptr[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t cut = 0; cut < text.len; cut++)
        CHECK_INT(destination_list_parse((str){text.ptr, cut}, &back, NULL), ST_INVALID);
    buf_done(&text);
}

TEST(names_that_cannot_be_are_refused)
{
    struct destination_list l = sample();
    char longest[DESTINATION_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest);
    struct err err;
    CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, S(""), 0, &err), ST_INVALID);
    CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, S("a\nb"), 0, &err), ST_INVALID);
    CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, (str){longest, sizeof longest}, 0, &err),
              ST_INVALID);
    CHECK_INT(destination_list_add(&l, SIGNAL_TRACES, S("traces>clickhouse"), 0, &err), ST_INVALID);
    CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, (str){longest, DESTINATION_NAME_MAX}, 0, &err),
              ST_OK);
    for (int i = 4; i < DESTINATIONS_MAX; i++) {
        longest[0] = (char)('a' + i);
        CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, (str){longest, 9}, 0, &err), ST_OK);
    }
    CHECK_INT(destination_list_add(&l, SIGNAL_LOGS, S("one more"), 0, &err), ST_LIMIT);
}

static struct journal *open_for(const char *dir, const struct journal_destination *to, size_t n)
{
    return open_with(
        dir, (struct journal_options){.sync = true, .destinations = to, .n_destinations = n});
}

static int waiting(struct journal *j, uint64_t *first)
{
    struct seen *s = replay(j);
    int n = s->n;
    if (first) *first = n ? s->seq[0] : 0;
    free(s);
    return n;
}

static const struct journal_destination a_and_b[] = {{.name = S("a"), .signal = SIGNAL_LOGS},
                                                     {.name = S("b"), .signal = SIGNAL_LOGS}};
static const struct journal_destination b_and_a[] = {{.name = S("b"), .signal = SIGNAL_LOGS},
                                                     {.name = S("a"), .signal = SIGNAL_LOGS}};

TEST(a_request_stays_until_each_destination_of_its_signal_is_done_with_it)
{
    const char *dir = new_dir();
    struct journal *j = open_for(dir, a_and_b, 2);
    append_n(j, SIGNAL_LOGS, S("x"), 10);
    journal_block_done(j, 0, 1, 10);
    journal_block_done(j, 1, 1, 4);
    journal_close(j);

    /* The index of a name may change. */
    j = open_for(dir, b_and_a, 2);
    uint64_t first;
    CHECK_INT(waiting(j, &first), 6);
    CHECK_INT(first, 5);
    journal_block_done(j, 0, 5, 9);
    journal_close(j);
    j = open_for(dir, a_and_b, 2);
    CHECK_INT(waiting(j, &first), 1);
    CHECK_INT(first, 10);
    journal_block_done(j, 1, 10, 10);
    journal_close(j);
    j = open_for(dir, a_and_b, 2);
    CHECK_INT(waiting(j, &first), 0);
    journal_close(j);
    remove_dir(dir);
}

TEST(a_new_destination_starts_behind_what_is_there_and_one_no_longer_named_is_forgotten)
{
    const char *dir = new_dir();
    struct journal *j = open_for(dir, a_and_b, 1);
    append_n(j, SIGNAL_LOGS, S("x"), 4);
    journal_block_done(j, 0, 1, 4);
    append_n(j, SIGNAL_LOGS, S("x"), 4);
    journal_close(j);

    j = open_for(dir, a_and_b, 2); /* b is new: 5 to 8 are a's alone */
    journal_block_done(j, 0, 5, 6);
    append_n(j, SIGNAL_LOGS, S("x"), 2);
    journal_close(j);
    uint64_t first;
    j = open_for(dir, b_and_a, 1); /* a is forgotten */
    CHECK_INT(waiting(j, &first), 2);
    CHECK_INT(first, 9);
    journal_close(j);
    j = open_for(dir, a_and_b, 2); /* and has lost its place: it is new */
    CHECK_INT(waiting(j, &first), 2);
    journal_block_done(j, 1, 9, 10);
    journal_close(j);
    j = open_for(dir, a_and_b, 2);
    CHECK_INT(waiting(j, &first), 0);
    journal_close(j);
    remove_dir(dir);
}

TEST(without_its_file_of_destinations_nothing_is_lost_and_what_is_known_done_stays_done)
{
    for (int how = 0; how < 3; how++) {
        const char *dir = new_dir();
        struct journal *j = open_for(dir, a_and_b, 2);
        append_n(j, SIGNAL_LOGS, S("x"), 10);
        journal_block_done(j, 0, 1, 10);
        journal_block_done(j, 1, 1, 4);
        journal_close(j);
        char path[600];
        snprintf(path, sizeof path, "%s/destinations", dir);
        if (how == 0) unlink(path);
        if (how == 1) write_file(path, S("rubbish"));
        if (how == 2) write_file(path, (str){(char[10000]){0}, 10000});
        j = open_for(dir, b_and_a, 2);
        uint64_t first;
        CHECK_INT(waiting(j, &first), 6);
        CHECK_INT(first, 5);
        journal_block_done(j, 0, 5, 10);
        journal_close(j);
        j = open_for(dir, b_and_a, 2);
        CHECK_INT(waiting(j, &first), 0);
        journal_close(j);
        remove_dir(dir);
    }
}

/* Marks of a version without destinations have no tag. */
TEST(a_journal_from_before_there_were_destinations_is_read_on)
{
    const char *dir = new_dir();
    struct journal *j = open_for(dir, a_and_b, 1);
    append_n(j, SIGNAL_LOGS, S("x"), 10);
    journal_close(j);
    uint8_t id[16];
    char path[600], mark[RECORD_HEAD + 8];
    snprintf(path, sizeof path, "%s/0000000000000001.seg", dir);
    str whole = test_read_file(path);
    uint64_t first_seq, last = 4, first;
    CHECK(segment_head_get(whole, id, &first_seq));
    struct record done = {.kind = RECORD_BLOCK_DONE,
                          .signal = SIGNAL_LOGS,
                          .seq = 1,
                          .payload = {(const char *)&last, 8}};
    record_head_put(mark, record_seed(id), &done);
    memcpy(mark + RECORD_HEAD, &last, 8);
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK(write(fd, mark, sizeof mark) == sizeof mark);
    close(fd);
    snprintf(path, sizeof path, "%s/destinations", dir);
    unlink(path);
    j = open_for(dir, a_and_b, 1);
    CHECK_INT(waiting(j, &first), 6);
    CHECK_INT(first, 5);
    journal_close(j);
    free((void *)(uintptr_t)whole.ptr);
    remove_dir(dir);
}

TEST(sequences_do_not_begin_again_when_the_segments_are_gone)
{
    const char *dir = new_dir();
    struct journal *j = open_for(dir, a_and_b, 1);
    append_n(j, SIGNAL_LOGS, S("x"), 10);
    journal_close(j);
    j = open_for(dir, a_and_b, 2);
    journal_close(j);
    char path[600];
    snprintf(path, sizeof path, "%s/0000000000000001.seg", dir);
    CHECK_INT(unlink(path), 0);
    j = open_for(dir, a_and_b, 2);
    CHECK(append_n(j, SIGNAL_LOGS, S("x"), 1) > 10);
    CHECK_INT(waiting(j, NULL), 0);
    journal_close(j);
    j = open_for(dir, a_and_b, 2);
    CHECK_INT(waiting(j, NULL), 1);
    journal_close(j);
    remove_dir(dir);
}

/* The destinations of one signal: all its requests, and those with late rows. */
static struct journal *open_late(const char *dir)
{
    const struct journal_destination to[] = {
        {.name = S("logs>a"), .signal = SIGNAL_LOGS},
        {.name = S("logs>a>late"), .signal = SIGNAL_LOGS, .late = true}};
    return open_with(dir, (struct journal_options){.destinations = to, .n_destinations = 2});
}

static void append_late(struct journal *j, uint32_t late)
{
    struct tally t = {0};
    struct journal_request r = {
        .signal = SIGNAL_LOGS, .items = 3, .late = late, .payload = S("payload")};
    uint64_t seq;
    CHECK_INT(journal_append(j, &r, count_done, &t, &seq, NULL), ST_OK);
    wait_for(&t, 1);
}

/* The sequences a destination still has to take, as digits, and their late rows behind "/". */
static str left(struct journal *j, unsigned dest, char out[64])
{
    struct journal_reader *r;
    struct journal_read in;
    int n = 0;
    CHECK_INT(journal_reader_open(j, dest, 1, &r, NULL), ST_OK);
    while (journal_reader_next(r, &in, NULL) == ST_OK)
        n += snprintf(out + n, 64 - (size_t)n, "%llu/%u ", (unsigned long long)in.seq,
                      in.request.late);
    journal_reader_close(r);
    return (str){out, (size_t)n};
}

TEST(a_destination_of_late_rows_takes_only_requests_that_have_some)
{
    const char *dir = new_dir();
    char text[64];
    struct journal *j = open_late(dir);
    for (uint32_t late = 0; late < 3; late++) append_late(j, late);
    append_late(j, 0);
    for (int run = 0; run < 2; run++) { /* the second reads what is on disk */
        CHECK_STR(left(j, 0, text), S("1/0 2/1 3/2 4/0 "));
        CHECK_STR(left(j, 1, text), S("2/1 3/2 "));
        journal_close(j);
        j = open_late(dir);
    }
    journal_block_done(j, 0, 1, 4);
    journal_close(j);
    j = open_late(dir);
    CHECK_STR(left(j, 0, text), S(""));
    CHECK_STR(left(j, 1, text), S("2/1 3/2 "));
    journal_close(j);
    remove_dir(dir);
}
