/* Destinations that refuse what they are sent, and what becomes of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/yaml.h"
#include "ingest/client_test.h"
#include "ingest/fake_store_test.h"
#include "ingest/routes_fixture_test.h"
#include "testing/test.h"

TEST(a_store_that_refuses_the_content_is_asked_max_tries_times_and_the_block_can_be_sent_again)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_INVALID);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs/eu", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err = {0};
    routes_send_rows(p, 1, 40);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_tries(f), 3);
    CHECK_INT(routes_dropped(0, DROP_DEAD), 40);
    struct dead_entry d = {0};
    CHECK_INT(routes_dead_count(&d), 1);
    CHECK_STR(str_of(d.route), S("logs/eu>clickhouse"));
    CHECK(strstr(d.id, "-logs,eu~clickhouse-") != NULL);
    CHECK(strstr(d.reason, "No such column") != NULL);
    CHECK_INT(d.items, 40);
    CHECK(routes_balances(1));

    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_INVALID); /* still refused: it stays */
    CHECK_INT(routes_dead_count(NULL), 1);
    CHECK(routes_balances(1));
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_OK);
    CHECK_INT(routes_dead_count(NULL), 0);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 40);
    CHECK(routes_balances(1));
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_NOT_FOUND);
    CHECK_INT(pipeline_dead_retry(p, S("../../etc"), &err), ST_INVALID);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(data_points_that_are_given_up_are_in_dead_as_they_came_and_can_be_sent_again)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_INVALID);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    const struct batch_limits whole = {.send_batch_size = 500, .timeout = 60 * NANOS_S};
    struct pipeline_route r = {SIGNAL_METRICS, "metrics", 0, NULL, whole};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err = {0};
    struct buf first;
    buf_init(&first, 1 << 20);
    otlp_request(&first, SIGNAL_METRICS, S("shop"), 1, 40, clock_now());
    CHECK_INT(otlp_grpc(pipeline_grpc_port(p), SIGNAL_METRICS, buf_str(&first)), 0);
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_METRICS, "shop", 41, 30), 200);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    struct dead_entry d = {0};
    CHECK_INT(routes_dead_count(&d), 1);
    CHECK_INT(d.items, 70);
    CHECK_INT(d.requests, 2);
    char path[400];
    snprintf(path, sizeof path, "%s/%s/%020d.pb", routes_dead, d.id, 1);
    CHECK_STR(test_read_file(path), buf_str(&first));
    CHECK(routes_balances(1));

    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_OK);
    CHECK_INT(routes_dead_count(NULL), 0);
    CHECK_INT(fake_store_rows(f, "otel_metrics"), 70);
    CHECK(routes_balances(1));
    buf_done(&first);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
}

TEST(an_overloaded_store_is_waited_for_beyond_max_tries)
{
    routes_begin();
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    fake_store_answer(f, FAKE_OVERLOADED);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    routes_send_rows(p, 1, 40);
    UNTIL(fake_store_tries(f) > 5);
    CHECK(routes_status_has(p, "Too many part"));
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 40);
    CHECK_INT(routes_dead_count(NULL), 0);
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    routes_end();
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
    routes_begin();
    struct arena a;
    arena_init(&a, 1 << 20);
    struct fake_store *f = fake_store_new();
    struct pipeline_exporter e = routes_to("otlphttp", NULL);
    e.exporter = otlp_to(&a, f);
    struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
    struct pipeline_options o = routes_options(&e, 1, &r, 1);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    routes_send_rows(p, 1, 10); /* nobody is there: that is no try */
    UNTIL(routes_status_has(p, "\"away\":true"));
    CHECK_INT(pipeline_flush(p, 500, &err), ST_TIMEOUT);
    CHECK_INT(routes_dead_count(NULL), 0);
    fake_store_listen(f);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(routes_since(M_ROUTE_DELIVERED, 0), 10);
    unsigned tries = fake_store_tries(f);
    fake_store_answer(f, FAKE_INVALID);
    routes_send_rows(p, 1, 10);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_tries(f), tries + 1);
    CHECK_INT(routes_dropped(0, DROP_DEAD), 10);
    fake_store_answer(f, FAKE_OVERLOADED);
    routes_send_rows(p, 1, 10);
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(fake_store_tries(f), tries + 4);
    CHECK_INT(routes_dropped(0, DROP_DEAD), 20);
    struct dead_entry d;
    CHECK_INT(routes_dead_count(&d), 2);
    fake_store_answer(f, FAKE_OK);
    CHECK_INT(pipeline_dead_retry(p, str_of(d.id), &err), ST_OK);
    CHECK_INT(routes_since(M_ROUTE_DELIVERED, 0), 20);
    CHECK(routes_balances(1));
    pipeline_close(p, 10000);
    exporter_close(e.exporter);
    fake_store_free(f);
    arena_done(&a);
    routes_end();
}
