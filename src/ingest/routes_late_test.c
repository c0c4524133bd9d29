/* Late rows, in front of a fake store: in blocks of their own, once, whatever happens. */
#include "ingest/client_test.h"
#include "ingest/fake_store_test.h"
#include "ingest/routes_fixture_test.h"
#include "testing/test.h"

enum { LOGS, LATE, ROUTES, REQUESTS = 30, ROWS = 10 };

/* A request with ROWS records of now and one of `days` ago: two messages are one when they lie
 * behind each other. */
static void send_mixed(struct pipeline *p, enum signal_kind k, uint64_t first, int days)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    nanos now = clock_now();
    otlp_request(&b, k, S("shop"), first, ROWS, now);
    otlp_request(&b, k, S("shop"), first + ROWS, 1, now - days * NANOS_DAY);
    int fd = otlp_connect(pipeline_http_port(p));
    CHECK(fd >= 0 && otlp_http_send(fd, k, "application/x-protobuf", buf_str(&b)));
    CHECK_INT(otlp_http_status(fd, NULL), 200);
    close(fd);
    buf_done(&b);
}

static void send_all(struct pipeline *p, enum signal_kind k)
{
    for (int i = 0; i < REQUESTS; i++)
        send_mixed(p, k, 1 + (uint64_t)i * (ROWS + 1), 3 + i * 7 % 60);
}

struct setup {
    struct fake_store *store;
    struct pipeline_exporter exporter;
    struct pipeline_route route;
    struct pipeline_options options;
};

static void begin(struct setup *s, enum signal_kind k)
{
    routes_begin();
    s->store = fake_store_new();
    s->exporter = routes_to("clickhouse", fake_store_open(s->store));
    s->route = (struct pipeline_route){k, "logs", 0, NULL, routes_small};
    s->options = routes_options(&s->exporter, 1, &s->route, 1);
}

static void end(struct setup *s)
{
    store_close(s->exporter.store);
    fake_store_free(s->store);
    routes_end();
}

static void flush(struct pipeline *p)
{
    struct err err;
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
}

static void gathers(enum signal_kind k, const char *table)
{
    struct setup s;
    begin(&s, k);
    fake_store_listen(s.store);
    struct pipeline *p = routes_open_pipeline(&s.options);
    send_all(p, k);
    flush(p);
    CHECK_INT(fake_store_rows(s.store, table), REQUESTS * (ROWS + 1));
    CHECK_INT(fake_store_repeats(s.store), 0);
    CHECK_INT(routes_since(M_ROUTE_TAKEN, LOGS), REQUESTS * ROWS);
    CHECK_INT(routes_since(M_ROUTE_DELIVERED, LATE), REQUESTS);
    CHECK_INT(routes_since(M_STORED, k), REQUESTS * (ROWS + 1));
    CHECK_INT(routes_since(M_JOURNAL_ITEMS, k), 0);
    CHECK(routes_balances(ROUTES));
    CHECK(routes_status_has(p, "\"exporter\":\"clickhouse\""));
    UNTIL(!routes_status_has(p, "\"reads_back\":true")); /* until there are late rows again */
    send_mixed(p, k, 1000, 5);
    flush(p);
    CHECK_INT(routes_since(M_ROUTE_DELIVERED, LATE), REQUESTS + 1);
    pipeline_close(p, 10000);
    CHECK_INT(routes_since(M_INFLIGHT_BYTES, 0), 0);
    end(&s);
}

TEST(late_spans_are_stored_apart) { gathers(SIGNAL_TRACES, "otel_traces"); }
TEST(late_log_records_are_stored_apart) { gathers(SIGNAL_LOGS, "otel_logs"); }
TEST(late_data_points_are_stored_apart) { gathers(SIGNAL_METRICS, "otel_metrics"); }

TEST(late_rows_that_wait_when_the_process_ends_are_stored_by_the_next)
{
    struct setup s;
    begin(&s, SIGNAL_LOGS);
    struct pipeline *p = routes_open_pipeline(&s.options);
    send_all(p, SIGNAL_LOGS);
    pipeline_close(p, 0);
    fake_store_listen(s.store);
    p = routes_open_pipeline(&s.options);
    send_mixed(p, SIGNAL_LOGS, 1000, 9);
    flush(p);
    CHECK_INT(fake_store_rows(s.store, "otel_logs"), (REQUESTS + 1) * (ROWS + 1));
    CHECK_INT(fake_store_repeats(s.store), 0);
    CHECK(routes_balances(ROUTES));
    pipeline_close(p, 10000);
    end(&s);
}

TEST(late_rows_that_are_refused_and_sent_again_are_the_same)
{
    struct setup s;
    struct err err;
    struct dead_entry first;
    begin(&s, SIGNAL_LOGS);
    fake_store_listen(s.store);
    fake_store_answer(s.store, FAKE_INVALID);
    struct pipeline *p = routes_open_pipeline(&s.options);
    send_mixed(p, SIGNAL_LOGS, 1, 9);
    UNTIL(routes_dead_count(NULL) == 2); /* of either route */
    flush(p);
    fake_store_answer(s.store, FAKE_OK);
    while (routes_dead_count(&first) > 0)
        CHECK_INT(pipeline_dead_retry(p, str_of(first.id), &err), ST_OK);
    CHECK_INT(fake_store_rows(s.store, "otel_logs"), ROWS + 1);
    CHECK(routes_balances(ROUTES));
    pipeline_close(p, 10000);
    end(&s);
}

TEST(who_waits_until_rows_are_stored_has_them_in_one_block)
{
    struct setup s;
    begin(&s, SIGNAL_LOGS);
    fake_store_listen(s.store);
    s.options.ack = ACK_STORED;
    struct pipeline *p = routes_open_pipeline(&s.options);
    send_mixed(p, SIGNAL_LOGS, 1, 9);
    CHECK_INT(fake_store_rows(s.store, "otel_logs"), ROWS + 1);
    CHECK_INT(routes_since(M_ROUTE_TAKEN, LATE), 0);
    pipeline_close(p, 10000);
    end(&s);
}
