/* What was read becomes a set of series: samples in the order of time, equal label sets once. */
#include "query/promql_delta.h"

#include <stdlib.h>
#include <string.h>

/* Samples came in runs of rising time, the runs in any order: neighbouring runs are merged until
 * there is one. Of samples of one moment the last counts. */
static uint32_t merge(const struct sample *a, uint32_t n, const struct sample *b, uint32_t m,
                      struct sample *out)
{
    uint32_t k = 0;
    for (uint32_t i = 0, j = 0; i < n || j < m;) {
        struct sample s = j == m || (i < n && a[i].t <= b[j].t) ? a[i++] : b[j++];
        if (k && out[k - 1].t == s.t) k--;
        out[k++] = s;
    }
    return k;
}

static uint32_t run_end(const struct sample *s, uint32_t from, uint32_t n)
{
    uint32_t i = from + 1;
    while (i < n && s[i].t > s[i - 1].t) i++;
    return i < n ? i : n;
}

/* Rows of one hour of one part, which no others come between. Hours that two threads read in turn
 * rise too: a leap ends a piece. */
struct piece {
    uint32_t from, n;
    int64_t first;
};

static uint32_t piece_end(const struct sample *s, uint32_t from, uint32_t n)
{
    const int64_t leap = 30 * 60 * 1000;
    uint32_t i = from + 1;
    while (i < n && s[i].t > s[i - 1].t && s[i].t - s[i - 1].t < leap) i++;
    return i < n ? i : n;
}

static int by_first(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Room for `n` samples, until it is asked for again. */
static struct sample *scratch(struct reading *r, uint32_t n)
{
    if (n > r->scratch_cap) {
        r->scratch_cap = n + n / 2;
        r->scratch = arena_array(r->room, struct sample, r->scratch_cap);
    }
    return r->scratch;
}

/* Copies each piece to its place. False: there are many, or some overlap. */
static bool place_pieces(struct reading *r, struct output *o)
{
    enum { PIECES = 256 };
    struct piece list[PIECES];
    uint32_t n = 0, kept = 0;
    bool rising = true;
    if (o->rising == o->n) return true;
    for (uint32_t i = 0; i < o->n; i += list[n++].n) {
        if (n == PIECES) return false;
        list[n] = (struct piece){i, piece_end(o->samples, i, o->n) - i, o->samples[i].t};
        if (i && o->samples[i - 1].t >= o->samples[i].t) rising = false;
    }
    if (rising) return true;
    qsort(list, n, sizeof *list, by_first);
    for (uint32_t i = 1; i < n; i++)
        if (o->samples[list[i - 1].from + list[i - 1].n - 1].t >= list[i].first) return false;
    struct sample *out = scratch(r, o->n);
    for (uint32_t i = 0; i < n; kept += list[i++].n)
        memcpy(out + kept, o->samples + list[i].from, list[i].n * sizeof *out);
    memcpy(o->samples, out, kept * sizeof *out);
    return true;
}

static void sort_samples(struct reading *r, struct output *o)
{
    struct sample *other = NULL;
    if (place_pieces(r, o)) return;
    while (o->n > 1 && run_end(o->samples, 0, o->n) < o->n) {
        uint32_t kept = 0;
        if (!other) other = arena_array(r->room, struct sample, o->n);
        for (uint32_t i = 0; i < o->n;) {
            uint32_t mid = run_end(o->samples, i, o->n), end = run_end(o->samples, mid, o->n);
            kept += merge(o->samples + i, mid - i, o->samples + mid, end - mid, other + kept);
            i = end;
        }
        struct sample *was = o->samples;
        o->samples = other;
        other = was;
        o->n = kept;
    }
}

static int by_rank(const void *a, const void *b)
{
    uint32_t x = ((const struct raw_series *)a)->rank, y = ((const struct raw_series *)b)->rank;
    return x < y ? -1 : x > y;
}

int reading_by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct raw_series *)a)->labels,
                          ((const struct raw_series *)b)->labels);
}

/* "Not reset" was said of the one before in the same stored series: another may have come between,
 * or a number of `s`. */
static void tell_hints_again(struct arena *a, const struct raw_series *s,
                             struct histogram_sample *h, uint32_t n)
{
    uint32_t k = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (h[i].h->hint != HINT_NOT_RESET) continue;
        while (k < s->n && s->samples[k].t < h[i - 1].t) k++;
        bool number = k < s->n && s->samples[k].t < h[i].t;
        h[i].h = histogram_with_hint(a, h[i].h,
                                     histogram_hint_after(a, h[i].h, number ? NULL : h[i - 1].h));
    }
}

/* After the numbers. */
static void unite_histograms(struct arena *a, struct raw_series *to, const struct raw_series *from)
{
    uint32_t n = 0, i = 0, k = 0;
    struct histogram_sample *out =
        arena_array(a, struct histogram_sample, (size_t)to->n_histograms + from->n_histograms + 1);
    while (i < to->n_histograms || k < from->n_histograms) {
        bool left = k == from->n_histograms ||
                    (i < to->n_histograms && to->histograms[i].t <= from->histograms[k].t);
        struct histogram_sample s = left ? to->histograms[i++] : from->histograms[k++];
        if (n && out[n - 1].t == s.t) continue;
        out[n++] = s;
    }
    tell_hints_again(a, to, out, n);
    to->histograms = out;
    to->n_histograms = n;
}

