/* What the pipeline is at, for people: the journal, exporters, routes. */
#include "base/json_out.h"
#include "ingest/state.h"
#include "obs/metrics.h"

static void print_time(struct json_out *j, str key, nanos at)
{
    nanos ms = at / NANOS_MS;
    json_key(j, key);
    if (at == 0)
        json_null(j);
    else
        json_f64(j, (double)ms / 1000);
}

static void put(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, str_of(key));
    json_u64(j, v);
}

static void journal_status(const struct pipeline *p, struct json_out *j)
{
    uint64_t bytes = 0;
    struct err err = {0};
    status room = ST_OK;
    for (unsigned i = 0; i < p->n_shards && !p->closed; i++) {
        bytes += journal_bytes(p->shards[i].journal);
        if (i < p->n_workers && room == ST_OK) room = pipeline_room(&p->shards[i], &err);
    }
    json_key(j, S("journal"));
    json_object(j);
    put(j, "bytes", bytes);
    put(j, "max_bytes", p->opt.journal_max_bytes);
    json_key(j, S("refuses")); /* why requests are refused now, or null */
    if (room == ST_OK)
        json_null(j);
    else
        json_str(j, str_of(err.msg));
    json_end(j);
}

struct outlet_figures {
    unsigned failing, failures, blocks;
    uint64_t rows;
};

static void look(const struct pipeline *p, const struct outlet *o, struct outlet_figures *f)
{
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes; k++) {
            const struct lane *l = &p->shards[i].lanes[k];
            if (l->route->outlet != o) continue;
            f->failing += l->failures > 0;
            f->failures += l->failures;
            for (const struct task *t = l->first; t; t = t->next) {
                f->blocks++;
                f->rows += t->block->rows;
            }
        }
}

static void outlet_status(const struct pipeline *p, const struct outlet *o, struct json_out *j)
{
    struct outlet_figures f = {0};
    look(p, o, &f);
    json_object(j);
    json_key(j, S("name"));
    json_str(j, str_of(o->spec.name));
    json_key(j, S("away"));
    json_bool(j, f.failing > 0);
    put(j, "failures", f.failures);
    put(j, "waiting_blocks", f.blocks);
    put(j, "waiting_items", f.rows);
    json_key(j, S("last_error"));
    if (*o->last_error)
        json_str(j, str_of(o->last_error));
    else
        json_null(j);
    print_time(j, S("last_error_at"), o->last_error_at);
    json_end(j);
}

static void route_status(const struct pipeline *p, const struct route *r, struct json_out *j)
{
    static const char *const policies[] = {"sampled", "filtered", "dead", "overrun", "refused"};
    unsigned live = 0;
    for (unsigned i = 0; i < p->n_shards; i++) live += !p->shards[i].lanes[r->index].tail;
    json_object(j);
    json_key(j, S("pipeline"));
    json_str(j, str_of(r->pipeline));
    json_key(j, S("exporter"));
    json_str(j, str_of(r->outlet->spec.name));
    json_key(j, S("signal"));
    json_str(j, str_of(signal_name(r->signal)));
    put(j, "taken", metric_get(M_ROUTE_TAKEN, r->index));
    put(j, "delivered", metric_get(M_ROUTE_DELIVERED, r->index));
    json_key(j, S("dropped"));
    json_object(j);
    for (unsigned d = 0; d < DROP_POLICIES; d++)
        put(j, policies[d], metric_get(M_ROUTE_DROPPED, metric_route_policy(r->index, d)));
    json_end(j);
    put(j, "journal", metric_get(M_ROUTE_JOURNAL_ITEMS, r->index));
    json_key(j, S("reads_back")); /* from the journal, on some worker */
    json_bool(j, live < p->n_shards);
    json_end(j);
}

void pipeline_status(struct pipeline *p, struct json_out *j)
{
    struct err err = {0};
    pthread_mutex_lock(&p->queue.mutex);
    json_key(j, S("accepts"));
    json_bool(j, pipeline_admit(p, &err) == ST_OK);
    journal_status(p, j);
    json_key(j, S("exporters"));
    json_array(j);
    for (unsigned i = 0; i < p->n_outlets; i++) outlet_status(p, &p->outlets[i], j);
    json_end(j);
    json_key(j, S("routes"));
    json_array(j);
    for (unsigned i = 0; i < p->n_routes; i++)
        if (!p->routes[i].late_of || metric_get(M_ROUTE_TAKEN, i) > 0)
            route_status(p, &p->routes[i], j);
    json_end(j);
    json_key(j, S("held_bytes"));
    json_object(j);
    put(j, "in_flight", atomic_load(&p->gate.bytes));
    put(j, "max_in_flight", p->gate.max_bytes);
    put(j, "aside", atomic_load(&p->aside_bytes));
    json_end(j);
    pthread_mutex_unlock(&p->queue.mutex);
}
