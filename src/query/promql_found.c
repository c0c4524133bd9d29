#include "query/promql_found.h"

#include <string.h>

#include "query/promql_targets.h"

enum { DAY_MS = 86'400'000 };

struct found {
    struct reading reading; /* matchers and series */
    int64_t from_day, to_day;
    struct arena tails[2]; /* of the last scan, and of the one that is under way */
    unsigned now;
    int64_t tail_from, tail_to; /* (tail_from, tail_to]; equal: none */
    struct found *next;
};

static bool same_matchers(const struct reading *a, const struct reading *b)
{
    if (a->n_matchers != b->n_matchers) return false;
    for (uint32_t i = 0; i < a->n_matchers; i++) {
        const struct label_matcher *x = &a->matchers[i], *y = &b->matchers[i];
        if (x->op != y->op || !str_eq(x->name, y->name) || !str_eq(x->value, y->value))
            return false;
    }
    return true;
}

static void free_tails(void *arg)
{
    struct found *f = arg;
    arena_done(&f->tails[0]);
    arena_done(&f->tails[1]);
}

static void reset(struct reading *r)
{
    r->at = NULL;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->list[i].n_outputs; k++) {
            struct output *o = &r->list[i].outputs[k];
            *o = (struct output){.labels = o->labels,
                                 .part = o->part,
                                 .bound = o->bound,
                                 .tail = o->tail,
                                 .n_tail = o->n_tail};
        }
}

/* Those of a summary's series that were found with samples stay: without any they are nothing. */
static void keep(struct found **io_list, const struct reading *r, int64_t from_day, int64_t to_day)
{
    struct found *f = arena_new(r->arena, struct found);
    f->reading = *r;
    f->from_day = from_day;
    f->to_day = to_day;
    f->next = *io_list;
    arena_init(&f->tails[0], SIZE_MAX);
    arena_init(&f->tails[1], SIZE_MAX);
    arena_defer(r->arena, free_tails, f);
    *io_list = f;
}

status found_series(struct found **io_list, struct reading *io_r, const struct promql_scope *scope,
                    struct err *err)
{
    int64_t from = scope->from_ms / DAY_MS, to = scope->to_ms / DAY_MS;
    for (struct found *f = *io_list; f; f = f->next) {
        if (f->from_day > from || f->to_day < to || !same_matchers(&f->reading, io_r)) continue;
        struct notes *warnings = io_r->warnings;
        *io_r = f->reading;
        io_r->warnings = warnings;
        reset(io_r);
        return ST_OK;
    }
    TRY(reading_series(io_r, scope, err));
    TRY(targets_find(io_r, scope, err));
    io_r->found = NULL;
    if (io_r->n_targets || !io_r->n || io_r->arena != io_r->job->arena) return ST_OK;
    keep(io_list, io_r, from, to);
    io_r->found = (*io_list)->reading.found = *io_list;
    return ST_OK;
}

void found_keep_tail(struct found *f, const struct stored *list, uint32_t n, int64_t to_ms,
                     int64_t tail_ms)
{
    struct arena *a = &f->tails[!f->now];
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < list[i].n_outputs; k++) {
            struct output *o = &list[i].outputs[k];
            uint32_t from = o->n;
            while (from > 0 && o->samples[from - 1].t > to_ms - tail_ms) from--;
            struct sample *tail = arena_array(a, struct sample, o->n - from + 1);
            if (o->n > from) memcpy(tail, o->samples + from, (o->n - from) * sizeof *tail);
            o->tail = tail;
            o->n_tail = o->n - from;
        }
}

void found_tail_kept(struct found *f, int64_t to_ms, int64_t tail_ms)
{
    arena_done(&f->tails[f->now]);
    arena_init(&f->tails[f->now], SIZE_MAX);
    f->now = !f->now;
    f->tail_to = to_ms;
    f->tail_from = to_ms - tail_ms;
}

size_t found_held(const struct found *f) { return f ? f->tails[0].used + f->tails[1].used : 0; }

static bool begins_in_tail(const struct found *f, int64_t from_ms)
{
    return f->tail_from < f->tail_to && from_ms > f->tail_from && from_ms <= f->tail_to + 1;
}

bool found_has(const struct found *f, int64_t from_ms, int64_t to_ms)
{
    return begins_in_tail(f, from_ms) && to_ms <= f->tail_to;
}

int64_t found_give_tail(const struct found *f, struct reading *r, int64_t from_ms, int64_t to_ms)
{
    if (!begins_in_tail(f, from_ms)) return from_ms;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->list[i].n_outputs; k++) {
            struct output *o = &r->list[i].outputs[k];
            uint32_t at = 0, end = o->n_tail;
            while (at < end && o->tail[at].t < from_ms) at++;
            while (end > at && o->tail[end - 1].t > to_ms) end--;
            reading_put_all(r, o, o->tail + at, end - at);
        }
    return f->tail_to + 1;
}
