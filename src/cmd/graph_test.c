#include "cmd/graph.h"

#include <stdio.h>
#include <string.h>

#include "cmd/graph_parts.h"
#include "testing/test.h"

static struct arena arena;
static struct config config;
static struct err err;

static status read(str text, struct graph *ret)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 22);
    config_defaults(&config, &arena);
    err = (struct err){};
    TRY(config_read_yaml(&config, text, "w.yaml", &err));
    return graph_read(&arena, &config, ret, &err);
}

static str refusal(str text)
{
    struct graph g;
    CHECK_INT(read(text, &g), ST_INVALID);
    return str_of(err.msg);
}

TEST(graph_without_sections_is_otlp_to_the_store)
{
    struct graph g;
    CHECK_INT(read(S("batch.timeout: 3s\nstore.tries: 7\nstore.writers: 3\n"), &g), ST_OK);
    CHECK_INT(g.n_exporters, 1);
    CHECK_STR(g.exporters[0].name, S("clickhouse"));
    CHECK(g.exporters[0].is_clickhouse && g.exporters[0].common.block_on_overflow);
    CHECK_INT(g.exporters[0].common.consumers, 3);
    CHECK_INT(g.exporters[0].common.retry.max_tries, 7);
    CHECK_INT(g.n_pipelines, 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(g.pipelines[i].signal, i);
        CHECK_INT(g.pipelines[i].n_processors, 0);
        CHECK_INT(g.pipelines[i].n_exporters, 1);
        CHECK_INT(g.pipelines[i].batch.timeout, 3 * NANOS_S);
        CHECK_INT(g.pipelines[i].batch.send_batch_size, 10000);
    }
    CHECK_INT(g.n_warnings, 0);
}

static const str whole =
    S("receivers: {otlp/in: {protocols: {grpc: }}}\n"
      "processors:\n"
      "  attributes/a: {actions: []}\n"
      "  filter:\n"
      "  batch: {send_batch_size: 50, send_batch_max_size: 80, timeout: 200ms}\n"
      "  batch/metrics: {timeout: 0}\n"
      "exporters:\n"
      "  debug:\n"
      "  clickhouse/far: {endpoint: 'https://db:8443', database: otel, username: u,\n"
      "    password: p, timeout: 5s, compress: zstd, sending_queue: {block_on_overflow: false}}\n"
      "  otlp_grpc/b: {endpoint: 'x:1'}\n"
      "service:\n"
      "  pipelines:\n"
      "    traces/eu: {receivers: [otlp/in], processors: [filter, attributes/a, batch],\n"
      "      exporters: [debug, clickhouse/far]}\n"
      "    metrics: {receivers: [otlp/in], processors: [batch/metrics], exporters: [debug]}\n");

TEST(graph_of_a_file_has_its_pipelines_with_processors_in_order_and_the_store_first)
{
    struct graph g;
    status s = read(whole, &g);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
    CHECK_INT(g.n_pipelines, 2);
    const struct graph_pipeline *p = &g.pipelines[0];
    CHECK_STR(p->name, S("traces/eu"));
    CHECK_INT(p->signal, SIGNAL_TRACES);
    CHECK_INT(p->n_processors, 2);
    CHECK_STR(p->processors[0].name, S("filter"));
    CHECK(p->processors[0].options == NULL);
    CHECK_STR(p->processors[1].name, S("attributes/a"));
    CHECK(tree_get(p->processors[1].options, S("actions")) != NULL);
    CHECK_INT(p->batch.send_batch_size, 50);
    CHECK_INT(p->batch.max_rows, 80);
    CHECK_INT(p->batch.timeout, 200 * NANOS_MS);
    CHECK_INT(p->n_exporters, 2);
    const struct graph_exporter *far = &g.exporters[p->exporters[0]];
    CHECK_STR(far->name, S("clickhouse/far"));
    CHECK(far->is_clickhouse && !far->common.block_on_overflow);
    CHECK_STR(far->store.url, S("https://db:8443"));
    CHECK_STR(far->store.database, S("otel"));
    CHECK_STR(far->store.user, S("u"));
    CHECK_STR(far->store.password, S("p"));
    CHECK_INT(far->store.request_timeout_ms, 5000);
    CHECK_STR(g.exporters[p->exporters[1]].name, S("debug"));
    CHECK_INT(g.pipelines[1].signal, SIGNAL_METRICS);
    CHECK_INT(g.pipelines[1].batch.timeout, NANOS_MS);
    CHECK_INT(g.pipelines[1].exporters[0], p->exporters[1]);
    CHECK_INT(g.n_exporters, 2);
}

