/* indexes: the expressions that skipping indexes are made of (indexes.def). A query that wants an
 * index to be used says the same text. */
#pragma once

/* Above 0: something other than the severity number may tell a log record's level. An attribute
 * whose name has one of these words in it, or is below a map; a severity text that means another
 * level than the number; the line, when there is no number. A sum, since the engine finds an index
 * by a comparison of its expression, which an OR is not. */
#define SCHEMA_LEVEL_ELSEWHERE                                                                 \
    "((severity_number = 0) + (position(log_attribute_types, 'k') > 0) + "                     \
    "(position(scope_attribute_types, 'k') > 0) + "                                            \
    "(transform(lower(severity_text), ['trace', 'trc', 'debug', 'dbg', 'info', 'inf', "        \
    "'information', 'warn', 'wrn', 'warning', 'error', 'err', 'fatal', 'critical', 'crit'], "  \
    "[1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 99, 99], intDiv(severity_number + 3, 4)) != "     \
    "intDiv(severity_number + 3, 4)) + multiSearchAnyCaseInsensitive(arrayStringConcat("       \
    "arrayConcat(mapKeys(log_attributes), mapKeys(scope_attributes)), ' '), ['level', 'lvl', " \
    "'severity']))"

struct schema_index {
    const char *name, *table, *expression, *type;
};
extern const struct schema_index schema_indexes[];
extern const unsigned n_schema_indexes;
