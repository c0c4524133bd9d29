/* weir loadgen: options, signals, and the report at the end. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "cmd/loadgen.h"
#include "loadgen/loadgen.h"

static volatile bool stop;

static void on_signal(int) { stop = true; }

static const char help[] =
    "usage: weir loadgen [OPTION ...]\n"
    "\n"
    "Sends generated traces, logs and metrics in OTLP and tells what was acknowledged.\n"
    "\n"
    "  --endpoint HOST:PORT   where to send (default 127.0.0.1:4317, or :4318 with http)\n"
    "  --protocol grpc|http   gRPC over HTTP/2, or protobuf over HTTP/1.1 (default grpc)\n"
    "  --signals LIST         of traces,logs,metrics (default all)\n"
    "  --rate N               items per second of each signal; 0: as fast as it is let (default "
    "0)\n"
    "  --duration 10s         ms, s, m, h; 0: until stopped (default 10s)\n"
    "  --batch N              items in a request (default 500)\n"
    "  --services N           services that seem to send (default 10)\n"
    "  --series N             series of metrics (default 1000)\n"
    "  --connections N        1 to 4096, used in turn (default 2)\n"
    "  --streams N            requests in flight on a gRPC connection (default 4)\n"
    "  --seed N               the same seed gives the same items (default 1)\n"
    "  --ack-log FILE         a line for each acknowledged request: signal, number, items. Every "
    "item\n"
    "                         carries the number as attribute loadgen.request, and its place in "
    "the\n"
    "                         request as loadgen.item; metric points only with this option, since "
    "each\n"
    "                         is a series of its own then\n"
    "  --json                 the report as JSON\n"
    "\n"
    "A request that is refused for now is sent again, with backoff. One that stays without an "
    "answer,\n"
    "because its connection broke, is not: it may have been stored. SIGINT and SIGTERM end it "
    "early.\n"
    "Exit code: 0, or 1 when something was rejected, failed, refused to the end or unanswered.\n";

static bool parse_u32(const char *text, uint32_t *ret)
{
    uint64_t v;
    if (!num_parse_u64((str){text, strlen(text)}, &v) || v > UINT32_MAX) return false;
    *ret = (uint32_t)v;
    return true;
}

static bool parse_rate(const char *text, double *ret)
{
    return num_parse_f64((str){text, strlen(text)}, ret) && *ret >= 0 && *ret <= 1e9;
}

static bool parse_duration(const char *text, double *ret)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"", 1}};
    size_t n = strspn(text, "0123456789.");
    if (!num_parse_f64((str){text, n}, ret) || *ret > 1e7) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + n, units[i].unit) == 0) return *ret *= units[i].seconds, true;
    return false;
}

static bool parse_signals(const char *text, bool signals[SIGNAL_COUNT])
{
    memset(signals, 0, SIGNAL_COUNT * sizeof *signals);
    for (;;) {
        size_t n = strcspn(text, ",");
        int found = -1;
        for (int i = 0; i < SIGNAL_COUNT; i++) {
            const char *name = signal_name((enum signal_kind)i);
            if (strlen(name) == n && memcmp(name, text, n) == 0) found = i;
        }
        if (found < 0) return false;
        signals[found] = true;
        if (!text[n]) return true;
        text += n + 1;
    }
}

/* HOST:PORT or [V6]:PORT, cut in place. */
static bool parse_endpoint(char *text, struct load_options *io)
{
    char *colon = strrchr(text, ':');
    if (!colon || colon == text || !colon[1]) return false;
    *colon = 0;
    io->port = colon + 1;
    if (*text == '[' && colon[-1] == ']') {
        colon[-1] = 0;
        text++;
    }
    io->host = text;
    return *text != 0;
}

static bool parse_protocol(const char *text, enum load_protocol *ret)
{
    *ret = strcmp(text, "http") == 0 ? LOAD_HTTP : LOAD_GRPC;
    return *ret == LOAD_HTTP || strcmp(text, "grpc") == 0;
}

struct settings {
    struct load_options load;
    bool json;
    const char *ack_log;
};

enum {
    OPT_ENDPOINT = 256,
    OPT_PROTOCOL,
    OPT_SIGNALS,
    OPT_RATE,
    OPT_DURATION,
    OPT_BATCH,
    OPT_SERVICES,
    OPT_SERIES,
    OPT_CONNECTIONS,
    OPT_STREAMS,
    OPT_SEED,
    OPT_ACK_LOG,
    OPT_JSON,
    OPT_HELP
};

