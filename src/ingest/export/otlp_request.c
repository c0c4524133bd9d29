#include "ingest/export/otlp_request.h"

#include "ingest/export/otlp_json.h"
#include "ingest/export/otlp_pb.h"

enum { BODY_MAX = 1 << 30, SCRATCH_BUDGET = 1 << 30, KEPT_BYTES = 16 << 20 };

void otlp_request_init(struct otlp_request *r, enum payload_format format, uint64_t max_bytes)
{
    *r = (struct otlp_request){.format = format, .max_bytes = max_bytes};
    arena_init(&r->scratch, SCRATCH_BUDGET);
    buf_init(&r->body, BODY_MAX);
}

void otlp_request_done(struct otlp_request *r)
{
    arena_done(&r->scratch);
    buf_done(&r->body);
}

void otlp_request_trim(struct otlp_request *r)
{
    if (r->body.cap > KEPT_BYTES) buf_done(&r->body);
}

static void add(struct otlp_request *r, const struct telemetry_batch *b)
{
    if (r->format == PAYLOAD_PROTOBUF) {
        otlp_pb_batch(&r->scratch, b, &r->body);
    } else {
        if (r->items) buf_char(&r->body, ',');
        otlp_json_batch(&r->scratch, b, &r->body);
    }
}

/* Would it likely pass the size? Judged by the rows that are in: to encode it in order to know
 * costs more than a request that is not quite full. */
static bool likely_too_large(const struct otlp_request *r, uint32_t rows)
{
    return (double)r->body.len / (double)r->items * (double)(r->items + rows) >
           (double)r->max_bytes;
}

status otlp_request_make(struct otlp_request *r, const struct telemetry_block *b, size_t from,
                         struct err *err)
{
    size_t tail = r->format == PAYLOAD_JSON ? otlp_json_tail().len : 0;
    buf_clear(&r->body);
    r->batches = r->items = 0;
    if (r->format == PAYLOAD_JSON) buf_add(&r->body, otlp_json_head(b->signal));
    for (size_t i = from; i < b->n; i++) {
        uint32_t rows = telemetry_batch_rows(b->batches[i]);
        if (rows) {
            size_t before = r->body.len;
            if (r->items && likely_too_large(r, rows)) break;
            add(r, b->batches[i]);
            if (r->items && (r->body.over || r->body.len + tail > r->max_bytes)) {
                r->body.len = before;
                r->body.over = false;
                break;
            }
        }
        r->batches++;
        r->items += rows;
    }
    if (r->format == PAYLOAD_JSON) buf_add(&r->body, otlp_json_tail());
    if (r->body.over)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a batch of %llu items takes more than %d bytes",
                       (unsigned long long)r->items, BODY_MAX);
    return ST_OK;
}
