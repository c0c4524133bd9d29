#include "config/config.h"

#include <string.h>

#include "base/value.h"
#include "testing/test.h"

static struct arena arena;
static struct config fresh(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    struct config c;
    config_defaults(&c, &arena);
    return c;
}

static str message(const struct err *e) { return (str){e->msg, strlen(e->msg)}; }

static bool holds(const struct err *e, const char *part) { return strstr(e->msg, part) != NULL; }

TEST(config_defaults_are_the_table)
{
    struct config c = fresh();
    CHECK_INT(c.batch_size, 10000);
    CHECK_INT(c.batch_timeout, 10 * NANOS_S);
    CHECK_INT(c.max_body, 64 << 20);
    CHECK_STR(c.grpc_endpoint, S("127.0.0.1:4317"));
    CHECK_INT(c.ack, 0);
    CHECK_INT(c.retention_logs, 30 * NANOS_DAY);
}

TEST(config_yaml_reads_nested_and_dotted_keys)
{
    struct config c = fresh();
    struct err err;
    status s = config_read_yaml(&c,
                                S("batch:\n  timeout: 500ms\n  send_batch_size: 7\n"
                                  "journal.ack: stored\n"
                                  "receive: {grpc: {endpoint: \"0.0.0.0:1\"}}\n"),
                                "x.yaml", &err);
    CHECK_INT(s, ST_OK);
    CHECK_INT(c.batch_timeout, 500 * NANOS_MS);
    CHECK_INT(c.batch_size, 7);
    CHECK_INT(c.ack, 2);
    CHECK_STR(c.grpc_endpoint, S("0.0.0.0:1"));
}

TEST(config_empty_yaml_changes_nothing)
{
    struct config c = fresh();
    struct err err;
    CHECK_INT(config_read_yaml(&c, S(""), "x", &err), ST_OK);
    CHECK_INT(config_read_yaml(&c, S("# only a comment\n"), "x", &err), ST_OK);
    CHECK_INT(c.batch_size, 10000);
}

TEST(config_yaml_tells_line_column_and_the_nearest_name)
{
    struct config c = fresh();
    struct err err;
    CHECK_INT(config_read_yaml(&c, S("batch:\n  time_out: 1s\n"), "weir.yaml", &err), ST_INVALID);
    CHECK_STR(message(&err),
              S("weir.yaml:2:3: no option \"batch.time_out\"; did you mean \"batch.timeout\"?"));
    CHECK_INT(config_read_yaml(&c, S("batch:\n  timeout: soon\n"), "weir.yaml", &err), ST_INVALID);
    CHECK(holds(&err, "weir.yaml:2:12: batch.timeout: \"soon\" is not a duration"));
    CHECK_INT(config_read_yaml(&c, S("a: [1\nb: 2"), "weir.yaml", &err), ST_INVALID);
    CHECK(holds(&err, "weir.yaml:"));
    CHECK_INT(config_read_yaml(&c, S("- 1\n"), "weir.yaml", &err), ST_INVALID);
    CHECK_INT(config_read_yaml(&c, S("journal: {ack: always}"), "weir.yaml", &err), ST_INVALID);
    CHECK(holds(&err, "durable|memory|stored"));
}

TEST(config_environment_overrides_and_names_the_nearest)
{
    struct config c = fresh();
    struct err err;
    char *good[] = {(char[]){"WEIR_BATCH_TIMEOUT=3s"}, (char[]){"PATH=/bin"},
                    (char[]){"WEIR_LIBCHDB=/x"}, NULL};
    CHECK_INT(config_read_env(&c, good, &err), ST_OK);
    CHECK_INT(c.batch_timeout, 3 * NANOS_S);
    char *bad[] = {(char[]){"WEIR_BATCH_TIMOUT=3s"}, NULL};
    CHECK_INT(config_read_env(&c, bad, &err), ST_NOT_FOUND);
    CHECK(holds(&err, "did you mean WEIR_BATCH_TIMEOUT?"));
}

TEST(config_flags_win)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    struct config c;
    struct err err;
    char *env[] = {(char[]){"WEIR_DATA_DIR=/env"}, (char[]){"WEIR_BATCH_SEND_BATCH_SIZE=5"}, NULL};
    char *argv[] = {(char[]){"run"}, (char[]){"--data"}, (char[]){"/flag"},
                    (char[]){"--batch.timeout=1m"}, (char[]){"--store=http://h:1"}};
    CHECK_INT(config_load(&c, &arena, 5, argv, env, &err), ST_OK);
    CHECK_STR(c.data_dir, S("/flag"));
    CHECK_STR(c.store_url, S("http://h:1"));
    CHECK_INT(c.batch_size, 5);
    CHECK_INT(c.batch_timeout, 60 * NANOS_S);
    char *typo[] = {(char[]){"run"}, (char[]){"--batch.timeot=1m"}};
    CHECK_INT(config_load(&c, &arena, 2, typo, env, &err), ST_NOT_FOUND);
    CHECK(holds(&err, "did you mean \"batch.timeout\"?"));
}

