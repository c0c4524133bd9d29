/* probabilistic_sampler: keeps a share of spans or log records, the same for all of a trace.
 * Spec: OpenTelemetry, "TraceState: Probability Sampling"; opentelemetry-collector-contrib,
 * probabilisticsamplerprocessor.
 *
 * An item has a randomness R of 56 bits and is kept when R is not below the threshold T: what the
 * probability of all samplers so far says. R is the explicit one (ot=rv), else the last 56 bits of
 * the trace id; in hash_seed mode and for log attributes a hash of 14 bits. */
#include "base/num.h"
#include "ingest/process/convert.h"
#include "ingest/process/processor.h"
#include "model/sampling.h"

enum sampler_mode { PROPORTIONAL, EQUALIZING, HASH_SEED };

struct sampler {
    struct processor as;
    enum sampler_mode mode;
    double probability;
    uint64_t threshold; /* of the probability alone */
    unsigned precision;
    uint32_t seed;
    bool fail_closed;
    bool by_record; /* attribute_source: record */
    str from_attribute, priority;
};

enum { HASH_BITS = 14 };

/* FNV-1a, 32 bits, of the seed's bytes (little-endian) and `bytes`; 14 bits of it, turned so that
 * what the Collector keeps, hashes below a bound, is at the top: as a randomness of 56 bits. */
static uint64_t hash_randomness(uint32_t seed, str bytes)
{
    uint32_t h = 2166136261u;
    for (int i = 0; i < 4; i++) h = (h ^ (uint8_t)(seed >> 8 * i)) * 16777619u;
    for (size_t i = 0; i < bytes.len; i++) h = (h ^ (uint8_t)bytes.ptr[i]) * 16777619u;
    uint64_t top = (1u << HASH_BITS) - 1;
    return (top - (h & top)) << (56 - HASH_BITS);
}

static uint64_t hash_threshold(double probability)
{
    uint64_t kept = (uint64_t)(probability * (1 << HASH_BITS));
    return ((1u << HASH_BITS) - kept) << (56 - HASH_BITS);
}

static bool is_zero(const uint8_t *id)
{
    static const uint8_t zeros[16];
    return memcmp(id, zeros, 16) == 0;
}

static uint64_t last_56_bits(const uint8_t *trace_id)
{
    uint64_t r = 0;
    for (int i = 9; i < 16; i++) r = r << 8 | trace_id[i];
    return r;
}

struct decision {
    bool keep;
    struct sampling_state state; /* to be written when kept */
};

/* By a hash that has nothing to do with the randomness of earlier samplers: the randomness that is
 * written is made anew, so that it is not below the threshold and as random as before. */
static struct decision decide_by_hash(const struct sampler *t, double p, struct sampling_state s,
                                      uint64_t hash)
{
    struct decision d = {.state = {.has_threshold = true, .has_randomness = true}};
    uint64_t before = s.has_threshold ? s.threshold : 0, own = hash_threshold(p), after = own;
    if (hash < own) return d;
    if (before) {
        double share = (double)(SAMPLING_ALL - own) / (double)SAMPLING_ALL;
        after = sampling_threshold(share / sampling_count(before), t->precision);
        if (after < before) after = before;
        if (after >= SAMPLING_ALL) return d;
        share = (double)(hash - own) / (double)(SAMPLING_ALL - own);
        hash = after + (uint64_t)(share * (double)(SAMPLING_ALL - after));
    }
    d.keep = true;
    d.state.threshold = after;
    d.state.randomness = hash;
    return d;
}

/* `s`: what the item says of earlier sampling; has_randomness and randomness are what to decide by.
 * The threshold never becomes lower. */
static struct decision decide(const struct sampler *t, double p, struct sampling_state s,
                              bool explicit_randomness)
{
    uint64_t before = s.has_threshold ? s.threshold : 0, after;
    if (p == t->probability && (t->mode == EQUALIZING || before == 0))
        after = t->threshold; /* as it would come out below */
    else if (t->mode == EQUALIZING)
        after = sampling_threshold(p, t->precision);
    else if (p < 1)
        after = sampling_threshold(p / sampling_count(before), t->precision);
    else
        after = before;
    if (after < before) after = before;
    struct decision d = {.keep = s.randomness >= after && after < SAMPLING_ALL, .state = s};
    d.state.threshold = after;
    d.state.has_threshold = true;
    d.state.has_randomness = explicit_randomness;
    return d;
}

