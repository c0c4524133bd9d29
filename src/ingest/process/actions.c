#include "ingest/process/actions.h"

#include "ingest/process/convert.h"
#include "ingest/process/digest.h"
#include "ingest/process/literal.h"

enum action_kind { INSERT, UPDATE, UPSERT, DELETE, HASH, EXTRACT, CONVERT };
#define KINDS "insert|update|upsert|delete|hash|extract|convert"

struct action {
    enum action_kind kind;
    str key, from;
    bool has_value, has_default;
    struct attr_value value, otherwise;
    const struct regex *pattern;
    uint32_t n_groups;
    uint32_t type; /* convert: index into TYPES */
};
enum { TO_INT, TO_DOUBLE, TO_STRING, TO_BOOL };
#define TYPES "int|double|string|bool"

struct actions {
    size_t n;
    const struct digest *sha256; /* NULL: nothing is hashed */
    struct action at[];
};

static bool sets(enum action_kind k) { return k == INSERT || k == UPDATE || k == UPSERT; }

/* An option that this kind of action does not have. */
static status none_of(const struct tree *t, const struct action *a, struct err *err)
{
    static const struct {
        str name;
        uint32_t kinds;
    } options[] = {
        {S("value"), 1 << INSERT | 1 << UPDATE | 1 << UPSERT},
        {S("from_attribute"), 1 << INSERT | 1 << UPDATE | 1 << UPSERT},
        {S("default_value"), 1 << INSERT | 1 << UPDATE | 1 << UPSERT},
        {S("pattern"), 1 << DELETE | 1 << HASH | 1 << EXTRACT},
        {S("converted_type"), 1 << CONVERT},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct tree *o = tree_get(t, options[i].name);
        if (o && !(options[i].kinds >> a->kind & 1))
            return tree_fail_key(o, err, "this action has no such option");
    }
    return ST_OK;
}

static status read_source(const struct tree *t, struct action *a, struct err *err)
{
    TRY(literal_read(t, S("value"), &a->value, &a->has_value, err));
    TRY(literal_read(t, S("default_value"), &a->otherwise, &a->has_default, err));
    TRY(tree_text(t, S("from_attribute"), &a->from, err));
    if (a->has_value && a->from.len) return tree_fail(t, err, "value or from_attribute, not both");
    if (!a->has_value && !a->from.len && !a->has_default)
        return tree_fail(t, err, "value, from_attribute or default_value is needed");
    return ST_OK;
}

static status read_pattern(struct arena *arena, const struct tree *t, struct action *a,
                           struct err *err)
{
    const struct tree *p = tree_get(t, S("pattern"));
    if (!p || p->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(p, TREE_SCALAR, err));
    struct regex *r;
    struct err why;
    if (regex_new(arena, p->text, REGEX_SEARCH, &r, &why) != ST_OK)
        return tree_fail(p, err, "%s", why.msg);
    a->pattern = r;
    a->n_groups = regex_group_count(r);
    if (a->kind != EXTRACT) return ST_OK;
    if (a->n_groups == 0 || a->n_groups >= REGEX_MAX_GROUPS)
        return tree_fail(p, err, "1 to %d named groups are needed: (?P<name>...)",
                         REGEX_MAX_GROUPS - 1);
    for (uint32_t g = 1; g <= a->n_groups; g++)
        if (regex_group_name(r, g).len == 0)
            return tree_fail(p, err, "group %u has no name: (?P<name>...)", g);
    return ST_OK;
}

static status read_action(struct arena *arena, const struct tree *t, struct action *a,
                          struct err *err)
{
    TRY(tree_only(t,
                  (const str[]){S("key"), S("action"), S("value"), S("from_attribute"),
                                S("from_context"), S("default_value"), S("pattern"),
                                S("converted_type")},
                  8, err));
    const struct tree *context = tree_get(t, S("from_context"));
    if (context)
        return tree_fail_key(context, err,
                             "not available: what a request came with is not kept for a replay");
    uint32_t kind = UINT32_MAX;
    TRY(tree_choice(t, S("action"), KINDS, &kind, err));
    if (kind == UINT32_MAX) return tree_fail(t, err, "action is needed: one of " KINDS);
    a->kind = (enum action_kind)kind;
    TRY(tree_text(t, S("key"), &a->key, err));
    TRY(none_of(t, a, err));
    if (sets(a->kind)) TRY(read_source(t, a, err));
    TRY(read_pattern(arena, t, a, err));
    bool by_pattern = a->pattern && (a->kind == DELETE || a->kind == HASH);
    if (a->key.len == 0 && !by_pattern)
        return tree_fail(t, err, "key is needed%s",
                         a->kind == DELETE || a->kind == HASH ? ", or pattern" : "");
    if (a->kind == EXTRACT && !a->pattern) return tree_fail(t, err, "pattern is needed");
    if (a->kind != CONVERT) return ST_OK;
    a->type = UINT32_MAX;
    TRY(tree_choice(t, S("converted_type"), TYPES, &a->type, err));
    if (a->type == UINT32_MAX) return tree_fail(t, err, "converted_type is needed: one of " TYPES);
    return ST_OK;
}

status actions_new(struct arena *arena, const struct tree *list, const struct actions **ret,
                   struct err *err)
{
    TRY(tree_expect(list, TREE_LIST, err));
    if (list->n == 0) return tree_fail(list, err, "at least one action is needed");
    struct actions *as =
        arena_alloc(arena, sizeof *as + list->n * sizeof *as->at, _Alignof(struct actions));
    memset(as, 0, sizeof *as + list->n * sizeof *as->at);
    for (const struct tree *t = list->first; t; t = t->next) {
        struct action *a = &as->at[as->n++];
        TRY(tree_expect(t, TREE_MAP, err));
        TRY(read_action(arena, t, a, err));
        struct err why;
        if (a->kind == HASH && !as->sha256 &&
            digest_new(arena, "SHA256", &as->sha256, &why) != ST_OK)
            return tree_fail(t, err, "%s", why.msg);
    }
    *ret = as;
    return ST_OK;
}

