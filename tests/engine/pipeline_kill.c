/* SIGKILL at any moment under load, several times over one data directory: at the end every row
 * that was acknowledged is stored exactly once, and no row twice, in each of two databases: two
 * routes, one fed live and to the engine, one read back from the journal and over HTTP.
 *
 * The process under test is a forked child with the engine and a pipeline; this one only sends,
 * kills and counts. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"
#include "ingest/client_test.h"
#include "ingest/pipeline.h"
#include "lifecycle/lifecycle.h"
#include "obs/metrics.h"
#include "store/http_door.h"

enum { ROUNDS = 6, CONNECTIONS = 8, ROWS = 20, REQUESTS_MAX = 20000 };

static char top[] = "/tmp/weir-kill-XXXXXX";

static str below(char out[300], const char *name)
{
    int n = snprintf(out, 300, "%s/%s", top, name);
    return (str){out, (size_t)n};
}

/* ---- the child ---- */

static void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "child: %s: %s\n", what, err->msg);
    _exit(1);
}

/* Another database of the same engine, through its HTTP interface. */
static struct store *second_store(struct store *engine)
{
    struct http_door *door;
    struct store *s;
    struct err err = {};
    char url[64];
    struct http_door_options d = {.host = "127.0.0.1"};
    if (http_door_open(&d, engine, &door, &err) != ST_OK) fail("door", &err);
    int n = snprintf(url, sizeof url, "http://127.0.0.1:%u", http_door_port(door));
    struct store_options o = {.driver = STORE_SERVER,
                              .url = {url, (size_t)n},
                              .user = S("default"),
                              .database = S("second")};
    if (store_open(&o, &s, &err) != ST_OK) fail("second store", &err);
    return s;
}

static struct pipeline *child_open(struct store *ret_stores[2])
{
    char data[300], journal[300], dead[300];
    struct err err = {};
    struct store_options so = {.driver = STORE_EMBEDDED, .data_dir = below(data, "data")};
    if (store_open(&so, &ret_stores[0], &err) != ST_OK) fail("store", &err);
    ret_stores[1] = second_store(ret_stores[0]);
    const struct schema_settings settings = {
        .traces_partition_seconds = 3600,
        .retention_days = {30, 14, 90, 90, 90, 90, 365, 365, 365}};
    struct pipeline_exporter to[2] = {{.name = "clickhouse"}, {.name = "clickhouse/second"}};
    struct pipeline_route routes[2 * SIGNAL_COUNT];
    for (unsigned i = 0; i < 2; i++) {
        if (lifecycle_start(ret_stores[i], &settings, &err) != ST_OK) fail("tables", &err);
        to[i].store = ret_stores[i];
        to[i].block_on_overflow = true;
        to[i].common.retry = (struct export_retry){true, 5, 100 * NANOS_MS, 5 * NANOS_S, 2, 0.5};
        for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++)
            routes[i * SIGNAL_COUNT + k] = (struct pipeline_route){
                .signal = k,
                .pipeline = signal_name(k),
                .exporter = i,
                .batch = {.send_batch_size = 300, .timeout = 50 * NANOS_MS}};
    }
    struct pipeline_options o = {.workers = 2,
                                 .grpc_host = "127.0.0.1",
                                 .http_host = "127.0.0.1",
                                 .journal_dir = below(journal, "journal"),
                                 .dead_dir = below(dead, "dead"),
                                 .journal_segment_bytes = 100000,
                                 .journal_reserve_bytes = 1,
                                 .exporters = to,
                                 .n_exporters = 2,
                                 .routes = routes,
                                 .n_routes = 2 * SIGNAL_COUNT};
    struct pipeline *p;
    if (pipeline_open(&o, NULL, &p, &err) != ST_OK) fail("pipeline", &err);
    return p;
}

static bool append_piece(void *file, str piece)
{
    return fwrite(piece.ptr, 1, piece.len, file) == piece.len;
}

static str dump_path(char out[300], enum signal_kind k, unsigned store)
{
    char name[40];
    snprintf(name, sizeof name, "%s-%u", signal_name(k), store);
    return below(out, name);
}

