/* The path in over the real engine, in one process: rows that were sent come back by SQL, once;
 * what cannot be stored is refused or kept, and the ledger balances. */
#include "ingest/pipeline.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "engine/engine.h"
#include "ingest/client_test.h"
#include "ingest/dead.h"
#include "lifecycle/lifecycle.h"
#include "net/compress.h"
#include "obs/metrics.h"

static const struct schema_settings settings = {
    .traces_partition_seconds = 3600, .retention_days = {30, 14, 90, 90, 90, 90, 365, 365, 365}};

static struct store *tables(void)
{
    struct store *s = engine_store();
    struct err err = {};
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    engine_do(s, "TRUNCATE TABLE otel_traces");
    engine_do(s, "TRUNCATE TABLE otel_traces_red_5m");
    engine_do(s, "TRUNCATE TABLE otel_logs");
    engine_do(s, "TRUNCATE TABLE otel_metrics");
    return s;
}

static int folder;

static str under_dir(const char *name)
{
    static char path[8][300];
    static int next;
    char *p = path[next++ % 8];
    int n = snprintf(p, 300, "%s-%d-%s", engine_dir(), folder, name);
    return (str){p, (size_t)n};
}

static void clean(const char *name)
{
    char command[400];
    str path = under_dir(name);
    snprintf(command, sizeof command, "rm -rf " STR_FMT, STR_ARG(path));
    CHECK_INT(system(command), 0);
}

/* A folder for each test: one that fails leaves its pipeline open. */
static struct pipeline_options options(void)
{
    folder++;
    return (struct pipeline_options){.workers = 2,
                                     .grpc_host = "127.0.0.1",
                                     .http_host = "127.0.0.1",
                                     .journal_dir = under_dir("journal"),
                                     .dead_dir = under_dir("dead"),
                                     .journal_reserve_bytes = 1,
                                     .insert_tries = 2};
}

static struct pipeline *open_pipeline(const struct pipeline_options *o)
{
    struct pipeline *p = NULL;
    struct err err = {};
    WANT(pipeline_open(o, engine_store(), &p, &err), ST_OK);
    return p;
}

static void close_pipeline(struct pipeline *p)
{
    pipeline_close(p, 10000);
    clean("journal");
    clean("dead");
}

static bool balances(void)
{
    bool all = true;
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) {
        uint64_t out = metric_get(M_STORED, k) + metric_get(M_JOURNAL_ITEMS, k);
        for (unsigned i = 0; i < 8; i++)
            out += metric_get(M_REJECTED, metric_signal_reason(k, i)) +
                   metric_get(M_DROPPED, metric_signal_reason(k, i));
        if (metric_get(M_RECEIVED, k) == out) continue;
        printf("%s: received %llu, accounted for %llu\n", signal_name(k),
               (unsigned long long)metric_get(M_RECEIVED, k), (unsigned long long)out);
        all = false;
    }
    return all;
}

static void flush(struct pipeline *p)
{
    struct err err = {};
    WANT(pipeline_flush(p, 30000, &err), ST_OK);
}

/* One request by HTTP; its status. */
static int post(uint16_t port, enum signal_kind signal, uint64_t first, uint32_t n, nanos time)
{
    struct buf b;
    buf_init(&b, 1 << 22);
    otlp_request(&b, signal, S("shop"), first, n, time);
    int fd = otlp_connect(port);
    CHECK(fd >= 0);
    CHECK(otlp_http_send(fd, signal, "application/x-protobuf", buf_str(&b)));
    int s = otlp_http_status(fd, NULL);
    close(fd);
    buf_done(&b);
    return s;
}

