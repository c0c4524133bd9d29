/* Pipelines with several exporters, some of which are away, refuse, or end the process. The stores
 * are fakes: what counts here is who waits for whom, and where items go. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/yaml.h"
#include "ingest/client_test.h"
#include "ingest/dead.h"
#include "ingest/fake_store_test.h"
#include "ingest/pipeline.h"
#include "ingest/state.h"
#include "obs/metrics.h"
#include "testing/test.h"

static char top[40], journal_path[60], dead_path[60];

static uint64_t at_begin[METRIC_COUNT][METRIC_SLOT_MAX];

/* The counters are the process's: what a test sees is what came since it began. */
static int64_t since(enum metric_id m, unsigned slot)
{
    return (int64_t)(metric_get(m, slot) - at_begin[m][slot]);
}

static void begin(void)
{
    for (unsigned m = 0; m < METRIC_COUNT; m++)
        for (unsigned i = 0; i < METRIC_SLOT_MAX; i++)
            at_begin[m][i] = metric_get((enum metric_id)m, i);
    snprintf(top, sizeof top, "/tmp/weir-routes-XXXXXX");
    CHECK(mkdtemp(top) != NULL);
    snprintf(journal_path, sizeof journal_path, "%s/journal", top);
    snprintf(dead_path, sizeof dead_path, "%s/dead", top);
}

static void end(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", top);
    CHECK_INT(system(command), 0);
}

static struct pipeline_exporter to(const char *name, struct store *s)
{
    struct pipeline_exporter e = {.name = name, .store = s, .block_on_overflow = true};
    e.common.retry = (struct export_retry){.enabled = true,
                                           .max_tries = 3,
                                           .initial_interval = 20 * NANOS_MS,
                                           .max_interval = 100 * NANOS_MS,
                                           .multiplier = 2,
                                           .randomization_factor = 0.5};
    return e;
}

static struct pipeline_options options(const struct pipeline_exporter *exporters, unsigned n,
                                       const struct pipeline_route *routes, unsigned n_routes)
{
    return (struct pipeline_options){.workers = 1,
                                     .grpc_host = "127.0.0.1",
                                     .http_host = "127.0.0.1",
                                     .journal_dir = str_of(journal_path),
                                     .dead_dir = str_of(dead_path),
                                     .journal_reserve_bytes = 1,
                                     .exporters = exporters,
                                     .routes = routes,
                                     .n_exporters = n,
                                     .n_routes = n_routes};
}

static const struct batch_limits small = {.send_batch_size = 500, .timeout = 50 * NANOS_MS};

static struct pipeline *open_pipeline(const struct pipeline_options *o)
{
    struct pipeline *p = NULL;
    struct err err = {0};
    if (pipeline_open(o, NULL, &p, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(p != NULL);
    return p;
}

static int send_text(uint16_t port, enum signal_kind k, const char *service, uint64_t first,
                     uint32_t n)
{
    struct buf b;
    buf_init(&b, 1 << 22);
    otlp_request(&b, k, str_of(service), first, n, clock_now());
    int fd = otlp_connect(port), answer = -1;
    if (fd >= 0 && otlp_http_send(fd, k, "application/x-protobuf", buf_str(&b)))
        answer = otlp_http_status(fd, NULL);
    if (fd >= 0) close(fd);
    buf_done(&b);
    return answer;
}

static void send_rows(struct pipeline *p, unsigned requests, uint32_t rows)
{
    for (unsigned i = 0; i < requests; i++)
        CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * rows, rows), 200);
}

static bool balances(unsigned n_routes)
{
    bool all = true;
    for (unsigned r = 0; r < n_routes; r++) {
        int64_t out = since(M_ROUTE_DELIVERED, r) + since(M_ROUTE_JOURNAL_ITEMS, r);
        for (unsigned d = 0; d < 8; d++) out += since(M_ROUTE_DROPPED, metric_route_policy(r, d));
        all &= out == since(M_ROUTE_TAKEN, r);
    }
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) {
        int64_t out = since(M_STORED, k) + since(M_JOURNAL_ITEMS, k);
        for (unsigned i = 0; i < 8; i++)
            out += since(M_REJECTED, metric_signal_reason(k, i)) +
                   since(M_DROPPED, metric_signal_reason(k, i));
        all &= out == since(M_RECEIVED, k);
    }
    return all;
}

