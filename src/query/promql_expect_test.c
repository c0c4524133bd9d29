/* What a script expects of an evaluation, and whether an answer is that. Numbers may differ in
 * their last digits, as in promqltest. */
#include "query/promql_expect_test.h"

#include <math.h>

#include "base/regex.h"
#include "query/parse/parse.h"

enum { CONDITIONS_MAX = 400 };

static bool expect_line(struct arena *a, struct expectation *x, str line)
{
    str rest = line;
    notation_word(&rest);
    str what = notation_word(&rest);
    if (str_eq(what, S("fail")))
        x->fails = true;
    else if (str_eq(what, S("warn")))
        x->warn = true;
    else if (str_eq(what, S("info")))
        x->info = true;
    else if (str_eq(what, S("no_warn")))
        x->no_warn = true;
    else if (str_eq(what, S("no_info")))
        x->no_info = true;
    else if (str_eq(what, S("ordered")))
        x->ordered = true;
    else if (str_eq(what, S("string"))) {
        x->string = true;
        return promql_unquote(a, rest, &x->text, NULL) == ST_OK;
    } else if (str_eq(what, S("range"))) {
        int64_t to;
        notation_word(&rest), notation_word(&rest);
        x->grid = notation_duration(notation_word(&rest), &x->from);
        notation_word(&rest);
        if (!x->grid || !notation_duration(notation_word(&rest), &to)) return false;
        notation_word(&rest);
        return notation_duration(notation_word(&rest), &x->step);
    } else
        return false;
    if (rest.len && x->n_conditions < CONDITIONS_MAX)
        x->conditions[x->n_conditions++] = str_drop(line, 7);
    return true;
}

bool expectation_read(struct arena *a, const str *lines, uint32_t n, struct expectation *x)
{
    x->rows = arena_array(a, struct points, n + 1);
    x->conditions = arena_array(a, str, CONDITIONS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        str line = lines[i];
        if (notation_starts(line, "expected_fail")) continue;
        if (notation_starts(line, "expect ")) {
            if (!expect_line(a, x, line)) return false;
            continue;
        }
        if (notation_number(line, &x->scalar)) {
            x->has_scalar = true;
            continue;
        }
        struct points *p = &x->rows[x->n++];
        *p = (struct points){};
        if (!notation_metric(a, &line, &p->labels) || !notation_points(a, line, p)) return false;
    }
    return true;
}

bool expectation_same(double a, double b)
{
    if (is_stale(a) || is_stale(b)) return is_stale(a) && is_stale(b);
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (a == b) return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < 2.2250738585072014e-308)
        return diff < 1e-6 * 2.2250738585072014e-308;
    return diff / (sum < 1.7976931348623157e308 ? sum : 1.7976931348623157e308) < 1e-6;
}

static bool same_side(const struct histogram_side *x, const struct histogram_side *y)
{
    if (x->n != y->n || (x->n && x->offset != y->offset)) return false;
    for (uint32_t i = 0; i < x->n; i++)
        if (!expectation_same(x->counts[i], y->counts[i])) return false;
    return true;
}

static bool same_histogram(const struct histogram *x, const struct histogram *y, bool hinted)
{
    if (x->schema != y->schema || x->n_custom != y->n_custom || (hinted && x->hint != y->hint))
        return false;
    for (uint32_t i = 0; i < x->n_custom; i++)
        if (!expectation_same(x->custom[i], y->custom[i])) return false;
    return expectation_same(x->count, y->count) && expectation_same(x->sum, y->sum) &&
           x->zero_threshold == y->zero_threshold &&
           expectation_same(x->zero_count, y->zero_count) &&
           same_side(&x->positive, &y->positive) && same_side(&x->negative, &y->negative);
}

