/* The whole path but the store (`discard`): real sockets, decode, journal, blocks, encode, under
 * several clients. What the store makes of it is tests/engine's. */
#include "ingest/pipeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/client_test.h"
#include "obs/metrics.h"
#include "testing/test.h"

static char top[] = "/tmp/weir-pipeline-XXXXXX";

static struct pipeline_options options(void)
{
    static char journal[100], dead[100];
    if (!journal[0]) CHECK(mkdtemp(top) != NULL);
    int n = snprintf(journal, sizeof journal, "%s/journal", top);
    int m = snprintf(dead, sizeof dead, "%s/dead", top);
    return (struct pipeline_options){.workers = 2,
                                     .grpc_host = "127.0.0.1",
                                     .http_host = "127.0.0.1",
                                     .journal_dir = {journal, (size_t)n},
                                     .dead_dir = {dead, (size_t)m},
                                     .journal_reserve_bytes = 1,
                                     .batch = {.send_batch_size = 500, .timeout = 100 * NANOS_MS},
                                     .discard = true};
}

static void clean(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s/journal %s/dead", top, top);
    CHECK_INT(system(command), 0);
}

static struct pipeline *open_pipeline(const struct pipeline_options *o)
{
    struct pipeline *p = NULL;
    struct err err = {0};
    if (pipeline_open(o, NULL, &p, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(p != NULL);
    return p;
}

static bool balances(void)
{
    bool all = true;
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) {
        uint64_t out = metric_get(M_STORED, k) + metric_get(M_JOURNAL_ITEMS, k);
        for (unsigned i = 0; i < 8; i++)
            out += metric_get(M_REJECTED, metric_signal_reason(k, i)) +
                   metric_get(M_DROPPED, metric_signal_reason(k, i));
        all &= out == metric_get(M_RECEIVED, k);
    }
    return all;
}

struct client {
    uint16_t port;
    unsigned number;
    atomic_uint accepted[SIGNAL_COUNT];
};

enum { REQUESTS = 60, ROWS = 30 };

static void *send_requests(void *ctx)
{
    struct client *c = ctx;
    int fd = otlp_connect(c->port);
    for (unsigned i = 0; i < REQUESTS && fd >= 0; i++) {
        enum signal_kind k = (enum signal_kind)(i % SIGNAL_COUNT);
        struct buf b;
        buf_init(&b, 1 << 20);
        otlp_request(&b, k, S("shop"), (c->number * REQUESTS + i) * ROWS + 1ull, ROWS, clock_now());
        if (otlp_http_send(fd, k, "application/x-protobuf", buf_str(&b)) &&
            otlp_http_status(fd, NULL) == 200)
            atomic_fetch_add(&c->accepted[k], ROWS);
        buf_done(&b);
    }
    if (fd >= 0) close(fd);
    return NULL;
}

TEST(under_several_clients_all_that_was_accepted_is_received_and_stored)
{
    struct pipeline_options o = options();
    struct pipeline *p = open_pipeline(&o);
    struct err err = {0};
    CHECK_INT(pipeline_ready(p, &err), ST_OK);
    struct client clients[4] = {0};
    pthread_t threads[4];
    uint64_t before[SIGNAL_COUNT];
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) before[k] = metric_get(M_STORED, k);
    for (unsigned i = 0; i < 4; i++) {
        clients[i].port = i % 2 ? pipeline_grpc_port(p) : pipeline_http_port(p);
        clients[i].number = i;
        CHECK(pthread_create(&threads[i], NULL, send_requests, &clients[i]) == 0);
    }
    CHECK_INT(pipeline_flush(p, 30000, &err), ST_OK); /* beside the load */
    for (unsigned i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    CHECK_INT(pipeline_flush(p, 30000, &err), ST_OK);
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) {
        unsigned accepted = 0;
        for (unsigned i = 0; i < 4; i++) accepted += atomic_load(&clients[i].accepted[k]);
        CHECK_INT(accepted, 4 * REQUESTS / SIGNAL_COUNT * ROWS);
        CHECK_INT(metric_get(M_STORED, k) - before[k], accepted);
        CHECK_INT(metric_get(M_JOURNAL_ITEMS, k), 0);
    }
    CHECK(balances());
    pipeline_close(p, 10000);
    clean();
}

