/* The pieces of a block. The layout is drawn in the header. */
#include "native/writer.h"

enum { LC_VERSION = 1, LC_OWN_KEYS_NEW_DICTIONARY = 0x600, KEYS_AT_FIRST = 64 };

void *native_put_space(struct buf *out, size_t size)
{
    if (!buf_reserve(out, size)) return NULL;
    void *at = out->ptr + out->len;
    out->len += size;
    return at;
}

static void put_varuint(struct buf *out, uint64_t v)
{
    char text[NATIVE_VARUINT_MAX];
    buf_add(out, (str){text, native_varuint(v, text)});
}

static void put_u64(struct buf *out, uint64_t v) { buf_add(out, (str){(const char *)&v, 8}); }

void native_put_str(struct buf *out, str s)
{
    put_varuint(out, s.len);
    buf_add(out, s);
}

void native_put_block(struct buf *out, uint64_t columns, uint64_t rows)
{
    put_varuint(out, columns);
    put_varuint(out, rows);
}

void native_put_column(struct buf *out, str name, str type)
{
    native_put_str(out, name);
    native_put_str(out, type);
}

void native_put_lc_prefix(struct buf *out) { put_u64(out, LC_VERSION); }

static struct native_slot *slots_new(struct arena *a, uint32_t n)
{
    struct native_slot *s = arena_array(a, struct native_slot, n);
    memset(s, 0, n * sizeof *s);
    return s;
}

void native_dictionary_init(struct native_dictionary *d, struct arena *a)
{
    *d = (struct native_dictionary){.arena = a,
                                    .keys = arena_array(a, str, KEYS_AT_FIRST),
                                    .slots = slots_new(a, 2 * KEYS_AT_FIRST),
                                    .cap = KEYS_AT_FIRST,
                                    .mask = 2 * KEYS_AT_FIRST - 1};
    native_dictionary_find_or_add(d, (str){0});
}

static void put_slot(struct native_dictionary *d, uint32_t hash, uint32_t id_1)
{
    uint32_t i = hash & d->mask;
    while (d->slots[i].id_1) i = (i + 1) & d->mask;
    d->slots[i] = (struct native_slot){hash, id_1};
}

static void grow(struct native_dictionary *d)
{
    str *keys = arena_array(d->arena, str, (size_t)d->cap * 2);
    memcpy(keys, d->keys, d->n * sizeof *keys);
    d->keys = keys;
    d->cap *= 2;
    struct native_slot *old = d->slots;
    uint32_t n = d->mask + 1;
    d->slots = slots_new(d->arena, n * 2);
    d->mask = n * 2 - 1;
    for (uint32_t i = 0; i < n; i++)
        if (old[i].id_1) put_slot(d, old[i].hash, old[i].id_1);
}

uint32_t native_dictionary_find_or_add(struct native_dictionary *d, str key)
{
    uint32_t hash = (uint32_t)hash_str(key);
    for (uint32_t i = hash & d->mask; d->slots[i].id_1; i = (i + 1) & d->mask) {
        uint32_t id = d->slots[i].id_1 - 1;
        if (d->slots[i].hash == hash && str_eq(d->keys[id], key)) return id;
    }
    if (d->n == d->cap) grow(d);
    d->keys[d->n++] = key;
    put_slot(d, hash, d->n);
    return d->n - 1;
}

void *native_put_lc_head(struct buf *out, const struct native_dictionary *d, uint64_t n)
{
    if (n == 0) return NULL;
    uint32_t width = native_index_width(d);
    put_u64(out, LC_OWN_KEYS_NEW_DICTIONARY + (width >> 1));
    put_u64(out, d->n);
    for (uint32_t i = 0; i < d->n; i++) native_put_str(out, d->keys[i]);
    put_u64(out, n);
    return native_put_space(out, n * width);
}

void native_narrow(void *to, const uint32_t *ids, size_t n, uint32_t width)
{
    switch (width) {
    case 1: {
        uint8_t *p = to;
        for (size_t i = 0; i < n; i++) p[i] = (uint8_t)ids[i];
        break;
    }
    case 2: {
        char *p = to;
        for (size_t i = 0; i < n; i++) {
            uint16_t v = (uint16_t)ids[i];
            memcpy(p + i * 2, &v, 2);
        }
        break;
    }
    default:
        if (n) memcpy(to, ids, n * 4);
    }
}

void native_put_lc(struct buf *out, const struct native_dictionary *d, const uint32_t *ids,
                   uint64_t n)
{
    void *index = native_put_lc_head(out, d, n);
    if (index) native_narrow(index, ids, n, native_index_width(d));
}
