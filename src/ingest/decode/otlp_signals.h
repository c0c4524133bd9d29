/* The three walks: each fills the batch of its signal from one request. */
#pragma once

#include "ingest/decode/builder.h"

[[nodiscard]] status otlp_traces(struct builder *b, str request);
[[nodiscard]] status otlp_logs(struct builder *b, str request);
[[nodiscard]] status otlp_metrics(struct builder *b, str request);
