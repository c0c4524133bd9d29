#include "loadgen/generate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/hex.h"
#include "loadgen/template.h"

enum { TEMPLATES = 16, TEMPLATE_MAX = 64 << 20 };

struct load_templates {
    enum signal_kind signal;
    struct load_shape shape;
    uint32_t n;
    size_t room;
    struct template templates[];
};

static void fill(struct load_templates *t, uint32_t index)
{
    struct template *to = &t->templates[index];
    buf_init(&to->text, TEMPLATE_MAX);
    struct drawing d = {.t = to, .shape = &t->shape};
    d.out = pb_begin_in(&to->text);
    d.random = mix64(t->shape.seed + 1) + (uint64_t)index * 7919 + (uint64_t)t->signal;
    switch (t->signal) {
    case SIGNAL_TRACES: draw_traces(&d, index); break;
    case SIGNAL_LOGS: draw_logs(&d, index); break;
    default: draw_metrics(&d, index); break;
    }
    assert(d.out.depth == 0 && !to->text.over);
    if (to->text.len > t->room) t->room = to->text.len;
}

struct load_templates *load_templates_new(enum signal_kind signal, const struct load_shape *shape)
{
    assert(shape->batch > 0 && shape->services > 0 && shape->series > 0);
    uint32_t n = TEMPLATES; /* metrics need as many as hold every series once */
    if (signal == SIGNAL_METRICS) n = (shape->series + shape->batch - 1) / shape->batch;
    struct load_templates *t = calloc(1, sizeof *t + n * sizeof t->templates[0]);
    if (!t) abort();
    t->signal = signal;
    t->shape = *shape;
    t->n = n;
    for (uint32_t i = 0; i < n; i++) fill(t, i);
    return t;
}

void load_templates_free(struct load_templates *t)
{
    if (!t) return;
    for (uint32_t i = 0; i < t->n; i++) {
        buf_done(&t->templates[i].text);
        free(t->templates[i].patches);
    }
    free(t);
}

size_t load_request_room(const struct load_templates *t) { return t->room; }

/* Never zero: an id of zeros is none. */
static uint64_t id_part(uint64_t seed, uint64_t number, uint64_t item)
{
    return mix64(mix64(seed ^ number * 0x9e3779b97f4a7c15u) + item * 0xd6e8feb86659fd93u) | 1;
}

static void put_u64(char *at, uint64_t v) { memcpy(at, &v, 8); }

static void put_double(char *at, double v) { memcpy(at, &v, 8); }

/* Rises with `times`, by 0 to 2 * rise at a time. */
static uint64_t counter(uint64_t rise, uint64_t times, uint64_t salt)
{
    return rise * times + mix64(times * 0x9e3779b97f4a7c15u + salt) % (rise + 1);
}

/* A slow wave and a little noise; `salt` gives each series a height of its own. */
static double level(uint64_t arg, uint64_t times)
{
    uint64_t salt = arg >> 8, noise = mix64(times * 0x9e3779b97f4a7c15u + salt) >> 40;
    double wave = sin((double)(salt % 1000) + (double)times / 300) / 2 + 0.5;
    double mean = (double)(1 + salt % 97) / 100;
    switch ((enum level)(arg & 0xff)) {
    case LEVEL_SHARE: return round(1000 * mean * (0.6 + 0.3 * wave) + (double)(noise % 40)) / 1000;
    case LEVEL_FEW: return floor(20 * mean * wave) + (double)(noise % 8 == 0);
    case LEVEL_PAGES: return 4096 * floor(1e5 * mean * (1 + wave) + (double)(noise % 64));
    case LEVEL_EXACT: break;
    }
    return mean * (0.6 + 0.3 * wave + (double)noise / (1 << 24) / 10);
}

/* Of one data point, while its buckets are written. */
struct histogram_sums {
    uint64_t count, thousandths;
};

static void put_number(const struct patch *p, uint64_t times, struct histogram_sums *io, char *at)
{
    uint64_t arg = (uint64_t)p->arg, v;
    switch (p->kind) {
    case PATCH_COUNTER: put_u64(at, counter(arg, times, p->at)); break;
    case PATCH_BUCKET:
        v = counter(arg & UINT32_MAX, times, p->at);
        put_u64(at, v);
        io->count += v;
        io->thousandths += v * (arg >> 32);
        break;
    case PATCH_COUNT: put_u64(at, io->count); break;
    case PATCH_SUM:
        put_double(at, (double)io->thousandths / 1000);
        *io = (struct histogram_sums){0};
        break;
    default: put_double(at, level(arg, times)); break; /* PATCH_LEVEL */
    }
}

size_t load_request(const struct load_templates *t, uint64_t number, uint64_t turn, nanos now,
                    char *out, uint32_t *ret_items)
{
    const struct template *from = &t->templates[turn % t->n];
    uint64_t seed = t->shape.seed, times = turn / t->n + 1;
    struct histogram_sums sums = {0};
    memcpy(out, from->text.ptr, from->text.len);
    for (uint32_t i = 0; i < from->n_patches; i++) {
        const struct patch *p = &from->patches[i];
        char *at = out + p->at;
        uint64_t arg = (uint64_t)p->arg;
        switch (p->kind) {
        case PATCH_TRACE_ID:
            put_u64(at, id_part(seed, number, arg << 1 | 1ull << 40));
            put_u64(at + 8, id_part(seed, number, arg << 1 | 1ull << 41));
            break;
        case PATCH_SPAN_ID: put_u64(at, id_part(seed, number, arg)); break;
        case PATCH_TIME: put_u64(at, (uint64_t)(now - p->arg)); break;
        case PATCH_REQUEST:
            for (int k = 0; k < 5; k++)
                at[k] = (char)((number >> 7 * k & 0x7f) | (k < 4 ? 0x80 : 0));
            break;
        case PATCH_HEX: {
            uint64_t v = id_part(seed, number, arg);
            hex_encode(&v, 4, at);
            break;
        }
        default: put_number(p, times, &sums, at); break;
        }
    }
    *ret_items = from->items;
    return from->text.len;
}
