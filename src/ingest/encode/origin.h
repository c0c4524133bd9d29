/* origin: the resources (or scopes) of a block, numbered through, and which one each row of an
 * insert has. Everything that depends on them is computed once each and then only copied per row.
 */
#pragma once

#include "model/block.h"

enum origin_text { ORIGIN_NAME, ORIGIN_TYPES, ORIGIN_SCHEMA_URL, ORIGIN_EXTRA, ORIGIN_TEXTS };

struct origin {
    const struct attr *attrs;
    uint32_t n_attrs, dropped;
    bool used; /* by a row of this insert */
    uint64_t hash;
    str text[ORIGIN_TEXTS]; /* service_name or scope name; types; schema URL; entity_refs or scope
                               version */
};

struct origins {
    uint32_t n;
    struct origin *list;
    uint32_t *of_row; /* index into list */
};

struct insert;
void origins_find(struct insert *w); /* fills w->resources and w->scopes */

/* One letter per attribute, or empty when all are strings. */
str attr_letters(struct arena *a, const struct attr *attrs, uint32_t n);
