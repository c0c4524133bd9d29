/* redaction: takes out attributes whose keys are not allowed and masks values that are blocked, of
 * resources, scopes, spans with their events and links, log records with their bodies, data points
 * with their exemplars. Spec: opentelemetry-collector-contrib, redactionprocessor. */
#include "base/buf.h"
#include "ingest/process/digest.h"
#include "ingest/process/processor.h"

enum summary { SILENT, INFO, DEBUG };

struct patterns {
    size_t n;
    const struct regex **at;
};

struct texts {
    size_t n;
    str *at;
};

struct redaction {
    struct processor as;
    bool allow_all_keys, all_types;
    struct texts allowed_keys, ignored_keys;
    struct patterns ignored_key_patterns, blocked_keys, blocked_values, allowed_values;
    const struct digest *hash; /* NULL: masked by asterisks */
    enum summary summary;
};

#define MASK S("****")

/* What was done to one run, for its summary. */
struct tally {
    struct arena *arena;
    enum summary detail;
    uint32_t redacted, masked, allowed, ignored;
    str redacted_keys, masked_keys, allowed_keys;
};

/* "a,b" and "c": "a,b,c". */
static void note(struct tally *t, uint32_t *n, str *keys, str key)
{
    ++*n;
    if (t->detail != DEBUG) return;
    size_t comma = keys->len ? 1 : 0, len = keys->len + comma + key.len;
    char *text = arena_alloc(t->arena, len + 1, 1);
    if (keys->len) memcpy(text, keys->ptr, keys->len);
    if (comma) text[keys->len] = ',';
    if (key.len) memcpy(text + keys->len + comma, key.ptr, key.len);
    *keys = (str){text, len};
}

static bool has_text(const struct texts *l, str s)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->at[i], s)) return true;
    return false;
}

static bool one_matches(const struct patterns *l, struct process_work *w, str s)
{
    for (size_t i = 0; i < l->n; i++)
        if (regex_matches(l->at[i], process_scratch(w), s)) return true;
    return false;
}

static str masked(const struct redaction *t, struct arena *a, str text)
{
    return t->hash ? digest_hex(t->hash, a, text) : MASK;
}

/* Each match of the pattern masked; false when there is none. */
static bool mask_matches(const struct redaction *t, const struct regex *r, struct process_work *w,
                         str *io)
{
    struct arena *a = w->edit.batch->arena;
    struct buf *out = w->text;
    str found;
    size_t at = 0, from = 0;
    buf_clear(out);
    while (from <= io->len && regex_find(r, process_scratch(w), *io, from, &found, 1)) {
        size_t start = (size_t)(found.ptr - (io->ptr ? io->ptr : found.ptr));
        if (found.len == 0) { /* nothing to mask; the next place */
            from = start + 1;
            continue;
        }
        buf_add(out, (str){io->ptr + at, start - at});
        buf_add(out, masked(t, a, found));
        at = from = start + found.len;
    }
    if (at == 0) return false;
    buf_add(out, str_drop(*io, at));
    *io = arena_str(a, buf_str(out));
    return true;
}

/* Masks what is blocked in a text; false when nothing is. */
static bool mask_text(const struct redaction *t, struct process_work *w, str *io)
{
    bool any = false;
    for (size_t i = 0; i < t->blocked_values.n; i++)
        if (mask_matches(t, t->blocked_values.at[i], w, io)) any = true;
    return any;
}

/* The text in which blocked values are looked for; false: this type is not looked into. */
static bool text_of(const struct redaction *t, struct arena *a, const struct attr_value *v,
                    str *ret)
{
    if (v->type == ATTR_EMPTY || (v->type != ATTR_STRING && !t->all_types)) return false;
    *ret = attr_stored_text(a, v);
    return true;
}

static void mask_entry(const struct redaction *t, struct process_work *w, uint32_t i,
                       struct tally *tally)
{
    struct attr_set *s = &w->set;
    struct arena *a = w->edit.batch->arena;
    str key = s->at[i].key, text;
    if (one_matches(&t->blocked_keys, w, key)) {
        text = masked(t, a, attr_stored_text(a, &s->at[i].value));
        attr_set_value(s, i, (struct attr_value){ATTR_STRING, {text}});
        note(tally, &tally->masked, &tally->masked_keys, key);
    } else if (t->blocked_values.n && text_of(t, a, &s->at[i].value, &text)) {
        if (one_matches(&t->allowed_values, w, text)) {
            note(tally, &tally->allowed, &tally->allowed_keys, key);
        } else if (mask_text(t, w, &text)) {
            attr_set_value(s, i, (struct attr_value){ATTR_STRING, {text}});
            note(tally, &tally->masked, &tally->masked_keys, key);
        }
    }
}