TEST(graph_warns_of_what_nothing_names)
{
    struct graph g;
    CHECK_INT(read(whole, &g), ST_OK);
    CHECK_INT(g.n_warnings, 1);
    CHECK_STR(g.warnings[0], S("w.yaml:11:3: exporters.otlp_grpc/b: no pipeline names it"));
}

TEST(graph_warns_of_sizes_of_queues_that_are_not_there)
{
    struct graph g;
    CHECK_INT(read(S("receivers: {otlp: }\n"
                     "exporters: {debug: {sending_queue: {queue_size: 5, storage: x}}}\n"
                     "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}\n"),
                   &g),
              ST_OK);
    CHECK_INT(g.n_warnings, 2);
    CHECK_STR(g.warnings[0], S("w.yaml:2:37: exporters.debug.sending_queue.queue_size: changes "
                               "nothing: the journal is the queue (journal.max_size)"));
}

TEST(graph_is_printed_as_comments)
{
    struct graph g;
    CHECK_INT(read(whole, &g), ST_OK);
    struct buf out;
    buf_init(&out, 1 << 16);
    graph_print(&g, &out);
    CHECK_STR(buf_str(&out),
              S("# pipelines:\n"
                "#   traces/eu: otlp -> filter, attributes/a, batch 50 -> clickhouse/far, debug\n"
                "#   metrics: otlp -> batch 10000 -> debug\n"));
    buf_done(&out);
}

/* What is wrong, in a file whose other parts are right: sections above, one pipeline below. */
static str with(const char *sections, const char *pipelines)
{
    static char text[4096];
    snprintf(text, sizeof text, "%s\nservice: {pipelines: {%s}}\n", sections, pipelines);
    return str_of(text);
}
#define PARTS \
    "receivers: {otlp: }\nprocessors: {batch: , batch/2: , filter: }\nexporters: {debug: }"

TEST(graph_refuses_what_is_not_defined_twice_or_missing_with_its_place)
{
    CHECK_STR(refusal(with(PARTS, "traces: {receivers: [otlp], exporters: [debgu]}")),
              S("w.yaml:4:63: service.pipelines.traces.exporters[0]: no exporter \"debgu\" is "
                "defined; did you mean \"debug\"?"));
    CHECK_STR(refusal(with(PARTS, "traces: {receivers: [oltp], exporters: [debug]}")),
              S("w.yaml:4:44: service.pipelines.traces.receivers[0]: no receiver \"oltp\" is "
                "defined; did you mean \"otlp\"?"));
    CHECK_STR(refusal(with(PARTS, "logs: {receivers: [otlp], processors: [filter, batch, filter], "
                                  "exporters: [debug]}")),
              S("w.yaml:4:77: service.pipelines.logs.processors[2]: \"filter\" is in this pipeline "
                "a second time"));
    CHECK_STR(refusal(with(PARTS, "logs: {receivers: [otlp], processors: [batch, batch/2], "
                                  "exporters: [debug]}")),
              S("w.yaml:4:23: service.pipelines.logs: a pipeline has one batch: \"batch\" and "
                "\"batch/2\" are two"));
    CHECK_STR(refusal(with(PARTS, "logs: {exporters: [debug]}")),
              S("w.yaml:4:23: service.pipelines.logs: a pipeline needs a receiver"));
    CHECK_STR(refusal(with(PARTS, "logs: {receivers: [otlp]}")),
              S("w.yaml:4:23: service.pipelines.logs: a pipeline needs exporters"));
    CHECK_STR(refusal(with(PARTS, "trace: {receivers: [otlp], exporters: [debug]}")),
              S("w.yaml:4:23: service.pipelines.trace: a pipeline is called traces, metrics or "
                "logs, or one of them and a suffix; did you mean \"traces\"?"));
    CHECK_STR(refusal(with(PARTS, "logs: {receivers: [otlp], exporter: [debug]}")),
              S("w.yaml:4:49: service.pipelines.logs.exporter: no such option; did you mean "
                "\"exporters\"?"));
    CHECK_STR(refusal(with(PARTS, "")), S("w.yaml:4:11: service.pipelines: no pipelines"));
    CHECK_STR(refusal(S(PARTS)), S("w.yaml:1:1: receivers, processors and exporters without "
                                   "service.pipelines, which says what is used"));
}

