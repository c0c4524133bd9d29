/* What a condition says of a row. Nothing fails: what cannot be computed is nil, which equals only
 * nil. */
#include "base/hex.h"
#include "ingest/process/condition_node.h"
#include "ingest/process/convert.h"

#define NIL ((struct attr_value){.type = ATTR_EMPTY})

static struct attr_value of_text(str s) { return (struct attr_value){ATTR_STRING, {s}}; }
static struct attr_value of_bool(bool b) { return (struct attr_value){ATTR_BOOL, {.i = b}}; }
static struct attr_value of_double(double d) { return (struct attr_value){ATTR_DOUBLE, {.d = d}}; }
static struct attr_value of_int(uint64_t i)
{
    return (struct attr_value){ATTR_INT, {.i = (int64_t)i}};
}

static struct attr_value of_bytes(const void *p, size_t n)
{
    return (struct attr_value){ATTR_BYTES, {(str){p, n}}};
}

static struct attr_value of_hex(const struct condition_row *r, const void *p, size_t n)
{
    char *text = arena_alloc(r->arena, 2 * n, 1);
    hex_encode(p, n, text);
    return of_text((str){text, 2 * n});
}

static struct attr_value attribute(const struct condition_row *r, struct attr_range run,
                                   const struct path_key *key)
{
    const struct attr *attrs = r->batch->attrs;
    for (uint32_t i = run.at; i < run.at + run.n; i++)
        if (str_eq(attrs[i].key, key->name))
            return nested_value(r->arena, attrs[i].value, key->next);
    return NIL;
}

static struct attr_value span_value(const struct node *n, const struct condition_row *r)
{
    static const str kinds[] = {S("Unspecified"), S("Internal"), S("Server"),
                                S("Client"),      S("Producer"), S("Consumer")};
    const struct span_columns *c = &r->batch->spans;
    uint32_t i = r->row;
    switch ((enum path_field)n->field) {
    case FIELD_ATTRIBUTE: return attribute(r, c->attrs[i], n->keys);
    case FIELD_DROPPED_ATTRIBUTES: return of_int(c->dropped_attributes[i]);
    case FIELD_NAME: return of_text(c->name[i]);
    case FIELD_KIND: return of_int(c->kind[i]);
    case FIELD_KIND_TEXT: return of_text(kinds[c->kind[i]]);
    case FIELD_STATUS_CODE: return of_int(c->status_code[i]);
    case FIELD_STATUS_MESSAGE: return of_text(c->status_message[i]);
    case FIELD_TRACE_STATE: return of_text(c->trace_state[i]);
    case FIELD_TRACE_ID: return of_bytes(c->trace_id[i], 16);
    case FIELD_TRACE_ID_TEXT: return of_hex(r, c->trace_id[i], 16);
    case FIELD_SPAN_ID: return of_bytes(c->span_id[i], 8);
    case FIELD_SPAN_ID_TEXT: return of_hex(r, c->span_id[i], 8);
    case FIELD_PARENT_ID: return of_bytes(c->parent_span_id[i], 8);
    case FIELD_PARENT_ID_TEXT: return of_hex(r, c->parent_span_id[i], 8);
    case FIELD_START_TIME: return of_int(c->start_time[i]);
    case FIELD_END_TIME: return of_int(c->end_time[i]);
    case FIELD_FLAGS: return of_int(c->flags[i]);
    case FIELD_DROPPED_EVENTS: return of_int(c->dropped_events[i]);
    case FIELD_DROPPED_LINKS: return of_int(c->dropped_links[i]);
    default: return NIL;
    }
}

static struct attr_value event_value(const struct node *n, const struct condition_row *r)
{
    const struct span_event *e = &r->batch->spans.event[r->event];
    switch ((enum path_field)n->field) {
    case FIELD_ATTRIBUTE: return attribute(r, e->attrs, n->keys);
    case FIELD_DROPPED_ATTRIBUTES: return of_int(e->dropped_attributes);
    case FIELD_NAME: return of_text(e->name);
    case FIELD_TIME: return of_int(e->time);
    default: return NIL;
    }
}

