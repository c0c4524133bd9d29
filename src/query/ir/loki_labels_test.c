#include "query/ir/loki_labels.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json_in.h"
#include "base/num.h"
#include "testing/test.h"

static struct arena arena;

static str printed(const struct loki_labels *l)
{
    static struct buf b;
    if (!b.max) buf_init(&b, 1 << 20);
    buf_clear(&b);
    loki_labels_print(&b, l);
    return buf_str(&b);
}

TEST(loki_names_are_sanitised_like_prometheus_labels)
{
    arena_init(&arena, 1 << 20);
    CHECK_STR(loki_name(&arena, S("http.status-code")), S("http_status_code"));
    CHECK_STR(loki_name(&arena, S("a..__b")), S("a_b"));
    CHECK_STR(loki_name(&arena, S("4xx")), S("key_4xx"));
    CHECK_STR(loki_name(&arena, S("Plain_1")), S("Plain_1"));
    CHECK_STR(loki_name(&arena, S("\xc3\xa9t")), S("_t"));
    arena_done(&arena);
}

TEST(loki_resource_attributes_become_labels_or_metadata)
{
    arena_init(&arena, 1 << 20);
    str keys[] = {S("service.name"), S("host.name"), S("k8s.pod.name"), S("deep")};
    str values[] = {S("shop"), S("h1"), S("p1"),
                    S("{\"a\":{\"b.c\":1},\"list\":[1,\"x\"],\"t\":true}")};
    struct loki_attrs attrs = {keys, values, 4, S("sssk")};
    struct loki_labels labels, metadata;
    loki_resource(&arena, &attrs, &labels, &metadata);
    CHECK_STR(printed(&labels), S("{k8s_pod_name=\"p1\", service_name=\"shop\"}"));
    CHECK_STR(
        printed(&metadata),
        S("{deep_a_b_c=\"1\", deep_list=\"[1,\\\"x\\\"]\", deep_t=\"true\", host_name=\"h1\"}"));
    attrs.n = 0;
    loki_resource(&arena, &attrs, &labels, &metadata);
    CHECK_STR(printed(&labels), S("{service_name=\"unknown_service\"}"));
    str job[] = {S("k8s.job.name")};
    loki_resource(&arena, &(struct loki_attrs){job, values, 1, S("")}, &labels, &metadata);
    CHECK_STR(printed(&labels), S("{k8s_job_name=\"shop\", service_name=\"shop\"}"));
    arena_done(&arena);
}

TEST(loki_metadata_of_a_record_prefers_the_particular)
{
    arena_init(&arena, 1 << 20);
    str keys[] = {S("user.id"), S("trace_id"), S("host_name")},
        values[] = {S("7"), S("attr"), S("mine")};
    struct loki_labels stream = {0}, resource = {0}, m;
    loki_labels_set(&arena, &stream, S("user_id"), S("s"));
    loki_labels_set(&arena, &resource, S("host_name"), S("h"));
    struct loki_record r = {
        .line = S("x"),
        .severity_number = 9,
        .severity_text = S("Info"),
        .trace_id = S("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"),
        .span_id = S("\0\0\0\0\0\0\0\0"),
        .observed = 5,
        .attrs = {keys, values, 3, {0}},
        .scope_name = S("lib")};
    loki_metadata(&arena, &r, &stream, &resource, &m);
    CHECK_STR(printed(&m),
              S("{detected_level=\"info\", host_name=\"mine\", observed_timestamp=\"5\", "
                "scope_name=\"lib\", severity_number=\"9\", severity_text=\"Info\", "
                "trace_id=\"0102030405060708090a0b0c0d0e0f10\", user_id=\"7\"}"));
    struct loki_labels all = loki_labels_merge(&arena, &stream, &m);
    CHECK_STR(loki_labels_get(&all, S("user_id")), S("s"));
    CHECK_STR(loki_labels_get(&all, S("user_id_extracted")), S("7"));
    arena_done(&arena);
}

TEST(loki_level_is_detected_from_what_there_is)
{
    arena_init(&arena, 1 << 20);
    struct loki_labels none = {0}, named = {0};
    loki_labels_set(&arena, &named, S("lvl"), S("WARNING"));
    CHECK_STR(loki_detected_level(&arena, &none, &named, 17, S("")), S("warn"));
    CHECK_STR(loki_detected_level(&arena, &none, &none, 24, S("info")), S("fatal"));
    CHECK_STR(loki_detected_level(&arena, &none, &none, 0, S("{\"x\":1,\"level\":\"ERR\"}")),
              S("error"));
    CHECK_STR(loki_detected_level(&arena, &none, &none, 0, S("ts=1 level=\"debug\" msg=error")),
              S("debug"));
    CHECK_STR(loki_detected_level(&arena, &none, &none, 0, S("2024 INFO no error here")),
              S("info"));
    CHECK_STR(loki_detected_level(&arena, &none, &none, 0, S("inform the terror")), S("unknown"));
    arena_done(&arena);
}

/* --- cases that are not in the repository --- */

