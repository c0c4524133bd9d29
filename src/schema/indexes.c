#include "schema/indexes.h"

const struct schema_index schema_indexes[] = {
#define INDEX(name, table, expression, type) {#name, #table, expression, type},
#include "schema/indexes.def"
#undef INDEX
};
const unsigned n_schema_indexes = sizeof schema_indexes / sizeof *schema_indexes;
