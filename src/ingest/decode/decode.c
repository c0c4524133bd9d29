/* The door: sets the builder up, chooses the walk, gives the batch out. */
#include "ingest/decode/decode.h"

#include "ingest/decode/builder.h"
#include "ingest/decode/otlp_json.h"
#include "ingest/decode/otlp_signals.h"
#include "ingest/decode/remote_write.h"

static status walk(struct builder *b, str request)
{
    switch (b->batch->signal) {
    case SIGNAL_TRACES: return otlp_traces(b, request);
    case SIGNAL_LOGS: return otlp_logs(b, request);
    default: return otlp_metrics(b, request);
    }
}

static bool is_remote_write(enum payload_format f)
{
    return f == PAYLOAD_REMOTE_WRITE_1 || f == PAYLOAD_REMOTE_WRITE_2;
}

/* What was left out on the way to OTLP came in the request as well. */
static void take_rejections(struct telemetry_batch *b, const struct remote_write *r)
{
    for (int i = 0; i < REJECT_REASONS; i++) {
        b->received += r->rejected[i];
        b->rejected[i] += r->rejected[i];
    }
    if (r->first_rejection.len) b->first_rejection = r->first_rejection;
}

status decode_request(struct arena *arena, enum signal_kind signal, enum payload_format format,
                      str body, const struct decode_options *opt, struct telemetry_batch **ret,
                      struct err *err)
{
    struct builder b = {
        .arena = arena,
        .opt = opt,
        .err = err,
        .at_resource = NOWHERE,
        .at_scope = NOWHERE,
        .at_item = NOWHERE,
        .at_point = NOWHERE,
    };
    if (body.len >= UINT32_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a body of %zu bytes, limit 4 GiB", body.len);
    str request = body;
    struct remote_write remote = {0};
    if (format == PAYLOAD_JSON && body.len)
        TRY(otlp_json(arena, signal, body, &request, err));
    else if (is_remote_write(format))
        TRY(remote_write(arena, format == PAYLOAD_REMOTE_WRITE_2 ? 2 : 1, body, &remote, err));
    else
        b.body = body;
    if (is_remote_write(format)) request = remote.otlp;

    b.request = request;
    b.batch = arena_new(arena, struct telemetry_batch);
    b.batch->arena = arena;
    b.batch->signal = signal;
    b.batch->received_at = opt->received_at;
    buf_init(&b.scratch, arena->budget);

    status s = walk(&b, request);
    buf_done(&b.scratch);
    b.batch->cap_attrs = b.cap_attrs;
    take_rejections(b.batch, &remote);
    if (s == ST_OK && arena_over(arena)) s = builder_room(&b, 0);
    if (s == ST_OK) *ret = b.batch;
    return s;
}