struct json_attrs {
    str keys[32], values[32];
    char types[32];
    uint32_t n;
};

/* A plain JSON value of an AnyValue object, as the tables store it. `j` stands on the AnyValue's {.
 */
static void read_any(struct json_in *j, struct buf *out, char *type, bool quoted)
{
    while (json_next(j) == JSON_KEY) {
        if (str_eq(j->text, S("kvlistValue"))) {
            *type = 'k';
            json_next(j); /* { */
            json_next(j); /* "values" */
            json_next(j); /* [ */
            buf_char(out, '{');
            for (unsigned i = 0; json_next(j) == JSON_OBJECT; i++) {
                char inner;
                if (i) buf_char(out, ',');
                while (json_next(j) == JSON_KEY) {
                    bool key = str_eq(j->text, S("key"));
                    json_next(j);
                    if (key)
                        buf_printf(out, "\"%.*s\":", STR_ARG(j->text));
                    else
                        read_any(j, out, &inner, true);
                }
            }
            buf_char(out, '}');
            json_next(j); /* } of kvlistValue */
        } else {
            json_next(j);
            *type = 's';
            buf_printf(out, quoted ? "\"%.*s\"" : "%.*s", STR_ARG(j->text));
        }
    }
}

static void read_attrs(struct json_in *j, struct json_attrs *to)
{
    json_next(j); /* [ */
    while (json_next(j) == JSON_OBJECT) {
        while (json_next(j) == JSON_KEY) {
            bool key = str_eq(j->text, S("key"));
            json_next(j);
            if (key) {
                to->keys[to->n] = j->text;
            } else {
                struct buf b;
                buf_init(&b, 4096);
                read_any(j, &b, &to->types[to->n], false);
                to->values[to->n] = arena_str(j->arena, buf_str(&b));
                buf_done(&b);
            }
        }
        to->n++;
    }
}

static struct loki_attrs view(const struct json_attrs *a)
{
    return (struct loki_attrs){a->keys, a->values, a->n, {a->types, a->n}};
}

static uint64_t number(str s)
{
    uint64_t v = 0;
    (void)num_parse_u64(s, &v);
    return v;
}

static void read_record(struct json_in *j, struct json_attrs *attrs, struct loki_record *r)
{
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        if (str_eq(key, S("attributes"))) {
            read_attrs(j, attrs);
            continue;
        }
        json_next(j);
        if (str_eq(key, S("body"))) {
            struct buf b;
            char type;
            buf_init(&b, 4096);
            read_any(j, &b, &type, false);
            r->line = arena_str(j->arena, buf_str(&b));
            buf_done(&b);
        } else if (str_eq(key, S("observedTimeUnixNano"))) {
            r->observed = (nanos)number(j->text);
        } else if (str_eq(key, S("severityNumber"))) {
            r->severity_number = (uint8_t)number(j->text);
        } else if (str_eq(key, S("severityText"))) {
            r->severity_text = j->text;
        } else if (str_eq(key, S("droppedAttributesCount"))) {
            r->dropped_attributes = (uint32_t)number(j->text);
        } else if (str_eq(key, S("flags"))) {
            r->flags = (uint32_t)number(j->text);
        } else if (str_eq(key, S("eventName"))) {
            r->event_name = j->text;
        } else if (str_eq(key, S("traceId")) || str_eq(key, S("spanId"))) {
            size_t n = j->text.len / 2;
            char *raw = arena_alloc(j->arena, n, 1);
            if (hex_decode(j->text, raw, n))
                *(str_eq(key, S("traceId")) ? &r->trace_id : &r->span_id) = (str){raw, n};
        }
    }
    r->attrs = view(attrs);
}

static void compare_metadata(struct json_in *j, const struct loki_labels *got, bool *ok)
{
    struct loki_labels want = {0};
    json_next(j);
    while (json_next(j) == JSON_KEY) {
        str name = j->text;
        json_next(j);
        loki_labels_set(j->arena, &want, name, j->text);
    }
    loki_labels_sort(&want);
    struct loki_labels mine = loki_labels_copy(j->arena, got);
    loki_labels_remove(&mine, S("detected_level")); /* added on top of what these cases show */
    *ok = *ok && loki_labels_equal(&mine, &want);
}

/* One record with its expected entry: the cases that have a resource are run by hand in the tests
 * above. */
