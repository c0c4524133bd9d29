/* Pipelines with several exporters, some of which are away or slow. The stores are fakes: what
 * counts here is who waits for whom, and where items go. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/yaml.h"
#include "ingest/client_test.h"
#include "ingest/fake_store_test.h"
#include "ingest/routes_fixture_test.h"
#include "testing/test.h"

TEST(a_dead_destination_delays_nothing_else_and_gets_everything_once_when_it_is_back)
{
    routes_begin();
    struct fake_store *up = fake_store_new(), *down = fake_store_new();
    fake_store_listen(up);
    struct pipeline_exporter e[] = {routes_to("clickhouse", fake_store_open(up)),
                                    routes_to("clickhouse/b", fake_store_open(down))};
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, routes_small},
                                 {SIGNAL_LOGS, "logs", 1, NULL, routes_small}};
    struct pipeline_options o = routes_options(e, 2, r, 2);
    o.max_inflight_bytes = 4 << 20;
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    int64_t most = 0;
    enum { REQUESTS = 400, ROWS = 100 };
    for (unsigned i = 0; i < REQUESTS; i++) {
        int answer;
        do /* a slow machine fills the gate with what is for the one that works */
            answer =
                routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS);
        while (answer == 429);
        CHECK_INT(answer, 200);
        int64_t held = routes_since(M_INFLIGHT_BYTES, 0);
        if (held > most) most = held;
    }
    UNTIL(routes_since(M_ROUTE_DELIVERED, 0) == REQUESTS * ROWS);
    CHECK_INT(fake_store_rows(up, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(routes_since(M_ROUTE_DELIVERED, 1), 0);
    CHECK_INT(routes_since(M_ROUTE_JOURNAL_ITEMS, 1), REQUESTS * ROWS);
    CHECK(most < 16 << 20);
    CHECK_INT(pipeline_flush(p, 100, &err), ST_TIMEOUT);
    CHECK(routes_status_has(p, "\"name\":\"clickhouse/b\",\"away\":true"));
    CHECK(routes_status_has(p, "\"name\":\"clickhouse\",\"away\":false"));
    CHECK(routes_balances(2));
    fake_store_listen(down);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(down, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(fake_store_rows(up, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(fake_store_repeats(up) + fake_store_repeats(down), 0);
    CHECK_INT(routes_since(M_ROUTE_JOURNAL_ITEMS, 1), 0);
    CHECK(routes_balances(2));
    pipeline_close(p, 10000);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(up);
    fake_store_free(down);
    routes_end();
}

TEST(while_the_first_destination_is_away_requests_are_taken_and_memory_is_let_go)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, routes_small},
                                 {SIGNAL_TRACES, "traces", 0, NULL, routes_small}};
    struct pipeline_options o = routes_options(&e, 1, r, 2);
    o.max_inflight_bytes = 2 << 20;
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    enum { REQUESTS = 600, ROWS = 100 }; /* several times what may be in flight */
    for (unsigned i = 0; i < REQUESTS; i++) {
        int answer;
        do /* until the first failure is known memory may fill */
            answer =
                routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS);
        while (answer == 429);
        CHECK_INT(answer, 200);
    }
    CHECK(routes_status_has(p, "\"reads_back\":true"));
    CHECK(routes_since(M_INFLIGHT_BYTES, 0) < 12 << 20);
    CHECK(routes_balances(2));
    fake_store_listen(f);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), REQUESTS * ROWS);
    CHECK_INT(fake_store_repeats(f), 0);
    UNTIL(!routes_status_has(p, "\"reads_back\":true")); /* live again */
    routes_send_rows(p, 20, ROWS);
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_TRACES, "shop", 1, 5), 200);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), (REQUESTS + 20) * ROWS);
    CHECK_INT(fake_store_rows(f, "otel_traces"), 5);
    CHECK(routes_balances(2));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

/* Requests keep coming while the destination goes and comes: the loop and the tail change places
 * under load. */