static int64_t dropped(unsigned route, enum drop_policy d)
{
    return since(M_ROUTE_DROPPED, metric_route_policy(route, d));
}

/* Waits for another thread to get there; the test's own timeout ends what never does. */
#define UNTIL(c) \
    while (!(c)) usleep(2000)

static bool status_has(struct pipeline *p, const char *text)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    struct json_out j = json_begin(&b);
    json_object(&j);
    pipeline_status(p, &j);
    json_end(&j);
    bool has = memmem(b.ptr, b.len, text, strlen(text)) != NULL;
    buf_done(&b);
    return has;
}

TEST(a_dead_destination_delays_nothing_else_and_gets_everything_once_when_it_is_back)
{
    begin();
    struct fake_store *up = fake_store_new(), *down = fake_store_new();
    fake_store_listen(up);
    struct pipeline_exporter e[] = {to("clickhouse", fake_store_open(up)),
                                    to("clickhouse/b", fake_store_open(down))};
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, small},
                                 {SIGNAL_LOGS, "logs", 1, NULL, small}};
    struct pipeline_options o = options(e, 2, r, 2);
    o.max_inflight_bytes = 4 << 20;
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    int64_t most = 0;
    enum { REQUESTS = 400, ROWS = 100 };
    for (unsigned i = 0; i < REQUESTS; i++) {
        int answer;
        do /* a slow machine fills the gate with what is for the one that works */
            answer = send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS);
        while (answer == 429);
        CHECK_INT(answer, 200);
        int64_t held = since(M_INFLIGHT_BYTES, 0);
        if (held > most) most = held;
    }
    UNTIL(since(M_ROUTE_DELIVERED, 0) == REQUESTS * ROWS);
    CHECK_INT(fake_store_rows(up, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(since(M_ROUTE_DELIVERED, 1), 0);
    CHECK_INT(since(M_ROUTE_JOURNAL_ITEMS, 1), REQUESTS * ROWS);
    CHECK(most < 16 << 20);
    CHECK_INT(pipeline_flush(p, 100, &err), ST_TIMEOUT);
    CHECK(status_has(p, "\"name\":\"clickhouse/b\",\"away\":true"));
    CHECK(status_has(p, "\"name\":\"clickhouse\",\"away\":false"));
    CHECK(balances(2));
    fake_store_listen(down);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(down, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(fake_store_rows(up, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(fake_store_repeats(up) + fake_store_repeats(down), 0);
    CHECK_INT(since(M_ROUTE_JOURNAL_ITEMS, 1), 0);
    CHECK(balances(2));
    pipeline_close(p, 10000);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(up);
    fake_store_free(down);
    end();
}

TEST(while_the_first_destination_is_away_requests_are_taken_and_memory_is_let_go)
{
    begin();
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, small},
                                 {SIGNAL_TRACES, "traces", 0, NULL, small}};
    struct pipeline_options o = options(&e, 1, r, 2);
    o.max_inflight_bytes = 2 << 20;
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    enum { REQUESTS = 600, ROWS = 100 }; /* several times what may be in flight */
    for (unsigned i = 0; i < REQUESTS; i++) {
        int answer;
        do /* until the first failure is known memory may fill */
            answer = send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS);
        while (answer == 429);
        CHECK_INT(answer, 200);
    }
    CHECK(status_has(p, "\"reads_back\":true"));
    CHECK(since(M_INFLIGHT_BYTES, 0) < 12 << 20);
    CHECK(balances(2));
    fake_store_listen(f);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(fake_store_repeats(f), 0);
    UNTIL(!status_has(p, "\"reads_back\":true")); /* live again */
    send_rows(p, 20, ROWS);
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_TRACES, "shop", 1, 5), 200);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), (REQUESTS + 20) * ROWS);
    CHECK_INT(fake_store_rows(f, "otel_traces"), 5);
    CHECK(balances(2));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

/* Requests keep coming while the destination goes and comes: the loop and the tail change places
 * under load. */