static void dump(struct store *s, enum signal_kind k, unsigned store)
{
    char path[300];
    struct err err = {};
    dump_path(path, k, store);
    FILE *f = fopen(path, "w");
    const char *sql = otlp_numbers_sql(k);
    struct store_query q = {.sql = {sql, strlen(sql)}, .format = S("TabSeparatedRaw")};
    if (!f || store_query(s, &q, append_piece, f, NULL, &err) != ST_OK) fail("read back", &err);
    fclose(f);
}

/* Do the catalogues know all that the main tables hold, and the sums count each row once? */
static bool catalogues_are_whole(struct store *s)
{
    static const char *const missing[] = {
        "SELECT count() FROM otel_logs WHERE service_name NOT IN (SELECT service_name FROM "
        "otel_log_streams)",
        "SELECT count() FROM otel_traces WHERE service_name NOT IN (SELECT service_name FROM "
        "otel_span_names)",
        "SELECT count() FROM otel_metrics WHERE series_id NOT IN (SELECT series_id FROM "
        "otel_metric_series)",
        "SELECT uniqExact(trace_id) - (SELECT uniqExact(trace_hash) FROM otel_trace_index) FROM "
        "otel_traces",
        "SELECT count() - (SELECT sum(count) FROM otel_traces_red_5m) FROM otel_traces"};
    bool whole = true;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        str n = engine_ask(s, missing[i]);
        if (!str_eq(n, S("0"))) fprintf(stderr, "%s: " STR_FMT "\n", missing[i], STR_ARG(n));
        whole &= str_eq(n, S("0"));
    }
    return whole;
}

static bool balances(enum signal_kind k)
{
    uint64_t out = metric_get(M_STORED, k) + metric_get(M_JOURNAL_ITEMS, k);
    for (unsigned i = 0; i < 8; i++)
        out += metric_get(M_REJECTED, metric_signal_reason(k, i)) +
               metric_get(M_DROPPED, metric_signal_reason(k, i));
    bool even = out == metric_get(M_RECEIVED, k);
    for (unsigned r = k; r < 2 * SIGNAL_COUNT; r += SIGNAL_COUNT) {
        out = metric_get(M_ROUTE_DELIVERED, r) + metric_get(M_ROUTE_JOURNAL_ITEMS, r);
        for (unsigned d = 0; d < 8; d++)
            out += metric_get(M_ROUTE_DROPPED, metric_route_policy(r, d));
        even &= out == metric_get(M_ROUTE_TAKEN, r) && metric_get(M_ROUTE_JOURNAL_ITEMS, r) == 0;
    }
    return even;
}

/* Says its port, then serves until it is killed or told to end: flush, write what is stored to
 * files. */
static void child(int out, int in)
{
    struct store *s[2];
    struct err err = {};
    struct pipeline *p = child_open(s);
    uint16_t port = pipeline_http_port(p);
    char go;
    if (write(out, &port, sizeof port) != sizeof port || read(in, &go, 1) != 1) _exit(1);
    if (pipeline_flush(p, 60000, &err) != ST_OK) fail("flush", &err);
    bool even = true;
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        for (unsigned i = 0; i < 2; i++) dump(s[i], k, i);
        even &= balances(k) && metric_get(M_JOURNAL_ITEMS, k) == 0;
    }
    for (unsigned i = 0; i < 2; i++) even &= catalogues_are_whole(s[i]);
    pipeline_close(p, 5000);
    _exit(even ? 0 : 3);
}

struct subject {
    pid_t pid;
    int out, in;
    uint16_t port;
};

static struct subject start(void)
{
    int out[2], in[2];
    CHECK(pipe(out) == 0 && pipe(in) == 0);
    fflush(NULL);
    struct subject s = {.pid = fork(), .out = out[0], .in = in[1]};
    CHECK(s.pid >= 0);
    if (s.pid == 0) {
        close(out[0]);
        close(in[1]);
        child(out[1], in[0]);
    }
    close(out[1]);
    close(in[0]);
    CHECK(read(s.out, &s.port, sizeof s.port) == sizeof s.port);
    return s;
}

