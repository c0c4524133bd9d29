/* What processors change has the ids of what came so in the first place: decode, process and
 * compare with decode of the request with its attributes edited beforehand. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pb_out.h"
#include "base/yaml.h"
#include "ingest/decode/decode.h"
#include "ingest/process/process.h"
#include "model/identity.h"
#include "testing/test.h"

enum { KEYS = 6, ROWS = 5, TIME_NS = 1700000000 };

/* One attribute of each key, or none: value 0 is absence; odd ones are texts, even ones numbers. */
struct plain {
    int value[KEYS];
};

struct request {
    struct plain resource[2], row[2][ROWS];
};

static unsigned long long state;

static int any(int n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int)(state >> 33) % n;
}

static struct plain any_attrs(void)
{
    struct plain p;
    for (int k = 0; k < KEYS; k++) p.value[k] = any(5);
    return p;
}

static const char *key_of(int k)
{
    static const char *const names[KEYS] = {"service.name", "a", "b", "c", "d", "e"};
    return names[k];
}

static void put_attrs(struct pb_out *p, uint32_t field, const struct plain *attrs)
{
    for (int k = 0; k < KEYS; k++) {
        int v = attrs->value[k];
        if (v == 0) continue;
        pb_begin(p, field);
        pb_put_str(p, 1, str_of(key_of(k)));
        pb_begin(p, 2);
        if (v % 2)
            pb_put_str(p, 1, v == 1 ? S("one") : S("three"));
        else
            pb_put_varint(p, 3, (uint64_t)v);
        pb_end(p);
        pb_end(p);
    }
}

static void put_point(struct pb_out *p, int kind, const struct plain *attrs)
{
    static const double bounds[] = {1, 5};
    static const uint64_t counts[] = {1, 2, 3};
    pb_begin(p, 1);
    pb_put_fixed64(p, 3, TIME_NS * 1000000000ull);
    put_attrs(p, kind == 9 ? 9 : 7, attrs);
    if (kind == 9) {
        pb_put_str(p, 6, (str){(const char *)counts, sizeof counts});
        pb_put_str(p, 7, (str){(const char *)bounds, sizeof bounds});
    } else {
        pb_put_fixed64(p, 6, 1);
    }
    pb_end(p);
}

static void put_row(struct pb_out *p, enum signal_kind signal, int i, const struct plain *attrs)
{
    static const int kinds[] = {5, 7, 9};
    pb_begin(p, 2);
    if (signal == SIGNAL_METRICS) {
        pb_put_str(p, 1, S("metric"));
        pb_begin(p, (uint32_t)kinds[i % 3]);
        put_point(p, kinds[i % 3], attrs);
        pb_end(p);
    } else if (signal == SIGNAL_TRACES) {
        pb_put_str(p, 1, S("0123456789abcdef"));
        pb_put_str(p, 2, S("01234567"));
        pb_put_fixed64(p, 7, TIME_NS * 1000000000ull);
        put_attrs(p, 9, attrs);
    } else {
        pb_put_fixed64(p, 1, TIME_NS * 1000000000ull);
        put_attrs(p, 6, attrs);
    }
    pb_end(p);
}

static struct telemetry_batch *decoded(enum signal_kind signal, const struct request *r)
{
    struct arena *arena = malloc(sizeof *arena);
    struct buf out;
    struct telemetry_batch *b;
    struct err err = {0};
    struct decode_options opt = {.received_at = TIME_NS * NANOS_S};
    arena_init(arena, 64 << 20);
    buf_init(&out, 1 << 20);
    struct pb_out w = pb_begin_in(&out), *p = &w;
    for (int g = 0; g < 2; g++) {
        pb_begin(p, 1);
        pb_begin(p, 1);
        put_attrs(p, 1, &r->resource[g]);
        pb_end(p);
        pb_begin(p, 2);
        for (int i = 0; i < ROWS; i++) put_row(p, signal, i, &r->row[g][i]);
        pb_end(p);
        pb_end(p);
    }
    char *body = arena_alloc(arena, out.len + 64, 1);
    memcpy(body, out.ptr, out.len);
    memset(body + out.len, 0, 64);
    status s =
        decode_request(arena, signal, PAYLOAD_PROTOBUF, (str){body, out.len}, &opt, &b, &err);
    buf_done(&out);
    test_check(s == ST_OK, __FILE__, __LINE__, err.msg);
    return b;
}

static const char *const kinds[] = {"insert", "update", "upsert", "delete"};

/* The plain model of an action. */
static void edit(struct plain *p, int kind, int key, int value)
{
    bool there = p->value[key] != 0;
    if (kind == 3) value = 0;
    if (kind == 2 || kind == 3 || (kind == 0 ? !there : there)) p->value[key] = value;
}

/* The options are borrowed by the chain: they lie in `a`. */
static struct process_chain *chain_of(struct arena *a, enum signal_kind signal, const char *yaml)
{
    const struct tree *t;
    struct process_spec specs[4];
    struct process_chain *c;
    struct err err = {0};
    size_t n = 0;
    CHECK(yaml_parse(a, str_of(yaml), "test", NULL, NULL, &t, &err) == ST_OK);
    for (const struct tree *e = t->first; e; e = e->next)
        specs[n++] = (struct process_spec){e->key, e, NULL};
    test_check(process_chain_new(signal, specs, n, &c, &err) == ST_OK, __FILE__, __LINE__, err.msg);
    return c;
}

