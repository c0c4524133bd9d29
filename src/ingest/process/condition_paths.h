/* condition_paths: what can be named in a condition: fields of items, enums, functions. */
#pragma once

#include "ingest/process/condition_node.h"

/* "span.name": sets owner and field. NULL, or why not (static text). `name` is the dotted path
 * without a key. */
const char *path_find(enum condition_context on, bool named, str name, struct node *ret);

/* "SPAN_KIND_SERVER". */
bool enum_find(str name, int64_t *ret);

struct function {
    str name;
    uint8_t call, n_args;
    bool is_bool;
};
const struct function *function_find(str name); /* NULL: none */
