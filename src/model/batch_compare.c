#include "model/batch_compare.h"

#include <inttypes.h>
#include <math.h>

/* The two batches, and the first difference: sticky. */
struct comparison {
    const struct telemetry_batch *a, *b;
    struct err *err;
    const char *part; /* of the row: "event", "link"; or empty */
    uint32_t row, entry;
    bool differ;
};

static void differs(struct comparison *c, const char *what)
{
    if (c->differ) return;
    c->differ = true;
    if (*c->part)
        (void)err_set(c->err, ST_INVALID, ERR_NOPOS, "row %" PRIu32 ": %s %" PRIu32 ": %s", c->row,
                      c->part, c->entry, what);
    else
        (void)err_set(c->err, ST_INVALID, ERR_NOPOS, "row %" PRIu32 ": %s", c->row, what);
}

static void expect(struct comparison *c, bool same, const char *what)
{
    if (!same) differs(c, what);
}

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static bool same_value(const struct attr_value *a, const struct attr_value *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case ATTR_INT:
    case ATTR_BOOL: return a->i == b->i;
    case ATTR_DOUBLE: return same_number(a->d, b->d);
    case ATTR_EMPTY: return true;
    default: return str_eq(a->text, b->text);
    }
}

static void attributes(struct comparison *c, struct attr_range ra, struct attr_range rb,
                       const char *what)
{
    bool same = ra.n == rb.n;
    for (uint32_t i = 0; same && i < ra.n; i++) {
        const struct attr *a = &c->a->attrs[ra.at + i], *b = &c->b->attrs[rb.at + i];
        same = str_eq(a->key, b->key) && same_value(&a->value, &b->value);
    }
    expect(c, same, what);
}

#define SAME_INT(field) expect(c, x->field == y->field, #field)
#define SAME_STR(field) expect(c, str_eq(x->field, y->field), #field)
#define SAME_NUM(field) expect(c, same_number(x->field, y->field), #field)
#define SAME_ID(field) expect(c, memcmp(x->field, y->field, sizeof x->field) == 0, #field)
#define SAME_ATTRS(field) attributes(c, x->field, y->field, #field)
/* The same of columns, at row i. */
#define ROW_INT(field) expect(c, x->field[i] == y->field[i], #field)
#define ROW_STR(field) expect(c, str_eq(x->field[i], y->field[i]), #field)
#define ROW_NUM(field) expect(c, same_number(x->field[i], y->field[i]), #field)
#define ROW_ID(field) expect(c, memcmp(x->field[i], y->field[i], sizeof x->field[i]) == 0, #field)
#define ROW_ATTRS(field) attributes(c, x->field[i], y->field[i], #field)

/* Hashes are made of what is compared, but for a NaN's bits. */
static void resources(struct comparison *c, uint32_t a, uint32_t b)
{
    const struct resource *x = &c->a->resources[a], *y = &c->b->resources[b];
    attributes(c, x->attrs, y->attrs, "resource.attrs");
    expect(c, x->dropped_attributes == y->dropped_attributes, "resource.dropped_attributes");
    expect(c, str_eq(x->schema_url, y->schema_url), "resource.schema_url");
    expect(c, str_eq(x->entity_refs, y->entity_refs), "resource.entity_refs");
    expect(c, str_eq(x->service_name, y->service_name), "resource.service_name");
}

static void scopes(struct comparison *c, uint32_t a, uint32_t b)
{
    const struct scope *x = &c->a->scopes[a], *y = &c->b->scopes[b];
    expect(c, str_eq(x->name, y->name), "scope.name");
    expect(c, str_eq(x->version, y->version), "scope.version");
    expect(c, str_eq(x->schema_url, y->schema_url), "scope.schema_url");
    attributes(c, x->attrs, y->attrs, "scope.attrs");
    expect(c, x->dropped_attributes == y->dropped_attributes, "scope.dropped_attributes");
}