TEST(rows_of_all_signals_come_back_by_sql_over_http_and_grpc)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    struct pipeline *p = open_pipeline(&o);
    struct err err = {};
    WANT(pipeline_ready(p, &err), ST_OK);
    nanos now = clock_now();
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        otlp_request(&b, k, S("shop"), 100, 50, now);
        CHECK_INT(otlp_grpc(pipeline_grpc_port(p), k, buf_str(&b)), 0);
        buf_done(&b);
        CHECK_INT(post(pipeline_http_port(p), k, 1, 99, now), 200);
    }
    flush(p);
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT count(), uniqExact(n), min(n), max(n) FROM (%s)",
                 otlp_numbers_sql(k));
        CHECK_STR(engine_ask(s, sql), S("149\t149\t1\t149"));
    }
    CHECK_STR(engine_ask(s, "SELECT DISTINCT service_name FROM otel_log_streams"), S("shop"));
    CHECK_STR(engine_ask(s, "SELECT DISTINCT metric_name FROM otel_metric_series"),
              S("queue.length"));
    CHECK_STR(engine_ask(s, "SELECT DISTINCT span_name FROM otel_span_names"), S("GET /cart"));
    CHECK_STR(engine_ask(s, "SELECT sum(count) FROM otel_traces_red_5m"), S("149"));
    CHECK(balances());
    close_pipeline(p);
    CHECK_INT(metric_get(M_JOURNAL_ITEMS, SIGNAL_LOGS), 0);
}

TEST(items_that_cannot_be_kept_are_told_to_the_client_and_counted)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.retention_logs = NANOS_DAY;
    struct pipeline *p = open_pipeline(&o);
    uint64_t before = metric_get(M_RECEIVED, SIGNAL_LOGS);
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, 1, 5, clock_now() - 2 * NANOS_DAY), 200);
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, 1, 5, clock_now()), 200);
    flush(p);
    CHECK_INT(metric_get(M_RECEIVED, SIGNAL_LOGS) - before, 10);
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_logs"), S("5"));
    CHECK(balances());
    close_pipeline(p);
}

TEST(a_malformed_request_is_refused_and_not_counted)
{
    tables();
    struct pipeline_options o = options();
    struct pipeline *p = open_pipeline(&o);
    uint64_t before = metric_get(M_RECEIVED, SIGNAL_LOGS);
    int fd = otlp_connect(pipeline_http_port(p));
    CHECK(otlp_http_send(fd, SIGNAL_LOGS, "application/x-protobuf", S("\x0a\x05zz")));
    CHECK_INT(otlp_http_status(fd, NULL), 400);
    close(fd);
    CHECK_INT(metric_get(M_RECEIVED, SIGNAL_LOGS), before);
    close_pipeline(p);
}

TEST(with_ack_stored_the_rows_are_there_when_the_answer_is)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.ack = ACK_STORED;
    o.batch.timeout = 200 * NANOS_MS;
    struct pipeline *p = open_pipeline(&o);
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_TRACES, 1, 7, clock_now()), 200);
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_traces"), S("7"));
    close_pipeline(p);
}

TEST(with_ack_stored_a_request_that_waits_at_the_end_is_told_so_and_stored_at_the_next_start)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.ack = ACK_STORED;
    o.batch.timeout = 100 * NANOS_MS;
    struct pipeline *p = open_pipeline(&o);
    engine_do(s, "RENAME TABLE otel_logs TO otel_logs_away");
    struct buf b;
    buf_init(&b, 1 << 20);
    otlp_request(&b, SIGNAL_LOGS, S("shop"), 1, 7, clock_now());
    int fd = otlp_connect(pipeline_http_port(p));
    CHECK(otlp_http_send(fd, SIGNAL_LOGS, "application/x-protobuf", buf_str(&b)));
    uint64_t before = metric_get(M_JOURNAL_ITEMS, SIGNAL_LOGS);
    while (metric_get(M_JOURNAL_ITEMS, SIGNAL_LOGS) == before) usleep(1000);
    pipeline_close(p, 100);
    CHECK_INT(otlp_http_status(fd, NULL), 503);
    close(fd);
    buf_done(&b);
    engine_do(s, "RENAME TABLE otel_logs_away TO otel_logs");
    p = open_pipeline(&o);
    flush(p);
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_logs"), S("7"));
    close_pipeline(p);
}

