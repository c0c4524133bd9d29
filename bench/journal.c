/* Appends a second with a sync before each answer, one in flight and 64 in flight, of requests of
 * 20 kB. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/journal/journal.h"

static void done(void *ctx, status s)
{
    if (s != ST_OK) abort();
    sem_post(ctx);
}

static void run(struct journal *j, int n, int in_flight)
{
    static char payload[20000];
    sem_t room;
    sem_init(&room, 0, (unsigned)in_flight);
    nanos wall = clock_monotonic(), cpu = clock_cpu();
    struct journal_request r = {
        .signal = SIGNAL_TRACES, .items = 100, .payload = {payload, sizeof payload}};
    struct err err;
    uint64_t first = 0, seq = 0;
    for (int i = 0; i < n; i++) {
        while (sem_wait(&room) != 0) continue;
        if (journal_append(j, &r, done, &room, &seq, &err) != ST_OK) {
            fprintf(stderr, "%s\n", err.msg);
            exit(1);
        }
        if (first == 0) first = seq;
    }
    for (int i = 0; i < in_flight; i++)
        while (sem_wait(&room) != 0) continue;
    wall = clock_monotonic() - wall;
    cpu = clock_cpu() - cpu;
    printf("journal append, sync, %2d in flight  %9.0f /s  %7.2f core-us each\n", in_flight,
           n / ((double)wall / 1e9), (double)cpu / 1e3 / n);
    journal_block_done(j, 0, first, seq);
    sem_destroy(&room);
}

int main(void)
{
    char dir[] = "/var/tmp/weir-bench-XXXXXX", command[64];
    if (!mkdtemp(dir)) return 1;
    const struct journal_destination to = {S("traces>clickhouse"), SIGNAL_TRACES};
    struct journal_options o = {.dir = {dir, strlen(dir)},
                                .sync = true,
                                .reserve_bytes = 1,
                                .destinations = &to,
                                .n_destinations = 1};
    struct journal *j;
    struct err err;
    if (journal_open(&o, &j, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    run(j, 500, 1);
    run(j, 10000, 64);
    journal_close(j);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0;
}
