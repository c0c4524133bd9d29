#include "ingest/turns.h"

nanos turn_take(atomic_int_fast64_t *free_at, nanos now, nanos every, unsigned at_once)
{
    int_fast64_t before = atomic_load(free_at), from;
    do {
        from = before > now ? before : now;
    } while (!atomic_compare_exchange_weak(free_at, &before, from + every));
    nanos wait = from - now - (nanos)(at_once - 1) * every;
    return wait > 0 ? wait : 0;
}

bool is_main_table(str table)
{
    return str_eq(table, S("otel_traces")) || str_eq(table, S("otel_logs")) ||
           str_eq(table, S("otel_metrics"));
}

bool needs_turn(const struct encoded_block *b, const struct encoded_insert *in)
{
    if (is_main_table(in->table)) return in->rows < WIDE_ROWS;
    bool any = false;
    for (size_t i = 0; i < b->n; i++) {
        if (!is_main_table(b->inserts[i].table)) continue;
        if (b->inserts[i].rows < WIDE_ROWS) return true;
        any = true;
    }
    return !any;
}
