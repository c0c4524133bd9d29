/* identity: the hashes that say which resource, scope and series something belongs to. They are
 * stored (stream_id, series_id): what they are made of, and how, must never change. Whoever changes
 * attributes makes them anew with these, so that a changed batch has the ids of one that came so.
 * Pure. */
#pragma once

#include "model/batch.h"

/* Of keys, types and values, independent of their order. Keys are unique. */
uint64_t attrs_hash(const struct attr *attrs, uint32_t n);

/* Set `hash`, and of a resource `service_name`, from the other members; `attrs`: the batch's. */
void resource_identify(struct resource *r, const struct attr *attrs);
void scope_identify(struct scope *s, const struct attr *attrs);

/* What the series of one Metric message share: name, type, temporality, monotonic, unit, and the
 * hashes of resource and scope. */
uint64_t metric_hash(const struct metric_desc *d, uint64_t resource, uint64_t scope);

/* One series of it. `bounds`: of an explicit histogram, whose series they tell apart; else ignored.
 */
uint64_t metric_series_id(uint64_t metric_hash, enum metric_type type, const double *bounds,
                          uint32_t n_bounds, uint64_t attrs_hash);