TEST(a_destination_that_comes_and_goes_under_load_gets_everything_once)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {
        SIGNAL_LOGS, "logs", 0, NULL, {.send_batch_size = 100, .timeout = 20 * NANOS_MS}};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    enum { REQUESTS = 1500, ROWS = 20 };
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (i % 100 == 0) fake_store_answer(f, i / 100 % 2 ? FAKE_OVERLOADED : FAKE_OK);
        CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS), 200);
        if (i % 50 == 0) usleep(30000); /* so that tries fall into either state */
    }
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), REQUESTS * ROWS);
    CHECK(balances(1));
    CHECK_INT(since(M_ROUTE_JOURNAL_ITEMS, 0), 0);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(a_store_that_is_slow_but_works_makes_requests_be_refused_until_blocks_are_stored)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_WAIT);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    o.max_inflight_bytes = 1 << 20;
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    int answer = 200;
    unsigned taken = 0;
    for (int i = 0; i < 2000 && answer == 200; i++)
        if ((answer = send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 100)) == 200)
            taken += 100;
    CHECK(answer == 429 || answer == 503);
    CHECK(status_has(p, "\"away\":false"));
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    UNTIL(pipeline_ready(p, &err) == ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), taken);
    CHECK(balances(1));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(what_comes_while_the_tables_are_made_stays_in_the_journal_and_is_delivered_afterwards)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    o.store_not_ready = true;
    struct pipeline *p = NULL;
    struct err err = {0};
    CHECK_INT(pipeline_open(&o, e.store, &p, &err), ST_OK);
    send_rows(p, 10, 500);
    UNTIL(status_has(p, "being made ready"));
    CHECK_INT(pipeline_flush(p, 100, &err), ST_TIMEOUT);
    CHECK_INT(fake_store_tries(f), 0);
    pipeline_store_ready(p);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 5000);
    CHECK(balances(1));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(a_pipeline_that_is_told_to_refuse_says_why_until_it_is_told_otherwise)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    struct err err = {0};
    pipeline_refuse(p, "the disk is nearly full");
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 10), 503);
    CHECK_INT(pipeline_ready(p, &err), ST_UNAVAILABLE);
    CHECK_STR(str_of(err.msg), S("the disk is nearly full"));
    pipeline_refuse(p, NULL);
    send_rows(p, 1, 10);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 10);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(what_two_routes_left_at_the_end_each_gets_at_the_next_start)
{
    begin();
    struct fake_store *a = fake_store_new(), *b = fake_store_new();
    fake_store_listen(a);
    struct pipeline_exporter e[] = {to("clickhouse", fake_store_open(a)),
                                    to("clickhouse/b", fake_store_open(b))};
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, small},
                                 {SIGNAL_LOGS, "logs", 1, NULL, small}};
    struct pipeline_options o = options(e, 2, r, 2);
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    send_rows(p, 30, 50);
    UNTIL(since(M_ROUTE_JOURNAL_ITEMS, 0) == 0);
    pipeline_close(p, 100);
    CHECK_INT(fake_store_rows(a, "otel_logs"), 1500);
    fake_store_listen(b);
    p = open_pipeline(&o);
    send_rows(p, 10, 50);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(a, "otel_logs"), 2000);
    CHECK_INT(fake_store_rows(b, "otel_logs"), 2000);
    CHECK_INT(since(M_ROUTE_JOURNAL_ITEMS, 1), 1500); /* the first run's, never settled by it */
    CHECK(balances(2));
    pipeline_close(p, 10000);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(a);
    fake_store_free(b);
    end();
}

static unsigned dead_count(struct dead_entry *first)
{
    struct dead_entry *all;
    size_t n;
    struct err err;
    CHECK_INT(dead_list(dead_path, &all, &n, &err), ST_OK);
    if (n && first) *first = all[0];
    free(all);
    return (unsigned)n;
}

