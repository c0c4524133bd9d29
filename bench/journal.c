/* What a journaled request costs, with a sync before each answer: requests of 1000 spans and of 10
 * spans (300 bytes a span), few and many in flight. CPU time of the process: the caller, the
 * journal's thread, and the kernel in their name. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ingest/journal/journal.h"
#include "obs/metrics.h"

enum { SPAN_BYTES = 300 };

static void done(void *ctx, status s)
{
    if (s != ST_OK) abort();
    sem_post(ctx);
}

static void run(struct journal *j, int n, unsigned spans, unsigned in_flight)
{
    static char payload[1000 * SPAN_BYTES];
    sem_t room;
    sem_init(&room, 0, in_flight);
    nanos wall = clock_monotonic(), cpu = clock_cpu();
    struct journal_request r = {
        .signal = SIGNAL_TRACES, .items = spans, .payload = {payload, spans * SPAN_BYTES}};
    struct err err;
    uint64_t first = 0, seq = 0;
    for (int i = 0; i < n; i++) {
        while (sem_wait(&room) != 0) continue;
        if (journal_append(j, &r, done, &room, &seq, &err) != ST_OK) {
            fprintf(stderr, "%s\n", err.msg);
            exit(1);
        }
        if (first == 0) first = seq;
        if (seq - first >= 2000) {
            journal_block_done(j, 0, first, seq - 1000);
            first = seq - 999;
        }
    }
    for (unsigned i = 0; i < in_flight; i++)
        while (sem_wait(&room) != 0) continue;
    wall = clock_monotonic() - wall;
    cpu = clock_cpu() - cpu;
    printf("journal %4u spans, %3u in flight  %8.0f requests/s  %7.2f core-us each  %.3f a span\n",
           spans, in_flight, n / ((double)wall / 1e9), (double)cpu / 1e3 / n,
           (double)cpu / 1e3 / n / spans);
    journal_block_done(j, 0, first, seq);
    sem_destroy(&room);
}

/* Many small clients: one request comes each millisecond, whatever became of the others. */
static void run_paced(struct journal *j, int n, unsigned spans)
{
    static char payload[1000 * SPAN_BYTES];
    sem_t answers;
    sem_init(&answers, 0, 0);
    struct journal_request r = {
        .signal = SIGNAL_TRACES, .items = spans, .payload = {payload, spans * SPAN_BYTES}};
    struct err err;
    uint64_t first = 0, seq = 0;
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t syncs = metric_get(M_JOURNAL_SYNCS, 0);
    nanos cpu = clock_cpu();
    for (int i = 0; i < n; i++) {
        at.tv_nsec += NANOS_MS;
        if (at.tv_nsec >= NANOS_S) {
            at.tv_nsec -= NANOS_S;
            at.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        if (journal_append(j, &r, done, &answers, &seq, &err) != ST_OK) exit(1);
        if (first == 0) first = seq;
    }
    for (int i = 0; i < n; i++)
        while (sem_wait(&answers) != 0) continue;
    cpu = clock_cpu() - cpu;
    syncs = metric_get(M_JOURNAL_SYNCS, 0) - syncs;
    printf("journal %4u spans, one each ms, %4.1f a sync  %19.2f core-us each  %.3f a span\n",
           spans, n / (double)syncs, (double)cpu / 1e3 / n, (double)cpu / 1e3 / n / spans);
    journal_block_done(j, 0, first, seq);
    sem_destroy(&answers);
}

int main(void)
{
    char dir[] = "/var/tmp/weir-bench-XXXXXX", command[64];
    if (!mkdtemp(dir)) return 1;
    const struct journal_destination to = {.name = S("traces>clickhouse"), .signal = SIGNAL_TRACES};
    struct journal_options o = {.dir = {dir, strlen(dir)},
                                .sync = true,
                                .reserve_bytes = 1,
                                .max_bytes = 8ull << 30,
                                .destinations = &to,
                                .n_destinations = 1};
    struct journal *j;
    struct err err;
    if (journal_open(&o, &j, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    for (int round = 0; round < 2; round++) {
        run(j, 300, 1000, 1);
        run(j, 3000, 1000, 16);
        run(j, 1000, 10, 1);
        run(j, 30000, 10, 32);
        run(j, 100000, 10, 500);
        run_paced(j, 3000, 10);
    }
    journal_close(j);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0;
}
