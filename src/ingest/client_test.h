/* OTLP requests with rows that have numbers, sent as bytes written by hand over
 * HTTP/1.1 and HTTP/2. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/telemetry.h"

/* `n` spans, log records or points of a service, numbered from `first` on: the span id, "line
 * <number>", the integer value. */
void otlp_request(struct buf *out, enum signal_kind signal, str service, uint64_t first, uint32_t n,
                  nanos time);

/* Query whose result is the numbers of all rows stored, one a line. */
const char *otlp_numbers_sql(enum signal_kind signal);

/* -1: refused or cut off. */
int otlp_connect(uint16_t port);
bool otlp_http_send(int fd, enum signal_kind signal, const char *content_type, str body);
int otlp_http_status(int fd, struct buf *ret_body); /* `ret_body` may be NULL */

/* A whole gRPC call on a connection of its own: grpc-status, or -1. */
int otlp_grpc(uint16_t port, enum signal_kind signal, str message);
