/* tables.def as data. */
#include "schema/migrate.h"

const struct schema_column schema_columns[] = {
#define TABLE(table)
#define COLUMN(table, column, type) {#table, column, type},
#include "schema/tables.def"
#undef COLUMN
#undef TABLE
};

const size_t n_schema_columns = sizeof schema_columns / sizeof *schema_columns;
