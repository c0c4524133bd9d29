/* What the tests of pipelines with several exporters share: folders of a test, options, requests,
 * and the counters since it began. thread: main */
#pragma once

#include <unistd.h>

#include "ingest/dead.h"
#include "ingest/pipeline.h"
#include "ingest/state.h"
#include "obs/metrics.h"

extern char routes_top[40], routes_journal[60], routes_dead[60]; /* folders */
extern const struct batch_limits routes_small;

void routes_begin(void); /* makes the folders */
void routes_end(void);

/* The counters are the process's: what a test sees is what came since it began. */
int64_t routes_since(enum metric_id m, unsigned slot);
int64_t routes_dropped(unsigned route, enum drop_policy d);
bool routes_balances(unsigned n_routes);

struct pipeline_exporter routes_to(const char *name, struct store *s);
struct pipeline_options routes_options(const struct pipeline_exporter *exporters, unsigned n,
                                       const struct pipeline_route *routes, unsigned n_routes);
struct pipeline *routes_open_pipeline(const struct pipeline_options *o);

/* The HTTP status of a request with `n` items of a service. */
int routes_send_text(uint16_t port, enum signal_kind k, const char *service, uint64_t first,
                     uint32_t n);
void routes_send_rows(struct pipeline *p, unsigned requests, uint32_t rows);

bool routes_status_has(struct pipeline *p, const char *text); /* as /status tells */
/* How many requests lie in dead/. */
unsigned routes_dead_count(struct dead_entry *first);

/* Waits for another thread to get there; the test's own timeout ends what never does. */
#define UNTIL(c) \
    while (!(c)) usleep(2000)
