#include "model/prometheus_name.h"

#include <stdio.h>

#include "base/json_in.h"
#include "model/trace_hash.h"
#include "testing/test.h"

static struct arena arena;
static struct err err;

static const struct prometheus_namer standard = {PROMETHEUS_UNDERSCORES_WITH_SUFFIXES, {0}};

static void begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 22);
}

static str name_of(str name, str unit, enum prometheus_kind kind)
{
    str made = S("");
    begin();
    if (prometheus_metric_name(&arena, &standard, name, unit, kind, &made, &err) != ST_OK)
        return S("(none)");
    return made;
}

TEST(a_metric_gets_its_unit_and_kind_as_suffixes)
{
    CHECK_STR(name_of(S("jvm.memory.used"), S("By"), PROMETHEUS_OTHER), S("jvm_memory_used_bytes"));
    CHECK_STR(name_of(S("rpc.calls"), S("{call}"), PROMETHEUS_COUNTER), S("rpc_calls_total"));
    CHECK_STR(name_of(S("cpu.load"), S("1"), PROMETHEUS_GAUGE), S("cpu_load_ratio"));
    CHECK_STR(name_of(S("total.io"), S("By"), PROMETHEUS_COUNTER), S("io_bytes_total"));
    CHECK_STR(name_of(S("9lives"), S(""), PROMETHEUS_OTHER), S("_9lives"));
    CHECK_STR(name_of(S("wait.seconds"), S("s"), PROMETHEUS_OTHER), S("wait_seconds"));
    CHECK_STR(name_of(S("a:b"), S(""), PROMETHEUS_OTHER), S("a:b"));
    CHECK_STR(name_of(S("..."), S(""), PROMETHEUS_OTHER), S("(none)"));
    CHECK_STR(name_of(S(""), S(""), PROMETHEUS_OTHER), S("(none)"));
    CHECK_STR(name_of(S("x"), S("/"), PROMETHEUS_OTHER), S("x"));
}

TEST(units_are_spelled_out)
{
    begin();
    CHECK_STR(prometheus_unit_name(&arena, S("ms")), S("milliseconds"));
    CHECK_STR(prometheus_unit_name(&arena, S(" MBy / min ")), S("megabytes_per_min"));
    CHECK_STR(prometheus_unit_name(&arena, S("{packet}/s")), S("per_second"));
    CHECK_STR(prometheus_unit_name(&arena, S("")), S(""));
}

TEST(the_kind_is_taken_from_the_metric)
{
    CHECK_INT(prometheus_kind_of(&(struct metric_desc){.type = METRIC_GAUGE}), PROMETHEUS_GAUGE);
    CHECK_INT(prometheus_kind_of(&(struct metric_desc){.type = METRIC_SUM}), PROMETHEUS_OTHER);
    CHECK_INT(prometheus_kind_of(&(struct metric_desc){.type = METRIC_SUM, .monotonic = true}),
              PROMETHEUS_COUNTER);
}

static struct attr text_attr(str key, str value)
{
    return (struct attr){key, {.type = ATTR_STRING, .text = value}};
}

static struct prometheus_naming naming;

static void check_labels(const struct attr *attrs, size_t n, const struct attr *resource,
                         size_t n_resource, str want)
{
    char out[1000];
    size_t len = 0;
    struct attr *labels;
    begin();
    size_t made = prometheus_labels(
        &arena, &naming,
        &(struct prometheus_series){
            .attrs = attrs, .n_attrs = n, .resource = resource, .n_resource = n_resource},
        &labels);
    for (size_t i = 0; i < made; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, STR_FMT "=" STR_FMT "\n",
                                STR_ARG(labels[i].key), STR_ARG(labels[i].value.text));
    CHECK_STR(((str){out, len}), want);
}