static const struct attr_value *find(const struct telemetry_batch *b, struct attr_range run,
                                     str key)
{
    for (uint32_t i = run.at; i < run.at + run.n; i++)
        if (str_eq(b->attrs[i].key, key)) return &b->attrs[i].value;
    return NULL;
}

/* sampling.priority: 0 drops, another number keeps. */
static double span_probability(const struct sampler *t, const struct telemetry_batch *b, uint32_t i)
{
    const struct attr_value *v = find(b, b->spans.attrs[i], S("sampling.priority"));
    double priority;
    return v && attr_to_double(v, &priority) ? (priority > 0 ? 1 : 0) : t->probability;
}

static bool keep_span(const struct sampler *t, struct telemetry_batch *b, uint32_t i)
{
    struct span_columns *c = &b->spans;
    double p = span_probability(t, b, i);
    if (p <= 0) return false;
    struct sampling_state s = sampling_read(c->trace_state[i]);
    if (is_zero(c->trace_id[i]) && !s.has_randomness) return !t->fail_closed;
    struct decision d;
    if (t->mode == HASH_SEED && p < 1) {
        uint64_t hash = hash_randomness(t->seed, (str){(const char *)c->trace_id[i], 16});
        d = decide_by_hash(t, p, s, hash);
    } else {
        bool explicit_randomness = s.has_randomness;
        if (!explicit_randomness) s.randomness = last_56_bits(c->trace_id[i]);
        /* What was kept in spite of its threshold says nothing of its probability. */
        if (s.has_threshold && s.randomness < s.threshold) s.has_threshold = false;
        d = decide(t, p, s, explicit_randomness);
    }
    if (!d.keep) return false;
    c->trace_state[i] = sampling_write(b->arena, c->trace_state[i], &d.state);
    c->adjusted_count[i] = sampling_count(d.state.threshold);
    return true;
}

static double log_probability(const struct sampler *t, const struct telemetry_batch *b, uint32_t i)
{
    const struct attr_value *v = t->priority.len ? find(b, b->logs.attrs[i], t->priority) : NULL;
    double percent;
    if (!v || !attr_to_double(v, &percent)) return t->probability;
    return percent >= 100 ? 1 : percent > 0 ? percent / 100 : 0;
}

/* sampling.threshold and sampling.randomness: where a log record has what a span's state says. */
static struct sampling_state log_state(const struct telemetry_batch *b, struct attr_range run)
{
    struct sampling_state s = {0};
    const struct attr_value *v = find(b, run, S("sampling.threshold"));
    if (v && v->type == ATTR_STRING)
        s.has_threshold = sampling_parse_threshold(v->text, &s.threshold);
    v = find(b, run, S("sampling.randomness"));
    if (v && v->type == ATTR_STRING)
        s.has_randomness = sampling_parse_randomness(v->text, &s.randomness);
    return s;
}

/* The text that is hashed: empty when the record has none. */
static str hashed_text(const struct sampler *t, const struct telemetry_batch *b, uint32_t i)
{
    const struct log_columns *c = &b->logs;
    if (!t->by_record && !is_zero(c->trace_id[i]))
        return t->mode == HASH_SEED ? (str){(const char *)c->trace_id[i], 16} : (str){0};
    const struct attr_value *v =
        t->from_attribute.len ? find(b, c->attrs[i], t->from_attribute) : NULL;
    return v ? attr_stored_text(b->arena, v) : (str){0};
}

static void write_log(struct process_work *w, struct attr_range *run,
                      const struct sampling_state *s)
{
    struct arena *a = w->edit.batch->arena;
    char *text = arena_alloc(a, 2 * SAMPLING_DIGITS, 1), *random = text + SAMPLING_DIGITS;
    str threshold = {text, sampling_threshold_text(s->threshold, text)};
    attr_set_load(&w->set, w->edit.batch, *run);
    attr_set_put(&w->set, S("sampling.threshold"), (struct attr_value){ATTR_STRING, {threshold}});
    if (s->has_randomness) {
        for (int i = 0; i < SAMPLING_DIGITS; i++)
            random[i] = "0123456789abcdef"[s->randomness >> (52 - 4 * i) & 15];
        attr_set_put(&w->set, S("sampling.randomness"),
                     (struct attr_value){ATTR_STRING, {(str){random, SAMPLING_DIGITS}}});
    }
    attr_set_store(&w->set, &w->edit, run);
}

