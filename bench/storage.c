/* Fills tables with telemetry spread over a span of time: loadgen's requests with times of the past
 * go through decode, order and encode into the embedded engine, as fast as that goes. What
 * bench/storage.mjs starts; the tables must be there.
 *
 *   bench_storage DATA SIGNAL ITEMS FROM SECONDS SERIES [SQL ...]
 *
 * FROM is the first time (s since 1970). Metrics are SERIES series, one sample each 15 s; then
 * ITEMS is only how many there are at most. The statements run first, those that begin with
 * "after " when all is inserted; with "indexes by merges" among them inserts make no skipping
 * indexes. Prints one JSON line: items, and where CPU went in milliseconds: make (loadgen), decode,
 * encode (order too), insert with what was merged meanwhile, and what came after until merges were
 * quiet. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ingest/batch/batch.h"
#include "ingest/decode/decode.h"
#include "ingest/encode/encode.h"
#include "loadgen/generate.h"
#include "store/store.h"

enum {
    SEED = 1,
    SERVICES = 50,
    BATCH = 1000,
    INTERVAL_S = 15,
    BLOCK_ROWS = 100'000,
    BLOCK_BYTES = 96 << 20,
    QUIET_MS = 40, /* CPU in two seconds */
    SLACK = 64     /* readable bytes behind a body */
};

struct load {
    struct store *store;
    enum signal_kind signal;
    struct load_templates *from;
    uint64_t requests, items; /* to be made */
    nanos start, span;
    uint64_t turns_of_interval; /* metrics: requests that hold every series once */
    struct open_block *open;
    struct encode_seen *seen;
    nanos make, decode, encode; /* CPU of this thread */
    uint64_t stored;
    bool by_merges; /* inserts make no indexes */
};

static void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_storage: %s: %s\n", what, err->msg);
    _exit(1);
}

static nanos process_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NANOS_S + t.tv_nsec;
}

static void insert_one(struct load *l, const struct encoded_insert *in)
{
    struct err err;
    struct store_setting off = {S("materialize_skip_indexes_on_insert"), S("0")};
    struct buf sql;
    struct store_input *to;
    if (!l->by_merges) {
        if (store_insert(l->store, in->table, (str){0}, &in->body, 1, &err) != ST_OK)
            fail("insert", &err);
        return;
    }
    buf_init(&sql, 1 << 12);
    buf_printf(&sql, "INSERT INTO " STR_FMT, STR_ARG(in->table));
    struct store_query q = {
        .sql = buf_str(&sql), .format = S("Native"), .settings = &off, .n_settings = 1};
    if (store_input_begin(l->store, &q, &to, &err) != ST_OK ||
        store_input_append(to, in->body, &err) != ST_OK || store_input_end(to, NULL, &err) != ST_OK)
        fail("insert", &err);
    buf_done(&sql);
}

static void insert(struct load *l)
{
    struct telemetry_block *block = open_block_seal(l->open);
    if (!block) return;
    struct arena a;
    struct block_order order;
    struct encoded_block out;
    struct err err;
    struct batch_partitioning p = {.traces_seconds = 3600, .max_partitions = 4};
    arena_init(&a, (size_t)1 << 31);
    nanos cpu = clock_cpu();
    block_order(&a, block, &p, &order);
    struct encode_rows *groups = arena_array(&a, struct encode_rows, order.n_groups);
    for (size_t i = 0; i < order.n_groups; i++)
        groups[i] = (struct encode_rows){order.rows + order.groups[i].at, order.groups[i].n};
    struct encode_options opt = {groups, order.n_groups, l->seen};
    if (encode_block(&a, block, &opt, &out, &err) != ST_OK) fail("encode", &err);
    l->encode += clock_cpu() - cpu;
    for (size_t i = 0; i < out.n; i++) insert_one(l, &out.inserts[i]);
    l->stored += block->rows;
    arena_done(&a);
    telemetry_block_free(block);
}

/* When a request is: requests come at one pace, those of metrics at the pace of their interval. */
static nanos time_of(const struct load *l, uint64_t turn)
{
    if (l->signal == SIGNAL_METRICS)
        return l->start + (nanos)turn * INTERVAL_S * NANOS_S / (nanos)l->turns_of_interval;
    return l->start + (nanos)((__int128)l->span * turn / l->requests);
}