TEST(labels_are_sanitised_joined_and_sorted)
{
    struct attr attrs[] = {
        text_attr(S("z.b"), S("2")),
        text_attr(S("z-b"), S("1")),
        text_attr(S("empty"), S("")),
        text_attr(S("le"), S("5")),
        text_attr(S("__name__"), S("n")),
        text_attr(S("???"), S("q")),
        text_attr(S("4xx"), S("y")),
        text_attr(S("_x"), S("u")),
        {S("ok"), {.type = ATTR_BOOL, .i = 1}},
        {S("raw"), {.type = ATTR_BYTES, .text = S("\1\2")}},
    };
    check_labels(attrs, sizeof attrs / sizeof *attrs, NULL, 0,
                 S("key_4xx=y\nkey_x=u\nok=true\nraw=AQI=\nz_b=1;2\n"));
}

TEST(job_and_instance_come_from_the_resource)
{
    struct attr resource[] = {
        text_attr(S("service.name"), S("cart")), text_attr(S("service.namespace"), S("shop")),
        text_attr(S("service.instance.id"), S("i-1")), text_attr(S("host.name"), S("h"))};
    struct attr attrs[] = {text_attr(S("job"), S("mine")), text_attr(S("a"), S("b"))};
    check_labels(attrs, 2, resource, 4, S("a=b\ninstance=i-1\njob=shop/cart\n"));
    check_labels(attrs, 2, resource, 1, S("a=b\njob=cart\n"));
    check_labels(attrs, 2, NULL, 0, S("a=b\njob=mine\n"));
}

TEST(resource_attributes_are_promoted_but_hide_none_of_the_points)
{
    struct attr resource[] = {text_attr(S("service.name"), S("cart")),
                              text_attr(S("host.name"), S("h")),
                              text_attr(S("host-name"), S("second")), text_attr(S("zone"), S("z"))};
    struct attr attrs[] = {text_attr(S("zone"), S("mine"))};
    const str listed[] = {S("host.name"), S("zone"), S("absent")};
    naming = (struct prometheus_naming){.attributes = listed, .n_attributes = 3};
    check_labels(attrs, 1, resource, 4, S("host_name=h\njob=cart\nzone=mine\n"));
    naming.promote_all = true; /* all but these */
    check_labels(attrs, 1, resource, 4,
                 S("host_name=second\njob=cart\nservice_name=cart\nzone=mine\n"));
    naming = (struct prometheus_naming){.promote_all = true, .strategy = PROMETHEUS_UNTRANSLATED};
    check_labels(attrs, 1, resource, 4,
                 S("host-name=second\nhost.name=h\njob=cart\nservice.name=cart\nzone=mine\n"));
    naming = (struct prometheus_naming){};
}

TEST(labels_keep_their_characters_where_names_are_not_escaped)
{
    struct attr attrs[] = {text_attr(S("z.b"), S("2")), text_attr(S("z-b"), S("1")),
                           text_attr(S("4xx"), S("y")), text_attr(S("le"), S("5"))};
    struct attr resource[] = {text_attr(S("service.name"), S("cart"))};
    naming = (struct prometheus_naming){.strategy = PROMETHEUS_UTF8_WITH_SUFFIXES};
    check_labels(attrs, 4, resource, 1, S("4xx=y\njob=cart\nz-b=1\nz.b=2\n"));
    naming = (struct prometheus_naming){};
}

TEST(the_scope_is_labels_where_asked_for)
{
    struct attr attrs[] = {text_attr(S("otel.scope.name"), S("mine"))};
    struct attr scope[] = {text_attr(S("a.b"), S("c")), text_attr(S("version"), S("no"))};
    struct prometheus_series from = {.attrs = attrs,
                                     .n_attrs = 1,
                                     .scope = scope,
                                     .n_scope = 2,
                                     .scope_name = S("lib"),
                                     .scope_version = S("1.2")};
    struct attr *labels;
    begin();
    size_t n =
        prometheus_labels(&arena, &(struct prometheus_naming){.scope = true}, &from, &labels);
    CHECK_INT(n, 3);
    CHECK_STR(labels[0].key, S("otel_scope_a_b"));
    CHECK_STR(labels[1].value.text, S("lib"));
    CHECK_STR(labels[2].value.text, S("1.2"));
    from.scope_name = S(""); /* a scope without a name is none */
    n = prometheus_labels(&arena, &(struct prometheus_naming){.scope = true}, &from, &labels);
    CHECK_INT(n, 1);
}

