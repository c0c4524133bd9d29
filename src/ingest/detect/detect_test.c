#include "ingest/detect/detect.h"

#include <semaphore.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "ingest/detect/world_test.h"
#include "testing/test.h"

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct detected got;
static struct err err;

static void detect(const char *yaml, const char *url)
{
    err.msg[0] = 0;
    status s = world_detect(yaml, url, &got, &err);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
}

static void is(const char *key, const char *value)
{
    CHECK_STR(world_value(&got, key), str_of(value));
}

static void refused(const char *yaml, const char *why)
{
    world_begin();
    CHECK_INT(world_detect(yaml, "", &got, &err), ST_INVALID);
    CHECK_STR(str_of(err.msg), str_of(why));
    world_end();
}

TEST(options_that_do_not_exist_are_refused_with_the_nearest)
{
    refused("detectors: [env]\ndetectos: [x]",
            "w.yaml:2:1: detectos: no such option; did you mean \"detectors\"?");
    refused("detectors: [sistem]",
            "w.yaml:1:12: detectors: weir has no detector \"sistem\"; did you mean system");
    refused("detectors: [env, env]", "w.yaml:1:12: detectors: \"env\" is named twice");
    refused("detectors: [ec2]\nsystem: {hostnam_sources: [os]}",
            "w.yaml:2:10: system.hostnam_sources: no such option; did you mean "
            "\"hostname_sources\"?");
    refused("system: {hostname_sources: [oz]}",
            "w.yaml:1:28: system.hostname_sources: \"oz\" is none of dns, os, cname, lookup");
    refused("system: {resource_attributes: {host.idd: {enabled: true}}}",
            "w.yaml:1:32: system.resource_attributes.host.idd: the detector system has no such "
            "attribute; did you mean host.id");
    refused("system: {resource_attributes: {host.id: {enabled: 7}}}",
            "w.yaml:1:51: system.resource_attributes.host.id.enabled: \"7\" is not true or false");
    refused("refresh_interval: 5m",
            "w.yaml:1:1: refresh_interval: weir detects once, at the start; leave it out");
    refused("ec2: {tags: ['^a$']}",
            "w.yaml:1:7: ec2.tags: weir reads tags from the instance's metadata only: set "
            "tags_from_imds: true, and let the instance show its tags there");
    refused("azure: {tags: ['(']}", "w.yaml:1:15: azure.tags: \"(\": error parsing regexp: "
                                    "missing closing parenthesis: `(`");
}

TEST(options_are_checked_without_running_anything)
{
    struct arena a;
    const struct tree *t;
    arena_init(&a, 1 << 20);
    str good = S("detectors: [ec2, system]\ntimeout: 2s\noverride: false\nec2: {tags: ['^a'], "
                 "tags_from_imds: true, endpoint: 'http://127.0.0.1:1'}\n");
    CHECK_INT(yaml_parse(&a, good, "w.yaml", NULL, NULL, &t, &err), ST_OK);
    CHECK_INT(detect_check(t, &err), ST_OK);
    CHECK_INT(detect_check(NULL, &err), ST_OK);
    CHECK_INT(yaml_parse(&a, S("timeout: x"), "w.yaml", NULL, NULL, &t, &err), ST_OK);
    CHECK_INT(detect_check(t, &err), ST_INVALID);
    arena_done(&a);
}

TEST(env_gives_all_attributes_or_none_and_the_service_name_first)
{
    world_begin();
    world_env("OTEL_RESOURCE_ATTRIBUTES=service.name=a,deployment.environment.name=pro%64");
    detect("detectors: [env]", "");
    is("service.name", "a");
    is("deployment.environment.name", "prod");
    CHECK_INT(got.n, 2);
    CHECK(got.schema_url.len > 0);
    world_env("OTEL_SERVICE_NAME=b");
    detect("{}", "");
    is("service.name", "b");
    CHECK_INT(got.n, 2);
    world_end();
    world_begin();
    world_env("OTEL_RESOURCE_ATTRIBUTES=a=b,broken");
    detect("detectors: [env]", "");
    CHECK_INT(got.n, 0);
    CHECK_INT(got.schema_url.len, 0);
    world_end();
}