/* The i-th value of a row is the k-th of the notation. */
static bool value_is(const struct row *r, uint32_t i, const struct points *p, uint32_t k)
{
    if (r->has[i] != p->has[k]) return false;
    if (r->has[i] == POINT_HISTOGRAM) return same_histogram(r->h[i], p->h[k], p->hinted[k]);
    return r->has[i] == POINT_NONE || expectation_same(r->v[i], p->v[k]);
}

bool expectation_row(const struct row *r, const struct points *p, uint32_t steps)
{
    for (uint32_t i = 0; i < steps || i < p->n; i++) {
        bool want = i < p->n && p->has[i], got = i < steps && r->has[i];
        if (want != got || (want && !value_is(r, i, p, i))) return false;
    }
    return true;
}

bool expectation_vector(const struct value *v, const struct expectation *x, uint32_t at)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < v->n_rows; i++) {
        if (!v->rows[i].has[at]) continue;
        uint32_t k = x->ordered && v->grid.n == 1 ? found : 0;
        while (k < x->n && !labels_equal(x->rows[k].labels, v->rows[i].labels)) k++;
        if (k >= x->n || (x->ordered && v->grid.n == 1 && k != found)) return false;
        if (x->rows[k].n != 1 || !value_is(&v->rows[i], at, &x->rows[k], 0)) return false;
        found++;
    }
    return found == x->n;
}

bool expectation_matrix(const struct value *v, const struct expectation *x)
{
    for (uint32_t i = 0; i < v->n_rows; i++) {
        uint32_t k = 0;
        while (k < x->n && !labels_equal(x->rows[k].labels, v->rows[i].labels)) k++;
        if (k == x->n || !expectation_row(&v->rows[i], &x->rows[k], v->grid.n)) return false;
    }
    return v->n_rows == x->n;
}

bool expectation_series(const struct value *v, const struct expectation *x)
{
    for (uint32_t i = 0; i < v->matrix.n; i++) {
        const struct raw_series *s = &v->matrix.list[i];
        uint32_t k = 0, at = 0, at_h = 0;
        while (k < x->n && !labels_equal(x->rows[k].labels, s->labels)) k++;
        if (k == x->n) return false;
        const struct points *p = &x->rows[k];
        for (uint32_t j = 0; j < p->n; j++) {
            int64_t t = x->from + (int64_t)j * x->step;
            if (p->has[j] == POINT_FLOAT && (at == s->n || s->samples[at].t != t ||
                                             !expectation_same(s->samples[at].v, p->v[j])))
                return false;
            if (p->has[j] == POINT_HISTOGRAM &&
                (at_h == s->n_histograms || s->histograms[at_h].t != t ||
                 !same_histogram(s->histograms[at_h].h, p->h[j], p->hinted[j])))
                return false;
            at += p->has[j] == POINT_FLOAT;
            at_h += p->has[j] == POINT_HISTOGRAM;
        }
        if (at != s->n || at_h != s->n_histograms) return false;
    }
    return v->matrix.n == x->n;
}

bool expectation_notes(struct arena *a, const struct expectation *x, const char *kind,
                       const struct notes *notes)
{
    bool all = true, any = false;
    uint32_t used = 0;
    for (uint32_t t = 0; t < notes->n || t == 0; t++) {
        bool met = false;
        for (uint32_t i = 0; i < x->n_conditions; i++) {
            str c = x->conditions[i];
            if (!str_eq(notation_word(&c), (str){kind, strlen(kind)})) continue;
            any = true;
            c = notation_trim(c);
            bool exact = notation_starts(c, "msg:");
            c = notation_trim(str_drop(c, exact ? 4 : strlen("regex:")));
            if (t >= notes->n) continue;
            struct regex *re;
            if (exact)
                met |= str_eq(c, notes->list[t]);
            else if (regex_new(a, c, REGEX_SEARCH, &re, NULL) == ST_OK)
                met |= regex_match(re, notes->list[t]);
        }
        if (t < notes->n) all &= met, used += met;
    }
    return !any || (all && used);
}