TEST(a_full_journal_refuses_and_recovers_by_itself_and_nothing_acknowledged_is_lost)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.journal_max_bytes = 400000;
    o.batch.timeout = 100 * NANOS_MS;
    o.batch.send_batch_size = 1000;
    struct pipeline *p = open_pipeline(&o);
    struct err err = {};
    engine_do(s, "RENAME TABLE otel_logs TO otel_logs_away"); /* the store is out of order */
    uint64_t next = 1;
    int answer = 0, refusals = 0, rounds = 0;
    char expected[60];
    while (refusals < 3 && rounds++ < 400) {
        answer = post(pipeline_http_port(p), SIGNAL_LOGS, next, 100, clock_now());
        if (answer == 200)
            next += 100;
        else
            refusals++;
    }
    CHECK_INT(refusals, 3);
    CHECK(answer == 429 || answer == 503);
    CHECK_INT(pipeline_flush(p, 200, &err), ST_TIMEOUT);
    CHECK(strstr(err.msg, "not yet delivered") != NULL);
    engine_do(s, "RENAME TABLE otel_logs_away TO otel_logs");
    flush(p);
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, next, 100, clock_now()), 200);
    next += 100;
    flush(p);
    snprintf(expected, sizeof expected, "%llu\t%llu", (unsigned long long)next - 1,
             (unsigned long long)next - 1);
    CHECK_STR(engine_ask(s, "SELECT count(), uniqExact(body) FROM otel_logs"),
              ((str){expected, strlen(expected)}));
    CHECK(balances());
    close_pipeline(p);
}

TEST(a_full_disk_refuses_and_recovers_by_itself_and_nothing_acknowledged_is_lost)
{
    char command[400];
    struct store *s = tables();
    struct pipeline_options o = options();
    str dir = under_dir("disk");
    snprintf(command, sizeof command,
             "mkdir -p " STR_FMT " && mount -t tmpfs -o size=3m tmpfs " STR_FMT " 2>/dev/null",
             STR_ARG(dir), STR_ARG(dir));
    if (system(command) != 0) {
        printf("SKIPPED: no file system can be mounted here\n");
        clean("disk");
        return;
    }
    o.journal_dir = under_dir("disk/journal");
    o.journal_reserve_bytes = 1 << 20;
    o.journal_segment_bytes = 200000;
    o.batch.timeout = 100 * NANOS_MS;
    struct pipeline *p = open_pipeline(&o);
    struct err err = {};
    engine_do(s, "RENAME TABLE otel_logs TO otel_logs_away");
    uint64_t next = 1;
    int answer = 200;
    for (int i = 0; i < 2000 && answer == 200; i++)
        if ((answer = post(pipeline_http_port(p), SIGNAL_LOGS, next, 100, clock_now())) == 200)
            next += 100;
    CHECK(answer == 429 || answer == 503);
    CHECK_INT(pipeline_ready(p, &err), ST_OVERLOADED);
    CHECK(strstr(err.msg, "disk") != NULL);
    /* Now to the last byte: not even marks can be written until there is room again. */
    snprintf(command, sizeof command, "dd if=/dev/zero of=" STR_FMT "/filler bs=64k 2>/dev/null",
             STR_ARG(dir));
    CHECK(system(command) != 0);
    answer = post(pipeline_http_port(p), SIGNAL_LOGS, next, 100, clock_now());
    CHECK(answer == 429 || answer == 503 || answer == 200); /* a last page may have been left */
    if (answer == 200) next += 100;
    engine_do(s, "RENAME TABLE otel_logs_away TO otel_logs");
    snprintf(command, sizeof command, "rm " STR_FMT "/filler", STR_ARG(dir));
    CHECK_INT(system(command), 0);
    flush(p);
    for (int i = 0; i < 20 && pipeline_ready(p, &err) != ST_OK; i++) usleep(100000);
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, next, 100, clock_now()), 200);
    next += 100;
    flush(p);
    char expected[60];
    snprintf(expected, sizeof expected, "%llu\t%llu", (unsigned long long)next - 1,
             (unsigned long long)next - 1);
    CHECK_STR(engine_ask(s, "SELECT count(), uniqExact(body) FROM otel_logs"),
              ((str){expected, strlen(expected)}));
    CHECK(balances());
    close_pipeline(p);
    snprintf(command, sizeof command, "umount " STR_FMT, STR_ARG(dir));
    CHECK_INT(system(command), 0);
    clean("disk");
}

