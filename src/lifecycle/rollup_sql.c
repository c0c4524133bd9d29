#include "lifecycle/rollup_sql.h"

#include <assert.h>

/* A statement is a part with others put in for its ${words}: `target` and `source` are the
 * statement's own, any other is the part of that name. */
struct statement {
    const char *part, *target, *source;
};

static const struct statement statements[ROLLUPS][ROLLUP_STATEMENTS_MAX] = {
    [ROLLUP_METRICS_5M] = {{"numbers_5m", NULL, NULL},
                           {"histograms", "otel_metrics_5m", "histograms_of_raw"},
                           {"exponential", "otel_metrics_5m", "exponential_of_raw"}},
    [ROLLUP_METRICS_1H] = {{"numbers_1h", NULL, NULL},
                           {"histograms", "otel_metrics_1h", "histograms_of_5m"},
                           {"exponential", "otel_metrics_1h", "exponential_of_5m"}},
    [ROLLUP_LOGS_5M] = {{"logs_5m", NULL, NULL}},
    [ROLLUP_LOGS_1H] = {{"logs_1h", NULL, NULL}},
    [ROLLUP_TRACES_RED_1H] = {{"traces_red_1h", NULL, NULL}},
};

static str part_text(str name)
{
    for (size_t i = 0; i < n_rollup_texts; i++)
        if (str_eq(str_of(rollup_texts[i].name), name)) return str_of(rollup_texts[i].text);
    assert(!"a part of a rollup's statement that is not there");
    return (str){0};
}

static void add_part(struct buf *out, str text, const struct statement *s)
{
    while (text.len) {
        const char *open = memmem(text.ptr, text.len, "${", 2);
        const char *close = open ? memchr(open, '}', (size_t)(text.ptr + text.len - open)) : NULL;
        if (!close) break;
        str name = {open + 2, (size_t)(close - open - 2)};
        buf_add(out, (str){text.ptr, (size_t)(open - text.ptr)});
        if (str_eq(name, S("target")))
            buf_add(out, str_of(s->target));
        else
            add_part(out, part_text(str_eq(name, S("source")) ? str_of(s->source) : name), s);
        text = str_drop(text, (size_t)(close + 1 - text.ptr));
    }
    buf_add(out, text);
}

bool rollup_sql_add(struct buf *out, enum rollup_id id, unsigned i)
{
    if (i >= ROLLUP_STATEMENTS_MAX || !statements[id][i].part) return false;
    add_part(out, part_text(str_of(statements[id][i].part)), &statements[id][i]);
    return true;
}
