#include "ingest/process/attr_set.h"

#include <stdlib.h>

bool attr_value_same(const struct attr_value *a, const struct attr_value *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case ATTR_INT:
    case ATTR_BOOL:
    case ATTR_DOUBLE: return a->i == b->i; /* a double by its bits */
    case ATTR_EMPTY: return true;
    default: return str_eq(a->text, b->text);
    }
}

void attr_set_load(struct attr_set *s, const struct telemetry_batch *b, struct attr_range run)
{
    s->at = run.n ? b->attrs + run.at : NULL;
    s->n = run.n;
    s->changed = false;
}

bool attr_set_store(const struct attr_set *s, struct batch_edit *e, struct attr_range *run)
{
    if (s->changed) batch_edit_run(e, run, s->at, s->n);
    return s->changed;
}

void attr_set_done(struct attr_set *s) { free(s->own); }

uint32_t attr_set_find(const struct attr_set *s, str key)
{
    uint32_t i = 0;
    while (i < s->n && !str_eq(s->at[i].key, key)) i++;
    return i;
}

const struct attr_value *attr_set_get(const struct attr_set *s, str key)
{
    uint32_t i = attr_set_find(s, key);
    return i < s->n ? &s->at[i].value : NULL;
}

/* The copy, with room for one more. */
static struct attr *writable(struct attr_set *s)
{
    if (s->n >= s->cap) {
        s->cap = s->n < 32 ? 64 : s->n * 2;
        struct attr *wider = malloc(s->cap * sizeof *wider);
        if (!wider) abort();
        if (s->n) memcpy(wider, s->at, s->n * sizeof *wider);
        free(s->own); /* s->at may have been in it */
        s->own = wider;
    } else if (!s->changed && s->n) {
        memcpy(s->own, s->at, s->n * sizeof *s->own);
    }
    s->at = s->own;
    s->changed = true;
    return s->own;
}

void attr_set_value(struct attr_set *s, uint32_t i, struct attr_value value)
{
    if (!attr_value_same(&s->at[i].value, &value)) writable(s)[i].value = value;
}

void attr_set_put(struct attr_set *s, str key, struct attr_value value)
{
    uint32_t i = attr_set_find(s, key);
    if (i < s->n)
        attr_set_value(s, i, value);
    else
        writable(s)[s->n++] = (struct attr){key, value};
}

void attr_set_delete(struct attr_set *s, uint32_t i)
{
    struct attr *own = writable(s);
    s->n--;
    memmove(own + i, own + i + 1, (s->n - i) * sizeof *own);
}
