/* Traces through several services: a server span, what it does inside, its calls to others. */
#include <stdio.h>
#include <stdlib.h>

#include "loadgen/template.h"

enum { SPANS_OF_TRACE = 10, SERVICES_OF_REQUEST = 4 };

enum span_role { ROLE_SERVER = 2, ROLE_CLIENT = 3, ROLE_INTERNAL = 1 };

/* A trace is this tree. `hop` is how many services away from the first one. */
static const struct {
    int parent;
    uint32_t hop;
    enum span_role role;
    int64_t start_us, length_us;
} shape[SPANS_OF_TRACE] = {
    {-1, 0, ROLE_SERVER, 0, 90000},    {0, 0, ROLE_INTERNAL, 300, 2000},
    {0, 0, ROLE_CLIENT, 3000, 50000},  {2, 1, ROLE_SERVER, 3500, 48000},
    {3, 1, ROLE_CLIENT, 5000, 8000},   {3, 1, ROLE_CLIENT, 15000, 30000},
    {5, 2, ROLE_SERVER, 15600, 28000}, {6, 2, ROLE_CLIENT, 17000, 20000},
    {0, 0, ROLE_CLIENT, 60000, 25000}, {8, 3, ROLE_SERVER, 60500, 24000},
};

static const char *const methods[] = {"GET", "GET", "POST", "PUT", "DELETE"};
static const char *const routes[] = {
    "/api/orders/{id}",        "/api/cart",   "/api/products/{id}",  "/api/checkout",
    "/api/users/{id}/address", "/api/search", "/api/shipping/quote", "/healthz"};
static const char *const paths[] = {"/api/orders/########",        "/api/cart",
                                    "/api/products/########",      "/api/checkout",
                                    "/api/users/########/address", "/api/search?q=########",
                                    "/api/shipping/quote",         "/healthz"};
static const char *const agents[] = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "curl/8.7.1",
    "okhttp/4.12.0"};

static void server_span(struct drawing *d, bool failed, uint32_t route)
{
    char text[64];
    const char *method = methods[draw(d, 5)];
    snprintf(text, sizeof text, "%s %s", method, routes[route]);
    draw_text(d, 5, text);
    draw_attr(d, 9, "http.request.method", method);
    draw_attr(d, 9, "http.route", routes[route]);
    draw_attr(d, 9, "url.path", paths[route]);
    draw_attr_int(d, 9, "http.response.status_code", failed ? 500 : draw(d, 20) ? 200 : 404);
    snprintf(text, sizeof text, "10.%u.%u.%u", draw(d, 4), draw(d, 16), draw(d, 250));
    draw_attr(d, 9, "client.address", text);
    draw_attr(d, 9, "user_agent.original", agents[draw(d, 4)]);
    draw_attr(d, 9, "enduser.id", "user-########");
}

static void client_span(struct drawing *d)
{
    static const char *const tables[] = {"orders", "carts", "products", "users"};
    char text[128];
    const char *table = tables[draw(d, 4)];
    snprintf(text, sizeof text, "SELECT shop.%s", table);
    draw_text(d, 5, text);
    draw_attr(d, 9, "db.system.name", "postgresql");
    draw_attr(d, 9, "db.namespace", "shop");
    draw_attr(d, 9, "db.operation.name", "SELECT");
    snprintf(text, sizeof text, "SELECT * FROM %s WHERE id = $1 AND tenant = $2 LIMIT %u", table,
             10 * (1 + draw(d, 5)));
    draw_attr(d, 9, "db.query.text", text);
    draw_attr(d, 9, "server.address", "postgres.shop.svc.cluster.local");
    draw_attr_int(d, 9, "server.port", 5432);
    draw_attr_int(d, 9, "db.response.returned_rows", draw(d, 500));
}

static void internal_span(struct drawing *d)
{
    static const char *const functions[] = {"PriceCalculator.total", "CartService.load",
                                            "Recommender.rank", "Session.restore"};
    draw_text(d, 5, functions[draw(d, 4)]);
    draw_attr(d, 9, "code.function.name", functions[draw(d, 4)]);
    draw_attr(d, 9, "code.file.path", "src/main/java/com/example/shop/Pricing.java");
    draw_attr_int(d, 9, "code.line.number", draw(d, 400));
    draw_attr_int(d, 9, "thread.id", draw(d, 64));
    draw_attr_bool(d, 9, "app.cache.hit", draw(d, 3) != 0);
    draw_attr(d, 9, "app.order.id", "order-########");
}