TEST(a_store_that_refuses_the_content_is_asked_max_tries_times_and_the_block_can_be_sent_again)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_INVALID);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs/eu", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    struct err err = {0};
    send_rows(p, 1, 40);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_tries(f), 3);
    CHECK_INT(dropped(0, DROP_DEAD), 40);
    struct dead_entry d = {0};
    CHECK_INT(dead_count(&d), 1);
    CHECK_STR(str_of(d.route), S("logs/eu>clickhouse"));
    CHECK(strstr(d.id, "-logs,eu~clickhouse-") != NULL);
    CHECK(strstr(d.reason, "No such column") != NULL);
    CHECK_INT(d.items, 40);
    CHECK(balances(1));

    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_INVALID); /* still refused: it stays */
    CHECK_INT(dead_count(NULL), 1);
    CHECK(balances(1));
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_OK);
    CHECK_INT(dead_count(NULL), 0);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 40);
    CHECK(balances(1));
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_NOT_FOUND);
    CHECK_INT(pipeline_dead_retry(p, S("../../etc"), &err), ST_INVALID);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(data_points_that_are_given_up_are_in_dead_as_they_came_and_can_be_sent_again)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_INVALID);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    const struct batch_limits whole = {.send_batch_size = 500, .timeout = 60 * NANOS_S};
    struct pipeline_route r = {SIGNAL_METRICS, "metrics", 0, NULL, whole};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    struct err err = {0};
    struct buf first;
    buf_init(&first, 1 << 20);
    otlp_request(&first, SIGNAL_METRICS, S("shop"), 1, 40, clock_now());
    CHECK_INT(otlp_grpc(pipeline_grpc_port(p), SIGNAL_METRICS, buf_str(&first)), 0);
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_METRICS, "shop", 41, 30), 200);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    struct dead_entry d = {0};
    CHECK_INT(dead_count(&d), 1);
    CHECK_INT(d.items, 70);
    CHECK_INT(d.requests, 2);
    char path[400];
    snprintf(path, sizeof path, "%s/%s/%020d.pb", dead_path, d.id, 1);
    CHECK_STR(test_read_file(path), buf_str(&first));
    CHECK(balances(1));

    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_OK);
    CHECK_INT(dead_count(NULL), 0);
    CHECK_INT(fake_store_rows(f, "otel_metrics"), 70);
    CHECK(balances(1));
    buf_done(&first);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(an_overloaded_store_is_waited_for_beyond_max_tries)
{
    begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_OVERLOADED);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    send_rows(p, 1, 40);
    UNTIL(fake_store_tries(f) > 5);
    CHECK(status_has(p, "Too many part"));
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 40);
    CHECK_INT(dead_count(NULL), 0);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    end();
}

/* An OTLP exporter to the fake, which answers such requests by its mood too. */
static struct exporter *otlp_to(struct arena *a, struct fake_store *f)
{
    char yaml[200];
    struct err err = {0};
    const struct tree *options;
    struct exporter *e = NULL;
    snprintf(yaml, sizeof yaml, "endpoint: %s", fake_store_url(f));
    CHECK_INT(yaml_parse(a, arena_str(a, str_of(yaml)), "test", NULL, NULL, &options, &err), ST_OK);
    struct exporter_spec spec = {.name = S("otlphttp"), .options = options};
    if (exporter_open(&spec, &e, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(e != NULL);
    return e;
}

TEST(an_otlp_destination_that_refuses_is_asked_once_and_one_that_is_overloaded_max_tries_times)
{
    begin();
    struct arena a;
    arena_init(&a, 1 << 20);
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e = to("otlphttp", NULL);
    e.exporter = otlp_to(&a, f);
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    send_rows(p, 1, 10); /* nobody is there: that is no try */
    UNTIL(status_has(p, "\"away\":true"));
    CHECK_INT(pipeline_flush(p, 500, &err), ST_TIMEOUT);
    CHECK_INT(dead_count(NULL), 0);
    fake_store_listen(f);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(since(M_ROUTE_DELIVERED, 0), 10);
    unsigned tries = fake_store_tries(f);
    fake_store_answer(f, FAKE_INVALID);
    send_rows(p, 1, 10);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_tries(f), tries + 1);
    CHECK_INT(dropped(0, DROP_DEAD), 10);
    fake_store_answer(f, FAKE_OVERLOADED);
    send_rows(p, 1, 10);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_tries(f), tries + 4);
    CHECK_INT(dropped(0, DROP_DEAD), 20);
    struct dead_entry d;
    CHECK_INT(dead_count(&d), 2);
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_OK);
    CHECK_INT(since(M_ROUTE_DELIVERED, 0), 20);
    CHECK(balances(1));
    pipeline_close(p, 10000);
    exporter_close(e.exporter);
    fake_store_free(f);
    arena_done(&a);
    end();
}

