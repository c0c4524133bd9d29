/* What a crash leaves behind. Each crash is a child process that opens the journal, tries some
 * requests and dies. */
#include "ingest/journal/attempts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ingest/journal/scratch_test.h"
#include "testing/test.h"

static const struct journal_destination three[] = {{.name = S("a"), .signal = SIGNAL_TRACES},
                                                   {.name = S("b"), .signal = SIGNAL_TRACES},
                                                   {.name = S("c"), .signal = SIGNAL_LOGS}};

static struct journal *open_three(const char *dir)
{
    return open_with(
        dir, (struct journal_options){.sync = true, .destinations = three, .n_destinations = 3});
}

static void on_fatal(int sig)
{
    journal_note_crash();
    journal_note_crash(); /* as when one fatal signal brings another: it counts once */
    signal(sig, SIG_DFL);
    raise(sig);
}

static void crash(const char *dir, int sig, bool two_destinations)
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(2); /* a sanitizer's report of the signal is not wanted */
        if (sig != SIGKILL) signal(sig, on_fatal);
        struct journal *j = open_three(dir);
        journal_attempt_begin(j, 0, 1, 2);
        journal_attempt_end(j, 0);
        journal_attempt_begin(j, 0, 3, 5);
        if (two_destinations) journal_attempt_begin(j, 1, 4, 9);
        raise(sig);
        _exit(0);
    }
    int how;
    CHECK(waitpid(child, &how, 0) == child);
    CHECK(WIFSIGNALED(how));
    CHECK_INT(WTERMSIG(how), sig);
}

/* How often a crash hit while request `seq` was tried, as destination `dest` reads it. */
static int crashes(struct journal *j, unsigned dest, uint64_t seq)
{
    struct journal_reader *r;
    struct journal_read in;
    CHECK_INT(journal_reader_open(j, dest, seq, &r, NULL), ST_OK);
    CHECK_INT(journal_reader_next(r, &in, NULL), ST_OK);
    CHECK_INT(in.seq, seq);
    int n = (int)in.crashes;
    journal_reader_close(r);
    return n;
}

/* Requests 1 to 10 of traces, 11 of logs. */
static const char *ten_requests(void)
{
    const char *dir = new_dir();
    struct journal *j = open_three(dir);
    append_n(j, SIGNAL_TRACES, S("x"), 10);
    append_n(j, SIGNAL_LOGS, S("x"), 1);
    journal_close(j);
    return dir;
}

static long file_size(const char *dir)
{
    char path[600];
    struct stat st;
    snprintf(path, sizeof path, "%s/attempts", dir);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

TEST(what_was_tried_when_the_process_crashed_is_known_and_a_kill_leaves_no_note)
{
    const char *dir = ten_requests();
    const struct {
        int sig, crashes;
    } steps[] = {{SIGKILL, 0}, {SIGSEGV, 1}, {SIGKILL, 1}, {SIGABRT, 2}, {SIGTERM, 3}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        crash(dir, steps[i].sig, false);
        struct journal *j = open_three(dir);
        CHECK_INT(crashes(j, 0, 2), 0);
        for (uint64_t seq = 3; seq <= 5; seq++) {
            CHECK_INT(crashes(j, 0, seq), steps[i].crashes);
            CHECK_INT(crashes(j, 1, seq), steps[i].crashes); /* a crash is everybody's */
        }
        CHECK_INT(crashes(j, 0, 6), 0);
        CHECK_INT(crashes(j, 2, 11), 0);
        journal_close(j);
    }
    remove_dir(dir);
}

TEST(one_crash_counts_once_however_many_destinations_tried_the_request)
{
    const char *dir = ten_requests();
    crash(dir, SIGSEGV, true);
    CHECK_INT(file_size(dir), 2 * ATTEMPT_RECORD);
    struct journal *j = open_three(dir);
    CHECK_INT(crashes(j, 0, 3), 1);
    CHECK_INT(crashes(j, 0, 4), 1);
    CHECK_INT(crashes(j, 1, 9), 1);
    CHECK_INT(crashes(j, 1, 10), 0);
    journal_close(j);
    crash(dir, SIGABRT, true);
    j = open_three(dir);
    CHECK_INT(crashes(j, 0, 4), 2);
    journal_close(j);
    remove_dir(dir);
}

TEST(notes_go_when_nobody_waits_for_their_requests)
{
    const char *dir = ten_requests();
    crash(dir, SIGSEGV, false);
    struct journal *j = open_three(dir);
    journal_block_done(j, 0, 1, 10);
    journal_close(j);
    j = open_three(dir); /* b still waits for them */
    CHECK_INT(crashes(j, 1, 3), 1);
    CHECK_INT(file_size(dir), ATTEMPT_RECORD);
    journal_block_done(j, 1, 3, 5);
    journal_close(j);
    j = open_three(dir);
    CHECK_INT(file_size(dir), 0);
    journal_close(j);
    remove_dir(dir);
}

TEST(notes_that_are_damaged_are_left_out_and_no_note_is_made_up)
{
    enum { N = 5 };
    char good[N * ATTEMPT_RECORD], bytes[sizeof good];
    for (uint32_t i = 0; i < N; i++) {
        struct attempt_note n = {
            .first = i * 10, .last = i * 10 + 9, .tag = i + 1, .crash = i, .signal = SIGNAL_LOGS};
        attempt_note_put(good + i * ATTEMPT_RECORD, 7, &n);
    }
    struct attempt_notes notes;
    for (size_t bit = 0; bit < sizeof good * 8; bit++) {
        memcpy(bytes, good, sizeof good);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        attempt_notes_parse((str){bytes, sizeof bytes}, 7, &notes);
        CHECK_INT(notes.n, N - 1);
        CHECK_INT(notes.damaged, ATTEMPT_RECORD);
        for (size_t i = 0; i < notes.n; i++) CHECK(notes.at[i].first == notes.at[i].crash * 10);
        attempt_notes_done(&notes);
    }
    for (size_t cut = 0; cut <= sizeof good; cut++) {
        attempt_notes_parse((str){good, cut}, 7, &notes);
        CHECK_INT(notes.n, cut / ATTEMPT_RECORD);
        attempt_notes_done(&notes);
    }
    attempt_notes_parse((str){good, sizeof good}, 8, &notes); /* another journal's */
    CHECK_INT(notes.n, 0);
    attempt_notes_done(&notes);
}

TEST(without_a_file_for_notes_the_journal_opens_and_works)
{
    const char *dir = ten_requests();
    char path[600];
    snprintf(path, sizeof path, "%s/attempts", dir);
    unlink(path);
    CHECK_INT(mkdir(path, 0777), 0);
    struct journal *j = open_three(dir);
    journal_attempt_begin(j, 0, 1, 1);
    CHECK_INT(crashes(j, 0, 1), 0);
    journal_note_crash();
    journal_close(j);
    rmdir(path);
    remove_dir(dir);
}
