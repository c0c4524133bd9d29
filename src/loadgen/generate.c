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

size_t load_request(const struct load_templates *t, uint64_t number, uint64_t turn, nanos now,
                    char *out, uint32_t *ret_items)
{
    const struct template *from = &t->templates[turn % t->n];
    uint64_t seed = t->shape.seed, times = turn / t->n + 1;
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
        case PATCH_COUNT: put_u64(at, arg * times); break;
        case PATCH_SUM: put_double(at, (double)p->arg * (double)times / 1000); break;
        case PATCH_LEVEL:
            put_double(at, 50 + 40 * sin((double)(arg % 1000) + (double)times / 10));
            break;
        }
    }
    *ret_items = from->items;
    return from->text.len;
}