static int count_entries(str dir)
{
    char path[300];
    snprintf(path, sizeof path, STR_FMT, STR_ARG(dir));
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

TEST(a_block_the_store_refuses_goes_to_dead_and_the_next_one_is_stored)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.workers = 1;
    struct pipeline *p = open_pipeline(&o);
    uint64_t dropped = metric_get(M_DROPPED, metric_signal_reason(SIGNAL_LOGS, 2));
    engine_do(s, "ALTER TABLE otel_logs DROP COLUMN event_name");
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, 1, 20, clock_now()), 200);
    flush(p);
    CHECK_INT(metric_get(M_DROPPED, metric_signal_reason(SIGNAL_LOGS, 2)) - dropped, 20);
    CHECK_INT(count_entries(o.dead_dir), 1);
    CHECK(balances());
    engine_do(s, "ALTER TABLE otel_logs ADD COLUMN event_name LowCardinality(String) "
                 "CODEC(ZSTD(3)) AFTER severity_text");
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, 100, 20, clock_now()), 200);
    flush(p);
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_logs"), S("20"));
    CHECK(balances());
    close_pipeline(p);
}

TEST(a_block_of_dead_is_stored_once_however_often_it_is_sent_again)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.workers = 1;
    struct pipeline *p = open_pipeline(&o);
    struct dead_entry *dead;
    size_t n;
    struct err err = {};
    char dir[300], command[1000];
    snprintf(dir, sizeof dir, STR_FMT, STR_ARG(o.dead_dir));
    engine_do(s, "ALTER TABLE otel_logs DROP COLUMN event_name");
    CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, 1, 20, clock_now()), 200);
    flush(p);
    WANT(dead_list(dir, &dead, &n, &err), ST_OK);
    CHECK_INT(n, 1);
    CHECK_INT(pipeline_dead_retry(p, str_of(dead[0].id), &err), ST_INVALID);
    engine_do(s, "ALTER TABLE otel_logs ADD COLUMN event_name LowCardinality(String) "
                 "CODEC(ZSTD(3)) AFTER severity_text");
    snprintf(command, sizeof command, "cp -r %s/%s %s/kept", dir, dead[0].id, dir);
    CHECK_INT(system(command), 0);
    WANT(pipeline_dead_retry(p, str_of(dead[0].id), &err), ST_OK);
    /* As if the process had ended before the folder was removed. */
    snprintf(command, sizeof command, "mv %s/kept %s/%s", dir, dir, dead[0].id);
    CHECK_INT(system(command), 0);
    WANT(pipeline_dead_retry(p, str_of(dead[0].id), &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT count(), uniqExact(body) FROM otel_logs"), S("20\t20"));
    CHECK_INT(count_entries(o.dead_dir), 0);
    CHECK(balances());
    free(dead);
    close_pipeline(p);
}

/* A log record as JSON, and two as gzip. */
static void post_other_forms(uint16_t port)
{
    char json[300];
    int n =
        snprintf(json, sizeof json,
                 "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"%lld\","
                 "\"body\":{\"stringValue\":\"line 201\"}}]}]}]}",
                 (long long)clock_now());
    int fd = otlp_connect(port);
    CHECK(otlp_http_send(fd, SIGNAL_LOGS, "application/json", (str){json, (size_t)n}));
    CHECK_INT(otlp_http_status(fd, NULL), 200);
    struct buf b, gzip;
    buf_init(&b, 1 << 20);
    buf_init(&gzip, 1 << 20);
    otlp_request(&b, SIGNAL_LOGS, S("shop"), 202, 2, clock_now());
    CHECK_INT(compress_gzip(buf_str(&b), 6, &gzip, NULL), ST_OK);
    CHECK(otlp_http_send(fd, SIGNAL_LOGS, "application/x-protobuf\r\ncontent-encoding: gzip",
                         buf_str(&gzip)));
    CHECK_INT(otlp_http_status(fd, NULL), 200);
    close(fd);
    buf_done(&b);
    buf_done(&gzip);
}

TEST(what_was_not_stored_at_the_end_is_stored_at_the_next_start_also_with_fewer_workers)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    struct pipeline *p = open_pipeline(&o);
    engine_do(s, "RENAME TABLE otel_logs TO otel_logs_away");
    for (uint64_t i = 0; i < 20; i++)
        CHECK_INT(post(pipeline_http_port(p), SIGNAL_LOGS, 1 + i * 10, 10, clock_now()), 200);
    post_other_forms(pipeline_http_port(p));
    pipeline_close(p, 100);
    engine_do(s, "RENAME TABLE otel_logs_away TO otel_logs");
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_logs"), S("0"));
    o.workers = 1;
    p = open_pipeline(&o);
    flush(p);
    CHECK_STR(engine_ask(s, "SELECT count(), uniqExact(body) FROM otel_logs"), S("203\t203"));
    close_pipeline(p);
}