static void events(struct comparison *c, struct attr_range ra, struct attr_range rb)
{
    expect(c, ra.n == rb.n, "number of events");
    c->part = "event";
    for (c->entry = 0; !c->differ && c->entry < ra.n; c->entry++) {
        const struct span_event *x = &c->a->spans.event[ra.at + c->entry];
        const struct span_event *y = &c->b->spans.event[rb.at + c->entry];
        SAME_INT(time);
        SAME_STR(name);
        SAME_ATTRS(attrs);
        SAME_INT(dropped_attributes);
    }
    c->part = "";
}

static void links(struct comparison *c, struct attr_range ra, struct attr_range rb)
{
    expect(c, ra.n == rb.n, "number of links");
    c->part = "link";
    for (c->entry = 0; !c->differ && c->entry < ra.n; c->entry++) {
        const struct span_link *x = &c->a->spans.link[ra.at + c->entry];
        const struct span_link *y = &c->b->spans.link[rb.at + c->entry];
        SAME_ID(trace_id);
        SAME_ID(span_id);
        SAME_STR(trace_state);
        SAME_ATTRS(attrs);
        SAME_INT(dropped_attributes);
        SAME_INT(flags);
    }
    c->part = "";
}

static void span(struct comparison *c, uint32_t i)
{
    const struct span_columns *x = &c->a->spans, *y = &c->b->spans;
    ROW_ID(trace_id);
    ROW_ID(span_id);
    ROW_ID(parent_span_id);
    ROW_INT(start_time);
    ROW_INT(end_time);
    ROW_STR(name);
    ROW_STR(trace_state);
    ROW_STR(status_message);
    ROW_INT(flags);
    ROW_INT(kind);
    ROW_INT(status_code);
    ROW_ATTRS(attrs);
    ROW_INT(dropped_attributes);
    ROW_INT(dropped_events);
    ROW_INT(dropped_links);
    ROW_NUM(adjusted_count);
    events(c, x->events[i], y->events[i]);
    links(c, x->links[i], y->links[i]);
    resources(c, x->resource[i], y->resource[i]);
    scopes(c, x->scope[i], y->scope[i]);
}

static void record(struct comparison *c, uint32_t i)
{
    const struct log_columns *x = &c->a->logs, *y = &c->b->logs;
    ROW_INT(time);
    ROW_INT(observed_time);
    ROW_INT(time_origin);
    ROW_ID(trace_id);
    ROW_ID(span_id);
    ROW_INT(flags);
    ROW_INT(severity_number);
    ROW_STR(severity_text);
    ROW_STR(event_name);
    expect(c, same_value(&x->body[i], &y->body[i]), "body");
    ROW_ATTRS(attrs);
    ROW_INT(dropped_attributes);
    resources(c, x->resource[i], y->resource[i]);
    scopes(c, x->scope[i], y->scope[i]);
}

static void u64s(struct comparison *c, struct num_range ra, struct num_range rb, const char *what)
{
    bool same = ra.n == rb.n;
    for (uint32_t i = 0; same && i < ra.n; i++)
        same = c->a->metrics.u64s[ra.at + i] == c->b->metrics.u64s[rb.at + i];
    expect(c, same, what);
}

static void f64s(struct comparison *c, struct num_range ra, struct num_range rb, const char *what)
{
    bool same = ra.n == rb.n;
    for (uint32_t i = 0; same && i < ra.n; i++)
        same = same_number(c->a->metrics.f64s[ra.at + i], c->b->metrics.f64s[rb.at + i]);
    expect(c, same, what);
}

static struct num_range run_at(const struct num_range *column, uint32_t i)
{
    return column ? column[i] : (struct num_range){0};
}

