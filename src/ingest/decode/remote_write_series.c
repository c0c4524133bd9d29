#include "ingest/decode/remote_write_series.h"

#include <stdlib.h>

#include "base/hash.h"

struct rw_fields rw_fields_of(unsigned version)
{
    return version == 1 ? (struct rw_fields){PB_TAG(4, PB_BYTES), PB_TAG(3, PB_BYTES)}
                        : (struct rw_fields){PB_TAG(3, PB_BYTES), PB_TAG(4, PB_BYTES)};
}

status rw_malformed(const struct rw_request *q, const uint8_t *at, const char *what)
{
    return err_set(q->err, ST_INVALID, (uint32_t)((const char *)at - q->body.ptr),
                   "remote write: %s", what);
}

static status symbol(const struct rw_request *q, uint64_t ref, const uint8_t *at, str *ret)
{
    if (ref >= q->n_symbols) return rw_malformed(q, at, "a reference past the symbols");
    *ret = q->symbols[ref];
    return ST_OK;
}

status rw_symbols(struct rw_request *q)
{
    if (q->version != 2) return ST_OK;
    const struct arena *a = q->arena;
    struct pb_reader r = pb_read(q->body);
    uint64_t n = 0;
    for (uint32_t tag; pb_next(&r, &tag); pb_skip(&r, tag)) n += tag == PB_TAG(4, PB_BYTES);
    if (r.bad) return rw_malformed(q, r.bad, "malformed Request");
    if (a->used > a->budget || n > (a->budget - a->used) / sizeof(str))
        return err_set(q->err, ST_LIMIT, ERR_NOPOS, "too many symbols for the limit of %zu bytes",
                       a->budget);
    q->symbols = arena_array(q->arena, str, n + 1);
    r = pb_read(q->body);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(4, PB_BYTES))
            q->symbols[q->n_symbols++] = pb_bytes(&r);
        else
            pb_skip(&r, tag);
    }
    if (n && q->symbols[0].len)
        return rw_malformed(q, (const uint8_t *)q->symbols[0].ptr, "the first symbol is not empty");
    return ST_OK;
}

static void add(const struct rw_request *q, struct rw_labels *l, struct rw_label one)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap * 2 + 32;
        struct rw_label *wider = arena_array(q->arena, struct rw_label, cap);
        if (l->n) memcpy(wider, l->list, l->n * sizeof *wider);
        l->list = wider;
        l->cap = cap;
    }
    l->list[l->n++] = one;
}

/* message Label { string name = 1; string value = 2; } */
static status label_message(const struct rw_request *q, str msg, struct rw_label *ret)
{
    struct pb_reader r = pb_read(msg);
    *ret = (struct rw_label){0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): ret->name = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): ret->value = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    return r.bad ? rw_malformed(q, r.bad, "malformed Label") : ST_OK;
}

static status label_ref(const struct rw_request *q, struct rw_labels *labels, struct rw_refs *refs,
                        uint64_t ref, const uint8_t *at)
{
    str text;
    TRY(symbol(q, ref, at, &text));
    refs->half = !refs->half;
    if (refs->half)
        refs->name = text;
    else
        add(q, labels, (struct rw_label){refs->name, text});
    return ST_OK;
}

bool rw_is_label(const struct rw_request *q, uint32_t tag)
{
    return tag == PB_TAG(1, PB_BYTES) || (q->version == 2 && tag == PB_TAG(1, PB_VARINT));
}

/* 1.0: repeated Label labels = 1; 2.0: repeated uint32 labels_refs = 1, packed or not. */
status rw_label(const struct rw_request *q, struct rw_labels *labels, struct rw_refs *refs,
                uint32_t tag, struct pb_reader *r)
{
    const uint8_t *at = r->at;
    if (tag == PB_TAG(1, PB_VARINT)) {
        uint64_t ref = pb_varint(r);
        return r->bad ? ST_OK : label_ref(q, labels, refs, ref, at);
    }
    str msg = pb_bytes(r);
    if (r->bad) return ST_OK; /* the caller's loop ends, and says so */
    if (q->version == 1) {
        struct rw_label l;
        TRY(label_message(q, msg, &l));
        add(q, labels, l);
        return ST_OK;
    }
    struct pb_reader packed = pb_read(msg);
    while (packed.at < packed.end && !packed.bad) {
        at = packed.at;
        uint64_t ref = pb_varint(&packed);
        if (!packed.bad) TRY(label_ref(q, labels, refs, ref, at));
    }
    return packed.bad ? rw_malformed(q, packed.bad, "malformed labels_refs") : ST_OK;
}

