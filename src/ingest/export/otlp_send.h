/* otlp_send: the block's requests one after the other, over one link. What both OTLP exporters do.
 */
#pragma once

#include "ingest/export/answer.h"
#include "ingest/export/client.h"
#include "ingest/export/export.h"

/* Sends the request in l->request once. */
typedef status otlp_call_fn(void *exporter, struct client_link *l, enum signal_kind signal,
                            const atomic_bool *cancel, struct answer_partial *ret,
                            uint32_t *ret_retry_after_ms, struct err *err);

/* As exporter_send. */
[[nodiscard]] status otlp_send(struct client *c, otlp_call_fn *call, void *exporter,
                               const struct telemetry_block *b, struct export_progress *io,
                               const atomic_bool *cancel, uint32_t *ret_retry_after_ms,
                               struct err *err);