static bool set_option(struct settings *s, int option, char *value)
{
    struct load_options *l = &s->load;
    switch (option) {
    case OPT_ENDPOINT: return parse_endpoint(value, l);
    case OPT_PROTOCOL: return parse_protocol(value, &l->protocol);
    case OPT_SIGNALS: return parse_signals(value, l->signals);
    case OPT_RATE: return parse_rate(value, &l->rate);
    case OPT_DURATION: return parse_duration(value, &l->duration_s);
    case OPT_BATCH: return parse_u32(value, &l->batch);
    case OPT_SERVICES: return parse_u32(value, &l->services);
    case OPT_SERIES: return parse_u32(value, &l->series);
    case OPT_CONNECTIONS: return parse_u32(value, &l->connections);
    case OPT_STREAMS: return parse_u32(value, &l->streams);
    case OPT_SEED: return num_parse_u64((str){value, strlen(value)}, &l->seed);
    case OPT_ACK_LOG: return s->ack_log = value, true;
    default: return s->json = true;
    }
}

/* 0: go on; otherwise the exit code + 1. */
static int parse(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        {"endpoint", required_argument, NULL, OPT_ENDPOINT},
        {"protocol", required_argument, NULL, OPT_PROTOCOL},
        {"signals", required_argument, NULL, OPT_SIGNALS},
        {"rate", required_argument, NULL, OPT_RATE},
        {"duration", required_argument, NULL, OPT_DURATION},
        {"batch", required_argument, NULL, OPT_BATCH},
        {"services", required_argument, NULL, OPT_SERVICES},
        {"series", required_argument, NULL, OPT_SERIES},
        {"connections", required_argument, NULL, OPT_CONNECTIONS},
        {"streams", required_argument, NULL, OPT_STREAMS},
        {"seed", required_argument, NULL, OPT_SEED},
        {"ack-log", required_argument, NULL, OPT_ACK_LOG},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, OPT_HELP},
        {0},
    };
    optind = 1;
    for (int c, at; at = 0, (c = getopt_long(argc, argv, "", options, &at)) != -1;) {
        if (c == OPT_HELP) return fputs(help, stdout), 1;
        if (c == '?') return 3; /* getopt has said what */
        if (set_option(s, c, optarg)) continue;
        fprintf(stderr, "weir loadgen: --%s: not valid: \"%s\"\n", options[at].name, optarg);
        return 3;
    }
    if (optind < argc) {
        fprintf(stderr, "weir loadgen: what is \"%s\"?\n", argv[optind]);
        return 3;
    }
    if (!s->load.host) s->load.host = "127.0.0.1";
    if (!s->load.port) s->load.port = s->load.protocol == LOAD_HTTP ? "4318" : "4317";
    return 0;
}

static bool all_well(const struct load_report *r)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        const struct load_signal_report *s = &r->signals[i];
        if (s->rejected || s->failed.requests || s->refused.requests || s->unanswered.requests)
            return false;
    }
    return true;
}

static int run(const struct settings *s)
{
    struct load_report report;
    struct err err;
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    stop = false;
    if (load_run(&s->load, &stop, &report, &err) != ST_OK) {
        fprintf(stderr, "weir loadgen: %s\n", err.msg);
        return err.code == ST_INVALID ? 2 : 1;
    }
    (s->json ? load_report_json : load_report_text)(&s->load, &report, stdout);
    return all_well(&report) ? 0 : 1;
}

int cmd_loadgen(int argc, char **argv)
{
    struct settings s = {.load = {
                             .signals = {true, true, true},
                             .duration_s = 10,
                             .seed = 1,
                             .services = 10,
                             .batch = 500,
                             .series = 1000,
                             .connections = 2,
                             .streams = 4,
                         }};
    int code = parse(argc, argv, &s);
    if (code) return code - 1;
    if (s.ack_log && !(s.load.ack_log = fopen(s.ack_log, "w"))) {
        fprintf(stderr, "weir loadgen: %s: %s\n", s.ack_log, strerror(errno));
        return 2;
    }
    code = run(&s);
    if (s.load.ack_log && fclose(s.load.ack_log) != 0) {
        fprintf(stderr, "weir loadgen: %s: %s\n", s.ack_log, strerror(errno));
        code = 1;
    }
    return code;
}
