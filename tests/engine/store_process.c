/* The embedded engine and its process: the directory's lock, closing and opening, a kill in the
 * middle. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"

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
