/* A journaled request as it was taken: its bytes with slack behind, decompressed, decoded by the
 * journaled time and processed as the first time. */
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "ingest/state.h"
#include "net/compress.h"

struct arena *reread_arena(void)
{
    struct arena *a = malloc(sizeof *a);
    if (!a) abort();
    arena_init(a, SIZE_MAX / 2);
    return a;
}

void reread_wire(struct arena *a, uint64_t seq, const struct journal_request *q, struct held **ret)
{
    struct held *h = arena_new(a, struct held);
    char *wire = arena_alloc(a, q->payload.len + 64, 8);
    if (q->payload.len > 0) memcpy(wire, q->payload.ptr, q->payload.len);
    memset(wire + q->payload.len, 0, 64);
    *h = (struct held){.wire = {wire, q->payload.len},
                       .format = q->format < PAYLOAD_FORMATS ? q->format : PAYLOAD_PROTOBUF,
                       .compression =
                           q->compression <= PAYLOAD_SNAPPY ? q->compression : PAYLOAD_IDENTITY,
                       .seq = seq,
                       .received_at = q->received_at,
                       .late = q->late};
    *ret = h;
}

status reread(const struct route *r, struct pipeline *p, uint64_t seq,
              const struct journal_request *q, struct arena *a, struct held **ret, struct err *err)
{
    reread_wire(a, seq, q, ret);
    struct held *h = *ret;
    str body;
    TRY(decompress(a, h->compression, h->wire, p->opt.max_decompressed_bytes, &body, err));
    a->budget = a->used + pipeline_decode_budget(h->format, body.len);
    struct decode_options opt;
    pipeline_decode_options(p, r->signal, q->received_at, &opt);
    TRY(decode_request(a, r->signal, h->format, body, &opt, &h->batch, err));
    late_split(p, r, h);
    return ST_OK;
}

void reread_nothing(struct arena *a, struct held *h, const struct route *r, nanos received_at)
{
    h->batch = arena_new(a, struct telemetry_batch);
    h->batch->arena = a;
    h->batch->signal = r->signal;
    h->batch->received_at = received_at;
}

/* What cannot be read any more has been logged and counted by the journal. */
static status read_all(struct journal_reader *in, const struct task *t, struct arena *a,
                       struct held_list *list, struct err *err)
{
    for (;;) {
        struct journal_read read;
        status s = journal_reader_next(in, &read, err);
        if (s == ST_NOT_FOUND || (s == ST_OK && read.seq > t->last_seq)) return ST_OK;
        if (s != ST_OK) return s;
        struct held *h;
        reread_wire(a, read.seq, &read.request, &h);
        held_list_add(list, h);
    }
}

status reread_task(const struct task *t, struct arena *a, const struct held **ret, struct err *err)
{
    struct journal_reader *in;
    struct held_list list = {0};
    TRY(journal_reader_open(t->lane->shard->journal, t->route->index, t->first_seq, &in, err));
    status s = read_all(in, t, a, &list, err);
    journal_reader_close(in);
    *ret = list.first;
    return s;
}
