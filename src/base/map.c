#include "base/map.h"

#include <string.h>

static struct map_slot *slots_new(struct arena *a, uint32_t n)
{
    struct map_slot *s = arena_array(a, struct map_slot, n);
    memset(s, 0, n * sizeof *s);
    return s;
}

void map_init(struct map *m, struct arena *a, uint32_t expected)
{
    uint32_t n = 16;
    while (n < expected * 2 && n < 1u << 31) n *= 2;
    *m = (struct map){.arena = a, .slots = slots_new(a, n), .mask = n - 1};
}

bool map_find(const struct map *m, uint64_t hash, bool (*same)(const void *ctx, uint32_t value),
              const void *ctx, uint32_t *ret)
{
    for (uint32_t i = (uint32_t)hash & m->mask;; i = (i + 1) & m->mask) {
        const struct map_slot *s = &m->slots[i];
        if (s->value_1 == 0) return false;
        if (s->hash == hash && (!same || same(ctx, s->value_1 - 1))) {
            *ret = s->value_1 - 1;
            return true;
        }
    }
}

static void put(struct map *m, uint64_t hash, uint32_t value_1)
{
    uint32_t i = (uint32_t)hash & m->mask;
    while (m->slots[i].value_1 != 0) i = (i + 1) & m->mask;
    m->slots[i] = (struct map_slot){hash, value_1};
}

void map_add(struct map *m, uint64_t hash, uint32_t value)
{
    if (m->count * 4 >= m->mask * 3) {
        struct map_slot *old = m->slots;
        uint32_t n = m->mask + 1;
        m->slots = slots_new(m->arena, n * 2);
        m->mask = n * 2 - 1;
        for (uint32_t i = 0; i < n; i++)
            if (old[i].value_1) put(m, old[i].hash, old[i].value_1);
    }
    put(m, hash, value + 1);
    m->count++;
}