TEST(graph_refuses_types_it_does_not_have)
{
    const char *p = "logs: {receivers: [otlp], exporters: [debug]}";
    CHECK_STR(
        refusal(with("receivers: {otlp: }\nprocessors:\n  atributes/1:\nexporters: {debug: }", p)),
        S("w.yaml:3:3: processors.atributes/1: weir has no processor of the type "
          "\"atributes\"; did you mean \"attributes\"?"));
    CHECK_STR(refusal(with("receivers: {otlp: }\nexporters:\n  kafka:\n  debug:", p)),
              S("w.yaml:3:3: exporters.kafka: weir has no exporter of the type \"kafka\""));
    CHECK_STR(refusal(with("receivers: {otlp: }\nexporters:\n  debug/:\n", p)),
              S("w.yaml:3:3: exporters.debug/: \"debug/\" is not type or type/suffix, of letters, "
                "digits, _ (and - . : in the suffix)"));
    CHECK_STR(refusal(with("extensions: {health_check: }\n" PARTS, p)),
              S("w.yaml:1:14: extensions.health_check: weir answers /health and /ready at "
                "admin.endpoint; leave it out"));
    CHECK_STR(refusal(with("extensions: {basicaut: }\n" PARTS, p)),
              S("w.yaml:1:14: extensions.basicaut: weir has no such extension; did you mean "
                "\"basicauth\"?"));
    CHECK_STR(refusal(with("connectors: {spanmetrics: }\n" PARTS, p)),
              S("w.yaml:1:1: connectors: weir has no connectors: name the exporters in each "
                "pipeline; RED metrics of spans are made without one"));
}

