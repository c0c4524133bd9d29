/* indexes: the expressions that skipping indexes are made of (indexes.def). A query that wants an
 * index to be used says the same text. */
#pragma once

#include <stdbool.h>

enum schema_choice { SCHEMA_INDEX_ATTRIBUTES, SCHEMA_INDEX_BODY, SCHEMA_CHOICES };

/* Every value of every map of a span. */
#define SCHEMA_ATTRIBUTE_VALUES                                                \
    "arrayConcat(mapValues(span_attributes), mapValues(resource_attributes), " \
    "mapValues(scope_attributes), arrayFlatten(arrayMap(m -> mapValues(m), "   \
    "`events.attributes`)), arrayFlatten(arrayMap(m -> mapValues(m), `links.attributes`)))"

/* Bytes that a text must have for body_grams to tell where it is not. */
enum { SCHEMA_BODY_GRAM = 4 };

/* May something other than the severity tell a log record's level: an attribute whose name has one
 * of these words in it, or is below a map, or the line, when there is no severity? */
#define SCHEMA_LEVEL_ELSEWHERE                                                              \
    "(severity_number = 0 OR position(log_attribute_types, 'k') > 0 OR "                    \
    "position(scope_attribute_types, 'k') > 0 OR "                                          \
    "multiSearchAnyCaseInsensitive(arrayStringConcat(arrayConcat(mapKeys(log_attributes), " \
    "mapKeys(scope_attributes)), ' '), ['level', 'lvl', 'severity']))"

struct schema_index {
    const char *name, *table, *expression, *type;
    enum schema_choice choice; /* SCHEMA_CHOICES: always */
};
extern const struct schema_index schema_indexes[];
extern const unsigned n_schema_indexes;
