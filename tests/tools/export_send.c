/* export_send OPTIONS.yaml NAME SIGNAL REQUEST.pb...: an exporter by itself.
 *
 * Each request file (OTLP protobuf) is a batch; all are one block. Commands come on stdin, a line
 * each: "send" sends what is not yet delivered of the block, "new" forgets what was delivered,
 * "cancel" cancels the send that runs. Answers are lines of JSON on stdout: one when the exporter
 * is open (or not), one for each send. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/yaml.h"
#include "ingest/decode/decode.h"
#include "ingest/export/export.h"

struct sender {
    struct exporter *exporter;
    struct telemetry_block block;
    struct export_progress progress;
    atomic_bool cancel;
    bool running;
    pthread_t thread;
};

static str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf b;
    buf_init(&b, 1 << 30);
    if (!f) {
        perror(path);
        exit(2);
    }
    for (size_t n = 1; n > 0;) {
        if (!buf_reserve(&b, 65536)) abort();
        n = fread(b.ptr + b.len, 1, 65536, f);
        b.len += n;
    }
    fclose(f);
    if (!buf_reserve(&b, 64)) abort(); /* the slack that decode asks for */
    return buf_str(&b);
}

static struct telemetry_batch *read_batch(enum signal_kind signal, const char *path)
{
    static const struct decode_options opt = {.received_at = 1700000000 * NANOS_S};
    struct arena *arena = malloc(sizeof *arena);
    struct telemetry_batch *b;
    struct err err = {};
    if (!arena) abort();
    arena_init(arena, 1 << 30);
    str file = read_file(path);
    arena_defer(arena, free, (void *)file.ptr);
    if (decode_request(arena, signal, PAYLOAD_PROTOBUF, file, &opt, &b, &err) != ST_OK) {
        fprintf(stderr, "%s: %s\n", path, err.msg);
        exit(2);
    }
    b->arena = arena;
    return b;
}

static void member(struct json_out *j, const char *key, str text)
{
    json_key(j, str_of(key));
    json_str(j, text);
}

static void number(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, str_of(key));
    json_u64(j, v);
}

static void answer(status s, const struct err *err, const struct export_progress *p,
                   uint32_t retry_after_ms, nanos took)
{
    struct buf out;
    buf_init(&out, 65536);
    struct json_out j = json_begin(&out);
    json_object(&j);
    member(&j, "status", str_of(status_name(s)));
    member(&j, "error", s == ST_OK ? (str){0} : str_of(err->msg));
    if (p) {
        number(&j, "batches", p->batches);
        number(&j, "items", p->items);
        number(&j, "rejected", p->rejected);
        member(&j, "message", str_of(p->message));
        number(&j, "retryAfterMs", retry_after_ms);
        number(&j, "ms", (uint64_t)(took / NANOS_MS));
    }
    json_end(&j);
    printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    fflush(stdout);
    buf_done(&out);
}

static void *send_once(void *ctx)
{
    struct sender *s = ctx;
    struct err err = {};
    uint32_t retry_after_ms = 0;
    nanos from = clock_monotonic();
    status st =
        exporter_send(s->exporter, &s->block, &s->progress, &s->cancel, &retry_after_ms, &err);
    answer(st, &err, &s->progress, retry_after_ms, clock_monotonic() - from);
    return NULL;
}

static void wait_for(struct sender *s)
{
    if (s->running) pthread_join(s->thread, NULL);
    s->running = false;
}

static void command(struct sender *s, const char *line)
{
    if (strcmp(line, "cancel\n") == 0) {
        atomic_store(&s->cancel, true);
        return;
    }
    wait_for(s);
    if (strcmp(line, "new\n") == 0) {
        s->progress = (struct export_progress){0};
    } else if (strcmp(line, "send\n") == 0) {
        atomic_store(&s->cancel, false);
        s->running = pthread_create(&s->thread, NULL, send_once, s) == 0;
    } else {
        fprintf(stderr, "what is %s", line);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    signal(SIGPIPE, SIG_IGN); /* as weir does */
    struct arena a;
    const struct tree *options = NULL;
    struct err err = {};
    struct sender s = {0};
    arena_init(&a, 1 << 24);
    str text = read_file(argv[1]);
    status st = yaml_parse(&a, text, "options.yaml", yaml_environment, NULL, &options, &err);
    const struct exporter_spec spec = {str_of(argv[2]), options};
    if (st == ST_OK) st = exporter_open(&spec, &s.exporter, &err);
    answer(st, &err, NULL, 0, 0);
    s.block.signal = strcmp(argv[3], "traces") == 0 ? SIGNAL_TRACES
                     : strcmp(argv[3], "logs") == 0 ? SIGNAL_LOGS
                                                    : SIGNAL_METRICS;
    s.block.n = (size_t)argc - 4;
    s.block.batches = calloc((size_t)argc, sizeof *s.block.batches);
    if (!s.block.batches) abort();
    for (size_t i = 0; i < s.block.n; i++)
        s.block.batches[i] = read_batch(s.block.signal, argv[4 + i]);
    char line[64];
    while (st == ST_OK && fgets(line, sizeof line, stdin)) command(&s, line);
    wait_for(&s);
    for (size_t i = 0; i < s.block.n; i++) telemetry_batch_free(s.block.batches[i]);
    free(s.block.batches);
    exporter_close(s.exporter);
    arena_done(&a);
    free((void *)text.ptr);
    return 0;
}
