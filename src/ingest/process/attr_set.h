/* attr_set: one run of attributes while processors look at it and change it: a copy is taken with
 * the first change, and written back only if there was one. Keys stay unique. */
#pragma once

#include "model/batch_edit.h"

struct attr_set {
    const struct attr *at; /* as they are now */
    uint32_t n;
    bool changed;
    struct attr *own; /* malloc'ed: memory of the copy, kept from run to run */
    uint32_t cap;
};

void attr_set_load(struct attr_set *s, const struct telemetry_batch *b, struct attr_range run);
/* Writes back what was loaded, changed, to the same run. False: nothing had changed. */
bool attr_set_store(const struct attr_set *s, struct batch_edit *e, struct attr_range *run);
void attr_set_done(struct attr_set *s);

/* NULL: no such key. Good until the next change. */
const struct attr_value *attr_set_get(const struct attr_set *s, str key);

/* Adds or replaces; no change when the value is the same. Key and value are borrowed. */
void attr_set_put(struct attr_set *s, str key, struct attr_value value);
void attr_set_value(struct attr_set *s, uint32_t i, struct attr_value value); /* of entry `i` */
void attr_set_delete(struct attr_set *s, uint32_t i); /* the others keep their order */

/* The place of a key, or `n`. */
uint32_t attr_set_find(const struct attr_set *s, str key);

/* Same type, same value; doubles by their bits. */
bool attr_value_same(const struct attr_value *a, const struct attr_value *b);
