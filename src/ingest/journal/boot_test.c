/* Restarts of the machine: which finished blocks are read back. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/journal/boot.h"
#include "ingest/journal/scratch_test.h"
#include "testing/test.h"

enum { STORE, OTHER };

static const struct journal_destination two[] = {
    {.name = S("traces>clickhouse"), .signal = SIGNAL_TRACES, .replays_after_boot = true},
    {.name = S("traces>otlp"), .signal = SIGNAL_TRACES}};

struct machine {
    const char *dir;
    char boot[300];    /* the file with its id */
    atomic_int synced; /* a status: what before_delete says; ST_NOT_FOUND: there is none */
    atomic_int asked;
};

static status before_delete(void *ctx, struct err *err)
{
    struct machine *m = ctx;
    atomic_fetch_add(&m->asked, 1);
    status s = (status)atomic_load(&m->synced);
    return s == ST_OK ? ST_OK : err_set(err, s, ERR_NOPOS, "syncfs: I/O error");
}

static struct machine machine_new(void)
{
    struct machine m = {.dir = new_dir(), .synced = ST_NOT_FOUND};
    snprintf(m.boot, sizeof m.boot, "%s/boot_id_of_the_test", m.dir);
    return m;
}

static struct journal *start_with(struct machine *m, str boot, struct journal_options o)
{
    if (boot.len)
        write_file(m->boot, boot);
    else
        unlink(m->boot);
    o.sync = true;
    o.boot_id_path = m->boot;
    o.before_delete = m->synced == ST_NOT_FOUND ? NULL : before_delete;
    o.before_delete_ctx = m;
    if (!o.destinations) {
        o.destinations = two;
        o.n_destinations = 2;
    }
    return open_with(m->dir, o);
}

static struct journal *start(struct machine *m, str boot)
{
    return start_with(m, boot, (struct journal_options){0});
}

static void finish(struct journal *j, unsigned dest, uint64_t first, uint64_t last)
{
    CHECK_INT(journal_block_begin(j, dest, first, last, NULL), ST_OK);
    journal_block_done(j, dest, first, last);
}

/* "1 2(2-5) 3(2-5) 6": what a destination is not done with, and the bounds. */
static const char *waiting(struct journal *j, unsigned dest)
{
    static char text[4096];
    size_t n = 0;
    struct journal_reader *r;
    struct journal_read in;
    CHECK_INT(journal_reader_open(j, dest, 0, &r, NULL), ST_OK);
    text[0] = 0;
    while (journal_reader_next(r, &in, NULL) == ST_OK && n < sizeof text - 100) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", n ? " " : "", (int)in.seq);
        if (in.block_last != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "(%d-%d)", (int)in.block_first,
                                  (int)in.block_last);
    }
    journal_reader_close(r);
    return text;
}

#define CHECK_WAITING(got, want) CHECK_STR(str_of(got), str_of(want))

/* Six requests in boot "a"; the middle four are a finished block of both. */
static void first_run(struct machine *m)
{
    struct journal *j = start(m, S("a\n"));
    CHECK_INT(append_n(j, SIGNAL_TRACES, S("x"), 6), 6);
    finish(j, STORE, 2, 5);
    finish(j, OTHER, 2, 5);
    journal_close(j);
}

TEST(after_a_restart_of_the_machine_finished_blocks_are_read_back_for_those_that_ask)
{
    struct machine m = machine_new();
    first_run(&m);
    struct journal *j = start(&m, S("a\n"));
    CHECK_WAITING(waiting(j, STORE), "1 6");
    journal_close(j);
    j = start(&m, S("b\n"));
    CHECK_WAITING(waiting(j, STORE), "1 2(2-5) 3(2-5) 4(2-5) 5(2-5) 6");
    CHECK_WAITING(waiting(j, OTHER), "1 6");
    journal_close(j);
    remove_dir(m.dir);
}