static struct attr_value log_value(const struct node *n, const struct condition_row *r)
{
    const struct log_columns *c = &r->batch->logs;
    uint32_t i = r->row;
    switch ((enum path_field)n->field) {
    case FIELD_ATTRIBUTE: return attribute(r, c->attrs[i], n->keys);
    case FIELD_DROPPED_ATTRIBUTES: return of_int(c->dropped_attributes[i]);
    case FIELD_TRACE_ID: return of_bytes(c->trace_id[i], 16);
    case FIELD_TRACE_ID_TEXT: return of_hex(r, c->trace_id[i], 16);
    case FIELD_SPAN_ID: return of_bytes(c->span_id[i], 8);
    case FIELD_SPAN_ID_TEXT: return of_hex(r, c->span_id[i], 8);
    case FIELD_TIME: return of_int(c->time_origin[i] == LOG_TIME_OWN ? c->time[i] : 0);
    case FIELD_OBSERVED_TIME: return of_int(c->observed_time[i]);
    case FIELD_FLAGS: return of_int(c->flags[i]);
    case FIELD_SEVERITY_NUMBER: return of_int(c->severity_number[i]);
    case FIELD_SEVERITY_TEXT: return of_text(c->severity_text[i]);
    case FIELD_BODY: return nested_value(r->arena, c->body[i], n->keys);
    case FIELD_BODY_TEXT: return of_text(attr_stored_text(r->arena, &c->body[i]));
    case FIELD_EVENT_NAME: return of_text(c->event_name[i]);
    default: return NIL;
    }
}

static struct attr_value metric_value(const struct node *n, const struct condition_row *r)
{
    const struct metric_desc *d = &r->batch->metrics.descs[r->desc];
    switch ((enum path_field)n->field) {
    case FIELD_NAME: return of_text(d->name);
    case FIELD_DESCRIPTION: return of_text(d->description);
    case FIELD_UNIT: return of_text(d->unit);
    case FIELD_TYPE: return of_int(d->type);
    case FIELD_TEMPORALITY: return of_int(d->temporality);
    case FIELD_MONOTONIC: return of_bool(d->monotonic);
    default: return NIL;
    }
}

static struct attr_value point_value(const struct node *n, const struct condition_row *r)
{
    const struct metric_columns *c = &r->batch->metrics;
    uint32_t i = r->row;
    enum metric_type type = c->descs[r->desc].type;
    bool number = type == METRIC_GAUGE || type == METRIC_SUM;
    bool is_int = c->present[i] & POINT_IS_INT, none = c->present[i] & POINT_NO_VALUE;
    switch ((enum path_field)n->field) {
    case FIELD_ATTRIBUTE: return attribute(r, c->attrs[i], n->keys);
    case FIELD_TIME: return of_int(c->time[i]);
    case FIELD_START_TIME: return of_int(c->start_time[i]);
    case FIELD_FLAGS: return of_int(c->flags[i]);
    case FIELD_VALUE_INT: return number && is_int ? of_int((uint64_t)c->int_value[i]) : NIL;
    case FIELD_VALUE_DOUBLE: return number && !is_int && !none ? of_double(c->value[i]) : NIL;
    case FIELD_COUNT: return number ? NIL : of_int(c->count[i]);
    case FIELD_SUM: return !number && c->present[i] & POINT_HAS_SUM ? of_double(c->sum[i]) : NIL;
    default: return NIL;
    }
}

static uint32_t resource_of(const struct condition_row *r)
{
    switch (r->batch->signal) {
    case SIGNAL_TRACES: return r->batch->spans.resource[r->row];
    case SIGNAL_LOGS: return r->batch->logs.resource[r->row];
    default: return r->batch->metrics.descs[r->desc].resource;
    }
}

static uint32_t scope_of(const struct condition_row *r)
{
    switch (r->batch->signal) {
    case SIGNAL_TRACES: return r->batch->spans.scope[r->row];
    case SIGNAL_LOGS: return r->batch->logs.scope[r->row];
    default: return r->batch->metrics.descs[r->desc].scope;
    }
}

static struct attr_value resource_value(const struct node *n, const struct condition_row *r)
{
    const struct resource *res = &r->batch->resources[resource_of(r)];
    switch ((enum path_field)n->field) {
    case FIELD_ATTRIBUTE: return attribute(r, res->attrs, n->keys);
    case FIELD_DROPPED_ATTRIBUTES: return of_int(res->dropped_attributes);
    case FIELD_SCHEMA_URL: return of_text(res->schema_url);
    default: return NIL;
    }
}

