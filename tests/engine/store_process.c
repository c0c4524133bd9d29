/* The embedded engine and its process: the directory's lock, closing and opening, a kill in the
 * middle. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"

enum { BLOCK_ROWS = 1000, BLOCKS_BEFORE_KILL = 25 };

/* Block `i` of the table, sent with the token of that number. */
static status insert_block(struct store *s, int i, struct err *err)
{
    struct buf block;
    buf_init(&block, 1 << 20);
    char sql[128], token[16];
    snprintf(sql, sizeof sql, "SELECT number + %d AS a FROM numbers(%d)", i * BLOCK_ROWS,
             BLOCK_ROWS);
    snprintf(token, sizeof token, "block-%d", i);
    struct store_query q = {.sql = {sql, strlen(sql)}};
    status st = store_query_buf(s, &q, &block, err);
    str body = buf_str(&block);
    if (st == ST_OK) st = store_insert(s, S("killed"), (str){token, strlen(token)}, &body, 1, err);
    buf_done(&block);
    return st;
}

/* The child: inserts, and says of each insert that it has returned. */
static void insert_for_ever(const char *dir, int out)
{
    struct store *s = NULL;
    struct err err = {};
    struct store_options opt = {.driver = STORE_EMBEDDED, .data_dir = {dir, strlen(dir)}};
    if (store_open(&opt, &s, &err) != ST_OK) _exit(1);
    if (store_exec(s,
                   S("CREATE TABLE killed (a UInt64) ENGINE = MergeTree ORDER BY a"
                     " SETTINGS non_replicated_deduplication_window = 1000"),
                   &err) != ST_OK)
        _exit(1);
    for (int i = 0;; i++)
        if (insert_block(s, i, &err) != ST_OK || write(out, "", 1) != 1) _exit(1);
}

static bool starts_later(const char *dir)
{
    struct store *s = NULL;
    struct err err = {};
    struct store_options opt = {
        .driver = STORE_EMBEDDED, .data_dir = {dir, strlen(dir)}, .start_later = true};
    return store_open(&opt, &s, &err) == ST_OK && store_ping(s, &err) == ST_UNAVAILABLE &&
           strstr(err.msg, "being loaded") && store_in_use(opt.data_dir) &&
           store_start(s, &err) == ST_OK && store_ping(s, &err) == ST_OK && *store_version(s) &&
           store_start(s, &err) == ST_OK;
}

/* These two first: the engine must not be in this process when it forks. */
TEST(a_store_that_starts_later_has_its_folder_and_says_so_until_then)
{
    const char *dir = engine_dir();
    int state = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(starts_later(dir) ? 0 : 1);
    waitpid(child, &state, 0);
    CHECK_INT(state, 0);
}

TEST(what_an_insert_has_said_is_there_after_a_kill_and_again_is_once)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    const char *dir = engine_dir();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) insert_for_ever(dir, ends[1]);
    close(ends[1]);
    int said = 0;
    char c;
    while (said < BLOCKS_BEFORE_KILL && read(ends[0], &c, 1) == 1) said++;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(ends[0], &c, 1) == 1) said++;
    CHECK(said >= BLOCKS_BEFORE_KILL);

    struct store *s = engine_store();
    struct err err = {};
    int rows = atoi(engine_ask(s, "SELECT count() FROM killed").ptr);
    CHECK(rows >= said * BLOCK_ROWS && rows <= (said + 1) * BLOCK_ROWS);
    for (int i = 0; i <= said; i++) WANT(insert_block(s, i, &err), ST_OK);
    CHECK_INT(atoi(engine_ask(s, "SELECT count() FROM killed").ptr), (said + 1) * BLOCK_ROWS);
    CHECK_INT(atoi(engine_ask(s, "SELECT uniqExact(a) FROM killed").ptr), (said + 1) * BLOCK_ROWS);
}

TEST(a_second_process_on_the_directory_is_told_so)
{
    engine_store();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child ==
        0) { /* a fork shares the lock with its parent: take it through a shell's own descriptor */
        char command[256];
        snprintf(command, sizeof command, "flock -n %s/weir.lock true", engine_dir());
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(9);
    }
    int state = 0;
    waitpid(child, &state, 0);
    CHECK_INT(WEXITSTATUS(state), 1);
    struct err err = {};
    struct store *other = NULL;
    struct store_options opt = {.driver = STORE_EMBEDDED, .data_dir = S("/tmp/weir-engine-other")};
    WANT(store_open(&opt, &other, &err), ST_UNAVAILABLE);
    rmdir("/tmp/weir-engine-other");
}

TEST(a_closed_store_opens_again)
{
    struct err err = {};
    const char *dir = engine_dir();
    struct store_options opt = {
        .driver = STORE_EMBEDDED, .data_dir = {dir, strlen(dir)}, .connections = 1};
    for (int i = 0; i < 3; i++) {
        struct store *again = NULL;
        WANT(store_open(&opt, &again, &err), ST_OK);
        WANT(store_ping(again, &err), ST_OK);
        store_close(again);
    }
}
