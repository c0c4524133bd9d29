#include "query/render/exposition.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/num.h"

struct writer {
    struct buf *out;
    bool utf8;
};

static bool fits(char c, bool first, bool colon)
{
    return isalpha((unsigned char)c) || c == '_' || (colon && c == ':') ||
           (!first && isdigit((unsigned char)c));
}

static bool is_plain(str name, bool colon)
{
    for (size_t i = 0; i < name.len; i++)
        if (!fits(name.ptr[i], i == 0, colon)) return false;
    return name.len > 0;
}

static void escaped(struct buf *out, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\n') {
            buf_add(out, S("\\n"));
            continue;
        }
        if (c == '"' || c == '\\') buf_char(out, '\\');
        buf_char(out, c);
    }
}

static void quoted(struct buf *out, str s, str tail)
{
    buf_char(out, '"');
    escaped(out, s);
    buf_add(out, tail);
    buf_char(out, '"');
}

static void name(struct writer *w, str s, str tail, bool colon)
{
    if (w->utf8 && !is_plain(s, colon)) {
        quoted(w->out, s, tail);
        return;
    }
    if (s.len && isdigit((unsigned char)s.ptr[0])) buf_char(w->out, '_');
    for (size_t i = 0; i < s.len; i++)
        buf_char(w->out, fits(s.ptr[i], false, colon) ? s.ptr[i] : '_');
    buf_add(w->out, tail);
}

static void label(struct writer *w, bool *some, str key, str value)
{
    buf_char(w->out, *some ? ',' : '{');
    *some = true;
    name(w, key, (str){0}, false);
    buf_char(w->out, '=');
    quoted(w->out, value, (str){0});
}

/* name_tail{labels,le="+Inf"} value time */
static void sample(struct writer *w, struct labels l, str tail, double v, int64_t t)
{
    str metric = labels_get(l, LABEL_NAME);
    char text[NUM_MAX];
    bool some = w->utf8 && !is_plain(metric, true), instance = false;
    if (some) buf_char(w->out, '{'); /* a name in quotes stands inside the braces */
    name(w, metric, tail, true);
    for (uint32_t i = 0; i < l.n; i++) {
        if (str_eq(l.list[i].name, LABEL_NAME)) continue;
        instance = instance || str_eq(l.list[i].name, S("instance"));
        label(w, &some, l.list[i].name, l.list[i].value);
    }
    if (!instance) label(w, &some, S("instance"), S(""));
    if (str_eq(tail, S("_bucket"))) label(w, &some, S("le"), S("+Inf"));
    buf_char(w->out, '}');
    buf_char(w->out, ' ');
    buf_add(w->out, (str){text, num_format_prometheus(v, text)});
    buf_printf(w->out, " %" PRId64 "\n", t);
}

/* Series `i` of the set. */
static void series(struct writer *w, const struct series_set *set, uint32_t i)
{
    const struct raw_series *s = &set->list[i];
    str metric = labels_get(s->labels, LABEL_NAME);
    bool native =
        s->n_histograms && (!s->n || s->histograms[s->n_histograms - 1].t > s->samples[s->n - 1].t);
    if (!native && !s->n) return;
    if (!i || !str_eq(metric, labels_get(set->list[i - 1].labels, LABEL_NAME))) {
        buf_add(w->out, S("# TYPE "));
        name(w, metric, (str){0}, true);
        buf_add(w->out, native ? S(" histogram\n") : S(" untyped\n"));
    }
    if (!native) {
        sample(w, s->labels, (str){0}, s->samples[s->n - 1].v, s->samples[s->n - 1].t);
        return;
    }
    const struct histogram_sample *h = &s->histograms[s->n_histograms - 1];
    sample(w, s->labels, S("_bucket"), h->h->count, h->t);
    sample(w, s->labels, S("_sum"), h->h->sum, h->t);
    sample(w, s->labels, S("_count"), h->h->count, h->t);
}

bool exposition_write(struct buf *out, const struct series_set *set, bool utf8, uint32_t *io_next,
                      size_t enough)
{
    struct writer w = {out, utf8};
    size_t until = out->len + enough;
    for (; *io_next < set->n && out->len < until; ++*io_next) series(&w, set, *io_next);
    return *io_next == set->n;
}
