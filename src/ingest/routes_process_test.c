/* What processors drop, and requests that end the process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/json_out.h"
#include "base/yaml.h"
#include "ingest/client_test.h"
#include "ingest/fake_store_test.h"
#include "ingest/routes_fixture_test.h"
#include "testing/test.h"

/* A chain of one processor. The tree lies in `a`. */
static struct process_chain *chain_of(struct arena *a, const char *name, const char *yaml)
{
    struct err err = {0};
    const struct tree *options;
    struct process_chain *c = NULL;
    CHECK_INT(yaml_parse(a, str_of(yaml), "test", NULL, NULL, &options, &err), ST_OK);
    struct process_spec spec = {.name = str_of(name), .options = options};
    if (process_chain_new(SIGNAL_LOGS, &spec, 1, &c, &err) != ST_OK) printf("%s\n", err.msg);
    CHECK(c != NULL);
    return c;
}

/* One pipeline drops everything, the other what one of its services sends: by the first route,
 * live, and by the second, from the journal. */
TEST(what_processors_drop_is_counted_and_its_requests_do_not_stay_in_the_journal)
{
    routes_begin();
    struct arena a;
    arena_init(&a, 1 << 20);
    struct process_chain *none = chain_of(&a, "probabilistic_sampler", "sampling_percentage: 0"),
                         *some = chain_of(&a, "filter/quiet",
                                          "logs: {log_record: ['resource.attributes"
                                          "[\"service.name\"] == \"loud\"']}");
    struct fake_store *f = fake_store_new();
    fake_store_listen(f);
    struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
    struct pipeline_route r[] = {{SIGNAL_LOGS, "logs", 0, none, routes_small},
                                 {SIGNAL_LOGS, "logs/quiet", 0, some, routes_small}};
    struct pipeline_options o = routes_options(&e, 1, r, 2);
    struct pipeline *p = routes_open_pipeline(&o);
    struct err err;
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "loud", 1, 30), 200);
    CHECK_INT(routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 12), 200);
    UNTIL(routes_since(M_ROUTE_JOURNAL_ITEMS, 0) == 0); /* without a flush: the timeout does it */
    CHECK_INT(pipeline_flush(p, 60000, &err), ST_OK);
    CHECK_INT(routes_dropped(0, DROP_SAMPLED), 42);
    CHECK_INT(routes_since(M_DROPPED, metric_signal_reason(SIGNAL_LOGS, DROP_SAMPLED)), 42);
    CHECK_INT(routes_dropped(1, DROP_FILTERED), 30);
    CHECK_INT(routes_since(M_ROUTE_DELIVERED, 1), 12);
    CHECK_INT(routes_since(M_ROUTE_JOURNAL_ITEMS, 1), 0);
    CHECK_INT(fake_store_rows(f, "otel_logs"), 12);
    CHECK_INT(routes_since(M_PROCESSOR_ITEMS, 0), 42);
    CHECK_INT(routes_since(M_PROCESSOR_DROPPED, 0), 42);
    CHECK_INT(routes_since(M_PROCESSOR_ITEMS, 1), 42);
    CHECK_INT(routes_since(M_PROCESSOR_DROPPED, 1), 30);
    CHECK(routes_balances(2));
    pipeline_close(p, 10000);
    store_close(e.store);
    fake_store_free(f);
    process_chain_free(none);
    process_chain_free(some);
    arena_done(&a);
    routes_end();
}

/* A process of its own: requests, one of which ends it when it is inserted. */
static int run_child(bool send)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSEGV, SIG_DFL); /* not the test program's */
        pipeline_note_crashes();
        struct fake_store *f = fake_store_new();
        fake_store_poison(f, "poison");
        struct pipeline_exporter e = routes_to("clickhouse", fake_store_open(f));
        struct pipeline_route r = {SIGNAL_LOGS, "logs", 0, NULL, routes_small};
        struct pipeline_options o = routes_options(&e, 1, &r, 1);
        struct pipeline *p;
        struct err err;
        if (pipeline_open(&o, NULL, &p, &err) != ST_OK) _exit(91);
        if (send && routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "poison", 1, 3) != 200)
            _exit(92);
        fake_store_listen(f);
        if (pipeline_flush(p, 30000, &err) != ST_OK) _exit(93);
        if (routes_send_text(pipeline_http_port(p), SIGNAL_LOGS, "shop", 1, 7) != 200) _exit(94);
        if (pipeline_flush(p, 30000, &err) != ST_OK) _exit(95);
        bool good = fake_store_rows(f, "otel_logs") == 7 && routes_balances(1) &&
                    routes_since(M_ROUTE_JOURNAL_ITEMS, 0) == 0 &&
                    routes_dropped(0, DROP_DEAD) == 3;
        _exit(good ? 0 : 96);
    }
    int ended;
    CHECK(waitpid(pid, &ended, 0) == pid);
    return ended;
}

static bool crashed(int ended) { return WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSEGV; }

TEST(a_request_that_ends_the_process_twice_is_put_aside_and_the_next_start_goes_on)
{
    routes_begin();
    int first = run_child(true), second = run_child(false);
    CHECK(crashed(first));
    CHECK(crashed(second));
    CHECK_INT(routes_dead_count(NULL), 0);
    int third = run_child(false);
    CHECK(WIFEXITED(third));
    CHECK_INT(WEXITSTATUS(third), 0);
    struct dead_entry d = {0};
    CHECK_INT(routes_dead_count(&d), 1);
    CHECK_INT(d.items, 3);
    CHECK(strstr(d.reason, "ended twice") != NULL);
    routes_end();
}