static int finish(struct subject *s)
{
    int ended;
    waitpid(s->pid, &ended, 0);
    close(s->out);
    close(s->in);
    return ended;
}

/* ---- the load ---- */

static uint8_t acked[REQUESTS_MAX]; /* by request number; its rows are number * ROWS + 1 ... */

static enum signal_kind signal_of(int request)
{
    return (enum signal_kind)(request % SIGNAL_COUNT);
}

static bool send_request(int fd, int request)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    char name[32];
    int n =
        snprintf(name, sizeof name, "shop-%d", request / 30); /* some requests of each share it */
    /* a row of each is late by some days: messages behind each other are one */
    str service = {name, (size_t)n};
    uint64_t first = (uint64_t)request * ROWS + 1;
    nanos now = clock_now();
    otlp_request(&b, signal_of(request), service, first, ROWS - 1, now);
    otlp_request(&b, signal_of(request), service, first + ROWS - 1, 1,
                 now - (3 + request % 10) * NANOS_DAY);
    bool ok = otlp_http_send(fd, signal_of(request), "application/x-protobuf", buf_str(&b));
    buf_done(&b);
    return ok;
}

/* Sends until the process is gone. After `kill_after` answers it is killed, with requests on their
 * way. */
static int load(struct subject *s, int next, int kill_after)
{
    int fd[CONNECTIONS], answers = 0;
    bool alive = true;
    for (int i = 0; i < CONNECTIONS; i++) CHECK((fd[i] = otlp_connect(s->port)) >= 0);
    while (alive && next + CONNECTIONS < REQUESTS_MAX) {
        int first = next;
        for (int i = 0; i < CONNECTIONS; i++) alive &= send_request(fd[i], next++);
        for (int i = 0; i < CONNECTIONS; i++) {
            if (kill_after > 0 && answers++ == kill_after) kill(s->pid, SIGKILL);
            int answer = otlp_http_status(fd[i], NULL);
            if (answer == 200) acked[first + i] = 1;
            alive &= answer > 0;
        }
        if (kill_after == 0) break;
    }
    for (int i = 0; i < CONNECTIONS; i++) close(fd[i]);
    return next;
}

static void check_stored(int requests, unsigned store)
{
    static uint8_t stored[REQUESTS_MAX * ROWS + 2];
    memset(stored, 0, sizeof stored);
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        char path[300];
        dump_path(path, k, store);
        FILE *f = fopen(path, "r");
        CHECK(f != NULL);
        unsigned long long n;
        int twice = 0, rows = 0;
        while (fscanf(f, "%llu", &n) == 1) {
            CHECK(n >= 1 && n <= (unsigned long long)REQUESTS_MAX * ROWS);
            twice += stored[n]++ > 0;
            rows++;
        }
        fclose(f);
        printf("%s %u: %d rows stored, %d of them twice\n", signal_name(k), store, rows, twice);
        CHECK_INT(twice, 0);
    }
    int lost = 0, n_acked = 0;
    for (int r = 0; r < requests; r++) {
        n_acked += acked[r];
        for (int i = 1; i <= ROWS; i++) lost += acked[r] && !stored[r * ROWS + i];
    }
    printf("%d requests sent, %d acknowledged, %d acknowledged rows lost\n", requests, n_acked,
           lost);
    CHECK_INT(lost, 0);
    CHECK(n_acked > 100);
}

TEST(after_sigkill_under_load_every_acknowledged_row_is_stored_exactly_once)
{
    CHECK(mkdtemp(top) != NULL);
    int next = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct subject s = start();
        next = load(&s, next, 400 + round * 333);
        kill(s.pid, SIGKILL);
        CHECK(WIFSIGNALED(finish(&s)));
    }
    struct subject s = start();
    next = load(&s, next, 0);
    CHECK(write(s.in, "f", 1) == 1);
    int ended = finish(&s);
    CHECK(WIFEXITED(ended));
    CHECK_INT(WEXITSTATUS(ended),
              0); /* 3: the ledger does not balance, or a catalogue lacks rows */
    for (unsigned i = 0; i < 2; i++) check_stored(next, i);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", top);
    CHECK_INT(system(command), 0);
}