static void machine(void)
{
    world_begin();
    world_file("/proc/sys/kernel/hostname", "box\n");
    world_file("/etc/hosts", "127.0.0.1 localhost\n10.0.0.7 box.example.org box\n");
    world_file("/var/lib/dbus/machine-id", "4d3c2b1a\n");
    world_file("/etc/os-release",
               "PRETTY_NAME=\"Debian GNU/Linux 12\"\nNAME=Debian\nVERSION_ID=12\n");
    world_file("/proc/cpuinfo", "vendor_id : V\ncpu family : 6\nmodel : 85\nmodel name : N\n"
                                "stepping : 7\ncache size : 512 KB\n");
}

TEST(system_gives_the_name_and_what_was_asked_for)
{
    machine();
    detect("detectors: [system]", "");
    is("host.name", "box.example.org");
    is("os.type", "linux");
    CHECK_INT(got.n, 2);
    detect("detectors: [system]\nsystem: {hostname_sources: [os], resource_attributes: {"
           "host.id: {enabled: true}, host.arch: {enabled: true}, os.description: {enabled: true}, "
           "os.name: {enabled: true}, os.version: {enabled: true}, host.cpu.family: {enabled: "
           "true}, host.cpu.cache.l2.size: {enabled: true}, os.type: {enabled: false}}}",
           "");
    is("host.name", "box");
    is("host.id", "4d3c2b1a");
    is("os.type", "-");
    is("os.description", "Debian GNU/Linux 12");
    is("os.name", "Debian");
    is("os.version", "12");
    is("host.cpu.family", "6");
    is("host.cpu.cache.l2.size", "524288");
    CHECK(world_value(&got, "host.arch").len > 1);
    world_file("/etc/machine-id", "first\n");
    detect("detectors: [system]\nsystem: {hostname_sources: [os], resource_attributes: {host.id: "
           "{enabled: true}}}",
           "");
    is("host.id", "first");
    world_end();
}

TEST(addresses_of_this_machine_are_lists)
{
    machine();
    detect("detectors: [system]\nsystem: {hostname_sources: [os], resource_attributes: {host.ip: "
           "{enabled: true}, host.mac: {enabled: true}}}",
           "");
    for (size_t i = 0; i < got.n; i++)
        if (got.attrs[i].n_list)
            for (size_t k = 0; k < got.attrs[i].n_list; k++) CHECK(got.attrs[i].list[k].len > 2);
    world_end();
}

TEST(process_is_read_from_proc)
{
    world_begin();
    world_file("/proc/self/stat", "123 (a ) b) S 45 1 1");
    world_file("/proc/self/cmdline", "weir");
    world_link("/proc/self/exe", "/usr/bin/weir");
    detect("detectors: [process]\nprocess: {resource_attributes: {process.parent_pid: {enabled: "
           "true}, process.command_args: {enabled: true}}}",
           "");
    is("process.pid", "123");
    is("process.parent_pid", "45");
    is("process.executable.name", "weir");
    is("process.executable.path", "/usr/bin/weir");
    is("process.command_args", "[weir]");
    world_end();
}

TEST(container_is_found_by_cgroup_or_mounts)
{
    world_begin();
    detect("detectors: [container]", "");
    CHECK_INT(got.n, 0);
    world_file("/proc/self/cgroup", "0::/\n");
    world_file("/proc/self/mountinfo", "1 2 8:1 /d/containers/" ID64 "/hostname /etc/hostname rw");
    detect("detectors: [container]", "");
    is("container.id", ID64);
    world_end();
}