static void exception(struct drawing *d, int64_t at)
{
    draw_begin(d, 11);
    draw_time(d, 1, at);
    draw_text(d, 2, "exception");
    draw_attr(d, 3, "exception.type", "java.net.SocketTimeoutException");
    draw_attr(d, 3, "exception.message", "Read timed out after 5000 ms, order ########");
    draw_attr(d, 3, "exception.stacktrace",
              "java.net.SocketTimeoutException: Read timed out\n"
              "\tat com.example.shop.PaymentClient.charge(PaymentClient.java:118)\n"
              "\tat com.example.shop.Checkout.run(Checkout.java:64)\n");
    draw_end(d);
}

/* What a span of the request is, before the spans are sorted by service. */
struct plan {
    uint32_t trace, place, service;
};

static void span(struct drawing *d, const struct plan *p, uint32_t item, uint32_t first_of_trace)
{
    enum { MS = 1000000 };
    int64_t trace_at = (int64_t)(200 + p->trace * 7 % 800) * MS;
    int64_t start = trace_at - shape[p->place].start_us * 1000 - draw(d, 200) * 1000;
    int64_t length = shape[p->place].length_us * (int64_t)(500 + draw(d, 1000));
    bool failed = draw(d, 25) == 0;
    draw_begin(d, 2);
    draw_trace_id(d, 1, p->trace);
    draw_span_id(d, 2, first_of_trace + p->place);
    if (shape[p->place].parent >= 0)
        draw_span_id(d, 4, first_of_trace + (uint32_t)shape[p->place].parent);
    switch (shape[p->place].role) {
    case ROLE_SERVER: server_span(d, failed, draw(d, 8)); break;
    case ROLE_CLIENT: client_span(d); break;
    case ROLE_INTERNAL: internal_span(d); break;
    }
    draw_tags(d, 9, item);
    pb_put_varint(&d->out, 6, (uint64_t)shape[p->place].role);
    draw_time(d, 7, start);
    draw_time(d, 8, start - length);
    if (failed) {
        exception(d, start - length / 2);
        draw_begin(d, 15);
        draw_text(d, 2, "Read timed out");
        pb_put_varint(&d->out, 3, 2);
        draw_end(d);
    } else if (draw(d, 10) == 0) {
        draw_begin(d, 11);
        draw_time(d, 1, start - length / 3);
        draw_text(d, 2, "cache.miss");
        draw_attr(d, 3, "cache.key", "item:########");
        draw_end(d);
    }
    pb_put_fixed32(&d->out, 16, 0x101);
    draw_end(d);
}

static int by_service(const void *a, const void *b)
{
    const struct plan *x = a, *y = b;
    if (x->service != y->service) return x->service < y->service ? -1 : 1;
    if (x->trace != y->trace) return x->trace < y->trace ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

void draw_traces(struct drawing *d, uint32_t index)
{
    uint32_t n = d->shape->batch;
    struct plan *plans = calloc(n, sizeof *plans);
    if (!plans) abort();
    for (uint32_t i = 0; i < n; i++) {
        uint32_t place = i % SPANS_OF_TRACE;
        uint32_t service = index * SERVICES_OF_REQUEST + shape[place].hop;
        plans[i] = (struct plan){i / SPANS_OF_TRACE, place, service % d->shape->services};
    }
    qsort(plans, n, sizeof *plans, by_service);
    for (uint32_t i = 0; i < n;) {
        uint32_t service = plans[i].service;
        draw_begin(d, 1);
        draw_resource(d, service);
        draw_begin(d, 2);
        draw_scope(d, "io.opentelemetry.tomcat-10.0");
        for (; i < n && plans[i].service == service; i++)
            span(d, &plans[i], i, plans[i].trace * SPANS_OF_TRACE);
        draw_end(d);
        draw_end(d);
    }
    d->t->items = n;
    free(plans);
}
