#include "schema/indexes.h"

enum { SCHEMA_INDEX_ALWAYS = SCHEMA_CHOICES };

const struct schema_index schema_indexes[] = {
#define INDEX(name, table, choice, expression, type) \
    {#name, #table, expression, type, (enum schema_choice)SCHEMA_INDEX_##choice},
#include "schema/indexes.def"
#undef INDEX
};
const unsigned n_schema_indexes = sizeof schema_indexes / sizeof *schema_indexes;