TEST(config_values_without_a_meaning_are_refused)
{
    struct config c = fresh();
    struct err err;
    CHECK_INT(config_set(&c, S("journal.reserve"), S("0"), &err), ST_INVALID);
    CHECK(strcmp(err.msg, "journal.reserve: at least 1MiB") == 0);
    CHECK_INT(config_set(&c, S("journal.reserve"), S("1MiB"), &err), ST_OK);
    CHECK_INT(config_set(&c, S("batch.timeout"), S("0"), &err), ST_INVALID);
    CHECK(strcmp(err.msg, "batch.timeout: at least 1ms") == 0);
    CHECK_INT(config_set(&c, S("query.max_rows"), S("0"), &err), ST_INVALID);
    CHECK_INT(config_set(&c, S("receive.workers"), S("0"), &err), ST_OK);
    CHECK_INT(config_set(&c, S("retention.logs"), S("0"), &err), ST_OK);
}

TEST(config_printed_is_read_back)
{
    struct config c = fresh(), d = c;
    struct err err;
    CHECK_INT(config_set(&c, S("batch.timeout"), S("90s"), &err), ST_OK);
    CHECK_INT(config_set(&c, S("store.password"), S("hush"), &err), ST_OK);
    CHECK_INT(config_set(&c, S("store.password_file"), S("/open/name"), &err), ST_OK);
    CHECK_INT(config_set(&c, S("receive.auth.bearer_token"), S("hush"), &err), ST_OK);
    CHECK_INT(config_set(&c, S("receive.auth.bearer_tokens_file"), S("shown"), &err), ST_OK);
    struct buf out;
    buf_init(&out, 1 << 16);
    config_print(&c, &out);
    buf_char(&out, 0);
    CHECK(strstr(out.ptr, "hush") == NULL);
    CHECK(strstr(out.ptr, "shown") != NULL);
    out.len--;
    CHECK_INT(config_read_yaml(&d, buf_str(&out), "printed", &err), ST_OK);
    CHECK_INT(d.batch_timeout, 90 * NANOS_S);
    CHECK_INT(d.max_body, 64 << 20);
    buf_done(&out);
}

TEST(config_endpoint_splits_host_and_port)
{
    struct config c = fresh();
    const char *host;
    uint16_t port;
    struct err err;
    CHECK_INT(config_endpoint(&c, S("[::1]:0"), "x", &host, &port, &err), ST_OK);
    CHECK(strcmp(host, "::1") == 0 && port == 0);
    CHECK_INT(config_endpoint(&c, S(":4317"), "x", &host, &port, &err), ST_OK);
    CHECK(strcmp(host, "0.0.0.0") == 0 && port == 4317);
    CHECK_INT(config_endpoint(&c, S("host:70000"), "x", &host, &port, &err), ST_INVALID);
    CHECK_INT(config_endpoint(&c, S("host"), "x", &host, &port, &err), ST_INVALID);
    CHECK_INT(config_endpoint(&c, S("host:1"), "x", &host, &port, &err), ST_INVALID);
    CHECK_STR(message(&err), S("x: \"host\" is not an address (names are not looked up)"));
}

TEST(value_texts_are_read_and_printed)
{
    uint64_t size;
    nanos time;
    struct err err;
    CHECK_INT(value_size(S("1.5GiB"), &size, &err), ST_OK);
    CHECK_INT(size, 1610612736);
    CHECK_INT(value_size(S("10MB"), &size, &err), ST_OK);
    CHECK_INT(size, 10000000);
    CHECK_INT(value_size(S("10 MB"), &size, &err), ST_INVALID);
    CHECK_INT(value_time(S("1h30m"), &time, &err), ST_OK);
    CHECK_INT(time, 90 * 60 * NANOS_S);
    CHECK_INT(value_time(S("5"), &time, &err), ST_INVALID);
    CHECK_INT(value_time(S(""), &time, &err), ST_INVALID);
}

TEST(config_printed_texts_are_read_back_whatever_is_in_them)
{
    static const str texts[] = {
        S("a\"b\\c"),
        S("\n\r\t\x01\x7f"),
        S("\xc2\x85\xc3\xa9\xf0\x9f\x98\x80"),
        S("\xe2\x80\xa8x"),
        S("\xef\xbb\xbf"),
        S("# {[*&"),
        S("${env:HOME} $$ $"),
        S("  "),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config c = fresh(), d = c;
        struct err err = {};
        CHECK_INT(config_set(&c, S("data.dir"), texts[i], &err), ST_OK);
        struct buf out;
        buf_init(&out, 1 << 16);
        config_print(&c, &out);
        CHECK_INT(config_read_yaml(&d, buf_str(&out), "printed", &err), ST_OK);
        CHECK_STR(d.data_dir, texts[i]);
        buf_done(&out);
    }
}

TEST(config_page_lists_every_option)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    config_print_reference(&b, true);
    test_golden_part("docs/configuration.md", "options", buf_str(&b));
    buf_done(&b);
}

/* The YAML between ```yaml and ``` is what the page shows as an example. */
TEST(config_page_shows_an_example_that_is_read)
{
    static const str open = S("```yaml\n"), close = S("\n```");
    str page = test_repository_file("docs/configuration.md");
    const char *at = page.len ? memmem(page.ptr, page.len, open.ptr, open.len) : NULL;
    CHECK(at != NULL);
    str rest = str_drop(page, (size_t)(at - page.ptr) + open.len);
    const char *end = rest.len ? memmem(rest.ptr, rest.len, close.ptr, close.len) : NULL;
    CHECK(end != NULL);
    struct config c = fresh();
    struct err err = {0};
    status s = config_read_yaml(&c, (str){rest.ptr, (size_t)(end - rest.ptr)}, "page", &err);
    CHECK_STR(message(&err), S(""));
    CHECK_INT(s, ST_OK);
}