static struct attr_value scope_value(const struct node *n, const struct condition_row *r)
{
    const struct scope *s = &r->batch->scopes[scope_of(r)];
    switch ((enum path_field)n->field) {
    case FIELD_ATTRIBUTE: return attribute(r, s->attrs, n->keys);
    case FIELD_DROPPED_ATTRIBUTES: return of_int(s->dropped_attributes);
    case FIELD_NAME: return of_text(s->name);
    case FIELD_VERSION: return of_text(s->version);
    case FIELD_SCHEMA_URL: return of_text(s->schema_url);
    default: return NIL;
    }
}

static struct attr_value path_value(const struct node *n, const struct condition_row *r)
{
    switch ((enum path_owner)n->owner) {
    case OF_SPAN: return span_value(n, r);
    case OF_EVENT: return event_value(n, r);
    case OF_LOG: return log_value(n, r);
    case OF_METRIC: return metric_value(n, r);
    case OF_POINT: return point_value(n, r);
    case OF_RESOURCE: return resource_value(n, r);
    default: return scope_value(n, r);
    }
}

static bool node_holds(const struct node *n, const struct condition_row *r);
static struct attr_value node_value(const struct node *n, const struct condition_row *r);

static struct attr_value math(const struct node *n, const struct condition_row *r)
{
    struct attr_value a = node_value(n->first, r), b = node_value(n->first->next, r);
    bool ints = a.type == ATTR_INT && b.type == ATTR_INT;
    bool numbers = (a.type == ATTR_INT || a.type == ATTR_DOUBLE) &&
                   (b.type == ATTR_INT || b.type == ATTR_DOUBLE);
    if (!numbers) return NIL;
    if (ints) { /* wraps around, as Go's */
        uint64_t x = (uint64_t)a.i, y = (uint64_t)b.i;
        switch (n->op) {
        case '+': return of_int(x + y);
        case '-': return of_int(x - y);
        case '*': return of_int(x * y);
        default:
            if (b.i == 0) return NIL;
            return b.i == -1 ? of_int(0 - x) : of_int((uint64_t)(a.i / b.i));
        }
    }
    double x = a.type == ATTR_INT ? (double)a.i : a.d, y = b.type == ATTR_INT ? (double)b.i : b.d;
    switch (n->op) {
    case '+': return of_double(x + y);
    case '-': return of_double(x - y);
    case '*': return of_double(x * y);
    default: return y == 0 ? NIL : of_double(x / y);
    }
}

/* False: there is no text to match. */
static bool text_like(const struct attr_value *v, const struct condition_row *r, str *ret)
{
    if (v->type == ATTR_EMPTY) return false;
    *ret = v->type == ATTR_BYTES ? of_hex(r, v->text.ptr, v->text.len).text
                                 : attr_stored_text(r->arena, v);
    return true;
}

static bool has_part(const struct attr_value *v, const struct attr_value *part, bool at_end)
{
    if (v->type != ATTR_STRING || part->type != ATTR_STRING || part->text.len > v->text.len)
        return false;
    str rest = v->text;
    if (at_end) rest = str_drop(rest, rest.len - part->text.len);
    return part->text.len == 0 || memcmp(rest.ptr, part->text.ptr, part->text.len) == 0;
}

static bool is_root(const struct condition_row *r)
{
    static const uint8_t zeros[8];
    return memcmp(r->batch->spans.parent_span_id[r->row], zeros, 8) == 0;
}