/* Of two windows of one time the one with more samples holds. */
static void unite_rolled(struct arena *a, struct raw_series *to, const struct raw_series *from)
{
    uint32_t n = 0, i = 0, k = 0;
    struct rolled *out = arena_array(a, struct rolled, (size_t)to->n_rolled + from->n_rolled + 1);
    while (i < to->n_rolled || k < from->n_rolled) {
        bool left =
            k == from->n_rolled || (i < to->n_rolled && to->rolled[i].end <= from->rolled[k].end);
        struct rolled w = left ? to->rolled[i++] : from->rolled[k++];
        if (n && out[n - 1].end == w.end) {
            if (w.n > out[n - 1].n) out[n - 1] = w;
            continue;
        }
        out[n++] = w;
    }
    to->rolled = out;
    to->n_rolled = n;
}

static int64_t start_at(const struct raw_series *s, uint32_t i)
{
    return s->starts ? s->starts[i] : 0;
}

/* Stored series that differ only in what Prometheus does not see are one to it. */
static void unite(struct arena *a, struct raw_series *to, const struct raw_series *from)
{
    struct sample *out = arena_array(a, struct sample, (size_t)to->n + from->n + 1);
    bool has_starts = to->starts || from->starts;
    int64_t *starts = has_starts ? arena_array(a, int64_t, (size_t)to->n + from->n + 1) : NULL;
    uint32_t n = 0, i = 0, k = 0;
    while (i < to->n || k < from->n) {
        bool left = k == from->n || (i < to->n && to->samples[i].t <= from->samples[k].t);
        int64_t start = left ? start_at(to, i) : start_at(from, k);
        struct sample s = left ? to->samples[i++] : from->samples[k++];
        if (n && out[n - 1].t == s.t) continue;
        if (starts) starts[n] = start;
        out[n++] = s;
    }
    to->starts = starts;
    to->samples = out;
    to->n = n;
    unite_histograms(a, to, from);
    unite_rolled(a, to, from);
}

static const int64_t *collect_starts(struct reading *r, struct output *o)
{
    if (!o->starts) return NULL;
    sort_samples(r, o->starts);
    int64_t *out = arena_array(r->room, int64_t, o->starts->n + 1);
    for (uint32_t i = 0; i < o->starts->n; i++) out[i] = (int64_t)o->starts->samples[i].v;
    return out;
}

/* Without what lies before `from`: it was read for what it says of later ones. */
static void cut_before(struct raw_series *s, int64_t from)
{
    uint32_t i = 0, k = 0;
    while (i < s->n && s->samples[i].t < from) i++;
    while (k < s->n_histograms && s->histograms[k].t < from) k++;
    s->samples += i;
    s->n -= i;
    if (s->starts) s->starts += i;
    s->histograms += k;
    s->n_histograms -= k;
}

/* `of` NULL: the output is of no stored series. */
static struct raw_series collect_output(struct reading *r, const struct stored *of,
                                        struct output *o)
{
    const int64_t *starts = NULL;
    sort_samples(r, o);
    if (of && of->delta) {
        delta_accumulate(r->room, o, &starts);
        r->any_delta_histogram |= o->n_h > 0;
    } else {
        starts = collect_starts(r, o);
    }
    return (struct raw_series){.labels = o->labels,
                               .rank = o->rank,
                               .rolled = o->rolled,
                               .n_rolled = o->n_rolled,
                               .samples = o->samples,
                               .n = o->n,
                               .starts = starts,
                               .histograms = o->histograms,
                               .n_histograms = o->n_h};
}

static bool is_empty(const struct raw_series *s)
{
    return !s->n && !s->n_histograms && !s->n_rolled;
}

void reading_collect(struct reading *r, bool with_samples, struct series_set *ret)
{
    uint64_t n = r->n_targets;
    for (uint32_t i = 0; i < r->n; i++) n += r->list[i].n_outputs;
    struct raw_series *list = arena_array(r->room, struct raw_series, n + 1);
    uint32_t all = 0, out = 0, kept = 0;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->list[i].n_outputs; k++) {
            list[all] = collect_output(r, &r->list[i], &r->list[i].outputs[k]);
            all += !with_samples || !is_empty(&list[all]);
        }
    for (uint32_t i = 0; i < r->n_targets; i++) {
        list[all] = collect_output(r, NULL, &r->targets[i].output);
        all += !with_samples || !is_empty(&list[all]);
    }
    if (all && !r->in_order)
        qsort(list, all, sizeof *list, r->ranked ? by_rank : reading_by_labels);
    for (uint32_t i = 0; i < all; i++) {
        if (out && labels_equal(list[out - 1].labels, list[i].labels))
            unite(r->room, &list[out - 1], &list[i]);
        else
            list[out++] = list[i];
    }
    for (uint32_t i = 0; i < out; i++) {
        if (r->reads_earlier) cut_before(&list[i], r->from);
        if (!with_samples || !is_empty(&list[i])) list[kept++] = list[i];
    }
    *ret = (struct series_set){list, kept};
}
