/* The options every exporter has, and the file exporter on a disk that fills up. */
#include "ingest/export/export.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/yaml.h"
#include "ingest/decode/decode.h"
#include "testing/test.h"

static const struct tree *yaml(struct arena *a, str text)
{
    const struct tree *t = NULL;
    struct err err = {};
    status s = yaml_parse(a, text, "x.yaml", NULL, NULL, &t, &err);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
    return t;
}

TEST(export_common_has_the_stated_defaults_and_reads_the_collectors_names)
{
    struct arena a;
    struct export_common c;
    arena_init(&a, 1 << 20);
    CHECK_INT(export_common_read(NULL, &c, NULL), ST_OK);
    CHECK(c.retry.enabled && c.block_on_overflow);
    CHECK_INT(c.retry.max_tries, 5);
    CHECK_INT(c.retry.initial_interval, NANOS_S);
    CHECK_INT(c.retry.max_interval, 30 * NANOS_S);
    CHECK_NEAR(c.retry.multiplier, 2, 0);
    CHECK_NEAR(c.retry.randomization_factor, 0.5, 0);
    CHECK_INT(c.consumers, 2);
    const struct tree *t =
        yaml(&a, S("other: x\n"
                   "retry_on_failure: {enabled: false, initial_interval: 2s, max_interval: 1m,\n"
                   "  multiplier: 1.5, randomization_factor: 0, max_elapsed_time: 0}\n"
                   "sending_queue: {num_consumers: 7, block_on_overflow: false, queue_size: 100,\n"
                   "  storage: file_storage/x}\n"));
    CHECK_INT(export_common_read(t, &c, NULL), ST_OK);
    CHECK(!c.retry.enabled && !c.block_on_overflow);
    CHECK_INT(c.retry.max_tries, 0);
    CHECK_INT(c.retry.initial_interval, 2 * NANOS_S);
    CHECK_INT(c.retry.max_interval, 60 * NANOS_S);
    CHECK_NEAR(c.retry.multiplier, 1.5, 0);
    CHECK_INT(c.consumers, 7);
    arena_done(&a);
}

TEST(export_common_refuses_what_has_no_meaning_here)
{
    static const str bad[] = {
        {"sending_queue: {enabled: false}", sizeof "sending_queue: {enabled: false}" - 1},
        {"sending_queue: {batch: {max_size: 1}}",
         sizeof "sending_queue: {batch: {max_size: 1}}" - 1},
        {"sending_queue: {num_consumers: 0}", sizeof "sending_queue: {num_consumers: 0}" - 1},
        {"retry_on_failure: {max_elapsed_time: 5m}",
         sizeof "retry_on_failure: {max_elapsed_time: 5m}" - 1},
        {"retry_on_failure: {max_elapsed_time: 0, max_tries: 3}",
         sizeof "retry_on_failure: {max_elapsed_time: 0, max_tries: 3}" - 1},
        {"retry_on_failure: {initial_interval: 1m, max_interval: 1s}",
         sizeof "retry_on_failure: {initial_interval: 1m, max_interval: 1s}" - 1},
        {"retry_on_failure: {multiplier: 0.5}", sizeof "retry_on_failure: {multiplier: 0.5}" - 1},
        {"retry_on_failure: {max_retries: 5}", sizeof "retry_on_failure: {max_retries: 5}" - 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena a;
        struct export_common c;
        struct err err = {};
        arena_init(&a, 1 << 20);
        CHECK_INT(export_common_read(yaml(&a, bad[i]), &c, &err), ST_INVALID);
        CHECK(strncmp(err.msg, "x.yaml:1:", 9) == 0);
        arena_done(&a);
    }
}

static struct telemetry_batch *log_line(struct arena *a, const char *text)
{
    char *body = arena_alloc(a, 4096, 1);
    int n = snprintf(body, 4096,
                     "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":"
                     "{\"stringValue\":\"%s\"}}]}]}]}",
                     text);
    struct decode_options opt = {.received_at = 1};
    struct telemetry_batch *b = NULL;
    status s = decode_request(a, SIGNAL_LOGS, PAYLOAD_JSON, (str){body, (size_t)n}, &opt, &b, NULL);
    CHECK_INT(s, ST_OK);
    return b;
}

TEST(file_on_a_full_disk_has_whole_lines_and_each_exactly_once_when_there_is_room_again)
{
    char path[] = "/tmp/weir-export-XXXXXX", options[200];
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    struct arena a;
    arena_init(&a, 1 << 20);
    snprintf(options, sizeof options, "{path: %s, flush_interval: 0s}", path);
    const struct exporter_spec spec = {S("file/x"), yaml(&a, str_of(options))};
    struct telemetry_batch *batches[] = {log_line(&a, "one"), log_line(&a, "two")};
    struct telemetry_block block = {.signal = SIGNAL_LOGS, .n = 2, .batches = batches};
    struct exporter *e = NULL;
    struct export_progress done = {0}, next = {0};
    struct err err = {};
    uint32_t wait;
    CHECK_INT(exporter_open(&spec, &e, NULL), ST_OK);
    CHECK_INT(exporter_send(e, &block, &done, NULL, &wait, NULL), ST_OK);
    size_t whole = test_read_file(path).len;

    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, low;
    getrlimit(RLIMIT_FSIZE, &old);
    low = (struct rlimit){whole + whole / 2 + 10, old.rlim_max}; /* in the second line */
    setrlimit(RLIMIT_FSIZE, &low);
    status s = exporter_send(e, &block, &next, NULL, &wait, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    (void)signal(SIGXFSZ, before);

    CHECK_INT(s, ST_UNAVAILABLE);
    CHECK_INT(next.batches, 0);
    CHECK_INT(test_read_file(path).len, whole);
    CHECK_INT(exporter_send(e, &block, &next, NULL, &wait, &err), ST_OK);
    CHECK_INT(next.batches, 2);
    CHECK_INT(next.items, 2);
    str text = test_read_file(path);
    CHECK_INT(text.len, 2 * whole);
    CHECK(memcmp(text.ptr, text.ptr + whole, whole) == 0);
    exporter_close(e);
    unlink(path);
    arena_done(&a);
}