TEST(an_exporter_that_may_drop_gives_up_its_oldest_and_requests_are_taken)
{
    begin();
    struct fake_store *up = fake_store_new(), *down = fake_store_new();
    fake_store_listen(up);
    struct pipeline_exporter e[] = {to("clickhouse", fake_store_open(up)),
                                    to("clickhouse/b", fake_store_open(down))};
    e[1].block_on_overflow = false;
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, small},
                                 {SIGNAL_LOGS, "logs", 1, NULL, small}};
    struct pipeline_options o = options(e, 2, r, 2);
    o.journal_max_bytes = 400000;
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    enum { REQUESTS = 300, ROWS = 100 }; /* several times the cap */
    for (unsigned i = 0; i < REQUESTS; i++)
        while (send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS) != 200)
            usleep(2000);
    UNTIL(fake_store_rows(up, "otel_logs") == REQUESTS * ROWS);
    CHECK(dropped(1, DROP_OVERRUN) > 0);
    CHECK_INT(dropped(0, DROP_OVERRUN), 0);
    CHECK_INT(dead_count(NULL), 0);
    fake_store_listen(down);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(down, "otel_logs"), REQUESTS * ROWS - dropped(1, DROP_OVERRUN));
    CHECK(balances(2));
    pipeline_close(p, 10000);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(up);
    fake_store_free(down);
    end();
}

TEST(an_end_without_time_says_how_much_is_left_for_each_route)
{
    begin();
    struct fake_store *up = fake_store_new(), *down = fake_store_new();
    fake_store_listen(up);
    struct pipeline_exporter e[] = {to("up", fake_store_open(up)),
                                    to("down", fake_store_open(down))};
    struct pipeline_route r[] = {{SIGNAL_METRICS, "metrics/end", 0, NULL, small},
                                 {SIGNAL_METRICS, "metrics/end", 1, NULL, small}};
    struct pipeline_options o = options(e, 2, r, 2);
    char path[60], want[100];
    snprintf(path, sizeof path, "%s/log", top);
    int err = dup(2), log = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(err >= 0 && log >= 0 && dup2(log, 2) == 2);
    struct pipeline *p = open_pipeline(&o);
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_METRICS, "shop", 1, 30), 200);
    UNTIL(since(M_ROUTE_DELIVERED, 0) == 30);
    pipeline_close(p, 100);
    CHECK(dup2(err, 2) == 2);
    close(err);
    close(log);
    str said = test_read_file(path);
    snprintf(want, sizeof want, "route=metrics/end>down items=%lld",
             (long long)metric_get(M_ROUTE_JOURNAL_ITEMS, 1));
    CHECK(memmem(said.ptr, said.len, want, strlen(want)) != NULL);
    CHECK_INT(since(M_ROUTE_JOURNAL_ITEMS, 1), 30);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(up);
    fake_store_free(down);
    end();
}

TEST(a_signal_without_a_pipeline_is_not_served)
{
    begin();
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
    struct pipeline_options o = options(&e, 1, &r, 1);
    struct pipeline *p = open_pipeline(&o);
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_TRACES, "shop", 1, 1), 404);
    struct buf b;
    buf_init(&b, 1 << 20);
    otlp_request(&b, SIGNAL_METRICS, S("shop"), 1, 5, clock_now());
    CHECK_INT(otlp_grpc(pipeline_grpc_port(p), SIGNAL_METRICS, buf_str(&b)), 12);
    buf_done(&b);
    pipeline_close(p, 0);
    store_close(e.store);
    fake_store_free(f);
    end();
}

TEST(routes_that_are_not_possible_are_refused_with_the_reason)
{
    begin();
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e[] = {to("clickhouse", fake_store_open(f)), to("otlp", NULL)};
    struct pipeline_route twice[] = {{SIGNAL_LOGS, "logs", 0, NULL, small},
                                     {SIGNAL_LOGS, "logs", 0, NULL, small}};
    struct pipeline *p = NULL;
    struct err err = {0};
    struct pipeline_options o = options(e, 1, twice, 2);
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    CHECK(strstr(err.msg, "names exporter clickhouse twice") != NULL);
    o = options(e, 2, twice, 1);
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    CHECK(strstr(err.msg, "exporter otlp has neither") != NULL);
    struct pipeline_route nowhere = {SIGNAL_LOGS, "logs", 7, NULL, small};
    o = options(e, 1, &nowhere, 1);
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    o.n_routes = 17;
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    CHECK(strstr(err.msg, "at most 16") != NULL);
    store_close(e[0].store);
    fake_store_free(f);
    end();
}

/* ---- processors ---- */