static void descs(struct comparison *c, uint32_t a, uint32_t b)
{
    const struct metric_desc *x = &c->a->metrics.descs[a], *y = &c->b->metrics.descs[b];
    SAME_STR(name);
    SAME_STR(description);
    SAME_STR(unit);
    SAME_INT(type);
    SAME_INT(temporality);
    SAME_INT(monotonic);
    SAME_ATTRS(metadata);
    resources(c, x->resource, y->resource);
    scopes(c, x->scope, y->scope);
}

static void point(struct comparison *c, uint32_t i)
{
    const struct metric_columns *x = &c->a->metrics, *y = &c->b->metrics;
    ROW_INT(time);
    ROW_INT(start_time);
    ROW_ATTRS(attrs);
    ROW_INT(flags);
    ROW_INT(present);
    ROW_NUM(value);
    ROW_INT(int_value);
    descs(c, x->desc[i], y->desc[i]);
    if (c->differ) return; /* columns that one of them has the other may not have */
    switch (x->descs[x->desc[i]].type) {
    case METRIC_HISTOGRAM:
        u64s(c, x->bucket_counts[i], y->bucket_counts[i], "bucket_counts");
        f64s(c, x->explicit_bounds[i], y->explicit_bounds[i], "explicit_bounds");
        break;
    case METRIC_EXP_HISTOGRAM:
        ROW_INT(scale);
        ROW_INT(zero_count);
        ROW_NUM(zero_threshold);
        ROW_INT(positive_offset);
        ROW_INT(negative_offset);
        u64s(c, x->positive_counts[i], y->positive_counts[i], "positive_counts");
        u64s(c, x->negative_counts[i], y->negative_counts[i], "negative_counts");
        f64s(c, run_at(x->quantiles, i), run_at(y->quantiles, i), "custom bounds");
        f64s(c, run_at(x->quantile_values, i), run_at(y->quantile_values, i), "exact counts");
        break;
    case METRIC_SUMMARY:
        f64s(c, x->quantiles[i], y->quantiles[i], "quantiles");
        f64s(c, x->quantile_values[i], y->quantile_values[i], "quantile_values");
        break;
    default: return;
    }
    ROW_INT(count);
    ROW_NUM(sum);
    ROW_NUM(min);
    ROW_NUM(max);
}

/* In the order of their points, as decode leaves them. */
static void exemplars(struct comparison *c)
{
    const struct metric_columns *a = &c->a->metrics, *b = &c->b->metrics;
    expect(c, a->n_exemplars == b->n_exemplars, "number of exemplars");
    c->part = "exemplar";
    for (c->entry = 0; !c->differ && c->entry < a->n_exemplars; c->entry++) {
        const struct exemplar *x = &a->exemplar[c->entry], *y = &b->exemplar[c->entry];
        c->row = x->point;
        SAME_INT(point);
        SAME_INT(time);
        SAME_INT(present);
        SAME_NUM(value);
        SAME_INT(int_value);
        SAME_ID(trace_id);
        SAME_ID(span_id);
        SAME_ATTRS(attrs);
    }
    c->part = "";
}

status batch_compare(const struct telemetry_batch *a, const struct telemetry_batch *b,
                     struct err *err)
{
    struct comparison c = {.a = a, .b = b, .err = err, .part = ""};
    uint32_t rows = telemetry_batch_rows(a);
    if (a->signal != b->signal) return err_set(err, ST_INVALID, ERR_NOPOS, "signal");
    if (rows != telemetry_batch_rows(b))
        return err_set(err, ST_INVALID, ERR_NOPOS, "%" PRIu32 " rows and %" PRIu32, rows,
                       telemetry_batch_rows(b));
    if (a->signal == SIGNAL_METRICS) exemplars(&c);
    for (c.row = 0; !c.differ && c.row < rows; c.row++) {
        switch (a->signal) {
        case SIGNAL_TRACES: span(&c, c.row); break;
        case SIGNAL_LOGS: record(&c, c.row); break;
        default: point(&c, c.row); break;
        }
    }
    return c.differ ? ST_INVALID : ST_OK;
}
