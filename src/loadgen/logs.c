/* Log lines of several kinds: access logs, JSON, logfmt, prose, stack traces. */
#include <stdio.h>

#include "loadgen/template.h"

enum { SERVICES_OF_REQUEST = 4 };

static const struct {
    uint32_t weight;
    uint64_t severity;
    const char *text, *body;
} kinds[] = {
    {40, 9, "INFO",
     "10.0.3.17 - - \"GET /api/products/######## HTTP/1.1\" 200 5316 \"-\" \"Mozilla/5.0\" 0.012"},
    {20, 9, "INFO",
     "{\"level\":\"info\",\"msg\":\"order "
     "placed\",\"order\":\"########\",\"items\":3,\"total\":59.97}"},
    {15, 5, "DEBUG", "level=debug msg=\"cache lookup\" key=item:######## hit=true took=0.4ms"},
    {12, 9, "INFO", "Started request ######## for tenant shop in region eu-central-1"},
    {8, 13, "WARN", "Retrying call to payment after 250 ms, attempt 2 of 5, order ########"},
    {5, 17, "ERROR",
     "Payment for order ######## failed: java.net.SocketTimeoutException: Read timed out\n"
     "\tat com.example.shop.PaymentClient.charge(PaymentClient.java:118)\n"
     "\tat com.example.shop.Checkout.run(Checkout.java:64)\n"
     "\tat java.base/java.lang.Thread.run(Thread.java:1583)"},
};

static uint32_t kind_of(struct drawing *d)
{
    uint32_t at = draw(d, 100), k = 0;
    while (at >= kinds[k].weight) at -= kinds[k++].weight;
    return k;
}

static void record(struct drawing *d, uint32_t item)
{
    uint32_t k = kind_of(d);
    int64_t before = (int64_t)draw(d, 900000) * 1000;
    char thread[32];
    draw_begin(d, 2);
    draw_time(d, 1, before);
    pb_put_varint(&d->out, 2, kinds[k].severity);
    draw_text(d, 3, kinds[k].text);
    draw_begin(d, 5);
    draw_text(d, 1, kinds[k].body);
    draw_end(d);
    draw_attr(d, 6, "log.logger", k == 0 ? "access" : "com.example.shop.Checkout");
    snprintf(thread, sizeof thread, "http-nio-8080-exec-%u", draw(d, 32));
    draw_attr(d, 6, "thread.name", thread);
    draw_attr_int(d, 6, "code.line.number", draw(d, 500));
    draw_tags(d, 6, item);
    if (draw(d, 2)) {
        pb_put_fixed32(&d->out, 8, 1);
        draw_trace_id(d, 9, item / 4);
        draw_span_id(d, 10, item);
    }
    draw_time(d, 11, before - 100000);
    draw_end(d);
}

void draw_logs(struct drawing *d, uint32_t index)
{
    uint32_t n = d->shape->batch, groups = n < SERVICES_OF_REQUEST ? n : SERVICES_OF_REQUEST;
    uint32_t item = 0;
    for (uint32_t g = 0; g < groups; g++) {
        draw_begin(d, 1);
        draw_resource(d, (index * SERVICES_OF_REQUEST + g) % d->shape->services);
        draw_begin(d, 2);
        draw_scope(d, "logback");
        for (uint32_t end = n * (g + 1) / groups; item < end; item++) record(d, item);
        draw_end(d);
        draw_end(d);
    }
    d->t->items = n;
}
