#include "ingest/export/export.h"

#include <stdio.h>
#include <string.h>

#include "ingest/export/exporter.h"

static const struct exporter_kind *const kinds[] = {&export_otlp_grpc, &export_otlp_http,
                                                    &export_debug, &export_file};

static const struct exporter_kind *find(str type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t k = 0; k < 2 && kinds[i]->names[k]; k++)
            if (str_eq(type, str_of(kinds[i]->names[k]))) return kinds[i];
    return NULL;
}

bool exporter_is_type(str type) { return find(type) != NULL; }

void export_common_defaults(struct export_common *ret)
{
    *ret = (struct export_common){
        .retry = {.enabled = true,
                  .max_tries = 5,
                  .initial_interval = NANOS_S,
                  .max_interval = 30 * NANOS_S,
                  .multiplier = 2,
                  .randomization_factor = 0.5},
        .consumers = 2,
        .block_on_overflow = true,
    };
}

/* The Collector ends by time. 0 is "for ever" there too. */
static status read_elapsed(const struct tree *retry, struct export_retry *io, struct err *err)
{
    const struct tree *at = tree_get(retry, S("max_elapsed_time"));
    if (!at || at->kind == TREE_NULL) return ST_OK;
    nanos elapsed = 0;
    TRY(tree_time(retry, S("max_elapsed_time"), 0, &elapsed, err));
    if (elapsed != 0)
        return tree_fail_key(at, err,
                             "tries are counted here, not timed, and only those that were "
                             "answered: say max_tries (0: for ever)");
    if (tree_get(retry, S("max_tries")))
        return tree_fail_key(at, err, "0 is \"for ever\", and max_tries is given too");
    io->max_tries = 0;
    return ST_OK;
}

static status read_retry(const struct tree *options, struct export_retry *io, struct err *err)
{
    const struct tree *t = tree_get(options, S("retry_on_failure"));
    uint64_t tries = io->max_tries;
    TRY(TREE_ONLY(t, err, S("enabled"), S("max_tries"), S("initial_interval"), S("max_interval"),
                  S("multiplier"), S("randomization_factor"), S("max_elapsed_time")));
    TRY(tree_flag(t, S("enabled"), &io->enabled, err));
    TRY(tree_u64(t, S("max_tries"), 0, UINT32_MAX, &tries, err));
    io->max_tries = (uint32_t)tries;
    TRY(read_elapsed(t, io, err));
    TRY(tree_time(t, S("initial_interval"), NANOS_MS, &io->initial_interval, err));
    TRY(tree_time(t, S("max_interval"), NANOS_MS, &io->max_interval, err));
    TRY(tree_f64(t, S("multiplier"), 1, 1000, &io->multiplier, err));
    TRY(tree_f64(t, S("randomization_factor"), 0, 1, &io->randomization_factor, err));
    if (io->max_interval < io->initial_interval)
        return tree_fail(t, err, "max_interval is shorter than initial_interval");
    return ST_OK;
}

/* The journal is the queue: it is always there, on disk, and sized by journal.max_bytes. */
static status read_queue(const struct tree *options, struct export_common *io, struct err *err)
{
    const struct tree *t = tree_get(options, S("sending_queue"));
    const struct tree *batch = tree_get(t, S("batch"));
    if (batch)
        return tree_fail_key(batch, err, "blocks are made by the pipeline's batch processor");
    TRY(TREE_ONLY(t, err, S("enabled"), S("num_consumers"), S("block_on_overflow"), S("queue_size"),
                  S("sizer"), S("storage")));
    bool enabled = true;
    uint64_t consumers = io->consumers, size = 0;
    TRY(tree_flag(t, S("enabled"), &enabled, err));
    if (!enabled)
        return tree_fail(tree_get(t, S("enabled")), err,
                         "the journal is the queue of every exporter and cannot be left out");
    TRY(tree_u64(t, S("num_consumers"), 1, 64, &consumers, err));
    TRY(tree_u64(t, S("queue_size"), 0, UINT64_MAX, &size, err));
    TRY(tree_flag(t, S("block_on_overflow"), &io->block_on_overflow, err));
    io->consumers = (uint32_t)consumers;
    return ST_OK;
}

status export_common_read(const struct tree *options, struct export_common *ret, struct err *err)
{
    struct export_common c;
    export_common_defaults(&c);
    TRY(read_retry(options, &c.retry, err));
    TRY(read_queue(options, &c, err));
    *ret = c;
    return ST_OK;
}

status exporter_open(const struct exporter_spec *spec, struct exporter **ret, struct err *err)
{
    str type = spec->name;
    const char *slash = type.len ? memchr(type.ptr, '/', type.len) : NULL;
    if (slash) type.len = (size_t)(slash - type.ptr);
    const struct exporter_kind *kind = find(type);
    if (!kind)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "no exporter of type \"" STR_FMT "\": otlp (otlp_grpc), otlphttp "
                       "(otlp_http), debug (logging) and file are there",
                       STR_ARG(type));
    struct export_common common;
    TRY(export_common_read(spec->options, &common, err));
    return kind->open(spec, kind, ret, err);
}

void exporter_close(struct exporter *e)
{
    if (e) e->kind->close(e);
}

status exporter_send(struct exporter *e, const struct telemetry_block *b,
                     struct export_progress *io, atomic_bool *cancel, uint32_t *ret_retry_after_ms,
                     struct err *err)
{
    *ret_retry_after_ms = 0;
    return e->kind->send(e, b, io, cancel, ret_retry_after_ms, err);
}

void export_progress_add(struct export_progress *io, size_t batches, uint64_t items,
                         uint64_t rejected, const char *message)
{
    if (rejected > items) rejected = items;
    io->batches += batches;
    io->items += items - rejected;
    io->rejected += rejected;
    if (message && *message && !*io->message)
        snprintf(io->message, sizeof io->message, "%s", message);
}

const char *export_text(struct arena *a, str s)
{
    char *copy = arena_alloc(a, s.len + 1, 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return copy;
}

status export_unavailable(const struct tree *at, struct err *err, const char *what,
                          const char *path, int error)
{
    (void)tree_fail(at, err, "%s %s: %s", what, path, strerror(error));
    if (err) err->code = ST_UNAVAILABLE;
    return ST_UNAVAILABLE;
}