TEST(kubernetes_is_read_from_the_pod)
{
    world_begin();
    world_env("HOSTNAME=pod-1");
    detect("detectors: [kubernetes]", "");
    CHECK_INT(got.n, 0);
    world_env("KUBERNETES_SERVICE_HOST=10.0.0.1");
    world_env("K8S_NODE_NAME=node-1");
    world_env("POD_UID=u-1");
    world_file("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "shop");
    detect("detectors: [kubernetes]", "");
    is("k8s.pod.name", "pod-1");
    is("k8s.node.name", "node-1");
    is("k8s.pod.uid", "u-1");
    is("k8s.namespace.name", "shop");
    world_end();
}

TEST(the_first_detector_that_has_a_key_wins)
{
    machine();
    world_env("OTEL_RESOURCE_ATTRIBUTES=host.name=mine,a=b");
    detect("detectors: [env, system]", "");
    is("host.name", "mine");
    is("a", "b");
    is("os.type", "linux");
    detect("detectors: [system, env]", "");
    is("host.name", "box.example.org");
    world_end();
}

TEST(a_server_that_accepts_and_never_answers_costs_the_timeout_and_no_more)
{
    machine();
    nanos from = clock_monotonic();
    detect("detectors: [ec2, system]\ntimeout: 300ms\nec2: {endpoint: '%s'}", world_mute());
    nanos took = clock_monotonic() - from;
    CHECK(took >= 250 * NANOS_MS); /* the detector did wait */
    CHECK(took < 60 * NANOS_S);    /* and not for ever; the timeout is of the machine's mood */
    is("os.type", "linux");
    is("cloud.provider", "-");
    world_end();
}

static sem_t go, gone;

static status held(struct detection *d, struct err *)
{
    sem_wait(&go);
    detect_put_named(d, S(""), S("late"), S("x"));
    sem_post(&gone);
    return ST_OK;
}

static status quick(struct detection *d, struct err *)
{
    detect_put_named(d, S(""), S("quick"), S("x"));
    return ST_OK;
}

TEST(a_detector_that_cannot_be_stopped_is_left_alone)
{
    static const struct detector fakes[] = {{.name = S("held"), .run = held},
                                            {.name = S("quick"), .run = quick}};
    struct detect_plan p = {.list = {&fakes[0], &fakes[1]}, .n = 2, .timeout = 200 * NANOS_MS};
    struct arena a;
    arena_init(&a, 1 << 20);
    sem_init(&go, 0, 0);
    sem_init(&gone, 0, 0);
    struct world w = {.root = "/nowhere"};
    CHECK_INT(detect_run(&a, &p, &w, &got, &err), ST_OK); /* while `held` waits for us */
    CHECK_INT(got.n, 1);
    is("quick", "x");
    sem_post(&go);
    sem_wait(&gone);
    arena_done(&a);
}

static void put_keys(struct buf *out, const struct detector *d, bool on)
{
    const char *comma = "";
    for (size_t i = 0; i < d->n_keys; i++) {
        if (d->keys[i].on != on) continue;
        buf_printf(out, "%s`%s`", comma, d->keys[i].key);
        comma = ", ";
    }
}

TEST(the_page_for_users_lists_every_detector)
{
    static const struct {
        unsigned takes;
        const char *text;
    } options[] = {
        {TAKES_ENDPOINT, "`endpoint`"},      {TAKES_TAGS, "`tags`"},
        {TAKES_IMDS, "`tags_from_imds`"},    {TAKES_HOSTNAME, "`hostname_sources`"},
        {TAKES_NODE, "`node_from_env_var`"}, {TAKES_API, "`api_endpoint`, `auth_type`"},
    };
    struct buf out;
    buf_init(&out, 1 << 20);
    buf_add(&out, S("| detector | gives | gives when enabled | options |\n| --- | --- | --- | --- "
                    "|\n"));
    for (size_t i = 0; i < n_detectors; i++) {
        const struct detector *d = &detectors[i];
        const char *comma = "";
        buf_printf(&out, "| `" STR_FMT "`", STR_ARG(d->name));
        if (d->old_name.len) buf_printf(&out, " (`" STR_FMT "`)", STR_ARG(d->old_name));
        buf_add(&out, S(" | "));
        put_keys(&out, d, true);
        buf_add(&out, S(" | "));
        put_keys(&out, d, false);
        buf_add(&out, S(" | "));
        for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
            if (!(d->takes & options[k].takes)) continue;
            buf_printf(&out, "%s%s", comma, options[k].text);
            comma = ", ";
        }
        buf_add(&out, S(" |\n"));
    }
    test_golden_part("docs/detection.md", "detectors", buf_str(&out));
    buf_done(&out);
}
