#include <stdio.h>

#include "config/config.h"
#include "testing/test.h"

static struct arena arena;
static struct config c;

static status read(const char *yaml, struct err *err)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    config_defaults(&c, &arena);
    *err = (struct err){0};
    return config_read_yaml(&c, str_of(yaml), "weir.yaml", err);
}

static void add_name(void *out, str name) { buf_printf(out, STR_FMT " ", STR_ARG(name)); }

TEST(an_override_names_resource_attributes_a_retention_and_signals)
{
    struct err err;
    CHECK_INT(read("retention:\n"
                   "  traces: 14d\n"
                   "  overrides:\n"
                   "    - match: {service.name: checkout, region: eu}\n"
                   "      raw: 7d\n"
                   "    - match: {service.name: payments}\n"
                   "      raw: 90d\n"
                   "      signals: [traces]\n",
                   &err),
              ST_OK);
    CHECK_INT(c.retention_traces, 14 * NANOS_DAY);
    CHECK_INT(c.n_overrides, 2);
    CHECK_INT(c.overrides[0].n_match, 2);
    CHECK_STR(c.overrides[0].match[1].key, S("region"));
    CHECK_INT(c.overrides[0].raw, 7 * NANOS_DAY);
    CHECK(c.overrides[0].signals[0] && c.overrides[0].signals[1] && c.overrides[0].signals[2]);
    CHECK(c.overrides[1].signals[0] && !c.overrides[1].signals[1] && !c.overrides[1].signals[2]);
}

TEST(overrides_that_are_printed_are_read_back)
{
    struct err err;
    CHECK_INT(read("retention.overrides:\n  - {match: {a: \"b: 'c'\"}, raw: 0, signals: [logs, "
                   "metrics]}\n",
                   &err),
              ST_OK);
    struct buf once, twice;
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    config_print(&c, &once);
    buf_char(&once, 0);
    CHECK_INT(read(once.ptr, &err), ST_OK);
    once.len--;
    config_print(&c, &twice);
    CHECK_STR(buf_str(&twice), buf_str(&once));
    CHECK_INT(c.n_overrides, 1);
    CHECK_STR(c.overrides[0].match[0].value, S("b: 'c'"));
    buf_done(&once);
    buf_done(&twice);
}

TEST(an_override_that_is_wrong_is_told_with_its_place)
{
    static const struct {
        const char *yaml, *why;
    } wrong[] = {
        {"retention:\n  overrides:\n    - raw: 7d\n",
         "weir.yaml:3:7: retention.overrides[0]: match is wanted"},
        {"retention:\n  overrides:\n    - match: {a: b}\n", "raw is wanted"},
        {"retention:\n  overrides:\n    - {match: {a: b}, raw: 36h}\n", "whole days"},
        {"retention:\n  overrides:\n    - {match: {a: b}, raw: soon}\n", "soon"},
        {"retention:\n  overrides:\n    - {match: {a: [b]}, raw: 1d}\n", "one text"},
        {"retention:\n  overrides:\n    - {match: {a: b}, raw: 1d, signals: [spans]}\n",
         "none of traces"},
        {"retention:\n  overrides:\n    - {match: {a: b}, row: 1d}\n", "raw"},
        {"retention:\n  overrides: 7d\n", "list"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err;
        CHECK_INT(read(wrong[i].yaml, &err), ST_INVALID);
        if (!strstr(err.msg, wrong[i].why)) printf("%s\n", err.msg);
        CHECK(strstr(err.msg, wrong[i].why) != NULL);
        CHECK(strstr(err.msg, "weir.yaml:") != NULL);
    }
}

TEST(a_reload_takes_what_lies_below_a_prefix_and_can_tell_the_rest)
{
    struct err err;
    struct arena other;
    arena_init(&other, 1 << 20);
    struct config new;
    CHECK_INT(read("retention.logs: 5d\n", &err), ST_OK);
    config_defaults(&new, &other);
    CHECK_INT(config_read_yaml(&new,
                               S("retention:\n  traces: 1d\n  overrides: [{match: {a: b}, raw: "
                                 "2d}]\ndata.dir: elsewhere\n"),
                               "new.yaml", &err),
              ST_OK);
    config_take(&c, &new, S("retention."));
    CHECK_INT(c.retention_traces, NANOS_DAY);
    CHECK_INT(c.retention_logs, 30 * NANOS_DAY);
    CHECK_INT(c.n_overrides, 1);
    CHECK_STR(c.data_dir, S("weir-data"));
    struct buf names;
    buf_init(&names, 1000);
    config_compare(&c, &new, add_name, &names);
    CHECK_STR(buf_str(&names), S("data.dir "));
    buf_done(&names);
    arena_done(&other);
}
