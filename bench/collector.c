/* A collector whose store drops what it is given: receive, decode, journal, batch and encode are
 * real. Not a load by itself: bench/ingest.mjs starts it (BENCH_MODE=discard), sends to it and
 * looks at its threads.
 *
 *   bench_collector FOLDER     prints "ready {"grpc":PORT}"; at each byte on standard input it
 * stores what is open and prints "stored N"; at the end of it, it ends */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/pipeline.h"
#include "obs/metrics.h"
#include "store/store.h"

enum { FLUSH_MS = 60000, FOLDER_MAX = 4000 };

static void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_collector: %s: %s\n", what, err->msg);
    exit(1);
}

static str folder(const char *parent, const char *name, char out[FOLDER_MAX + 16])
{
    int n = snprintf(out, FOLDER_MAX + 16, "%s/%s", parent, name);
    (void)mkdir(out, 0755); /* pipeline_open tells */
    return (str){out, (size_t)n};
}

static uint64_t stored(void)
{
    uint64_t n = 0;
    for (int k = 0; k < SIGNAL_COUNT; k++) n += metric_get(M_STORED, (unsigned)k);
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 2 || strlen(argv[1]) > FOLDER_MAX) {
        fprintf(stderr, "usage: bench_collector FOLDER\n");
        return 2;
    }
    char journal[FOLDER_MAX + 16], dead[FOLDER_MAX + 16];
    /* A store that is never asked: nobody need listen there. */
    struct store_options away = {
        .driver = STORE_SERVER, .url = S("http://127.0.0.1:9"), .may_be_away = true};
    struct store *store;
    struct pipeline *p;
    struct err err;
    if (store_open(&away, &store, &err) != ST_OK) fail("store", &err);
    struct pipeline_options opt = {.grpc_host = "127.0.0.1",
                                   .http_host = "127.0.0.1",
                                   .journal_dir = folder(argv[1], "journal", journal),
                                   .dead_dir = folder(argv[1], "dead", dead),
                                   .discard = true};
    if (pipeline_open(&opt, store, &p, &err) != ST_OK) fail("pipeline", &err);
    printf("ready {\"grpc\":%u}\n", pipeline_grpc_port(p));
    fflush(stdout);
    for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) {
        if (pipeline_flush(p, FLUSH_MS, &err) != ST_OK) fail("flush", &err);
        printf("stored %" PRIu64 "\n", stored());
        fflush(stdout);
    }
    pipeline_close(p, 0);
    store_close(store);
    return 0;
}