struct actions_bound actions_bind(const struct actions *as, struct arena *arena)
{
    struct attr *values = arena_array(arena, struct attr, as->n * 2), *defaults = values + as->n;
    str **groups = arena_array(arena, str *, as->n);
    for (size_t i = 0; i < as->n; i++) {
        const struct action *a = &as->at[i];
        values[i] = (struct attr){arena_str(arena, a->key), literal_copy(arena, &a->value)};
        defaults[i] = (struct attr){{0}, literal_copy(arena, &a->otherwise)};
        groups[i] = NULL;
        if (a->kind != EXTRACT) continue;
        groups[i] = arena_array(arena, str, a->n_groups + 1);
        for (uint32_t g = 1; g <= a->n_groups; g++)
            groups[i][g] = arena_str(arena, regex_group_name(a->pattern, g));
    }
    return (struct actions_bound){as, values, defaults, groups};
}

static void apply_set(const struct actions_bound *as, size_t i, struct attr_set *s)
{
    const struct action *a = &as->actions->at[i];
    uint32_t at = attr_set_find(s, a->key);
    bool exists = at < s->n;
    if (a->kind == INSERT ? exists : a->kind == UPDATE && !exists) return;
    struct attr_value v = as->values[i].value;
    if (!a->has_value) {
        const struct attr_value *from = a->from.len ? attr_set_get(s, a->from) : NULL;
        if (!from && !a->has_default) return;
        v = from ? *from : as->defaults[i].value;
    }
    attr_set_put(s, as->values[i].key, v);
}

/* What the Collector hashes: texts by their bytes, numbers by their 8, little-endian, true and
 * false by one. Arrays and lists, which it empties, by their JSON. */
static str hash_of(const struct digest *d, struct arena *arena, const struct attr_value *v)
{
    uint8_t raw[8];
    switch (v->type) {
    case ATTR_EMPTY: return (str){0};
    case ATTR_BOOL: raw[0] = v->i != 0; return digest_hex(d, arena, (str){(const char *)raw, 1});
    case ATTR_INT:
    case ATTR_DOUBLE: /* a double by its bits */
        for (int i = 0; i < 8; i++) raw[i] = (uint8_t)((uint64_t)v->i >> 8 * i);
        return digest_hex(d, arena, (str){(const char *)raw, 8});
    default: return v->text.len ? digest_hex(d, arena, v->text) : (str){0};
    }
}

static void hash_entry(const struct actions *as, struct process_work *w, uint32_t i)
{
    str text = hash_of(as->sha256, w->edit.batch->arena, &w->set.at[i].value);
    attr_set_value(&w->set, i, (struct attr_value){ATTR_STRING, {text}});
}

static void apply_named(const struct actions *as, const struct action *a, struct process_work *w)
{
    struct attr_set *s = &w->set;
    struct regex_scratch *scratch = a->pattern ? process_scratch(w) : NULL;
    for (uint32_t i = 0; i < s->n;) {
        bool meant = (a->key.len && str_eq(s->at[i].key, a->key)) ||
                     (a->pattern && regex_matches(a->pattern, scratch, s->at[i].key));
        if (meant && a->kind == DELETE) {
            attr_set_delete(s, i);
        } else {
            if (meant) hash_entry(as, w, i);
            i++;
        }
    }
}

static void apply_extract(const struct action *a, const str *names, struct process_work *w)
{
    const struct attr_value *v = attr_set_get(&w->set, a->key);
    str found[REGEX_MAX_GROUPS];
    if (!v || v->type != ATTR_STRING ||
        !regex_find(a->pattern, process_scratch(w), v->text, 0, found, a->n_groups + 1))
        return;
    for (uint32_t g = 1; g <= a->n_groups; g++) {
        str text = found[g].ptr ? found[g] : S("");
        attr_set_put(&w->set, names[g], (struct attr_value){ATTR_STRING, {text}});
    }
}

/* A value that cannot be converted stays as it is. */
static void apply_convert(const struct action *a, struct process_work *w)
{
    struct attr_set *s = &w->set;
    uint32_t i = attr_set_find(s, a->key);
    if (i == s->n) return;
    struct attr_value to = {0};
    bool can = s->at[i].value.type != ATTR_EMPTY;
    switch (a->type) {
    case TO_INT: to.type = ATTR_INT, can = can && attr_to_int(&s->at[i].value, &to.i); break;
    case TO_DOUBLE:
        to.type = ATTR_DOUBLE, can = can && attr_to_double(&s->at[i].value, &to.d);
        break;
    case TO_BOOL: to.type = ATTR_BOOL, can = can && attr_to_bool(&s->at[i].value, &to.i); break;
    default:
        to.type = ATTR_STRING;
        to.text = attr_stored_text(w->edit.batch->arena, &s->at[i].value);
        break;
    }
    if (can) attr_set_value(s, i, to);
}

void actions_apply(const struct actions_bound *as, struct process_work *w)
{
    for (size_t i = 0; i < as->actions->n; i++) {
        const struct action *a = &as->actions->at[i];
        switch (a->kind) {
        case DELETE:
        case HASH: apply_named(as->actions, a, w); break;
        case EXTRACT: apply_extract(a, as->groups[i], w); break;
        case CONVERT: apply_convert(a, w); break;
        default: apply_set(as, i, &w->set); break;
        }
    }
}