static void put_count(struct attr_set *s, str key, uint32_t n)
{
    if (n) attr_set_put(s, key, (struct attr_value){ATTR_INT, {.i = n}});
}

static void put_keys(struct attr_set *s, str key, str keys)
{
    if (keys.len) attr_set_put(s, key, (struct attr_value){ATTR_STRING, {keys}});
}

static void put_summary(struct attr_set *s, const struct tally *t)
{
    if (t->detail == SILENT) return;
    put_keys(s, S("redaction.redacted.keys"), t->redacted_keys);
    put_count(s, S("redaction.redacted.count"), t->redacted);
    put_keys(s, S("redaction.masked.keys"), t->masked_keys);
    put_count(s, S("redaction.masked.count"), t->masked);
    put_keys(s, S("redaction.allowed.keys"), t->allowed_keys);
    put_count(s, S("redaction.allowed.count"), t->allowed);
    put_count(s, S("redaction.ignored.count"), t->ignored);
}

/* One run of attributes. True: it was changed. */
static bool redact(const struct redaction *t, struct process_work *w, struct attr_range *run)
{
    struct attr_set *s = &w->set;
    struct tally tally = {.arena = w->edit.batch->arena, .detail = t->summary};
    attr_set_load(s, w->edit.batch, *run);
    for (uint32_t i = 0; i < s->n;) {
        str key = s->at[i].key;
        if (has_text(&t->ignored_keys, key) || one_matches(&t->ignored_key_patterns, w, key)) {
            tally.ignored++;
        } else if (!t->allow_all_keys && !has_text(&t->allowed_keys, key)) {
            note(&tally, &tally.redacted, &tally.redacted_keys, key);
            attr_set_delete(s, i);
            continue;
        } else {
            mask_entry(t, w, i, &tally);
        }
        i++;
    }
    put_summary(s, &tally);
    return attr_set_store(s, &w->edit, run);
}

/* A body that is an array or a list is looked into as its JSON text; masked it is that text. */
static bool redact_body(const struct redaction *t, struct process_work *w, struct attr_value *body)
{
    str text;
    bool nested = body->type == ATTR_ARRAY || body->type == ATTR_KVLIST;
    if (nested)
        text = body->text;
    else if (!text_of(t, w->edit.batch->arena, body, &text))
        return false;
    if (one_matches(&t->allowed_values, w, text) || !mask_text(t, w, &text)) return false;
    *body = (struct attr_value){ATTR_STRING, {text}};
    return true;
}

static bool redact_span(const struct redaction *t, struct process_work *w, uint32_t row)
{
    struct span_columns *c = &w->edit.batch->spans;
    bool any = redact(t, w, &c->attrs[row]);
    for (uint32_t i = 0; i < c->events[row].n; i++)
        if (redact(t, w, &c->event[c->events[row].at + i].attrs)) any = true;
    for (uint32_t i = 0; i < c->links[row].n; i++)
        if (redact(t, w, &c->link[c->links[row].at + i].attrs)) any = true;
    return any;
}

static bool redact_log(const struct redaction *t, struct process_work *w, uint32_t row)
{
    struct log_columns *c = &w->edit.batch->logs;
    bool any = redact(t, w, &c->attrs[row]);
    return redact_body(t, w, &c->body[row]) || any;
}

static bool redact_point(const struct redaction *t, struct process_work *w, uint32_t row)
{
    if (!redact(t, w, &w->edit.batch->metrics.attrs[row])) return false;
    batch_edit_point(&w->edit);
    return true;
}

static void redact_exemplars(const struct redaction *t, struct process_work *w, uint64_t *changed)
{
    struct metric_columns *c = &w->edit.batch->metrics;
    for (uint32_t i = 0; i < c->n_exemplars; i++)
        if (redact(t, w, &c->exemplar[i].attrs)) bitmap_set(changed, c->exemplar[i].point);
}

static uint64_t *bitmap_empty(struct arena *a, uint32_t n)
{
    uint64_t *m = bitmap_full(a, n);
    memset(m, 0, bitmap_words(n) * sizeof *m);
    return m;
}

