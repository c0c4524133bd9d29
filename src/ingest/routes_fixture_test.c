#include "ingest/routes_fixture_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "ingest/client_test.h"
#include "testing/test.h"

char routes_top[40];
char routes_journal[60], routes_dead[60];

static uint64_t at_begin[METRIC_COUNT][METRIC_SLOT_MAX];

int64_t routes_since(enum metric_id m, unsigned slot)
{
    return (int64_t)(metric_get(m, slot) - at_begin[m][slot]);
}

void routes_begin(void)
{
    for (unsigned m = 0; m < METRIC_COUNT; m++)
        for (unsigned i = 0; i < METRIC_SLOT_MAX; i++)
            at_begin[m][i] = metric_get((enum metric_id)m, i);
    snprintf(routes_top, sizeof routes_top, "/tmp/weir-routes-XXXXXX");
    CHECK(mkdtemp(routes_top) != NULL);
    snprintf(routes_journal, sizeof routes_journal, "%s/journal", routes_top);
    snprintf(routes_dead, sizeof routes_dead, "%s/dead", routes_top);
}

void routes_end(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", routes_top);
    CHECK_INT(system(command), 0);
}

struct pipeline_exporter routes_to(const char *name, struct store *s)
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

struct pipeline_options routes_options(const struct pipeline_exporter *exporters, unsigned n,
                                       const struct pipeline_route *routes, unsigned n_routes)
{
    return (struct pipeline_options){.workers = 1,
                                     .grpc_host = "127.0.0.1",
                                     .http_host = "127.0.0.1",
                                     .journal_dir = str_of(routes_journal),
                                     .dead_dir = str_of(routes_dead),
                                     .journal_reserve_bytes = 1,
                                     .exporters = exporters,
                                     .routes = routes,
                                     .n_exporters = n,
                                     .n_routes = n_routes};
}

const struct batch_limits routes_small = {.send_batch_size = 500, .timeout = 50 * NANOS_MS};

struct pipeline *routes_open_pipeline(const struct pipeline_options *o)
{
    struct pipeline *p = NULL;
    struct err err = {0};
    if (pipeline_open(o, NULL, &p, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(p != NULL);
    return p;
}

int routes_send_text(uint16_t port, enum signal_kind k, const char *service, uint64_t first,
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

void routes_send_rows(struct pipeline *p, unsigned requests, uint32_t rows)
{
    for (unsigned i = 0; i < requests; i++)
        CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1 + i * rows, rows),
                  200);
}

bool routes_balances(unsigned n_routes)
{
    bool all = true;
    for (unsigned r = 0; r < n_routes; r++) {
        int64_t out = routes_since(M_ROUTE_DELIVERED, r) + routes_since(M_ROUTE_JOURNAL_ITEMS, r);
        for (unsigned d = 0; d < 8; d++)
            out += routes_since(M_ROUTE_DROPPED, metric_route_policy(r, d));
        all &= out == routes_since(M_ROUTE_TAKEN, r);
    }
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) {
        int64_t out = routes_since(M_STORED, k) + routes_since(M_JOURNAL_ITEMS, k);
        for (unsigned i = 0; i < 8; i++)
            out += routes_since(M_REJECTED, metric_signal_reason(k, i)) +
                   routes_since(M_DROPPED, metric_signal_reason(k, i));
        all &= out == routes_since(M_RECEIVED, k);
    }
    return all;
}

int64_t routes_dropped(unsigned route, enum drop_policy d)
{
    return routes_since(M_ROUTE_DROPPED, metric_route_policy(route, d));
}

bool routes_status_has(struct pipeline *p, const char *text)
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

unsigned routes_dead_count(struct dead_entry *first)
{
    struct dead_entry *all;
    size_t n;
    struct err err;
    CHECK_INT(dead_list(routes_dead, &all, &n, &err), ST_OK);
    if (n && first) *first = all[0];
    free(all);
    return (unsigned)n;
}