struct sender {
    uint16_t port;
    unsigned number;
    nanos until;
    uint64_t accepted;
};

static void *send_spans(void *ctx)
{
    struct sender *c = ctx;
    enum { IN_FLIGHT = 8, SPANS = 100 };
    struct buf b;
    int fd[IN_FLIGHT];
    buf_init(&b, 1 << 20);
    otlp_request(&b, SIGNAL_TRACES, S("shop"), c->number * 1000000 + 1, SPANS, clock_now());
    for (int i = 0; i < IN_FLIGHT; i++) fd[i] = otlp_connect(c->port);
    while (clock_monotonic() < c->until) {
        for (int i = 0; i < IN_FLIGHT; i++)
            otlp_http_send(fd[i], SIGNAL_TRACES, "application/x-protobuf", buf_str(&b));
        for (int i = 0; i < IN_FLIGHT; i++)
            if (otlp_http_status(fd[i], NULL) == 200) c->accepted += SPANS;
    }
    for (int i = 0; i < IN_FLIGHT; i++) close(fd[i]);
    buf_done(&b);
    return NULL;
}

TEST(under_load_blocks_grow_instead_of_becoming_many)
{
    struct store *s = tables();
    struct pipeline_options o = options();
    o.max_inflight_bytes = 512 << 20;
    struct pipeline *p = open_pipeline(&o);
    uint64_t before = metric_get(M_INSERTS, 0);
    struct sender senders[2];
    pthread_t threads[2];
    enum { SECONDS = 4 };
    for (unsigned i = 0; i < 2; i++) {
        senders[i] =
            (struct sender){pipeline_http_port(p), i, clock_monotonic() + SECONDS * NANOS_S, 0};
        CHECK(pthread_create(&threads[i], NULL, send_spans, &senders[i]) == 0);
    }
    for (unsigned i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    uint64_t inserts = metric_get(M_INSERTS, 0) - before,
             rows = senders[0].accepted + senders[1].accepted;
    printf("%llu spans/s, %.1f inserts/s into otel_traces\n", (unsigned long long)rows / SECONDS,
           (double)inserts / SECONDS);
    /* Two inserts a second, or as many as full blocks (100,000 rows) need. */
    CHECK(inserts <= 2 * SECONDS + 4 || inserts * 50000 <= rows);
    flush(p);
    char expected[40];
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)rows);
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_traces"),
              ((str){expected, strlen(expected)}));
    CHECK(balances());
    close_pipeline(p);
}

/* ---- parts ---- */

static uint64_t ask_number(struct store *s, const char *sql)
{
    str text = engine_ask(s, sql);
    uint64_t n = 0;
    CHECK(num_parse_u64(text, &n));
    return n;
}

static const enum signal_kind scattered[] = {SIGNAL_TRACES, SIGNAL_LOGS};

static void post_scattered(uint16_t port, uint64_t *io_first, int requests, unsigned *random)
{
    nanos now = clock_now();
    for (int i = 0; i < requests; i++) {
        *random = *random * 1103515245 + 12345;
        nanos ago = (nanos)(*random >> 8) % (60 * 24 * 60) * 60 * NANOS_S;
        for (unsigned k = 0; k < 2; k++)
            CHECK_INT(post(port, scattered[k], *io_first, 5, now - ago), 200);
        *io_first += 5;
    }
}