static void run(const struct processor *p, struct process_work *w, struct process_count *count)
{
    const struct redaction *t = (const struct redaction *)p;
    struct telemetry_batch *b = w->edit.batch;
    uint32_t n = telemetry_batch_rows(b);
    uint64_t *rows = bitmap_empty(b->arena, n);
    uint64_t *resources = bitmap_empty(b->arena, b->n_resources);
    uint64_t *scopes = bitmap_empty(b->arena, b->n_scopes);
    for (uint32_t i = 0; i < b->n_resources; i++)
        if (redact(t, w, &b->resources[i].attrs)) {
            batch_edit_resource(&w->edit, i);
            bitmap_set(resources, i);
        }
    for (uint32_t i = 0; i < b->n_scopes; i++)
        if (redact(t, w, &b->scopes[i].attrs)) {
            batch_edit_scope(&w->edit, i);
            bitmap_set(scopes, i);
        }
    for (uint32_t i = 0; i < n; i++) {
        bool own = b->signal == SIGNAL_TRACES ? redact_span(t, w, i)
                   : b->signal == SIGNAL_LOGS ? redact_log(t, w, i)
                                              : redact_point(t, w, i);
        if (own) bitmap_set(rows, i);
    }
    if (b->signal == SIGNAL_METRICS) redact_exemplars(t, w, rows);
    for (uint32_t i = 0; i < n; i++)
        count->changed += bitmap_has(rows, i) || bitmap_has(resources, process_resource_of(b, i)) ||
                          bitmap_has(scopes, process_scope_of(b, i));
}

static status patterns_read(struct arena *a, const struct tree *options, str key,
                            struct patterns *ret, struct err *err)
{
    const struct tree *list = tree_get(options, key);
    if (!list || list->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(list, TREE_LIST, err));
    ret->at = arena_array(a, const struct regex *, list->n);
    for (const struct tree *t = list->first; t; t = t->next) {
        struct regex *r;
        struct err why;
        TRY(tree_expect(t, TREE_SCALAR, err));
        if (regex_new(a, t->text, REGEX_SEARCH, &r, &why) != ST_OK)
            return tree_fail(t, err, "%s", why.msg);
        ret->at[ret->n++] = r;
    }
    return ST_OK;
}

static status hash_read(struct arena *a, const struct tree *options, const struct digest **ret,
                        struct err *err)
{
    static const char *const names[] = {"MD5", "SHA1", "SHA3-256"};
    uint32_t i = UINT32_MAX;
    struct err why;
    TRY(tree_choice(options, S("hash_function"), "md5|sha1|sha3", &i, err));
    if (i == UINT32_MAX) return ST_OK;
    if (digest_new(a, names[i], ret, &why) != ST_OK)
        return tree_fail(tree_get(options, S("hash_function")), err, "%s", why.msg);
    return ST_OK;
}

static status options_read(struct arena *a, const struct tree *o, struct redaction *t,
                           struct err *err)
{
    uint32_t summary = SILENT;
    TRY(TREE_ONLY(o, err, S("allow_all_keys"), S("allowed_keys"), S("ignored_keys"),
                  S("ignored_key_patterns"), S("blocked_key_patterns"), S("blocked_values"),
                  S("allowed_values"), S("redact_all_types"), S("hash_function"), S("summary")));
    TRY(tree_flag(o, S("allow_all_keys"), &t->allow_all_keys, err));
    TRY(tree_flag(o, S("redact_all_types"), &t->all_types, err));
    TRY(tree_texts(a, o, S("allowed_keys"), &t->allowed_keys.at, &t->allowed_keys.n, err));
    TRY(tree_texts(a, o, S("ignored_keys"), &t->ignored_keys.at, &t->ignored_keys.n, err));
    TRY(patterns_read(a, o, S("ignored_key_patterns"), &t->ignored_key_patterns, err));
    TRY(patterns_read(a, o, S("blocked_key_patterns"), &t->blocked_keys, err));
    TRY(patterns_read(a, o, S("blocked_values"), &t->blocked_values, err));
    TRY(patterns_read(a, o, S("allowed_values"), &t->allowed_values, err));
    TRY(hash_read(a, o, &t->hash, err));
    TRY(tree_choice(o, S("summary"), "silent|info|debug", &summary, err));
    t->summary = (enum summary)summary;
    return ST_OK;
}

status redaction_new(struct arena *a, enum signal_kind, const struct process_spec *spec,
                     const struct processor **ret, struct err *err)
{
    struct redaction *t = arena_new(a, struct redaction);
    t->as.run = run;
    TRY(options_read(a, spec->options, t, err));
    *ret = &t->as;
    return ST_OK;
}