static struct telemetry_batch *processed(enum signal_kind signal, const struct request *r,
                                         const char *yaml)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct process_chain *c = chain_of(&a, signal, yaml);
    struct telemetry_batch *b = decoded(signal, r);
    process_run(c, b, NULL);
    process_chain_free(c);
    arena_done(&a);
    return b;
}

static uint32_t resource_of(const struct telemetry_batch *b, uint32_t i)
{
    return b->signal == SIGNAL_TRACES ? b->spans.resource[i]
           : b->signal == SIGNAL_LOGS ? b->logs.resource[i]
                                      : b->metrics.descs[b->metrics.desc[i]].resource;
}

static void check_same_ids(const struct telemetry_batch *got, const struct telemetry_batch *want)
{
    CHECK_INT(telemetry_batch_rows(got), 2 * ROWS);
    CHECK_INT(telemetry_batch_rows(want), 2 * ROWS);
    for (uint32_t i = 0; i < 2 * ROWS; i++) {
        const struct resource *x = &got->resources[resource_of(got, i)];
        const struct resource *y = &want->resources[resource_of(want, i)];
        CHECK(x->hash == y->hash);
        CHECK_STR(x->service_name, y->service_name);
        if (got->signal == SIGNAL_METRICS)
            CHECK(got->metrics.series_id[i] == want->metrics.series_id[i]);
    }
}

static void try_once(enum signal_kind signal)
{
    struct request r;
    char yaml[512];
    for (int g = 0; g < 2; g++) {
        r.resource[g] = any_attrs();
        for (int i = 0; i < ROWS; i++) r.row[g][i] = any_attrs();
    }
    int kind[2], key[2], value[2];
    const char *texts[] = {"", "one", "2", "three", "4"};
    for (int i = 0; i < 2; i++) kind[i] = any(4), key[i] = any(KEYS), value[i] = 1 + any(4);
    char on[2][64];
    for (int i = 0; i < 2; i++)
        snprintf(on[i], sizeof on[i], kind[i] == 3 ? "" : ", value: %s", texts[value[i]]);
    snprintf(yaml, sizeof yaml,
             "resource: {attributes: [{action: %s, key: %s%s}]}\n"
             "attributes: {actions: [{action: %s, key: %s%s}]}\n",
             kinds[kind[0]], key_of(key[0]), on[0], kinds[kind[1]], key_of(key[1]), on[1]);
    struct telemetry_batch *got = processed(signal, &r, yaml);
    for (int g = 0; g < 2; g++) {
        edit(&r.resource[g], kind[0], key[0], value[0]);
        for (int i = 0; i < ROWS; i++) edit(&r.row[g][i], kind[1], key[1], value[1]);
    }
    struct telemetry_batch *want = decoded(signal, &r);
    check_same_ids(got, want);
    telemetry_batch_free(got);
    telemetry_batch_free(want);
}

TEST(a_processed_batch_has_the_ids_of_one_that_came_so)
{
    state = 1;
    for (int i = 0; i < 300; i++) try_once((enum signal_kind)(i % SIGNAL_COUNT));
}

struct worker {
    const struct process_chain *chain;
    struct telemetry_batch *batches[50];
};

static void *work(void *p)
{
    struct worker *w = p;
    for (int i = 0; i < 50; i++) process_run(w->chain, w->batches[i], NULL);
    return NULL;
}

static uint64_t digest_of(const struct telemetry_batch *b)
{
    uint64_t sum = b->logs.n;
    for (uint32_t i = 0; i < b->logs.n; i++) {
        struct attr_range run = b->logs.attrs[i];
        sum = sum * 31 + attrs_hash(run.n ? b->attrs + run.at : NULL, run.n);
    }
    return sum;
}

TEST(a_chain_serves_several_threads_at_once)
{
    static const char yaml[] =
        "attributes: {actions: [{action: extract, key: a, pattern: '(?P<x>.)(?P<y>.*)'},"
        " {action: hash, pattern: '^[bc]$'}]}\n"
        "filter: {logs: {log_record: ['IsMatch(attributes[\"d\"], \"^o\")']}}\n"
        "redaction: {allow_all_keys: true, blocked_values: ['e$'], hash_function: sha1}\n";
    struct worker workers[3];
    pthread_t threads[2];
    struct request r;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct process_chain *c = chain_of(&a, SIGNAL_LOGS, yaml);
    state = 7;
    for (int i = 0; i < 50; i++) {
        for (int g = 0; g < 2; g++) {
            r.resource[g] = any_attrs();
            for (int k = 0; k < ROWS; k++) r.row[g][k] = any_attrs();
        }
        for (int t = 0; t < 3; t++) workers[t].batches[i] = decoded(SIGNAL_LOGS, &r);
    }
    for (int t = 0; t < 3; t++) workers[t].chain = c;
    for (int t = 0; t < 2; t++) CHECK(pthread_create(&threads[t], NULL, work, &workers[t]) == 0);
    for (int t = 0; t < 2; t++) pthread_join(threads[t], NULL);
    work(&workers[2]);
    for (int i = 0; i < 50; i++)
        for (int t = 0; t < 3; t++)
            CHECK(digest_of(workers[t].batches[i]) == digest_of(workers[2].batches[i]));
    for (int i = 0; i < 50; i++)
        for (int t = 0; t < 3; t++) telemetry_batch_free(workers[t].batches[i]);
    process_chain_free(c);
    arena_done(&a);
}