/* Merges are stopped, so what is counted is what inserts made. */
TEST(rows_over_60_days_at_random_are_stored_once_by_few_inserts_of_few_partitions)
{
    static const char *const names[] = {"otel_traces", "otel_logs"};
    struct store *s = tables();
    struct err err = {};
    for (unsigned k = 0; k < 2; k++) {
        char sql[300];
        snprintf(sql, sizeof sql, "ALTER TABLE %s REMOVE TTL", names[k]);
        engine_do(s, sql);
        snprintf(sql, sizeof sql, "SYSTEM STOP MERGES %s", names[k]);
        engine_do(s, sql);
    }
    struct pipeline_options o = options();
    o.batch = (struct batch_limits){.send_batch_size = 100,
                                    .max_rows = 100000,
                                    .max_bytes = 64 << 20,
                                    .timeout = 100 * NANOS_MS};
    uint64_t inserts[] = {metric_get(M_INSERTS, 0), metric_get(M_INSERTS, 1)};
    uint64_t blocks[] = {metric_get(M_BLOCKS, SIGNAL_TRACES), metric_get(M_BLOCKS, SIGNAL_LOGS)};
    nanos began = clock_monotonic();
    uint64_t first = 1;
    unsigned random = 11;
    for (int round = 0; round < 2; round++) { /* the second finds blocks that were begun */
        struct pipeline *p = open_pipeline(&o);
        post_scattered(pipeline_http_port(p), &first, 60, &random);
        if (round == 0) {
            pipeline_close(p, 0);
            continue;
        }
        WANT(pipeline_flush(p, 120000, &err), ST_OK);
        close_pipeline(p);
    }
    nanos took = clock_monotonic() - began;
    for (unsigned k = 0; k < 2; k++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT count(), uniqExact(n), max(n) FROM (%s)",
                 otlp_numbers_sql(scattered[k]));
        CHECK_STR(engine_ask(s, sql), S("600\t600\t600"));
        inserts[k] = metric_get(M_INSERTS, k) - inserts[k];
        blocks[k] = metric_get(M_BLOCKS, scattered[k]) - blocks[k];
        printf("%s: %llu blocks, %llu inserts in %.1f s\n", names[k], (unsigned long long)blocks[k],
               (unsigned long long)inserts[k], (double)took / 1e9);
        /* two a second, and eight at once for each of the two pipelines */
        CHECK(inserts[k] <= 16 + 2 * ((uint64_t)(took / NANOS_S) + 1));
        snprintf(sql, sizeof sql,
                 "SELECT count() FROM system.parts WHERE active AND table = '%s' AND "
                 "database = currentDatabase()",
                 names[k]);
        CHECK(ask_number(s, sql) <= 4 * inserts[k]);
        snprintf(sql, sizeof sql,
                 "SELECT max(n) FROM (SELECT count() n FROM system.parts WHERE active AND "
                 "table = '%s' AND database = currentDatabase() GROUP BY partition_id)",
                 names[k]);
        CHECK(ask_number(s, sql) <= blocks[k] + 1); /* and one that was cut off */
        snprintf(sql, sizeof sql, "SYSTEM START MERGES %s", names[k]);
        engine_do(s, sql);
    }
}

TEST(parts_are_counted_by_table_and_by_the_fullest_partition)
{
    struct store *s = tables();
    struct err err = {};
    uint64_t most;
    engine_do(s, "SYSTEM STOP MERGES otel_logs");
    for (int i = 0; i < 5; i++)
        engine_do(s, i < 3 ? "INSERT INTO otel_logs (timestamp) VALUES (now64(9))"
                           : "INSERT INTO otel_logs (timestamp) VALUES (now64(9) - 86400 * 2)");
    WANT(lifecycle_count_parts(s, &settings, NULL, &most, &err), ST_OK);
    CHECK_INT(metric_get(M_STORE_PARTS, 1), 5);
    CHECK_INT(metric_get(M_STORE_PARTS_MAX, 1), 3);
    CHECK(most >= 3);
    engine_do(s, "SYSTEM START MERGES otel_logs");
}
