/* otel_trace_index: in which hours a trace has spans. otel_span_names: the catalogue of services
 * and operations. */
#include "ingest/encode/seen.h"
#include "ingest/encode/side.h"
#include "model/trace_hash.h"

enum { SAYS_TRACE_HOUR = 1, SAYS_SPAN_NAME = 2 }; /* keeps the hashes in `seen` apart */

static void find_hours(const struct telemetry_block *b, const struct encode_rows *rows,
                       struct encode_seen *seen, struct side_rows *ret)
{
    const uint8_t *last_id = NULL;
    uint64_t last_hour = 0;
    for (size_t i = 0; i < rows->n; i++) {
        struct row_ref r = rows->rows[i];
        const struct span_columns *c = &b->batches[r.batch]->spans;
        const uint8_t *id = c->trace_id[r.row];
        uint64_t hour = c->start_time[r.row] / (uint64_t)NANOS_HOUR;
        if (last_id && hour == last_hour && memcmp(id, last_id, 16) == 0) continue;
        last_id = id;
        last_hour = hour;
        uint32_t hash = trace_hash(id);
        if (!seen_add(seen, hash_mix(hash_mix(SAYS_TRACE_HOUR, hour), hash))) continue;
        side_add(ret,
                 (struct side_row){.partition = hour / 24, .u = hash, .v = hour * 3600, .ref = r});
    }
}

static void put_hash(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 4);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 4, &w->side[i].u, 4);
}

static void put_index(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"trace_hash", put_hash, 0, 0},
        {"hour", put_hour, BATCH_AT(spans.start_time), 0},
    };
    insert_put(w, "otel_trace_index", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_trace_index = {S("otel_trace_index"), find_hours, put_index};

static void add_name(struct side_rows *ret, struct encode_seen *seen, str service, str name,
                     uint64_t kind, uint64_t day)
{
    uint64_t hash = hash_mix(SAYS_SPAN_NAME, day << 8 | kind);
    hash = hash_mix(hash_mix(hash, hash_str(service)), hash_str(name));
    if (!seen_add(seen, hash)) return;
    side_add(ret, (struct side_row){
                      .partition = side_month(day), .a = service, .b = name, .u = kind, .v = day});
}

static bool is_sampled(const struct telemetry_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->batches[i]->red) return true;
    return false;
}

/* The RED rows name every operation of the block's spans, unless they were taken before sampling:
 * then they are of other spans, and of what names were before later processors. */
static void find_names(const struct telemetry_block *b, const struct encode_rows *rows,
                       struct encode_seen *seen, struct side_rows *ret)
{
    if (!is_sampled(b)) {
        for (uint32_t i = 0; i < ret->red->n; i++) {
            const struct red_row *r = &ret->red->rows[i];
            add_name(ret, seen, r->service_name, r->span_name, r->kind, r->time / 86400);
        }
        return;
    }
    for (size_t i = 0; i < rows->n; i++) {
        struct row_ref r = rows->rows[i];
        const struct telemetry_batch *t = b->batches[r.batch];
        const struct span_columns *c = &t->spans;
        add_name(ret, seen, t->resources[c->resource[r.row]].service_name, c->name[r.row],
                 c->kind[r.row], side_day(c->start_time[r.row]));
    }
}

static void put_name_day(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 2);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 2, &w->side[i].v, 2);
}

/* `at` is the offset of the text in struct side_row. */
static void put_name_text(struct insert *w, const struct column_plan *c)
{
    str *texts = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++)
        memcpy(&texts[i], (const char *)&w->side[i] + c->at, sizeof *texts);
    native_put_lc_prefix(w->out);
    put_lc_strings(w, texts, w->n);
}

static void put_name_kind(struct insert *w, const struct column_plan *)
{
    uint8_t *to = native_put_space(w->out, w->n);
    for (size_t i = 0; to && i < w->n; i++) to[i] = (uint8_t)w->side[i].u;
}

static void put_names(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"day", put_name_day, 0, 0},
        {"service_name", put_name_text, offsetof(struct side_row, a), 0},
        {"span_name", put_name_text, offsetof(struct side_row, b), 0},
        {"span_kind", put_name_kind, 0, 0},
    };
    insert_put(w, "otel_span_names", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_span_names = {S("otel_span_names"), find_names, put_names};