TEST(graph_refuses_of_clickhouse_what_weir_does_otherwise)
{
    static const struct {
        const char *options, *why;
    } all[] = {
        {"endpoint: 'tcp://db:9000?dial_timeout=10s'",
         "25: exporters.clickhouse.endpoint: weir speaks ClickHouse's HTTP interface: write "
         "http://db:8123"},
        {"endpoint: 'clickhouse://u:p@[::1]:9000/otel'",
         "25: exporters.clickhouse.endpoint: weir speaks ClickHouse's HTTP interface: write "
         "http://[::1]:8123"},
        {"endpoint: 'db:8123'",
         "25: exporters.clickhouse.endpoint: \"db:8123\" is not http://host:8123 or "
         "https://host:8443"},
        {"endpoint: 'http://u:p@db:8123'",
         "25: exporters.clickhouse.endpoint: write username and password apart, not in the "
         "endpoint"},
        {"endpoint: 'http://db:8123?x=1'",
         "25: exporters.clickhouse.endpoint: no parameters in the endpoint: write database, "
         "username, password and timeout apart"},
        {"endpoint: 'http://a:8123, b:8123'",
         "25: exporters.clickhouse.endpoint: \"b:8123\" is not http://host:8123 or "
         "https://host:8443"},
        {"endpoint: 'http://a:8123,'",
         "25: exporters.clickhouse.endpoint: nothing behind the last comma"},
        {"tls: {ca_pem: x}", "21: exporters.clickhouse.tls.ca_pem: no such option here"},
        {"ttl: 72h", "15: exporters.clickhouse.ttl: retention.traces, retention.logs and "
                     "retention.metrics say how long rows are kept"},
        {"database: x", "15: exporters.clickhouse.database: without an endpoint this is weir's own "
                        "store: store.database, store.user, store.password and store.tls are its "
                        "options"},
        {"endpont: x", "15: exporters.clickhouse.endpont: no such option; did you mean "
                       "\"endpoint\"?"},
        {"sending_queue: {enabled: false}",
         "40: exporters.clickhouse.sending_queue.enabled: the journal is the queue of every "
         "exporter and cannot be left out"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char sections[400], want[400];
        snprintf(sections, sizeof sections, "receivers: {otlp: }\nexporters:\n clickhouse: {%s}",
                 all[i].options);
        snprintf(want, sizeof want, "w.yaml:3:%s", all[i].why);
        CHECK_STR(refusal(with(sections, "logs: {receivers: [otlp], exporters: [clickhouse]}")),
                  str_of(want));
    }
}

TEST(graph_refuses_batches_that_cannot_be)
{
    const char *p = "logs: {receivers: [otlp], processors: [batch], exporters: [debug]}";
    CHECK_STR(refusal(with("receivers: {otlp: }\nexporters: {debug: }\nprocessors:\n"
                           "  batch: {send_batch_size: 10, send_batch_max_size: 5}",
                           p)),
              S("w.yaml:4:53: processors.batch.send_batch_max_size: 5 is less than "
                "send_batch_size, 10"));
    CHECK_STR(refusal(with("receivers: {otlp: }\nexporters: {debug: }\nprocessors:\n"
                           "  batch: {metadata_keys: [tenant]}",
                           p)),
              S("w.yaml:4:11: processors.batch.metadata_keys: weir batches by signal only: a "
                "request's metadata is not kept"));
}

TEST(graph_takes_no_more_routes_than_the_journal_has_cursors)
{
    char pipelines[2048];
    size_t n = 0;
    for (int i = 0; i < 17; i++)
        n += (size_t)snprintf(pipelines + n, sizeof pipelines - n,
                              "logs/%d: {receivers: [otlp], exporters: [debug]}, ", i);
    str said = refusal(with(PARTS, pipelines));
    CHECK(memmem(said.ptr, said.len, "service.pipelines.logs/16: more than 16 exporters", 49));
}

/* The YAML between ```yaml and ``` is what the page shows as an example. */
TEST(graph_page_shows_an_example_that_is_read)
{
    static const str open = S("```yaml\n"), close = S("\n```");
    str page = test_repository_file("docs/pipelines.md");
    const char *at = page.len ? memmem(page.ptr, page.len, open.ptr, open.len) : NULL;
    CHECK(at != NULL);
    str rest = str_drop(page, (size_t)(at - page.ptr) + open.len);
    const char *end = rest.len ? memmem(rest.ptr, rest.len, close.ptr, close.len) : NULL;
    CHECK(end != NULL);
    struct graph g = {0};
    status s = read((str){rest.ptr, (size_t)(end - rest.ptr)}, &g);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
    CHECK_INT(g.n_pipelines, 3);
    CHECK_INT(g.n_warnings, 0);
}

TEST(graph_reads_of_clickhouse_several_addresses_tls_and_compression)
{
    struct graph g;
    CHECK_INT(
        read(S("receivers: {otlp: }\n"
               "exporters:\n"
               "  clickhouse: {endpoint: 'https://a:8443,https://b:8443', compress: lz4,\n"
               "    tls: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem,\n"
               "      insecure_skip_verify: true}}\n"
               "service: {pipelines: {logs: {receivers: [otlp], exporters: [clickhouse]}}}\n"),
             &g),
        ST_OK);
    const struct store_options *o = &g.exporters[0].store;
    CHECK_INT(o->driver, STORE_SERVER);
    CHECK_STR(o->url, S("https://a:8443,https://b:8443"));
    CHECK_INT(o->compression, STORE_COMPRESS_LZ4);
    CHECK_STR(o->tls.ca_file, S("ca.pem"));
    CHECK_STR(o->tls.cert_file, S("c.pem"));
    CHECK_STR(o->tls.key_file, S("k.pem"));
    CHECK(o->tls.insecure_skip_verify);
}