TEST(a_destination_that_comes_and_goes_under_load_gets_everything_once)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {
        SIGNAL_LOGS, "logs", 0, NULL, {.send_batch_size = 100, .timeout = 20 * NANOS_MS}};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    enum { REQUESTS = 1500, ROWS = 20 };
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (i % 100 == 0) fake_store_answer(f, i / 100 % 2 ? FAKE_OVERLOADED : FAKE_OK);
        CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS),
                  200);
        if (i % 50 == 0) usleep(30000); /* so that tries fall into either state */
    }
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), REQUESTS * ROWS);
    CHECK(routes_balances(1));
    CHECK_INT(routes_since(M_ROUTE_JOURNAL_ITEMS, 0), 0);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(a_store_that_is_slow_but_works_makes_requests_be_refused_until_blocks_are_stored)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_WAIT);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    o.max_inflight_bytes = 1 << 20;
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    int answer = 200;
    unsigned taken = 0;
    for (int i = 0; i < 2000 && answer == 200; i++)
        if ((answer = routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 100)) == 200)
            taken += 100;
    CHECK(answer == 429 || answer == 503);
    CHECK(routes_status_has(p, "\"away\":false"));
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    UNTIL(pipeline_ready(p, &err) == ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), taken);
    CHECK(routes_balances(1));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(what_comes_while_the_tables_are_made_stays_in_the_journal_and_is_delivered_afterwards)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    o.store_not_ready = true;
    struct pipeline *p = NULL;
    struct err err = {0};
    CHECK_INT(pipeline_open(&o, e.store, &p, &err), ST_OK);
    routes_send_rows(p, 10, 500);
    UNTIL(routes_status_has(p, "being made ready"));
    CHECK_INT(pipeline_flush(p, 100, &err), ST_TIMEOUT);
    CHECK_INT(fake_store_tries(f), 0);
    pipeline_store_ready(p);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 5000);
    CHECK(routes_balances(1));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(a_pipeline_that_is_told_to_refuse_says_why_until_it_is_told_otherwise)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err = {0};
    pipeline_refuse(p, "the disk is nearly full");
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 10), 503);
    CHECK_INT(pipeline_ready(p, &err), ST_UNAVAILABLE);
    CHECK_STR(str_of(err.msg), S("the disk is nearly full"));
    pipeline_refuse(p, NULL);
    routes_send_rows(p, 1, 10);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 10);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(what_two_routes_left_at_the_end_each_gets_at_the_next_start)
{
    routes_begin();
    struct fake_store *a = fake_store_new(), *b = fake_store_new();
    fake_store_listen(a);
    struct pipeline_exporter e[] = {routes_to("clickhouse", fake_store_open(a)),
                                    routes_to("clickhouse/b", fake_store_open(b))};
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, routes_small},
                                 {SIGNAL_LOGS, "logs", 1, NULL, routes_small}};
    struct pipeline_options o = routes_options(e, 2, r, 2);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    routes_send_rows(p, 30, 50);
    UNTIL(routes_since(M_ROUTE_JOURNAL_ITEMS, 0) == 0);
    pipeline_close(p, 100);
    CHECK_INT(fake_store_rows(a, "otel_logs"), 1500);
    fake_store_listen(b);
    p = routes_open_pipeline(&o);
    routes_send_rows(p, 10, 50);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(a, "otel_logs"), 2000);
    CHECK_INT(fake_store_rows(b, "otel_logs"), 2000);
    CHECK_INT(routes_since(M_ROUTE_JOURNAL_ITEMS, 1),
              1500); /* the first run's, never settled by it */
    CHECK(routes_balances(2));
    pipeline_close(p, 10000);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(a);
    fake_store_free(b);
    routes_end();
}