static struct attr_value call(const struct node *n, const struct condition_row *r)
{
    struct attr_value v = n->first ? node_value(n->first, r) : NIL;
    struct attr_value second = NIL, to = NIL;
    str text;
    if (n->first && n->first->next) second = node_value(n->first->next, r);
    switch ((enum condition_function)n->op) {
    case CALL_IS_MATCH:
        return of_bool(text_like(&v, r, &text) && regex_matches(n->pattern, r->regex, text));
    case CALL_HAS_PREFIX: return of_bool(has_part(&v, &second, false));
    case CALL_HAS_SUFFIX: return of_bool(has_part(&v, &second, true));
    case CALL_IS_STRING: return of_bool(v.type == ATTR_STRING);
    case CALL_IS_INT: return of_bool(v.type == ATTR_INT);
    case CALL_IS_DOUBLE: return of_bool(v.type == ATTR_DOUBLE);
    case CALL_IS_BOOL: return of_bool(v.type == ATTR_BOOL);
    case CALL_IS_ROOT_SPAN: return of_bool(is_root(r));
    case CALL_LEN: return v.type == ATTR_STRING ? of_int(v.text.len) : NIL;
    case CALL_INT: to.type = ATTR_INT; return attr_to_int(&v, &to.i) ? to : NIL;
    case CALL_DOUBLE: to.type = ATTR_DOUBLE; return attr_to_double(&v, &to.d) ? to : NIL;
    case CALL_STRING: return text_like(&v, r, &text) ? of_text(text) : NIL;
    case CALL_TRACE_ID: return v.type == ATTR_BYTES && v.text.len == 16 ? v : NIL;
    case CALL_SPAN_ID: return v.type == ATTR_BYTES && v.text.len == 8 ? v : NIL;
    }
    return NIL;
}

static struct attr_value node_value(const struct node *n, const struct condition_row *r)
{
    switch ((enum node_kind)n->kind) {
    case NODE_LITERAL: return n->literal;
    case NODE_PATH: return path_value(n, r);
    case NODE_MATH: return math(n, r);
    case NODE_CALL: return call(n, r);
    default: return of_bool(node_holds(n, r));
    }
}

/* -1, 0, 1 */
static int order_of(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

#define COMPARE(op, x, y)         \
    ((op) == OP_EQ   ? (x) == (y) \
     : (op) == OP_NE ? (x) != (y) \
     : (op) == OP_LT ? (x) < (y)  \
     : (op) == OP_LE ? (x) <= (y) \
     : (op) == OP_GT ? (x) > (y)  \
                     : (x) >= (y))

/* "Comparison Rules" of LANGUAGE.md: numbers by value, other types only with their own. */
static bool compare(enum compare_op op, const struct attr_value *a, const struct attr_value *b)
{
    bool numbers = (a->type == ATTR_INT || a->type == ATTR_DOUBLE) &&
                   (b->type == ATTR_INT || b->type == ATTR_DOUBLE);
    if (numbers && a->type != b->type) {
        double x = a->type == ATTR_INT ? (double)a->i : a->d;
        double y = b->type == ATTR_INT ? (double)b->i : b->d;
        return COMPARE(op, x, y);
    }
    if (a->type != b->type) return op == OP_NE;
    switch (a->type) {
    case ATTR_INT:
    case ATTR_BOOL: return COMPARE(op, a->i, b->i);
    case ATTR_DOUBLE: return COMPARE(op, a->d, b->d);
    case ATTR_STRING:
    case ATTR_BYTES: {
        int c = order_of(a->text, b->text);
        return COMPARE(op, c, 0);
    }
    case ATTR_EMPTY: return op == OP_EQ;
    default: /* arrays and lists by their JSON */
        return op == OP_EQ ? str_eq(a->text, b->text) : op == OP_NE && !str_eq(a->text, b->text);
    }
}

static bool node_holds(const struct node *n, const struct condition_row *r)
{
    switch ((enum node_kind)n->kind) {
    case NODE_AND:
        for (const struct node *c = n->first; c; c = c->next)
            if (!node_holds(c, r)) return false;
        return true;
    case NODE_OR:
        for (const struct node *c = n->first; c; c = c->next)
            if (node_holds(c, r)) return true;
        return false;
    case NODE_NOT: return !node_holds(n->first, r);
    case NODE_COMPARE: {
        struct attr_value a = node_value(n->first, r), b = node_value(n->first->next, r);
        return compare((enum compare_op)n->op, &a, &b);
    }
    default: {
        struct attr_value v = node_value(n, r);
        return v.type == ATTR_BOOL && v.i;
    }
    }
}

bool condition_holds(const struct condition *c, const struct condition_row *row)
{
    struct arena_mark mark = arena_mark(row->arena);
    bool holds = node_holds(c->root, row);
    arena_rewind(row->arena, mark);
    return holds;
}