TEST(a_doubt_lasts_until_the_block_is_done_again_and_comes_back_with_the_next_boot)
{
    struct machine m = machine_new();
    first_run(&m);
    for (int i = 0; i < 3; i++) { /* nothing is done in these */
        struct journal *j = start(&m, S("b\n"));
        CHECK_WAITING(waiting(j, STORE), "1 2(2-5) 3(2-5) 4(2-5) 5(2-5) 6");
        append_n(j, SIGNAL_LOGS, S("x"), 1);
        journal_close(j);
    }
    struct journal *j = start(&m, S("b\n"));
    journal_block_done(j, STORE, 2, 5);
    journal_close(j);
    j = start(&m, S("b\n"));
    CHECK_WAITING(waiting(j, STORE), "1 6");
    finish(j, STORE, 1, 1);
    journal_close(j);
    j = start(&m, S("c\n"));
    CHECK_WAITING(waiting(j, STORE), "1(1-1) 2(2-5) 3(2-5) 4(2-5) 5(2-5) 6");
    journal_close(j);
    remove_dir(m.dir);
}

TEST(the_place_of_a_destination_may_change_with_the_boot)
{
    struct machine m = machine_new();
    first_run(&m);
    const struct journal_destination turned[] = {two[OTHER], two[STORE]};
    struct journal *j = start_with(
        &m, S("b\n"), (struct journal_options){.destinations = turned, .n_destinations = 2});
    CHECK_WAITING(waiting(j, 0), "1 6");
    CHECK_WAITING(waiting(j, 1), "1 2(2-5) 3(2-5) 4(2-5) 5(2-5) 6");
    journal_close(j);
    remove_dir(m.dir);
}

TEST(a_close_with_the_store_durable_leaves_nothing_to_doubt)
{
    struct machine m = machine_new();
    m.synced = ST_OK;
    first_run(&m);
    CHECK_INT(m.asked, 1);
    struct journal *j = start(&m, S("b\n"));
    CHECK_WAITING(waiting(j, STORE), "1 6");
    journal_close(j);
    CHECK_INT(m.asked, 1); /* nothing was written since */
    j = start(&m, S("b\n"));
    finish(j, STORE, 1, 1);
    m.synced = ST_UNAVAILABLE;
    journal_close(j);
    CHECK_INT(m.asked, 2);
    j = start(&m, S("c\n"));
    CHECK_WAITING(waiting(j, STORE), "1(1-1) 6"); /* what the clean close told of is not doubted */
    journal_close(j);
    remove_dir(m.dir);
}

TEST(a_close_while_doubted_blocks_wait_leaves_them_doubted)
{
    struct machine m = machine_new();
    first_run(&m);
    m.synced = ST_OK;
    struct journal *j = start(&m, S("b\n"));
    append_n(j, SIGNAL_TRACES, S("x"), 1);
    journal_close(j);
    CHECK_INT(m.asked, 0);
    j = start(&m, S("c\n"));
    CHECK_WAITING(waiting(j, STORE), "1 2(2-5) 3(2-5) 4(2-5) 5(2-5) 6 7");
    finish(j, STORE, 1, 7);
    journal_close(j);
    CHECK_INT(m.asked, 1);
    j = start(&m, S("d\n"));
    CHECK_WAITING(waiting(j, STORE), "");
    journal_close(j);
    remove_dir(m.dir);
}

TEST(requests_that_were_given_up_without_a_block_stay_done)
{
    struct machine m = machine_new();
    struct journal *j = start(&m, S("a"));
    append_n(j, SIGNAL_TRACES, S("x"), 6);
    journal_block_done(j, STORE, 2, 5);
    journal_close(j);
    j = start(&m, S("b"));
    CHECK_WAITING(waiting(j, STORE), "1 6");
    journal_close(j);
    remove_dir(m.dir);
}

static void append_at(struct journal *j, nanos when)
{
    struct tally t = {0};
    uint64_t seq;
    struct journal_request r = {.received_at = when, .payload = S("x")};
    CHECK_INT(journal_append(j, &r, count_done, &t, &seq, NULL), ST_OK);
    wait_for(&t, 1);
}

TEST(marks_of_ten_minutes_before_the_last_record_are_believed)
{
    for (int minutes = 9; minutes <= 11; minutes += 2) {
        struct machine m = machine_new();
        first_run(&m);
        struct journal *j = start(&m, S("a\n"));
        append_at(j, clock_now() + minutes * 60 * NANOS_S);
        finish(j, STORE, 1, 1); /* of now, too: but the block before it is what this is about */
        journal_close(j);
        for (int again = 0; again < 2; again++) { /* and what comes later changes nothing */
            j = start(&m, S("b\n"));
            CHECK_WAITING(waiting(j, OTHER), again ? "1 6 7 8" : "1 6 7");
            const char *w = waiting(j, STORE);
            CHECK_INT(strstr(w, "2(2-5)") != NULL, minutes == 9);
            if (!again) append_at(j, clock_now() + NANOS_HOUR);
            journal_close(j);
        }
        remove_dir(m.dir);
    }
}

