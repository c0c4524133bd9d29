/* answer: what a client gets back, as bytes: Export*ServiceResponse, google.rpc.Status with
 * RetryInfo, and the gRPC forms of both. Pure. */
#pragma once

#include "base/buf.h"
#include "base/telemetry.h"
#include "model/request.h"

/* The Export response: nothing when all was accepted, else partial_success (OTLP rules O4, O6). */
void answer_export(struct buf *out, enum payload_format form, enum signal_kind signal,
                   const struct ingest_answer *a);

/* google.rpc.Status of a->err, with RetryInfo when retry_after_ms is stated and the status is
 * retryable (O7, O10). */
void answer_status(struct buf *out, enum payload_format form, const struct ingest_answer *a);

/* grpc-message: percent-encoded. */
void answer_grpc_message(struct buf *out, str message);
/* grpc-status-details-bin: base64 of the Status, without padding. */
void answer_grpc_details(struct buf *out, const struct ingest_answer *a);
