/* Spans go one by one into a table by (time, service, operation, kind); the histogram of a row is a
 * list of octaves, eight buckets each, the one used last in front. */
#include "model/red.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"

enum { PER_OCTAVE = 8, STATUS_ERROR = 2, ROWS_AT_FIRST = 64, SERVICES_AT_FIRST = 8 };
enum { AHEAD = 16 }; /* names lie anywhere: ask for them early */

struct octave {
    struct octave *next;
    uint32_t at; /* log2 of the shortest duration in it */
    double count[PER_OCTAVE];
};

/* What an entry is found by. Names are compared with copies that lie together: the spans' own lie
 * all over the requests. */
struct key {
    uint32_t service; /* in `services` */
    uint32_t time;
    uint8_t kind;
    str name;
};

struct entry {
    struct key key;
    struct octave *octaves;
    struct red_row row;
};

struct taker {
    struct arena *arena; /* scratch */
    struct map index, service_index;
    struct entry *list;
    uint32_t n, cap;
    str *services;
    uint32_t n_services, cap_services;
    const struct key *wanted; /* what same_key compares with */
    str wanted_service;
};

unsigned red_bucket_of(uint64_t ns)
{
    /* The first 63-bit-aligned number whose log2 has a fraction of at least j/8. */
    static const uint64_t eighth[PER_OCTAVE - 1] = {
        0x8b95c1e3ea8bd6e7, 0x9837f0518db8a970, 0xa5fed6a9b15138eb, 0xb504f333f9de6485,
        0xc5672a115506dade, 0xd744fccad69d6af5, 0xeac0c6e7dd24392f};
    if (ns < 2) return 0;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ns), part = 0;
    uint64_t aligned = ns << (63u - octave);
    for (int j = 0; j < PER_OCTAVE - 1; j++) part += aligned >= eighth[j];
    return octave * PER_OCTAVE + part;
}

static bool same_service(const void *ctx, uint32_t value)
{
    const struct taker *t = ctx;
    return str_eq(t->services[value], t->wanted_service);
}

static uint32_t service_of(struct taker *t, str name)
{
    uint32_t at;
    t->wanted_service = name;
    if (map_find(&t->service_index, hash_str(name), same_service, t, &at)) return at;
    if (t->n_services == t->cap_services) {
        t->cap_services = t->cap_services ? t->cap_services * 2 : SERVICES_AT_FIRST;
        str *wider = arena_array(t->arena, str, t->cap_services);
        if (t->n_services) memcpy(wider, t->services, t->n_services * sizeof *wider);
        t->services = wider;
    }
    map_add(&t->service_index, hash_str(name), t->n_services);
    t->services[t->n_services] = name;
    return t->n_services++;
}

static bool same_key(const void *ctx, uint32_t value)
{
    const struct taker *t = ctx;
    const struct key *has = &t->list[value].key, *want = t->wanted;
    return has->service == want->service && has->time == want->time && has->kind == want->kind &&
           str_eq(has->name, want->name);
}

static struct entry *entry_new(struct taker *t, const struct key *key)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : ROWS_AT_FIRST;
        struct entry *wider = arena_array(t->arena, struct entry, t->cap);
        if (t->n) memcpy(wider, t->list, t->n * sizeof *wider);
        t->list = wider;
    }
    struct entry *e = &t->list[t->n++];
    *e = (struct entry){.key = *key,
                        .row = {.time = key->time,
                                .kind = key->kind,
                                .service_name = t->services[key->service],
                                .span_name = key->name}};
    e->key.name = arena_str(t->arena, key->name);
    return e;
}

static struct entry *entry_of(struct taker *t, const struct key *key)
{
    uint64_t hash = hash_seed(key->name, (uint64_t)key->service << 40 | key->kind);
    hash = hash_mix(hash, key->time);
    uint32_t at;
    t->wanted = key;
    if (map_find(&t->index, hash, same_key, t, &at)) return &t->list[at];
    map_add(&t->index, hash, t->n);
    return entry_new(t, key);
}

static double *bucket_in(struct taker *t, struct entry *e, unsigned bucket)
{
    uint32_t octave = bucket / PER_OCTAVE;
    struct octave **link = &e->octaves, *o = *link;
    for (; o && o->at != octave; o = *link) link = &o->next;
    if (o) {
        *link = o->next;
    } else {
        o = arena_new(t->arena, struct octave);
        o->at = octave;
    }
    o->next = e->octaves;
    e->octaves = o;
    return &o->count[bucket % PER_OCTAVE];
}

static uint32_t window(uint64_t ns)
{
    uint64_t seconds = ns / (uint64_t)NANOS_S;
    if (seconds > UINT32_MAX) seconds = UINT32_MAX; /* the column ends in 2106 */
    return (uint32_t)(seconds / RED_SECONDS * RED_SECONDS);
}