TEST(without_the_id_of_the_boot_done_marks_are_believed)
{
    struct machine m = machine_new();
    first_run(&m);
    struct journal *j = start(&m, (str){0});
    CHECK_WAITING(waiting(j, STORE), "1 6");
    journal_close(j);
    j = start(&m, S("two words\n"));
    CHECK_WAITING(waiting(j, STORE), "1 6");
    journal_close(j);
    char path[300];
    snprintf(path, sizeof path, "%s/boot", m.dir); /* a journal of a version before */
    unlink(path);
    j = start(&m, S("b\n"));
    CHECK_WAITING(waiting(j, STORE), "1 6");
    journal_close(j);
    write_file(path, S("weir journal boot 1\nb 0 0\ncrc 00000000\n"));
    j = start(&m, S("b\n")); /* damaged: it may be any boot */
    CHECK_WAITING(waiting(j, STORE), "1 2(2-5) 3(2-5) 4(2-5) 5(2-5) 6");
    journal_close(j);
    remove_dir(m.dir);
}

/* Requests of 1000 bytes in segments of 4096, three each. */
static const struct journal_options small = {
    .segment_bytes = 4096, .destinations = two, .n_destinations = 1};

static uint64_t first_waiting(struct journal *j)
{
    struct journal_reader *r;
    struct journal_read in = {0};
    CHECK_INT(journal_reader_open(j, STORE, 0, &r, NULL), ST_OK);
    if (journal_reader_next(r, &in, NULL) == ST_OK) CHECK(in.block_last != 0);
    journal_reader_close(r);
    return in.seq;
}

TEST(finished_segments_whose_store_was_not_durable_are_read_back_and_then_deleted)
{
    static char kilobyte[1000];
    struct machine m = machine_new();
    m.synced = ST_UNAVAILABLE;
    struct journal *j = start_with(&m, S("a"), small);
    append_n(j, SIGNAL_TRACES, (str){kilobyte, sizeof kilobyte}, 12);
    for (uint64_t i = 1; i < 12; i += 2) finish(j, STORE, i, i + 1);
    journal_close(j);
    CHECK(count_segments(m.dir) >= 4);
    m.synced = ST_OK;
    j = start_with(&m, S("b"), small);
    CHECK_INT(first_waiting(j), 1);
    for (uint64_t i = 1; i < 12; i += 2) journal_block_done(j, STORE, i, i + 1);
    wait_for_segments(m.dir, 1);
    journal_close(j);
    remove_dir(m.dir);
}

TEST(a_block_of_which_requests_were_deleted_is_believed)
{
    static char kilobyte[1000];
    struct machine m = machine_new();
    m.synced = ST_OK;
    struct journal *j = start_with(&m, S("a"), small);
    append_n(j, SIGNAL_TRACES, (str){kilobyte, sizeof kilobyte}, 12);
    finish(j, STORE, 1, 5);
    wait_for_segments(m.dir, 3); /* the one of the first three requests is gone */
    m.synced = ST_UNAVAILABLE;
    finish(j, STORE, 6, 8);
    journal_close(j);
    j = start_with(&m, S("b"), small);
    CHECK_INT(first_waiting(j), 6);
    journal_close(j);
    remove_dir(m.dir);
}

TEST(a_note_of_the_boot_is_read_as_it_was_written)
{
    struct boot_note n = {.id = "8c6f4f5e-93a1", .durable = 12, .doubted = 15}, back;
    struct buf out;
    buf_init(&out, BOOT_FILE_MAX);
    boot_note_print(&n, &out);
    str text = buf_str(&out);
    CHECK_INT(boot_note_parse(text, &back, NULL), ST_OK);
    CHECK(strcmp(back.id, n.id) == 0);
    CHECK_INT(back.durable, 12);
    CHECK_INT(back.doubted, 15);
    for (size_t i = 0; i < text.len; i++) {
        CHECK_INT(boot_note_parse((str){text.ptr, i}, &back, NULL), ST_INVALID);
        out.ptr[i] ^= 1;
        CHECK_INT(boot_note_parse(text, &back, NULL), ST_INVALID);
        out.ptr[i] ^= 1;
    }
    buf_done(&out);
}
