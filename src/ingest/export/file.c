/* file: OTLP into a file: a line of JSON for each batch, or records of protobuf, or compressed
 * ones, each behind its length in four bytes, most significant first. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/export/exporter.h"
#include "ingest/export/file_target.h"
#include "ingest/export/otlp_request.h"
#include "net/compress.h"

enum { WRITE_BYTES = 1 << 20, RECORD_MAX = 1 << 30 };

struct file_exporter {
    struct exporter base;
    struct arena arena;
    enum payload_format format;
    bool zstd, empty_first;
    pthread_mutex_t lock; /* of what follows: records do not mix */
    struct file_target target;
    struct otlp_request request;
    struct buf records;
};

static void file_close(struct exporter *base)
{
    struct file_exporter *e = (struct file_exporter *)base;
    file_target_close(&e->target);
    otlp_request_done(&e->request);
    buf_done(&e->records);
    pthread_mutex_destroy(&e->lock);
    arena_done(&e->arena);
    free(e);
}

static status read_rotation(const struct tree *o, struct file_rotation *io, struct err *err)
{
    const struct tree *t = tree_get(o, S("rotation"));
    uint64_t megabytes = 100, days = 0, backups = 100;
    TRY(TREE_ONLY(t, err, S("enabled"), S("max_megabytes"), S("max_days"), S("max_backups"),
                  S("localtime")));
    io->enabled = t != NULL;
    TRY(tree_flag(t, S("enabled"), &io->enabled, err));
    TRY(tree_u64(t, S("max_megabytes"), 1, 1 << 20, &megabytes, err));
    TRY(tree_u64(t, S("max_days"), 0, 36500, &days, err));
    TRY(tree_u64(t, S("max_backups"), 0, 10000, &backups, err));
    TRY(tree_flag(t, S("localtime"), &io->localtime, err));
    io->max_bytes = megabytes << 20;
    io->max_age = (nanos)days * NANOS_DAY;
    io->max_backups = (uint32_t)backups;
    return ST_OK;
}

/* The folder must be there: a path that is wrong is better told at start. */
static status check_folder(struct arena *a, const struct tree *at, str path, struct err *err)
{
    struct stat st;
    size_t n = path.len;
    while (n && path.ptr[n - 1] != '/') n--;
    const char *dir = n ? export_text(a, (str){path.ptr, n}) : ".";
    if (stat(dir, &st) != 0) return export_unavailable(at, err, "no folder", dir, errno);
    if (stat(export_text(a, path), &st) == 0 && S_ISDIR(st.st_mode))
        return tree_fail(at, err, STR_FMT " is a folder", STR_ARG(path));
    if (access(dir, W_OK) != 0) return export_unavailable(at, err, "cannot write in", dir, errno);
    return ST_OK;
}

static status read_options(struct file_exporter *e, const struct exporter_spec *spec,
                           struct err *err)
{
    const struct tree *o = spec->options;
    uint32_t format = 0, compression = 0;
    bool append = true;
    str path = {0};
    e->target.sync_interval = NANOS_S;
    TRY(TREE_ONLY(o, err, S("path"), S("format"), S("compression"), S("append"), S("rotation"),
                  S("flush_interval"), EXPORT_COMMON_OPTIONS));
    TRY(tree_text(o, S("path"), &path, err));
    if (!path.len)
        return o ? tree_fail(o, err, "path is missing")
                 : err_set(err, ST_INVALID, ERR_NOPOS, STR_FMT ": path is missing",
                           STR_ARG(spec->name));
    TRY(tree_choice(o, S("format"), "json|proto", &format, err));
    TRY(tree_choice(o, S("compression"), "none|zstd", &compression, err));
    TRY(tree_flag(o, S("append"), &append, err));
    TRY(tree_time(o, S("flush_interval"), 0, &e->target.sync_interval, err));
    TRY(read_rotation(o, &e->target.rotation, err));
    TRY(check_folder(&e->arena, tree_get(o, S("path")), path, err));
    e->target.path = export_text(&e->arena, path);
    e->format = format ? PAYLOAD_PROTOBUF : PAYLOAD_JSON;
    e->zstd = compression == 1;
    e->empty_first = !append;
    return ST_OK;
}

static status file_open(const struct exporter_spec *spec, const struct exporter_kind *kind,
                        struct exporter **ret, struct err *err)
{
    struct file_exporter *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->base.kind = kind;
    e->target.fd = -1;
    arena_init(&e->arena, 1 << 20);
    pthread_mutex_init(&e->lock, NULL);
    buf_init(&e->records, RECORD_MAX);
    status s = read_options(e, spec, err);
    otlp_request_init(&e->request, e->format, 1); /* each batch is a record */
    if (s != ST_OK) {
        file_close(&e->base);
        return s;
    }
    *ret = &e->base;
    return ST_OK;
}

/* Appends the request as one record to e->records. */
static status add_record(struct file_exporter *e, struct err *err)
{
    struct buf *out = &e->records;
    str body = buf_str(&e->request.body);
    bool framed = e->zstd || e->format == PAYLOAD_PROTOBUF;
    size_t at = out->len;
    if (framed) buf_add(out, S("\0\0\0\0"));
    if (e->zstd)
        TRY(compress_zstd(body, 3, out, err));
    else
        buf_add(out, body);
    if (!framed) buf_char(out, '\n');
    if (out->over)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a record of more than %d bytes", RECORD_MAX);
    for (int i = 0; framed && i < 4; i++)
        out->ptr[at + (size_t)i] = (char)((out->len - at - 4) >> (24 - 8 * i));
    return ST_OK;
}

/* Batches from io->batches on, until there is enough to write. */
static status write_some(struct file_exporter *e, const struct telemetry_block *b,
                         struct export_progress *io, struct err *err)
{
    size_t batches = 0;
    uint64_t items = 0;
    buf_clear(&e->records);
    while (io->batches + batches < b->n && e->records.len < WRITE_BYTES) {
        TRY(otlp_request_make(&e->request, b, io->batches + batches, err));
        if (e->request.items) TRY(add_record(e, err));
        batches += e->request.batches;
        items += e->request.items;
    }
    if (items) TRY(file_target_append(&e->target, buf_str(&e->records), err));
    export_progress_add(io, batches, items, 0, NULL);
    return ST_OK;
}

static status file_send(struct exporter *base, const struct telemetry_block *b,
                        struct export_progress *io, atomic_bool *cancel, uint32_t *,
                        struct err *err)
{
    struct file_exporter *e = (struct file_exporter *)base;
    status s = ST_OK;
    pthread_mutex_lock(&e->lock);
    if (e->empty_first) s = file_target_open(&e->target, true, err);
    if (s == ST_OK) e->empty_first = false;
    while (s == ST_OK && io->batches < b->n)
        s = export_cancelled(cancel) ? err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled")
                                     : write_some(e, b, io, err);
    otlp_request_trim(&e->request);
    if (e->records.cap > 16 << 20) buf_done(&e->records);
    pthread_mutex_unlock(&e->lock);
    return s;
}

const struct exporter_kind export_file = {
    .names = {"file"},
    .open = file_open,
    .close = file_close,
    .send = file_send,
};