static void add_span(struct taker *t, struct entry *e, const struct span_columns *c, uint32_t i)
{
    struct red_row *r = &e->row;
    uint64_t from = c->start_time[i], to = c->end_time[i], ns = to > from ? to - from : 0;
    double count = c->adjusted_count[i];
    r->count += count;
    if (c->status_code[i] == STATUS_ERROR) r->errors += count;
    r->duration_sum += count * (double)ns;
    if (ns > r->duration_max) r->duration_max = ns;
    *bucket_in(t, e, red_bucket_of(ns)) += count;
}

/* Spans of one request often come in runs of the same operation. */
static void add_spans(struct taker *t, const struct telemetry_batch *b)
{
    const struct span_columns *c = &b->spans;
    uint32_t resource = UINT32_MAX, last = UINT32_MAX;
    struct key key = {0};
    for (uint32_t i = 0; i < c->n; i++) {
        if (i + AHEAD < c->n) __builtin_prefetch(c->name[i + AHEAD].ptr);
        uint32_t time = window(c->start_time[i]);
        bool again = last != UINT32_MAX && c->resource[i] == resource && key.time == time &&
                     key.kind == c->kind[i] && str_eq(key.name, c->name[i]);
        if (c->resource[i] != resource) {
            resource = c->resource[i];
            key.service = service_of(t, b->resources[resource].service_name);
        }
        if (!again) {
            key.time = time;
            key.kind = c->kind[i];
            key.name = c->name[i];
            last = (uint32_t)(entry_of(t, &key) - t->list);
        }
        add_span(t, &t->list[last], c, i);
    }
}

static void add_rows(struct taker *t, const struct red_rows *rows)
{
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct red_row *from = &rows->rows[i];
        struct key key = {service_of(t, from->service_name), from->time, from->kind,
                          from->span_name};
        struct entry *e = entry_of(t, &key);
        e->row.count += from->count;
        e->row.errors += from->errors;
        e->row.duration_sum += from->duration_sum;
        if (from->duration_max > e->row.duration_max) e->row.duration_max = from->duration_max;
        for (uint32_t k = 0; k < from->n_buckets; k++)
            *bucket_in(t, e, from->buckets[k].index) += from->buckets[k].count;
    }
}

static int cmp_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int cmp_entry(const void *x, const void *y)
{
    const struct red_row *p = &((const struct entry *)x)->row;
    const struct red_row *q = &((const struct entry *)y)->row;
    int c = cmp_u64(p->time, q->time);
    if (!c) c = str_compare(p->service_name, q->service_name);
    if (!c) c = str_compare(p->span_name, q->span_name);
    return c ? c : cmp_u64(p->kind, q->kind);
}

static int cmp_bucket(const void *x, const void *y)
{
    const struct red_bucket *p = x, *q = y;
    return cmp_u64(p->index, q->index);
}

static void put_buckets(struct arena *a, struct entry *e)
{
    struct red_row *r = &e->row;
    uint32_t n = 0;
    for (const struct octave *o = e->octaves; o; o = o->next)
        for (uint32_t k = 0; k < PER_OCTAVE; k++) n += o->count[k] != 0;
    r->buckets = arena_array(a, struct red_bucket, n);
    for (const struct octave *o = e->octaves; o; o = o->next)
        for (uint32_t k = 0; k < PER_OCTAVE; k++)
            if (o->count[k] != 0)
                r->buckets[r->n_buckets++] =
                    (struct red_bucket){(uint16_t)(o->at * PER_OCTAVE + k), o->count[k]};
    if (n) qsort(r->buckets, n, sizeof *r->buckets, cmp_bucket);
}

static struct red_rows *finish(struct arena *a, struct taker *t)
{
    struct red_rows *ret = arena_new(a, struct red_rows);
    ret->n = t->n;
    ret->rows = arena_array(a, struct red_row, t->n);
    if (t->n) qsort(t->list, t->n, sizeof *t->list, cmp_entry);
    for (uint32_t i = 0; i < t->n; i++) {
        put_buckets(a, &t->list[i]);
        ret->rows[i] = t->list[i].row;
    }
    return ret;
}

static void taker_init(struct taker *t, struct arena *scratch)
{
    arena_init(scratch, SIZE_MAX);
    *t = (struct taker){.arena = scratch};
    map_init(&t->index, scratch, ROWS_AT_FIRST);
    map_init(&t->service_index, scratch, SERVICES_AT_FIRST);
}

struct red_rows *red_take(struct arena *a, const struct telemetry_batch *b)
{
    struct arena scratch;
    struct taker t;
    taker_init(&t, &scratch);
    add_spans(&t, b);
    struct red_rows *ret = finish(a, &t);
    arena_done(&scratch);
    return ret;
}

struct red_rows *red_of_block(struct arena *a, const struct telemetry_block *b)
{
    struct arena scratch;
    struct taker t;
    taker_init(&t, &scratch);
    for (size_t i = 0; i < b->n; i++) {
        const struct telemetry_batch *batch = b->batches[i];
        if (batch->red)
            add_rows(&t, batch->red);
        else
            add_spans(&t, batch);
    }
    struct red_rows *ret = finish(a, &t);
    arena_done(&scratch);
    return ret;
}
