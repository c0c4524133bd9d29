/* Gauges, counters and histograms over a stated number of series.
 *
 * Series lie in order of service, then metric, so that a request, a run of series, has few groups.
 */
#include <stdio.h>

#include "loadgen/template.h"

enum metric_shape { GAUGE, COUNTER, HISTOGRAM };

static const struct {
    const char *name, *unit, *description;
    enum metric_shape shape;
    enum level level; /* of a gauge */
} metrics[] = {
    {"process.cpu.utilization", "1", "Share of the CPU time", GAUGE, LEVEL_SHARE},
    {"db.client.connections.usage", "{connection}", "Connections that are open", GAUGE, LEVEL_FEW},
    {"http.server.request.count", "{request}", "Requests that were answered", COUNTER, 0},
    {"rpc.client.call.count", "{call}", "Calls to other services", COUNTER, 0},
    {"http.server.request.duration", "s", "Duration of requests", HISTOGRAM, 0},
    {"db.client.operation.duration", "s", "Duration of database calls", HISTOGRAM, 0},
    {"process.memory.usage", "By", "Memory in use", GAUGE, LEVEL_PAGES},
    {"jvm.memory.used", "By", "Memory of the heap in use", GAUGE, LEVEL_PAGES},
    {"jvm.memory.used_after_last_gc", "By", "Memory left by a collection", GAUGE, LEVEL_PAGES},
    {"jvm.thread.count", "{thread}", "Threads that run", GAUGE, LEVEL_FEW},
    {"jvm.cpu.recent_utilization", "1", "Share of the CPU time, lately", GAUGE, LEVEL_EXACT},
    {"http.server.active_requests", "{request}", "Requests being answered", GAUGE, LEVEL_FEW},
    {"messaging.queue.depth", "{message}", "Messages that wait", GAUGE, LEVEL_FEW},
    {"system.filesystem.utilization", "1", "Share of the disk in use", GAUGE, LEVEL_SHARE},
    {"process.disk.io", "By", "Bytes read and written", COUNTER, 0},
    {"process.network.io", "By", "Bytes sent and received", COUNTER, 0},
    {"process.context_switches", "{count}", "Times the thread was changed", COUNTER, 0},
    {"cache.hit.count", "{hit}", "Lookups that found something", COUNTER, 0},
    {"cache.miss.count", "{miss}", "Lookups that found nothing", COUNTER, 0},
    {"messaging.client.consumed.messages", "{message}", "Messages taken", COUNTER, 0},
};
enum { METRICS = sizeof metrics / sizeof *metrics, BOUNDS = 11 };

static const double bounds[BOUNDS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/* Buckets first: what they have gives the count and the sum. Most observations are quick. */
static void histogram_values(struct drawing *d)
{
    draw_begin(d, 6);
    for (int i = 0; i <= BOUNDS; i++) {
        int64_t rise = draw(d, i < 5 ? 10 : 2),
                ms = (int64_t)(1000 * (i < BOUNDS ? bounds[i] : 12));
        draw_raw_bucket(d, rise | ms << 32);
    }
    draw_end(d);
    draw_fixed(d, 4, PATCH_COUNT, 0);
    draw_fixed(d, 5, PATCH_SUM, 0);
    pb_put_str(&d->out, 7, (str){(const char *)bounds, sizeof bounds});
}

/* Some counters stand still, some are slow, most are busy. */
static int64_t rise_of(struct drawing *d)
{
    uint32_t busy = draw(d, 5);
    return busy ? 1 + draw(d, busy == 1 ? 2 : 100) : 0;
}

static void point(struct drawing *d, uint32_t m, uint32_t k, uint32_t item)
{
    enum metric_shape shape = metrics[m].shape;
    static const char *const routes[] = {"/api/orders",   "/api/cart",  "/api/products",
                                         "/api/checkout", "/api/users", "/api/search",
                                         "/api/shipping", "/healthz"};
    static const char *const methods[] = {"GET", "POST", "PUT"};
    static const int codes[] = {200, 200, 200, 201, 404, 500};
    uint32_t attrs = shape == HISTOGRAM ? 9 : 7;
    char text[32];
    draw_begin(d, 1);
    draw_time(d, 3, 0);
    if (shape != GAUGE) pb_put_fixed64(&d->out, 2, (uint64_t)d->shape->start);
    draw_attr(d, attrs, "http.route", routes[k % 8]);
    draw_attr(d, attrs, "http.request.method", methods[k / 8 % 3]);
    draw_attr_int(d, attrs, "http.response.status_code", codes[k / 24 % 6]);
    snprintf(text, sizeof text, "worker-%u", k / 144);
    draw_attr(d, attrs, "worker", text);
    if (d->shape->tag_metrics) draw_tags(d, attrs, item);
    switch (shape) {
    case GAUGE:
        draw_fixed(d, 4, PATCH_LEVEL, (int64_t)draw(d, 100000) << 8 | metrics[m].level);
        break;
    case COUNTER: draw_fixed(d, 6, PATCH_COUNTER, rise_of(d)); break;
    case HISTOGRAM: histogram_values(d); break;
    }
    draw_end(d);
}

/* Opens the Metric message and its data. */
static void begin_metric(struct drawing *d, uint32_t m)
{
    static const uint32_t data[] = {[GAUGE] = 5, [COUNTER] = 7, [HISTOGRAM] = 9};
    draw_begin(d, 2);
    draw_text(d, 1, metrics[m].name);
    draw_text(d, 2, metrics[m].description);
    draw_text(d, 3, metrics[m].unit);
    draw_begin(d, data[metrics[m].shape]);
    if (metrics[m].shape != GAUGE) pb_put_varint(&d->out, 2, 2); /* cumulative */
    if (metrics[m].shape == COUNTER) pb_put_varint(&d->out, 3, 1);
}

void draw_metrics(struct drawing *d, uint32_t index)
{
    uint32_t series = d->shape->series, services = d->shape->services;
    uint32_t per_service = (series + services - 1) / services;
    uint32_t per_metric = (per_service + METRICS - 1) / METRICS;
    uint32_t from = index * d->shape->batch, end = from + d->shape->batch;
    if (end > series) end = series;
    for (uint32_t i = from; i < end;) {
        uint32_t service = i / per_service;
        draw_begin(d, 1);
        draw_resource(d, service);
        draw_begin(d, 2);
        draw_scope(d, "io.opentelemetry.runtime");
        while (i < end && i / per_service == service) {
            uint32_t m = i % per_service / per_metric;
            begin_metric(d, m);
            for (; i < end && i / per_service == service && i % per_service / per_metric == m; i++)
                point(d, m, i % per_service % per_metric, i - from);
            draw_end(d);
            draw_end(d);
        }
        draw_end(d);
        draw_end(d);
    }
    d->t->items = end - from;
}
