#include "model/identity.h"

#include "base/hash.h"

uint64_t attrs_hash(const struct attr *attrs, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct attr *a = &attrs[i];
        uint64_t h = hash_mix(hash_str(a->key), (uint64_t)attr_letter(a->value.type));
        switch (a->value.type) {
        case ATTR_INT:
        case ATTR_BOOL:
        case ATTR_DOUBLE: h = hash_mix(h, (uint64_t)a->value.i); break; /* a double by its bits */
        case ATTR_EMPTY: break;
        default: h = hash_seed(a->value.text, h); break;
        }
        sum += hash_mix(h, 1);
    }
    return hash_mix(sum, n);
}

static str service_name(const struct attr *attrs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (attrs[i].value.type == ATTR_STRING && str_eq(attrs[i].key, S("service.name")))
            return attrs[i].value.text;
    return (str){0};
}

void resource_identify(struct resource *r, const struct attr *attrs)
{
    const struct attr *own = r->attrs.n ? attrs + r->attrs.at : NULL;
    r->hash = attrs_hash(own, r->attrs.n);
    r->service_name = service_name(own, r->attrs.n);
}

void scope_identify(struct scope *s, const struct attr *attrs)
{
    uint64_t h = hash_mix(hash_str(s->name), hash_str(s->version));
    h = hash_mix(h, hash_str(s->schema_url));
    s->hash = hash_mix(h, attrs_hash(s->attrs.n ? attrs + s->attrs.at : NULL, s->attrs.n));
}

uint64_t metric_hash(const struct metric_desc *d, uint64_t resource, uint64_t scope)
{
    uint64_t h = hash_mix(hash_str(d->name), d->type);
    h = hash_mix(h, (uint64_t)d->temporality << 1 | d->monotonic);
    h = hash_mix(h, hash_str(d->unit));
    h = hash_mix(h, resource);
    return hash_mix(h, scope);
}

uint64_t metric_series_id(uint64_t metric, enum metric_type type, const double *bounds,
                          uint32_t n_bounds, uint64_t attrs)
{
    if (type == METRIC_HISTOGRAM) {
        str bytes = S("");
        if (n_bounds) bytes = (str){(const char *)bounds, n_bounds * sizeof *bounds};
        metric = hash_seed(bytes, metric);
    }
    return hash_mix(metric, attrs);
}