TEST(loki_conformance_otlp_records)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/loki/cases/otlp_ingest.json", dir);
    struct arena a;
    arena_init(&a, 16 << 20);
    struct json_in j = json_read(test_read_file(path), &a);
    size_t cases = 0, pass = 0;
    json_next(&j);
    while (json_next(&j) == JSON_OBJECT) {
        struct json_attrs *attrs = arena_new(&a, struct json_attrs);
        struct loki_record r = {};
        bool has = false, ok = true;
        while (json_next(&j) == JSON_KEY) {
            if (str_eq(j.text, S("log_record"))) {
                has = true;
                json_next(&j);
                read_record(&j, attrs, &r);
            } else if (str_eq(j.text, S("expected_entry"))) {
                json_next(&j);
                while (json_next(&j) == JSON_KEY) {
                    struct loki_labels none = {0}, got;
                    if (!str_eq(j.text, S("structured_metadata"))) {
                        json_skip(&j);
                        continue;
                    }
                    loki_metadata(&a, &r, &none, &none, &got);
                    compare_metadata(&j, &got, &ok);
                }
            } else {
                json_skip(&j);
            }
        }
        cases += has;
        pass += has && ok;
    }
    CHECK(!j.bad);
    printf("conformance loki/otlp_ingest (records): %zu of %zu\n", pass, cases);
    CHECK(pass == cases);
    arena_done(&a);
}

/* Whole requests: every record with the labels of its stream, in order. */
struct got {
    str labels;
    struct loki_labels metadata;
};

static void read_scope(struct json_in *j, struct json_attrs *attrs, struct loki_record *r)
{
    json_next(j); /* { */
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        if (str_eq(key, S("attributes"))) {
            read_attrs(j, attrs);
            continue;
        }
        json_next(j);
        if (str_eq(key, S("name"))) r->scope_name = j->text;
    }
    r->scope_attrs = view(attrs);
}

/* One element of resourceLogs; `resource` comes first in these cases. */
static uint32_t read_resource_logs(struct json_in *j, struct got *got, uint32_t n)
{
    struct arena *a = j->arena;
    struct json_attrs *attrs = arena_new(a, struct json_attrs);
    struct loki_labels labels, metadata;
    while (json_next(j) == JSON_KEY) {
        if (str_eq(j->text, S("resource"))) {
            json_next(j); /* { */
            while (json_next(j) == JSON_KEY) read_attrs(j, attrs);
            continue;
        }
        struct loki_attrs resource = view(attrs);
        loki_resource(a, &resource, &labels, &metadata);
        json_next(j); /* [ of scopeLogs */
        while (json_next(j) == JSON_OBJECT) {
            struct loki_record scope = {};
            while (json_next(j) == JSON_KEY) {
                if (str_eq(j->text, S("scope"))) {
                    read_scope(j, arena_new(a, struct json_attrs), &scope);
                    continue;
                }
                json_next(j); /* [ of logRecords */
                while (json_next(j) == JSON_OBJECT) {
                    struct loki_record r = scope;
                    read_record(j, arena_new(a, struct json_attrs), &r);
                    loki_metadata(a, &r, &labels, &metadata, &got[n].metadata);
                    got[n++].labels = arena_str(a, printed(&labels));
                }
            }
        }
    }
    return n;
}

static void compare_streams(struct json_in *j, const struct got *got, uint32_t n, bool *ok)
{
    uint32_t at = 0;
    json_next(j); /* [ */
    while (json_next(j) == JSON_OBJECT) {
        str labels = {0};
        while (json_next(j) == JSON_KEY) {
            bool entries = str_eq(j->text, S("entries"));
            json_next(j);
            if (!entries) {
                labels = j->text;
                continue;
            }
            while (json_next(j) == JSON_OBJECT) {
                *ok = *ok && at < n && str_eq(got[at].labels, labels);
                while (json_next(j) == JSON_KEY) {
                    if (str_eq(j->text, S("structured_metadata")) && at < n)
                        compare_metadata(j, &got[at].metadata, ok);
                    else
                        json_skip(j);
                }
                at++;
            }
        }
    }
    *ok = *ok && at == n;
}

TEST(loki_conformance_otlp_requests)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/loki/cases/otlp_ingest.json", dir);
    struct arena a;
    arena_init(&a, 16 << 20);
    struct json_in j = json_read(test_read_file(path), &a);
    size_t cases = 0, pass = 0, configured = 0;
    json_next(&j);
    while (json_next(&j) == JSON_OBJECT) {
        struct got got[16] = {};
        uint32_t n = 0;
        bool has = false, own_config = false, ok = true;
        while (json_next(&j) == JSON_KEY) {
            if (str_eq(j.text, S("otlp_json"))) {
                has = true;
                json_next(&j); /* { */
                json_next(&j); /* "resourceLogs" */
                json_next(&j); /* [ */
                while (json_next(&j) == JSON_OBJECT) n = read_resource_logs(&j, got, n);
                json_next(&j); /* } */
            } else if (str_eq(j.text, S("expected_streams"))) {
                compare_streams(&j, got, n, &ok);
            } else if (str_eq(j.text, S("otlp_config"))) {
                json_next(&j);
                own_config = j.token == JSON_OBJECT;
                json_skip(&j);
            } else {
                json_skip(&j);
            }
        }
        cases += has && !own_config;
        configured += own_config;
        pass += has && !own_config && ok;
    }
    CHECK(!j.bad);
    printf("conformance loki/otlp_ingest (requests): %zu of %zu, %zu with a configuration of their "
           "own left out\n",
           pass, cases, configured);
    CHECK(pass == cases);
    arena_done(&a);
}
