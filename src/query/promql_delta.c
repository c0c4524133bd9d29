#include "query/promql_delta.h"

enum { HOUR_MS = 3'600'000 };

int64_t delta_hour(int64_t t_ms)
{
    int64_t before = t_ms - 1;
    return before - ((before % HOUR_MS) + HOUR_MS) % HOUR_MS;
}

/* When the counter of an hour began, for who looks at its first sample at `t`: right behind the
 * last sample of the hour before, so that what this one brings belongs to the time between them. */
static int64_t begin_after(int64_t hour, int64_t t_before)
{
    return t_before > hour - HOUR_MS && t_before < hour ? t_before : hour;
}

static const int64_t *accumulate_samples(struct arena *a, struct output *o)
{
    int64_t *starts = arena_array(a, int64_t, o->n + 1), hour = INT64_MIN, start = 0;
    int64_t before = INT64_MIN;
    double sum = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        struct sample *s = &o->samples[i];
        if (delta_hour(s->t) != hour) {
            hour = delta_hour(s->t);
            start = begin_after(hour, before);
            sum = 0;
        }
        starts[i] = start;
        before = s->t;
        if (is_stale(s->v)) continue;
        sum += s->v;
        s->v = sum;
    }
    return starts;
}

static void accumulate_histograms(struct arena *a, struct output *o)
{
    struct histogram_sum sum = {0};
    int64_t hour = INT64_MIN, start = 0, before = INT64_MIN;
    for (uint32_t i = 0; i < o->n_h; i++) {
        struct histogram_sample *s = &o->histograms[i];
        bool anew = delta_hour(s->t) != hour;
        if (anew) {
            hour = delta_hour(s->t);
            start = begin_after(hour, before);
            sum = (struct histogram_sum){0};
        }
        before = s->t;
        histogram_sum_add(a, &sum, histogram_with_hint(a, s->h, HINT_UNKNOWN), 1);
        enum histogram_hint hint = !anew ? HINT_NOT_RESET : i ? HINT_RESET : HINT_UNKNOWN;
        s->h = histogram_with_hint(a, histogram_sum_value(a, &sum), hint);
        s->start = start;
    }
}

/* Of a window: `first` is its first sample, `increase` the sum of all. */
static void accumulate_windows(struct output *o)
{
    int64_t hour = INT64_MIN, start = 0, before = INT64_MIN;
    double sum = 0;
    for (uint32_t i = 0; i < o->n_rolled; i++) {
        struct rolled *w = &o->rolled[i];
        if (delta_hour(w->end) != hour) {
            hour = delta_hour(w->end);
            start = begin_after(hour, before);
            sum = 0;
        }
        w->start = start;
        before = w->last.t;
        double all = w->increase;
        w->increase = all - w->first.v;
        w->first.v += sum;
        sum += all;
        w->last.v = sum;
        if (w->known > ROLLED_COUNTER) w->known = ROLLED_COUNTER;
    }
}

void delta_accumulate(struct arena *a, struct output *o, const int64_t **ret_starts)
{
    *ret_starts = accumulate_samples(a, o);
    accumulate_histograms(a, o);
    accumulate_windows(o);
}