/* message Metadata { MetricType type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; } */
static status metadata(const struct rw_request *q, str msg, struct rw_series *s)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        const uint8_t *at = r.at;
        if (tag == PB_TAG(1, PB_VARINT)) {
            uint64_t type = pb_varint(&r);
            s->type = type <= RW_TYPE_LAST ? (unsigned)type : 0;
        } else if (tag == PB_TAG(3, PB_VARINT)) {
            TRY(symbol(q, pb_varint(&r), at, &s->help));
        } else if (tag == PB_TAG(4, PB_VARINT)) {
            TRY(symbol(q, pb_varint(&r), at, &s->unit));
        } else {
            pb_skip(&r, tag);
        }
    }
    return r.bad ? rw_malformed(q, r.bad, "malformed Metadata") : ST_OK;
}

static int by_name(const void *x, const void *y)
{
    const struct rw_label *a = x, *b = y;
    return str_compare(a->name, b->name);
}

static void labels_known(struct rw_series *s)
{
    bool sorted = true;
    for (uint32_t i = 1; i < s->labels.n && sorted; i++)
        sorted = str_compare(s->labels.list[i - 1].name, s->labels.list[i].name) <= 0;
    if (!sorted) qsort(s->labels.list, s->labels.n, sizeof *s->labels.list, by_name);
    for (uint32_t i = 0; i < s->labels.n; i++) {
        const struct rw_label *l = &s->labels.list[i];
        s->hash = hash_mix(hash_mix(s->hash, hash_str(l->name)), hash_str(l->value));
        if (str_eq(l->name, S("__name__"))) s->name = l->value;
        if (str_eq(l->name, S("job"))) s->job = l->value;
        if (str_eq(l->name, S("instance"))) s->instance = l->value;
    }
}

void rw_series_count(const struct rw_request *q, str msg, struct rw_series *ret)
{
    struct rw_fields f = rw_fields_of(q->version);
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag); pb_skip(&r, tag)) {
        ret->n_samples += tag == PB_TAG(2, PB_BYTES);
        ret->n_histograms += tag == f.histograms;
        ret->n_exemplars += tag == f.exemplars;
    }
}

/*   1.0: message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2;
 *                             repeated Exemplar exemplars = 3; repeated Histogram histograms = 4; }
 *   2.0: message TimeSeries { repeated uint32 labels_refs = 1; repeated Sample samples = 2;
 *                             repeated Histogram histograms = 3; repeated Exemplar exemplars = 4;
 *                             Metadata metadata = 5; int64 created_timestamp = 6; } */
status rw_series_read(const struct rw_request *q, str msg, struct rw_labels *labels,
                      struct rw_series *ret)
{
    struct rw_series s = {.message = msg};
    struct rw_refs refs = {0};
    struct pb_reader r = pb_read(msg);
    labels->n = 0;
    rw_series_count(q, msg, &s);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (rw_is_label(q, tag))
            TRY(rw_label(q, labels, &refs, tag, &r));
        else if (q->version == 2 && tag == PB_TAG(5, PB_BYTES))
            TRY(metadata(q, pb_bytes(&r), &s));
        else if (q->version == 2 && tag == PB_TAG(6, PB_VARINT))
            s.created = (int64_t)pb_varint(&r);
        else
            pb_skip(&r, tag);
    }
    if (r.bad) return rw_malformed(q, r.bad, "malformed TimeSeries");
    if (refs.half)
        return rw_malformed(q, (const uint8_t *)msg.ptr, "labels_refs has a name without a value");
    s.labels = *labels;
    labels_known(&s);
    *ret = s;
    return ST_OK;
}

bool rw_labels_repeat(const struct rw_labels *labels)
{
    for (uint32_t i = 1; i < labels->n; i++)
        if (str_eq(labels->list[i - 1].name, labels->list[i].name)) return true;
    return false;
}