static void check_target(const struct prometheus_naming *n, const struct attr *resource,
                         size_t n_resource, str want)
{
    char out[1000];
    size_t len = 0;
    struct attr *labels;
    begin();
    size_t made = prometheus_target_labels(&arena, n, resource, n_resource, &labels);
    for (size_t i = 0; i < made; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, STR_FMT "=" STR_FMT "\n",
                                STR_ARG(labels[i].key), STR_ARG(labels[i].value.text));
    CHECK_STR(((str){out, len}), want);
}

TEST(target_info_tells_what_does_not_identify)
{
    const struct prometheus_naming keep = {.keep_identifying = true},
                                   plain = {.strategy = PROMETHEUS_UNTRANSLATED};
    struct attr resource[] = {text_attr(S("service.name"), S("cart")),
                              text_attr(S("service.instance.id"), S("i-1")),
                              text_attr(S("host.name"), S("h")), text_attr(S("host_name"), S("i"))};
    check_target(&naming, resource, 4,
                 S("__name__=target_info\nhost_name=h;i\ninstance=i-1\njob=cart\n"));
    check_target(&keep, resource, 3,
                 S("__name__=target_info\nhost_name=h\ninstance=i-1\njob=cart\n"
                   "service_instance_id=i-1\nservice_name=cart\n"));
    check_target(&plain, resource, 4,
                 S("__name__=target_info\nhost.name=h\nhost_name=i\ninstance=i-1\njob=cart\n"));
    check_target(&keep, resource, 2, S(""));       /* nothing besides */
    check_target(&naming, resource + 2, 2, S("")); /* nobody */
    resource[0].value.text = resource[1].value.text = S("");
    check_target(&naming, resource, 4, S(""));
}

TEST(labels_of_prometheus_stay_as_they_are)
{
    struct attr attrs[] = {text_attr(S("_x"), S("u")), text_attr(S("le"), S("5")),
                           text_attr(S("a.b"), S("v"))};
    struct attr resource[] = {text_attr(S("service.name"), S("j/k"))};
    struct attr *labels;
    begin();
    const struct prometheus_series from = {
        .verbatim = true, .attrs = attrs, .n_attrs = 3, .resource = resource, .n_resource = 1};
    CHECK_INT(
        prometheus_labels(&arena, &(struct prometheus_naming){.promote_all = true}, &from, &labels),
        4);
    CHECK_STR(labels[0].key, S("_x"));
    CHECK_STR(labels[1].key, S("a.b"));
    CHECK_STR(labels[2].value.text, S("j/k"));
    CHECK_STR(labels[3].key, S("le"));
}

TEST(the_hash_of_a_trace_id_is_what_the_engine_computes)
{
    CHECK_INT(trace_hash((const uint8_t *)"0123456789abcdef"), 3640271149);
}

/* --- the translator's own cases */

struct fields {
    size_t n;
    struct {
        char path[168];
        str value;
    } list[24];
};

static str field(const struct fields *f, const char *path)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->list[i].path, path) == 0) return f->list[i].value;
    return (str){0};
}

/* The scalars of one object of the array, those of objects in it as "outer.inner". */
static bool next_case(struct json_in *j, struct fields *f)
{
    f->n = 0;
    char outer[84] = "", key[80] = "";
    if (json_next(j) != JSON_OBJECT) return false;
    for (;;) {
        switch (json_next(j)) {
        case JSON_OBJECT: snprintf(outer, sizeof outer, "%s.", key); break;
        case JSON_OBJECT_END:
            if (outer[0] == 0) return true;
            outer[0] = 0;
            break;
        case JSON_KEY: snprintf(key, sizeof key, STR_FMT, STR_ARG(j->text)); break;
        case JSON_STRING:
        case JSON_TRUE:
        case JSON_FALSE:
            CHECK(f->n < 24);
            snprintf(f->list[f->n].path, 168, "%s%s", outer, key);
            f->list[f->n++].value = j->token == JSON_STRING ? j->text
                                    : j->token == JSON_TRUE ? S("yes")
                                                            : S("");
            break;
        case JSON_END: return false;
        default: break;
        }
    }
}