TEST(grpc_requests_are_answered_with_status_0)
{
    struct pipeline_options o = options();
    struct pipeline *p = open_pipeline(&o);
    struct buf b;
    buf_init(&b, 1 << 20);
    otlp_request(&b, SIGNAL_LOGS, S("shop"), 1, 5, clock_now());
    CHECK_INT(otlp_grpc(pipeline_grpc_port(p), SIGNAL_LOGS, buf_str(&b)), 0);
    CHECK_INT(otlp_grpc(pipeline_http_port(p), SIGNAL_LOGS, buf_str(&b)), 0);
    buf_done(&b);
    pipeline_close(p, 10000);
    CHECK(balances());
    clean();
}

TEST(closing_without_time_leaves_the_rest_in_the_journal_for_the_next_start)
{
    struct pipeline_options o = options();
    o.batch.timeout = 3600 * NANOS_S;
    o.batch.send_batch_size = 1000000;
    struct pipeline *p = open_pipeline(&o);
    struct client c = {.port = pipeline_http_port(p)};
    send_requests(&c);
    CHECK_INT(atomic_load(&c.accepted[SIGNAL_LOGS]), REQUESTS / SIGNAL_COUNT * ROWS);
    uint64_t left = metric_get(M_JOURNAL_ITEMS, SIGNAL_LOGS);
    CHECK_INT(left, REQUESTS / SIGNAL_COUNT * ROWS);
    pipeline_close(p, 0);
    CHECK(balances());

    uint64_t stored = metric_get(M_STORED, SIGNAL_LOGS),
             replayed = metric_get(M_JOURNAL_REPLAYED, SIGNAL_LOGS);
    p = open_pipeline(&o);
    struct err err;
    CHECK_INT(pipeline_flush(p, 30000, &err), ST_OK);
    CHECK(balances());
    /* A close may have got some of it to the store all the same. */
    CHECK(metric_get(M_STORED, SIGNAL_LOGS) - stored <= left);
    CHECK(metric_get(M_JOURNAL_REPLAYED, SIGNAL_LOGS) - replayed <= REQUESTS / SIGNAL_COUNT);
    pipeline_close(p, 1000);
    clean();
}

static void *ask_all_the_time(void *ctx)
{
    struct pipeline *p = ctx;
    struct err err;
    while (pipeline_ready(p, &err) == ST_OK) continue;
    return NULL;
}

static void *flush_once(void *ctx)
{
    struct err err;
    (void)!pipeline_flush(ctx, 60000, &err);
    return NULL;
}

/* As the admin endpoints do. */
TEST(a_pipeline_that_stops_can_be_asked_until_it_is_closed)
{
    struct pipeline_options o = options();
    o.batch.timeout = 3600 * NANOS_S;
    struct pipeline *p = open_pipeline(&o);
    pthread_t threads[3];
    struct client c = {.port = pipeline_http_port(p)};
    CHECK_INT(pthread_create(&threads[0], NULL, ask_all_the_time, p), 0);
    CHECK_INT(pthread_create(&threads[1], NULL, send_requests, &c), 0);
    CHECK_INT(pthread_create(&threads[2], NULL, flush_once, p), 0);
    while (atomic_load(&c.accepted[SIGNAL_LOGS]) == 0) usleep(1000);
    pipeline_stop(p, 0);
    for (int i = 0; i < 3; i++) CHECK_INT(pthread_join(threads[i], NULL), 0);
    struct err err;
    CHECK_INT(pipeline_ready(p, &err), ST_UNAVAILABLE);
    CHECK_INT(pipeline_flush(p, 1000, &err), ST_UNAVAILABLE);
    pipeline_close(p, 0);
    CHECK(balances());
    p = open_pipeline(&o);
    CHECK_INT(pipeline_flush(p, 30000, &err), ST_OK);
    pipeline_close(p, 1000);
    CHECK(balances());
    clean();
}

TEST(a_port_in_use_fails_the_opening_and_leaves_nothing_running)
{
    struct pipeline_options o = options();
    o.grpc_host = "203.0.113.1"; /* not ours; rfc5737 */
    struct pipeline *p = NULL;
    struct err err = {0};
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "203.0.113.1") != NULL);
    clean();
}

TEST(when_all_is_stored_no_memory_is_held) { CHECK_INT(metric_get(M_INFLIGHT_BYTES, 0), 0); }
