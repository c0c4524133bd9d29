#include "ingest/decode/builder.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

status builder_room(struct builder *b, uint64_t bytes)
{
    struct arena *a = b->arena;
    if (a->used <= a->budget && bytes <= a->budget - a->used) return ST_OK;
    return err_set(b->err, ST_LIMIT, ERR_NOPOS,
                   "the decoded request needs more than the limit of %zu bytes", a->budget);
}

status builder_grow(struct builder *b, void **array, size_t elem, uint32_t *cap, uint64_t need)
{
    uint64_t n = (uint64_t)*cap * 2 > need ? (uint64_t)*cap * 2 : need;
    if (n < 16) n = 16;
    if (n > UINT32_MAX / 2) n = UINT32_MAX; /* refused by any budget there can be */
    TRY(builder_room(b, n * elem));
    void *wider = arena_alloc(b->arena, arena_size(elem, n), 16);
    if (*cap) memcpy(wider, *array, elem * *cap);
    *array = wider;
    *cap = (uint32_t)n;
    return ST_OK;
}

static int add(char *out, size_t room, int at, const char *name, uint32_t index)
{
    if (index == NOWHERE || (size_t)at >= room) return at;
    return at +
           snprintf(out + at, room - (size_t)at, "%s%s[%" PRIu32 "]", at ? "." : "", name, index);
}

static void path(const struct builder *b, char *out, size_t room)
{
    static const char *const names[SIGNAL_COUNT][3] = {
        [SIGNAL_TRACES] = {"resource_spans", "scope_spans", "spans"},
        [SIGNAL_LOGS] = {"resource_logs", "scope_logs", "log_records"},
        [SIGNAL_METRICS] = {"resource_metrics", "scope_metrics", "metrics"},
    };
    const char *const *name = names[b->batch->signal];
    int n = add(out, room, 0, name[0], b->at_resource);
    n = add(out, room, n, name[1], b->at_scope);
    n = add(out, room, n, name[2], b->at_item);
    n = add(out, room, n, "data_points", b->at_point);
    if (n == 0) snprintf(out, room, "request");
}

status builder_malformed(struct builder *b, const uint8_t *at, const char *what)
{
    char where[160];
    path(b, where, sizeof where);
    uint32_t pos = ERR_NOPOS;
    if (b->body.len) pos = (uint32_t)((const char *)at - b->body.ptr);
    return err_set(b->err, ST_INVALID, pos, "%s: %s", where, what);
}

void builder_reject(struct builder *b, enum reject_reason why, const char *fmt, ...)
{
    b->batch->rejected[why]++;
    if (b->batch->first_rejection.len) return;
    char text[400];
    path(b, text, 160);
    size_t n = strlen(text);
    text[n++] = ':';
    text[n++] = ' ';
    va_list ap;
    va_start(ap, fmt);
    int more = vsnprintf(text + n, sizeof text - n, fmt, ap);
    va_end(ap);
    if (more > 0) n += (size_t)more < sizeof text - n ? (size_t)more : sizeof text - n - 1;
    b->batch->first_rejection = arena_str(b->arena, (str){text, n});
}

bool builder_time_fits(struct builder *b, uint64_t time, const char *name)
{
    const struct decode_options *opt = b->opt;
    if (opt->oldest > 0 && time < (uint64_t)opt->oldest) {
        builder_reject(b, REJECT_TOO_OLD, "%s %" PRIu64 " is older than the oldest kept, %" PRId64,
                       name, time, opt->oldest);
        return false;
    }
    if (opt->newest > 0 && time > (uint64_t)opt->newest) {
        builder_reject(b, REJECT_IN_FUTURE,
                       "%s %" PRIu64 " is later than the latest taken, %" PRId64, name, time,
                       opt->newest);
        return false;
    }
    return true;
}

bool builder_attributes_fit(struct builder *b, uint32_t n)
{
    uint32_t max = b->opt->max_attributes;
    if (b->envelope_attributes > n) n = b->envelope_attributes;
    if (max == 0 || n <= max) return true;
    builder_reject(b, REJECT_TOO_MANY_ATTRIBUTES, "%" PRIu32 " attributes, limit %" PRIu32, n, max);
    return false;
}
