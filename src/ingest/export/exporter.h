/* exporter: what the kinds of exporter have in common behind the door. A kind begins its own struct
 * with a struct exporter. */
#pragma once

#include "ingest/export/export.h"

struct exporter_kind {
    const char *names[2]; /* types: the older and the newer name, or one */
    status (*open)(const struct exporter_spec *spec, const struct exporter_kind *kind,
                   struct exporter **ret, struct err *err);
    void (*close)(struct exporter *e);
    status (*send)(struct exporter *e, const struct telemetry_block *b, struct export_progress *io,
                   atomic_bool *cancel, uint32_t *ret_retry_after_ms, struct err *err);
};

struct exporter {
    const struct exporter_kind *kind;
};

extern const struct exporter_kind export_otlp_grpc, export_otlp_http, export_debug, export_file;

/* The options of every kind, beside its own: names for TREE_ONLY. */
#define EXPORT_COMMON_OPTIONS S("retry_on_failure"), S("sending_queue")

static inline bool export_cancelled(const atomic_bool *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* Delivered: `batches` with `items` in them, `rejected` of which were not taken. */
void export_progress_add(struct export_progress *io, size_t batches, uint64_t items,
                         uint64_t rejected, const char *message);

/* A path or name as C wants it, in the arena. */
const char *export_text(struct arena *a, str s);

/* tree_fail, with another status: a file that an option names cannot be read. */
status export_unavailable(const struct tree *at, struct err *err, const char *what,
                          const char *path, int error);