static bool open_cases(const char *file, struct json_in *ret)
{
    const char *dir = test_conformance_dir();
    if (!dir) return false;
    char path[600];
    snprintf(path, sizeof path, "%s/otlp_prom/%s", dir, file);
    begin();
    *ret = json_read(test_read_file(path), &arena);
    CHECK_INT(json_next(ret), JSON_ARRAY);
    return true;
}

static enum prometheus_strategy strategy_of(const struct fields *f)
{
    bool suffixes = field(f, "namer.with_suffixes").len;
    if (field(f, "namer.utf8_allowed").len)
        return suffixes ? PROMETHEUS_UTF8_WITH_SUFFIXES : PROMETHEUS_UNTRANSLATED;
    return suffixes ? PROMETHEUS_UNDERSCORES_WITH_SUFFIXES
                    : PROMETHEUS_UNDERSCORES_WITHOUT_SUFFIXES;
}

TEST(metric_names_are_those_of_the_translators_cases)
{
    struct json_in j;
    if (!open_cases("metric_names.json", &j)) return;
    size_t n = 0;
    for (struct fields f; next_case(&j, &f); n++) {
        str type = field(&f, "metric.type"), made = (str){0};
        struct prometheus_namer namer = {strategy_of(&f), field(&f, "namer.namespace")};
        enum prometheus_kind kind = str_eq(type, S("MonotonicCounter")) ? PROMETHEUS_COUNTER
                                    : str_eq(type, S("Gauge"))          ? PROMETHEUS_GAUGE
                                                                        : PROMETHEUS_OTHER;
        err = (struct err){0};
        status s = prometheus_metric_name(&arena, &namer, field(&f, "metric.name"),
                                          field(&f, "metric.unit"), kind, &made, &err);
        CHECK_STR(((str){err.msg, strlen(err.msg)}), field(&f, "want_error"));
        CHECK_INT(s, field(&f, "want_error").len ? ST_INVALID : ST_OK);
        CHECK_STR(made, field(&f, "want_name"));
        if (namer.strategy == PROMETHEUS_UNDERSCORES_WITH_SUFFIXES)
            CHECK_STR(prometheus_unit_name(&arena, field(&f, "metric.unit")),
                      field(&f, "want_unit"));
    }
    printf("%zu cases\n", n);
    CHECK(n > 40);
}

static void check_label(const struct fields *f, unsigned flags, const char *want, const char *error)
{
    str made = (str){0}, why = field(f, error);
    err = (struct err){0};
    (void)!prometheus_label_name(&arena, field(f, "label"), flags, &made, &err);
    CHECK_STR(((str){err.msg, strlen(err.msg)}), why);
    if (why.len == 0) CHECK_STR(made, field(f, want));
}

TEST(label_names_are_those_of_the_translators_cases)
{
    struct json_in j;
    if (!open_cases("label_names.json", &j)) return;
    size_t n = 0;
    for (struct fields f; next_case(&j, &f); n++) {
        bool multiple = field(&f, "sanitizedMultipleUnderscores").len;
        bool key = field(&f, "sanitizedUnderscoreLabelSanitization").len;
        const char *error = "wantSanitizationError", *base = "sanitized";
        const char *error_multiple = field(&f, "wantSanitizationMultipleUnderscoresError").len
                                         ? "wantSanitizationMultipleUnderscoresError"
                                         : error;
        const char *with_multiple = multiple ? "sanitizedMultipleUnderscores" : base;
        const char *with_key = key ? "sanitizedUnderscoreLabelSanitization" : base;
        check_label(&f, 0, base, error);
        check_label(&f, PROMETHEUS_KEEP_UNDERSCORES, with_multiple, error_multiple);
        check_label(&f, PROMETHEUS_KEY_UNDERSCORE, with_key, error);
        check_label(&f, PROMETHEUS_LABELS_DEFAULT,
                    field(&f, "sanitizedMultipleUnderscoresAndUnderscoreLabelSanitization").len
                        ? "sanitizedMultipleUnderscoresAndUnderscoreLabelSanitization"
                    : key ? with_key
                          : with_multiple,
                    error_multiple);
    }
    printf("%zu cases\n", n);
    CHECK_INT(n, 16);
}
