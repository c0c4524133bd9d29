/* Processors that are settings of the pipeline: batch, memory_limiter. */
#include "cmd/graph_parts.h"

bool graph_is_batch(str type) { return str_eq(type, S("batch")); }
bool graph_is_memory_limiter(str type) { return str_eq(type, S("memory_limiter")); }

status graph_read_batch(const struct tree *options, struct batch_limits *io, struct err *err)
{
    static const struct graph_refusal refused[] = {
        {S("metadata_keys"), "weir batches by signal only: a request's metadata is not kept"},
        {S("metadata_cardinality_limit"), "weir batches by signal only; leave it out"},
    };
    TRY(GRAPH_REFUSE(options, err, refused));
    TRY(TREE_ONLY(options, err, S("send_batch_size"), S("timeout"), S("send_batch_max_size")));
    const uint64_t most = 100u << 20;
    TRY(tree_u64(options, S("send_batch_size"), 0, most, &io->send_batch_size, err));
    if (io->send_batch_size == 0) io->send_batch_size = 1; /* whatever has come is enough */
    uint64_t largest = 0;
    TRY(tree_u64(options, S("send_batch_max_size"), 0, most, &largest, err));
    if (largest && largest < io->send_batch_size)
        return tree_fail(tree_get(options, S("send_batch_max_size")), err,
                         "%llu is less than send_batch_size, %llu", (unsigned long long)largest,
                         (unsigned long long)io->send_batch_size);
    if (largest) io->max_rows = largest;
    if (io->max_rows < io->send_batch_size) io->max_rows = io->send_batch_size;
    TRY(tree_time(options, S("timeout"), 0, &io->timeout, err));
    if (io->timeout < NANOS_MS) io->timeout = NANOS_MS; /* 0: as soon as can be */
    return ST_OK;
}
