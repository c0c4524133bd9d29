/* otel_log_streams: the resources that logged, a row for each day seen. */
#include "base/hash.h"
#include "ingest/encode/seen.h"
#include "ingest/encode/side.h"

enum { SAYS_LOG_STREAM = 3 };

static void find_streams(const struct telemetry_block *b, const struct encode_rows *rows,
                         struct encode_seen *seen, struct side_rows *ret)
{
    uint64_t last_stream = 0, last_day = UINT64_MAX;
    for (size_t i = 0; i < rows->n; i++) {
        struct row_ref r = rows->rows[i];
        const struct telemetry_batch *t = b->batches[r.batch];
        const struct resource *resource = &t->resources[t->logs.resource[r.row]];
        uint64_t stream = resource->hash, day = side_day(t->logs.time[r.row]);
        if (stream == last_stream && day == last_day) continue;
        last_stream = stream;
        last_day = day;
        if (!seen_add(seen, hash_mix(hash_mix(SAYS_LOG_STREAM, day), stream))) continue;
        side_add(ret, (struct side_row){.partition = side_month(day),
                                        .a = resource->service_name,
                                        .u = stream,
                                        .v = day,
                                        .ref = r});
    }
}

static void put_streams(struct insert *w)
{
    static const struct column_plan plan[] = {
        {"day", put_day, BATCH_AT(logs.time), 0},
        {"stream_id", put_stream_id, 0, 0},
        SERVICE_NAME_PLAN,
        {"resource_attributes", put_origin_attributes, 0, FROM_RESOURCE},
    };
    origins_find(w);
    insert_put(w, "otel_log_streams", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_log_streams = {S("otel_log_streams"), find_streams, put_streams};
