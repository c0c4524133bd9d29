/* Any text as a condition: it is refused with its place, or says the same of a row twice. The first
 * byte chooses what the condition is about. */
#include <assert.h>
#include <string.h>

#include "ingest/process/condition.h"
#include "model/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM(column)                                        \
    c->column = arena_alloc(&arena, sizeof *c->column, 16); \
    memset(c->column, 0, sizeof *c->column);

/* One row of the signal, with an attribute, an event, a resource and a scope. */
static const struct telemetry_batch *one_row(enum signal_kind signal)
{
    static struct arena arena;
    static struct telemetry_batch made[SIGNAL_COUNT];
    static struct attr attrs[] = {{S("k"), {ATTR_STRING, {S("value")}}}};
    static struct resource resource = {.attrs = {0, 1}};
    static struct scope scope = {.name = S("lib")};
    static struct span_event event = {.name = S("e"), .attrs = {0, 1}};
    static struct metric_desc desc = {.name = S("m"), .type = METRIC_SUM};
    struct telemetry_batch *b = &made[signal];
    if (b->arena) return b;
    if (!arena.budget) arena_init(&arena, 1 << 20);
    *b = (struct telemetry_batch){.arena = &arena, .signal = signal, .n_attrs = 1};
    b->attrs = attrs;
    b->resources = &resource, b->n_resources = 1;
    b->scopes = &scope, b->n_scopes = 1;
    if (signal == SIGNAL_TRACES) {
        struct span_columns *c = &b->spans;
        SPAN_COLUMNS(ROOM)
        c->n = c->n_events = 1;
        c->name[0] = S("GET /things");
        c->attrs[0].n = 1;
        c->event = &event;
    } else if (signal == SIGNAL_LOGS) {
        struct log_columns *c = &b->logs;
        LOG_COLUMNS(ROOM)
        c->n = 1;
        c->attrs[0].n = 1;
        c->body[0] =
            (struct attr_value){ATTR_KVLIST, {S("{\"a\":[1,{\"b\":null}],\"c\":\"\\n\"}")}};
    } else {
        struct metric_columns *c = &b->metrics;
        METRIC_COLUMNS(ROOM)
        METRIC_OPTIONAL_COLUMNS(ROOM)
        c->n = c->n_descs = 1;
        c->attrs[0].n = 1;
        c->descs = &desc;
    }
    return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct regex_scratch *scratch;
    if (size == 0) return 0;
    if (!scratch) scratch = regex_scratch_new();
    enum condition_context on = (enum condition_context)((data[0] & 15) % CONTEXTS);
    enum signal_kind signal = on == ON_LOG ? SIGNAL_LOGS
                              : on == ON_SPAN || on == ON_EVENT || on == ON_RESOURCE
                                  ? SIGNAL_TRACES
                                  : SIGNAL_METRICS;
    struct arena a;
    const struct condition *c;
    struct err err;
    arena_init(&a, 1 << 24);
    str text = {(const char *)data + 1, size - 1};
    status s = condition_new(&a, on, data[0] & 64, text, &c, &err);
    if (s == ST_OK) {
        struct condition_row row = {.batch = one_row(signal), .arena = &a, .regex = scratch};
        bool holds = condition_holds(c, &row);
        assert(condition_holds(c, &row) == holds);
    } else {
        assert(s == ST_INVALID && err.msg[0] && (err.pos == ERR_NOPOS || err.pos <= text.len));
    }
    arena_done(&a);
    return 0;
}