static void add_request(struct load *l, uint64_t turn)
{
    struct arena *a = malloc(sizeof *a);
    struct telemetry_batch *batch;
    struct err err;
    uint32_t items;
    if (!a) abort();
    arena_init(a, (size_t)256 << 20);
    nanos now = time_of(l, turn), t0 = clock_cpu();
    char *bytes = arena_alloc(a, load_request_room(l->from) + SLACK, 16);
    size_t n = load_request(l->from, turn + 1, turn, now, bytes, &items);
    nanos t1 = clock_cpu();
    struct decode_options opt = {.received_at = now, .max_attributes = 128};
    if (decode_request(a, l->signal, PAYLOAD_PROTOBUF, (str){bytes, n}, &opt, &batch, &err) !=
        ST_OK)
        fail("decode", &err);
    batch->arena = a;
    nanos t2 = clock_cpu();
    l->make += t1 - t0;
    l->decode += t2 - t1;
    open_block_add(l->open, batch, turn + 1, now);
    if (open_block_rows(l->open) + BATCH > BLOCK_ROWS || open_block_bytes(l->open) > BLOCK_BYTES)
        insert(l);
}

static bool merging(struct store *s)
{
    struct buf out;
    struct err err;
    buf_init(&out, 1 << 16);
    struct store_query q = {.sql = S("SELECT count() FROM system.merges"), .format = S("TSV")};
    if (store_query_buf(s, &q, &out, &err) != ST_OK) fail("merges", &err);
    bool any = out.len && out.ptr[0] != '0';
    buf_done(&out);
    return any;
}

/* Until nothing is merged and the process rests. */
static void wait_quiet(struct store *s)
{
    for (nanos before = process_cpu();;) {
        sleep(2);
        nanos now = process_cpu();
        if (now - before < QUIET_MS * NANOS_MS && !merging(s)) return;
        before = process_cpu();
    }
}

static enum signal_kind signal_of(const char *name)
{
    for (int i = 0; i < SIGNAL_COUNT; i++)
        if (strcmp(name, signal_name((enum signal_kind)i)) == 0) return (enum signal_kind)i;
    fprintf(stderr, "bench_storage: no signal \"%s\"\n", name);
    exit(2);
}

static void prepare(struct load *l, char **args)
{
    l->signal = signal_of(args[0]);
    l->items = strtoull(args[1], NULL, 10);
    l->start = strtoll(args[2], NULL, 10) * NANOS_S;
    l->span = strtoll(args[3], NULL, 10) * NANOS_S;
    struct load_shape shape = {.seed = SEED,
                               .services = SERVICES,
                               .batch = BATCH,
                               .series = (uint32_t)strtoul(args[4], NULL, 10),
                               .start = l->start};
    l->from = load_templates_new(l->signal, &shape);
    l->requests = l->items / BATCH;
    if (l->signal == SIGNAL_METRICS) {
        l->turns_of_interval = (shape.series + BATCH - 1) / BATCH;
        l->requests = (uint64_t)(l->span / (INTERVAL_S * NANOS_S)) * l->turns_of_interval;
    }
    l->open = open_block_new(l->signal, 0);
    l->seen = encode_seen_new(200'000);
}

static const char after[] = "after ", by_merges[] = "indexes by merges";
static bool is_after(const char *sql) { return strncmp(sql, after, sizeof after - 1) == 0; }

static void exec(struct load *l, const char *sql)
{
    struct err err;
    if (store_exec(l->store, str_of(sql), &err) != ST_OK) fail(sql, &err);
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        fprintf(stderr, "usage: bench_storage DATA SIGNAL ITEMS FROM SECONDS SERIES [SQL ...]\n");
        return 2;
    }
    struct load l = {0};
    struct err err;
    struct store_options opt = {.driver = STORE_EMBEDDED, .data_dir = str_of(argv[1])};
    if (store_open(&opt, &l.store, &err) != ST_OK) fail("store", &err);
    prepare(&l, argv + 2);
    for (int i = 7; i < argc; i++)
        if (strcmp(argv[i], by_merges) == 0)
            l.by_merges = true;
        else if (!is_after(argv[i]))
            exec(&l, argv[i]);
    nanos cpu = process_cpu(), wall = clock_monotonic();
    for (uint64_t turn = 0; turn < l.requests; turn++) {
        add_request(&l, turn);
        if (l.stored >= l.items) break;
    }
    insert(&l);
    nanos loaded = process_cpu() - cpu, took = clock_monotonic() - wall;
    for (int i = 7; i < argc; i++)
        if (is_after(argv[i])) exec(&l, argv[i] + sizeof after - 1);
    wait_quiet(l.store);
    nanos all = process_cpu() - cpu, own = l.make + l.decode + l.encode;
    printf("{\"items\":%" PRIu64 ",\"seconds\":%.1f,\"make\":%.0f,\"decode\":%.0f,\"encode\":%.0f,"
           "\"insert\":%.0f,\"after\":%.0f}\n",
           l.stored, (double)took / 1e9, (double)l.make / 1e6, (double)l.decode / 1e6,
           (double)l.encode / 1e6, (double)(loaded - own) / 1e6, (double)(all - loaded) / 1e6);
    fflush(stdout);
    store_close(l.store);
    _exit(0); /* the embedded engine is not shut down */
}
