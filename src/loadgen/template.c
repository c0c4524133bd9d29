#include "loadgen/template.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t draw(struct drawing *d, uint32_t n)
{
    d->random += 0x9e3779b97f4a7c15u;
    return (uint32_t)(mix64(d->random) >> 32) % n;
}

void draw_begin(struct drawing *d, uint32_t field) { pb_begin(&d->out, field); }

void draw_end(struct drawing *d)
{
    struct template *t = d->t;
    size_t from = d->out.at[d->out.depth - 1], before = t->text.len;
    pb_end(&d->out);
    uint32_t moved = (uint32_t)(before - t->text.len);
    for (uint32_t i = t->n_patches; moved && i > 0 && t->patches[i - 1].at >= from; i--)
        t->patches[i - 1].at -= moved;
}

/* The gap is the last `size` bytes that were written. */
static void patch(struct drawing *d, enum patch_kind kind, size_t size, int64_t arg)
{
    struct template *t = d->t;
    if (t->n_patches == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 256;
        t->patches = realloc(t->patches, t->cap * sizeof *t->patches);
        if (!t->patches) abort();
    }
    t->patches[t->n_patches++] = (struct patch){(uint32_t)(t->text.len - size), kind, arg};
}

void draw_text(struct drawing *d, uint32_t field, const char *text)
{
    size_t n = strlen(text);
    pb_put_str(&d->out, field, (str){text, n});
    for (const char *p = text; (p = strstr(p, "########")); p += 8)
        patch(d, PATCH_HEX, n - (size_t)(p - text), (int64_t)draw(d, UINT32_MAX));
}

void draw_trace_id(struct drawing *d, uint32_t field, uint32_t trace)
{
    pb_put_str(&d->out, field, S("0123456789abcdef"));
    patch(d, PATCH_TRACE_ID, 16, trace);
}

void draw_span_id(struct drawing *d, uint32_t field, uint32_t span)
{
    pb_put_str(&d->out, field, S("01234567"));
    patch(d, PATCH_SPAN_ID, 8, span);
}

void draw_fixed(struct drawing *d, uint32_t field, enum patch_kind kind, int64_t arg)
{
    pb_put_fixed64(&d->out, field, 0);
    patch(d, kind, 8, arg);
}

void draw_time(struct drawing *d, uint32_t field, int64_t ns_before)
{
    draw_fixed(d, field, PATCH_TIME, ns_before);
}

void draw_raw_bucket(struct drawing *d, int64_t arg)
{
    pb_raw_fixed64(&d->out, 0);
    patch(d, PATCH_BUCKET, 8, arg);
}

static void begin_attr(struct drawing *d, uint32_t field, const char *key)
{
    draw_begin(d, field);
    pb_put_str(&d->out, 1, (str){key, strlen(key)});
    draw_begin(d, 2);
}

static void end_attr(struct drawing *d)
{
    draw_end(d);
    draw_end(d);
}

void draw_attr(struct drawing *d, uint32_t field, const char *key, const char *text)
{
    begin_attr(d, field, key);
    draw_text(d, 1, text);
    end_attr(d);
}

void draw_attr_int(struct drawing *d, uint32_t field, const char *key, int64_t v)
{
    begin_attr(d, field, key);
    pb_put_varint(&d->out, 3, (uint64_t)v);
    end_attr(d);
}

void draw_attr_bool(struct drawing *d, uint32_t field, const char *key, bool v)
{
    begin_attr(d, field, key);
    pb_put_varint(&d->out, 2, v);
    end_attr(d);
}

void draw_tags(struct drawing *d, uint32_t field, uint32_t item)
{
    begin_attr(d, field, "loadgen.request");
    buf_add(d->out.out, S("\x18\x80\x80\x80\x80\x00")); /* int_value, a varint of five bytes */
    patch(d, PATCH_REQUEST, 5, 0);
    end_attr(d);
    draw_attr_int(d, field, "loadgen.item", item);
}

void draw_resource(struct drawing *d, uint32_t service)
{
    static const char *const names[] = {"frontend", "checkout", "cart",  "payment",  "shipping",
                                        "catalog",  "search",   "email", "currency", "ads"};
    static const char *const zones[] = {"eu-central-1", "eu-west-1", "us-east-1"};
    char text[64];
    const char *name = names[service % 10];
    draw_begin(d, 1);
    if (service < 10)
        snprintf(text, sizeof text, "%s", name);
    else
        snprintf(text, sizeof text, "%s-%u", name, service / 10);
    draw_attr(d, 1, "service.name", text);
    draw_attr(d, 1, "service.namespace", "shop");
    snprintf(text, sizeof text, "2.%u.%u", service % 7, service % 3);
    draw_attr(d, 1, "service.version", text);
    snprintf(text, sizeof text, "%08x-6f2d-4b1e-9c55-1a2b3c4d5e6f", service * 2654435761u);
    draw_attr(d, 1, "service.instance.id", text);
    draw_attr(d, 1, "deployment.environment.name", service % 5 ? "production" : "staging");
    snprintf(text, sizeof text, "node-%02u.example.internal", service % 24);
    draw_attr(d, 1, "host.name", text);
    draw_attr(d, 1, "os.type", "linux");
    draw_attr(d, 1, "cloud.region", zones[service % 3]);
    draw_attr(d, 1, "k8s.namespace.name", "shop");
    snprintf(text, sizeof text, "%s-7d9f6c5b4-%05x", name, service * 40503u & 0xfffff);
    draw_attr(d, 1, "k8s.pod.name", text);
    draw_attr(d, 1, "telemetry.sdk.language", service % 2 ? "go" : "java");
    draw_attr_int(d, 1, "process.pid", 1000 + service);
    draw_end(d);
}

void draw_scope(struct drawing *d, const char *name)
{
    draw_begin(d, 1);
    draw_text(d, 1, name);
    draw_text(d, 2, "1.4.0");
    draw_end(d);
}