/* A chain of one processor. The tree lies in `a`. */
static struct process_chain *chain_of(struct arena *a, const char *name, const char *yaml)
{
    struct err err = {0};
    const struct tree *options;
    struct process_chain *c = NULL;
    CHECK_INT(yaml_parse(a, str_of(yaml), "test", NULL, NULL, &options, &err), ST_OK);
    struct process_spec spec = {.name = str_of(name), .options = options};
    if (process_chain_new(SIGNAL_LOGS, &spec, 1, &c, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(c != NULL);
    return c;
}

/* One pipeline drops everything, the other what one of its services sends: by the first route,
 * live, and by the second, from the journal. */
TEST(what_processors_drop_is_counted_and_its_requests_do_not_stay_in_the_journal)
{
    begin();
    struct arena a;
    arena_init(&a, 1 << 20);
    struct process_chain *none = chain_of(&a, "probabilistic_sampler", "sampling_percentage: 0"),
                         *some = chain_of(&a, "filter/quiet",
                                          "logs: {log_record: ['resource.attributes"
                                          "[\"service.name\"] == \"loud\"']}");
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, none, small},
                                 {SIGNAL_LOGS, "logs/quiet", 0, some, small}};
    struct pipeline_options o = options(&e, 1, r, 2);
    struct pipeline *p = open_pipeline(&o);
    struct err err;
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_LOGS, "loud", 1, 30), 200);
    CHECK_INT(send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 12), 200);
    UNTIL(since(M_ROUTE_JOURNAL_ITEMS, 0) == 0); /* without a flush: the timeout does it */
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(dropped(0, DROP_SAMPLED), 42);
    CHECK_INT(since(M_DROPPED, metric_signal_reason(SIGNAL_LOGS, DROP_SAMPLED)), 42);
    CHECK_INT(dropped(1, DROP_FILTERED), 30);
    CHECK_INT(since(M_ROUTE_DELIVERED, 1), 12);
    CHECK_INT(since(M_ROUTE_JOURNAL_ITEMS, 1), 0);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 12);
    CHECK_INT(since(M_PROCESSOR_ITEMS, 0), 42);
    CHECK_INT(since(M_PROCESSOR_DROPPED, 0), 42);
    CHECK_INT(since(M_PROCESSOR_ITEMS, 1), 42);
    CHECK_INT(since(M_PROCESSOR_DROPPED, 1), 30);
    CHECK(balances(2));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    process_chain_free(none);
    process_chain_free(some);
    arena_done(&a);
    end();
}

/* ---- quarantine ---- */

/* A process of its own: requests, one of which ends it when it is inserted. */
static int run_child(bool send)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSEGV, SIG_DFL); /* not the test program's */
        pipeline_note_crashes();
        struct fake_store *f = fake_store_new();
        fake_store_poison(f, "poison");
        struct pipeline_exporter e = to("clickhouse", fake_store_open(f));
        struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, small};
        struct pipeline_options o = options(&e, 1, &r, 1);
        struct pipeline *p;
        struct err err;
        if (pipeline_open(&o, NULL, &p, &err) != ST_OK) _exit(91);
        if (send && send_text(pipeline_http_port(p), SIGNAL_LOGS, "poison", 1, 3) != 200) _exit(92);
        fake_store_listen(f);
        if (pipeline_flush(p, 30000, &err) != ST_OK) _exit(93);
        if (send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 7) != 200) _exit(94);
        if (pipeline_flush(p, 30000, &err) != ST_OK) _exit(95);
        bool good = fake_store_rows(f, "otel_logs") == 7 && balances(1) &&
                    since(M_ROUTE_JOURNAL_ITEMS, 0) == 0 && dropped(0, DROP_DEAD) == 3;
        _exit(good ? 0 : 96);
    }
    int ended;
    CHECK(waitpid(pid, &ended, 0) == pid);
    return ended;
}

static bool crashed(int ended) { return WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSEGV; }

TEST(a_request_that_ends_the_process_twice_is_put_aside_and_the_next_start_goes_on)
{
    begin();
    int first = run_child(true), second = run_child(false);
    CHECK(crashed(first));
    CHECK(crashed(second));
    CHECK_INT(dead_count(NULL), 0);
    int third = run_child(false);
    CHECK(WIFEXITED(third));
    CHECK_INT(WEXITSTATUS(third), 0);
    struct dead_entry d = {0};
    CHECK_INT(dead_count(&d), 1);
    CHECK_INT(d.items, 3);
    CHECK(strstr(d.reason, "ended twice") != NULL);
    end();
}
