#include "ingest/export/otlp_send.h"

#include "ingest/export/exporter.h"

status otlp_send(struct client *c, otlp_call_fn *call, void *exporter,
                 const struct telemetry_block *b, struct export_progress *io,
                 const atomic_bool *cancel, uint32_t *ret_retry_after_ms, struct err *err)
{
    struct client_link *l = client_take(c);
    struct otlp_request *r = &l->request;
    status s = ST_OK;
    while (s == ST_OK && io->batches < b->n) {
        struct answer_partial partial = {0};
        s = export_cancelled(cancel) ? err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled")
                                     : otlp_request_make(r, b, io->batches, err);
        if (s == ST_OK && r->items)
            s = call(exporter, l, b->signal, cancel, &partial, ret_retry_after_ms, err);
        if (s == ST_OK)
            export_progress_add(io, r->batches, r->items, partial.rejected, partial.message);
    }
    client_give(c, l);
    return s;
}
