/* generate: export requests of a realistic shape, encoded once and patched before each sending.
 *
 * Repeatable: the same shape gives the same bytes for the same request number and time. Ids are
 * made of the seed, the request number and the item, so they are unique within a run. Every span
 * and log record carries the attributes loadgen.request and loadgen.item; metric points only when
 * the shape says so, since that makes each of them a series of its own. thread: any, one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/telemetry.h"

struct load_shape {
    uint64_t seed;
    uint32_t services; /* 1 to 10,000 */
    uint32_t batch;    /* items in a request; 1 to 20,000 */
    uint32_t series;   /* of metrics, over all requests; 1 to 1,000,000 */
    bool tag_metrics;
    nanos start; /* of cumulative metrics */
};

struct load_templates;

/* Encodes what requests of this signal are made of. Never fails. */
struct load_templates *load_templates_new(enum signal_kind signal, const struct load_shape *shape);
void load_templates_free(struct load_templates *t); /* accepts NULL */

/* Bytes of the longest request. */
size_t load_request_room(const struct load_templates *t);

/* Writes request `number` as of `now` to `out`; returns its bytes. *ret_items: how many are in it.
 * `turn` counts the requests of this signal from 0: it chooses the template, and counters rise by
 * it. */
size_t load_request(const struct load_templates *t, uint64_t number, uint64_t turn, nanos now,
                    char *out, uint32_t *ret_items);
