#include "engine/block.h"

#include "ingest/encode/encode.h"

void engine_insert_block(struct store *s, const struct telemetry_block *block)
{
    struct err err = {};
    struct arena a;
    arena_init(&a, 256 << 20);
    struct block_order order;
    block_order(&a, block, &(struct batch_partitioning){3600, 4}, &order);
    struct encode_rows *groups = arena_array(&a, struct encode_rows, order.n_groups + 1);
    for (size_t i = 0; i < order.n_groups; i++)
        groups[i] = (struct encode_rows){order.rows + order.groups[i].at, order.groups[i].n};
    struct encode_options opt = {.groups = groups, .n_groups = order.n_groups};
    struct encoded_block out;
    WANT(encode_block(&a, block, &opt, &out, &err), ST_OK);
    for (size_t i = 0; i < out.n; i++)
        WANT(store_insert(s, out.inserts[i].table, (str){0}, &out.inserts[i].body, 1, &err), ST_OK);
    arena_done(&a);
}
