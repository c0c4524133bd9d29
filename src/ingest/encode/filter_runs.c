#include "ingest/encode/filter_runs.h"

#include "ingest/encode/side.h"

enum { RUN_ROWS = 8192, RUN_BYTES = 1 << 20 };

static struct filter_run *run_begin(struct filter_runs *runs, uint64_t time, const uint8_t *id)
{
    if (runs->n == runs->cap) {
        runs->cap = runs->cap ? runs->cap * 2 : 64;
        struct filter_run *wider = arena_array(runs->arena, struct filter_run, runs->cap);
        if (runs->n) memcpy(wider, runs->list, runs->n * sizeof *wider);
        runs->list = wider;
    }
    struct filter_run *run = &runs->list[runs->n++];
    *run =
        (struct filter_run){.first_time = time, .last_time = time, .first_id = id, .last_id = id};
    return run;
}

static void run_extend(struct filter_run *run, uint64_t time, const uint8_t *id)
{
    run->rows++;
    if (time < run->first_time) run->first_time = time;
    if (time > run->last_time) run->last_time = time;
    run->last_id = id;
}

/* Full, or of another day. */
static bool is_over(const struct filter_run *run, uint64_t time)
{
    return !run || run->rows == RUN_ROWS || side_day(time) != side_day(run->first_time);
}

/* A run lies in one day, and its trace ids rise: the next partition begins a run. */
void row_filters_of_spans(struct insert *w)
{
    struct filter_run *run = NULL;
    w->pairs = arena_array(w->arena, struct filter_pairs *, w->n);
    for (size_t i = 0; i < w->n; i++) {
        const struct span_columns *c = &insert_batch(w, i)->spans;
        uint32_t row = w->rows[i].row;
        uint64_t time = c->start_time[row];
        const uint8_t *id = c->trace_id[row];
        if (is_over(run, time) || memcmp(id, run->last_id, 16) < 0) {
            run = run_begin(w->filters, time, id);
            run->pairs = filter_pairs_new(w->filters->arena);
        }
        run_extend(run, time, id);
        w->pairs[i] = run->pairs;
    }
}

/* The texts of a column of strings. */
static str *texts_in(struct arena *a, const char *column, size_t n)
{
    str *texts = arena_array(a, str, n);
    for (size_t i = 0; i < n; i++) {
        texts[i] = native_text_at(column);
        column = texts[i].ptr + texts[i].len;
    }
    return texts;
}

void row_filters_of_lines(struct insert *w, const char *bodies)
{
    const str *lines = texts_in(w->arena, bodies, w->n);
    for (size_t i = 0, n; i < w->n; i += n) {
        struct filter_run *run = NULL;
        uint64_t bytes = 0;
        for (n = 0; i + n < w->n; n++) {
            uint64_t time = insert_batch(w, i + n)->logs.time[w->rows[i + n].row];
            if (!run) run = run_begin(w->filters, time, NULL);
            if (bytes > RUN_BYTES || is_over(run, time)) break;
            run_extend(run, time, NULL);
            bytes += lines[i + n].len;
        }
        run->filter = filter_of_lines(w->filters->arena, lines + i, n);
    }
}