static bool keep_log(const struct sampler *t, struct process_work *w, uint32_t i)
{
    struct telemetry_batch *b = w->edit.batch;
    struct log_columns *c = &b->logs;
    double p = log_probability(t, b, i);
    if (p <= 0) return false;
    struct sampling_state s = log_state(b, c->attrs[i]);
    str hashed = hashed_text(t, b, i);
    bool by_trace = !t->by_record && !is_zero(c->trace_id[i]);
    if (hashed.len == 0 && !by_trace && !(s.has_randomness && t->mode != HASH_SEED))
        return !t->fail_closed;
    struct decision d;
    if (hashed.len && p < 1) {
        d = decide_by_hash(t, p, s, hash_randomness(t->seed, hashed));
    } else {
        bool explicit_randomness = s.has_randomness;
        if (!explicit_randomness)
            s.randomness = by_trace ? last_56_bits(c->trace_id[i]) : SAMPLING_ALL - 1;
        if (s.has_threshold && s.randomness < s.threshold) s.has_threshold = false;
        d = decide(t, p, s, explicit_randomness);
    }
    if (d.keep) write_log(w, &c->attrs[i], &d.state);
    return d.keep;
}

static void run(const struct processor *p, struct process_work *w, struct process_count *count)
{
    const struct sampler *t = (const struct sampler *)p;
    struct telemetry_batch *b = w->edit.batch;
    uint32_t n = telemetry_batch_rows(b);
    uint64_t *keep = bitmap_full(b->arena, n);
    for (uint32_t i = 0; i < n; i++)
        if (!(b->signal == SIGNAL_TRACES ? keep_span(t, b, i) : keep_log(t, w, i)))
            bitmap_clear(keep, i);
    process_drop(w, keep, n, DROP_SAMPLED, count);
}

static status read_logs(const struct process_spec *spec, struct sampler *t, struct err *err)
{
    uint32_t source = 0;
    TRY(tree_choice(spec->options, S("attribute_source"), "traceID|record", &source, err));
    TRY(tree_text(spec->options, S("from_attribute"), &t->from_attribute, err));
    TRY(tree_text(spec->options, S("sampling_priority"), &t->priority, err));
    t->by_record = source == 1;
    if (t->by_record && t->from_attribute.len == 0)
        return process_fail(spec, err, "attribute_source is record: from_attribute is needed");
    return ST_OK;
}

status sampler_new(struct arena *a, enum signal_kind signal, const struct process_spec *spec,
                   const struct processor **ret, struct err *err)
{
    struct sampler *t = arena_new(a, struct sampler);
    *t = (struct sampler){.as = {run, true}, .fail_closed = true};
    if (signal == SIGNAL_METRICS)
        return process_fail(spec, err, "data points cannot be sampled: for traces and logs only");
    TRY(TREE_ONLY(spec->options, err, S("mode"), S("sampling_percentage"), S("hash_seed"),
                  S("fail_closed"), S("sampling_precision"), S("attribute_source"),
                  S("from_attribute"), S("sampling_priority")));
    double percent = -1;
    uint64_t precision = 4, seed = 0;
    uint32_t mode = UINT32_MAX;
    TRY(tree_f64(spec->options, S("sampling_percentage"), 0, 1e9, &percent, err));
    TRY(tree_u64(spec->options, S("sampling_precision"), 1, SAMPLING_DIGITS, &precision, err));
    TRY(tree_u64(spec->options, S("hash_seed"), 0, UINT32_MAX, &seed, err));
    TRY(tree_flag(spec->options, S("fail_closed"), &t->fail_closed, err));
    TRY(tree_choice(spec->options, S("mode"), "proportional|equalizing|hash_seed", &mode, err));
    TRY(read_logs(spec, t, err));
    if (percent < 0) return process_fail(spec, err, "sampling_percentage is needed");
    /* The Collector's default, too, when a seed is given. */
    if (mode == UINT32_MAX) mode = seed || t->by_record ? HASH_SEED : PROPORTIONAL;
    t->mode = (enum sampler_mode)mode;
    t->probability = percent >= 100 ? 1 : percent / 100;
    t->precision = (unsigned)precision;
    t->threshold = sampling_threshold(t->probability, t->precision);
    t->seed = (uint32_t)seed;
    *ret = &t->as;
    return ST_OK;
}
