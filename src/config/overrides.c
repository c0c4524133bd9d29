#include "config/overrides.h"

#include "base/arena.h"
#include "base/tree.h"
#include "base/value.h"

static const str signals[] = {S("traces"), S("logs"), S("metrics")};

static status read_match(const struct tree *t, struct retention_override *o, struct err *err)
{
    const struct tree *match = tree_get(t, S("match"));
    if (!match || match->kind != TREE_MAP || !match->n)
        return tree_fail(match ? match : t, err,
                         "match is wanted: a map of resource attributes and their values");
    if (match->n > OVERRIDE_MATCHES_MAX)
        return tree_fail(match, err, "%u attributes, at most %d are possible", match->n,
                         OVERRIDE_MATCHES_MAX);
    for (const struct tree *e = match->first; e; e = e->next) {
        if (e->kind != TREE_SCALAR) return tree_fail(e, err, "one text is expected");
        o->match[o->n_match].key = e->key;
        o->match[o->n_match++].value = e->text;
    }
    return ST_OK;
}

static status read_signals(struct arena *a, const struct tree *t, struct retention_override *o,
                           struct err *err)
{
    str *names = NULL;
    size_t n = 0;
    TRY(tree_texts(a, t, S("signals"), &names, &n, err));
    for (size_t k = 0; k < 3; k++) o->signals[k] = !tree_get(t, S("signals"));
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < 3 && !str_eq(names[i], signals[k])) k++;
        if (k == 3)
            return tree_fail(tree_get(t, S("signals")), err,
                             "\"" STR_FMT "\" is none of traces, logs, metrics", STR_ARG(names[i]));
        o->signals[k] = true;
    }
    return ST_OK;
}

static status read_one(struct arena *a, const struct tree *t, struct retention_override *o,
                       struct err *err)
{
    TRY(tree_expect(t, TREE_MAP, err));
    TRY(TREE_ONLY(t, err, S("match"), S("raw"), S("signals")));
    TRY(read_match(t, o, err));
    const struct tree *raw = tree_get(t, S("raw"));
    if (!raw) return tree_fail(t, err, "raw is wanted: how long the rows are kept");
    TRY(tree_time(t, S("raw"), 0, &o->raw, err));
    if (o->raw % NANOS_DAY) return tree_fail(raw, err, "whole days are wanted");
    return read_signals(a, t, o, err);
}

status overrides_read(struct arena *a, const struct tree *t, struct retention_override **ret,
                      size_t *ret_n, struct err *err)
{
    TRY(tree_expect(t, TREE_LIST, err));
    if (t->n > OVERRIDES_MAX)
        return tree_fail(t, err, "%u overrides, at most %d are possible", t->n, OVERRIDES_MAX);
    struct retention_override *all = arena_array(a, struct retention_override, t->n + 1);
    size_t n = 0;
    for (const struct tree *e = t->first; e; e = e->next) {
        all[n] = (struct retention_override){0};
        TRY(read_one(a, e, &all[n++], err));
    }
    *ret = all;
    *ret_n = n;
    return ST_OK;
}

void overrides_print(const struct retention_override *all, size_t n, struct buf *out)
{
    if (n) buf_add(out, S("retention.overrides:\n"));
    for (size_t i = 0; i < n; i++) {
        buf_add(out, S("  - match: {"));
        for (size_t k = 0; k < all[i].n_match; k++) {
            if (k) buf_add(out, S(", "));
            value_print_text(out, all[i].match[k].key);
            buf_add(out, S(": "));
            value_print_text(out, all[i].match[k].value);
        }
        buf_add(out, S("}\n    raw: "));
        value_print_time(out, all[i].raw);
        buf_add(out, S("\n    signals: ["));
        for (size_t k = 0, said = 0; k < 3; k++)
            if (all[i].signals[k])
                buf_printf(out, "%s" STR_FMT, said++ ? ", " : "", STR_ARG(signals[k]));
        buf_add(out, S("]\n"));
    }
}
