/* shape: what a column type's text says about its bytes. Private to native/.
 *
 * A type text is read by recursive descent; its nesting and the number of its elements are bounded.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "native/reader.h"

enum { SHAPE_MAX_DEPTH = 16, SHAPE_MAX_ELEMENTS = 1000 };

struct shape {
    str name, text; /* element name in a Tuple, type text */
    enum native_kind kind;
    uint32_t width;
    bool low_cardinality, nullable;
    uint32_t n_children;
    struct shape *child;
};

/* ST_INVALID: not a type, or one that is not read here. `text` is borrowed. */
[[nodiscard]] status shape_read(struct arena *a, str text, struct shape *ret, struct err *err);