TEST(an_exporter_that_may_drop_gives_up_its_oldest_and_requests_are_taken)
{
    routes_begin();
    struct fake_store *up = fake_store_new(), *down = fake_store_new();
    fake_store_listen(up);
    struct pipeline_exporter e[] = {routes_to("clickhouse", fake_store_open(up)),
                                    routes_to("clickhouse/b", fake_store_open(down))};
    e[1].block_on_overflow = false;
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, NULL, routes_small},
                                 {SIGNAL_LOGS, "logs", 1, NULL, routes_small}};
    struct pipeline_options o = routes_options(e, 2, r, 2);
    o.journal_max_bytes = 400000;
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    enum { REQUESTS = 300, ROWS = 100 }; /* several times the cap */
    for (unsigned i = 0; i < REQUESTS; i++)
        while (routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * ROWS, ROWS) !=
               200)
            usleep(2000);
    UNTIL(fake_store_rows(up, "otel_logs") == REQUESTS * ROWS);
    CHECK(routes_dropped(1, DROP_OVERRUN) > 0);
    CHECK_INT(routes_dropped(0, DROP_OVERRUN), 0);
    CHECK_INT(routes_dead_count(NULL), 0);
    fake_store_listen(down);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(down, "otel_logs"),
              REQUESTS * ROWS - routes_dropped(1, DROP_OVERRUN));
    CHECK(routes_balances(2));
    pipeline_close(p, 10000);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(up);
    fake_store_free(down);
    routes_end();
}

TEST(an_end_without_time_says_how_much_is_left_for_each_route)
{
    routes_begin();
    struct fake_store *up = fake_store_new(), *down = fake_store_new();
    fake_store_listen(up);
    struct pipeline_exporter e[] = {routes_to("up", fake_store_open(up)),
                                    routes_to("down", fake_store_open(down))};
    struct pipeline_route r[] = {{SIGNAL_METRICS, "metrics/end", 0, NULL, routes_small},
                                 {SIGNAL_METRICS, "metrics/end", 1, NULL, routes_small}};
    struct pipeline_options o = routes_options(e, 2, r, 2);
    char path[60], want[100];
    snprintf(path, sizeof path, "%s/log", routes_top);
    int err = dup(2), log = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(err >= 0 && log >= 0 && dup2(log, 2) == 2);
    struct pipeline *p = routes_open_pipeline(&o);
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_METRICS, "shop", 1, 30), 200);
    UNTIL(routes_since(M_ROUTE_DELIVERED, 0) == 30);
    pipeline_close(p, 100);
    CHECK(dup2(err, 2) == 2);
    close(err);
    close(log);
    str said = test_read_file(path);
    snprintf(want, sizeof want, "route=metrics/end>down items=%lld",
             (long long)metric_get(M_ROUTE_JOURNAL_ITEMS, 1));
    CHECK(memmem(said.ptr, said.len, want, strlen(want)) != NULL);
    CHECK_INT(routes_since(M_ROUTE_JOURNAL_ITEMS, 1), 30);
    for (int i = 0; i < 2; i++) store_close(e[i].store);
    fake_store_free(up);
    fake_store_free(down);
    routes_end();
}

TEST(a_signal_without_a_pipeline_is_not_served)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_TRACES, "shop", 1, 1), 404);
    struct buf b;
    buf_init(&b, 1 << 20);
    otlp_request(&b, SIGNAL_METRICS, S("shop"), 1, 5, clock_now());
    CHECK_INT(otlp_grpc(pipeline_grpc_port(p), SIGNAL_METRICS, buf_str(&b)), 12);
    buf_done(&b);
    pipeline_close(p, 0);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(routes_that_are_not_possible_are_refused_with_the_reason)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e[] = {routes_to("clickhouse", fake_store_open(f)),
                                    routes_to("otlp", NULL)};
    struct pipeline_route twice[] = {{SIGNAL_LOGS, "logs", 0, NULL, routes_small},
                                     {SIGNAL_LOGS, "logs", 0, NULL, routes_small}};
    struct pipeline *p = NULL;
    struct err err = {0};
    struct pipeline_options o = routes_options(e, 1, twice, 2);
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    CHECK(strstr(err.msg, "names exporter clickhouse twice") != NULL);
    o = routes_options(e, 2, twice, 1);
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    CHECK(strstr(err.msg, "exporter otlp has neither") != NULL);
    struct pipeline_route nowhere = {SIGNAL_LOGS, "logs", 7, NULL, routes_small};
    o = routes_options(e, 1, &nowhere, 1);
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    o.n_routes = 17;
    CHECK_INT(pipeline_open(&o, NULL, &p, &err), ST_INVALID);
    CHECK(strstr(err.msg, "at most 16") != NULL);
    store_close(e[0].store);
    fake_store_free(f);
    routes_end();
}
