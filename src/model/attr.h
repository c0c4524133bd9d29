/* attr: one OTLP attribute (KeyValue) in memory, and AnyValue as a value of its own.
 *
 * Strings borrow from the request body or the batch's arena. A nested value (array, kvlist) is held
 * as its JSON text: OTLP's proto3 JSON of the *plain* value, so {"a":[1,"x"]} and not AnyValue
 * objects; bytes as base64 text inside nested values.
 *
 * The type letter is what the `*_attribute_types` columns store, one letter per entry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum attr_type {
    ATTR_STRING, /* text */
    ATTR_INT,    /* i */
    ATTR_DOUBLE, /* d */
    ATTR_BOOL,   /* i: 0 or 1 */
    ATTR_BYTES,  /* text: the raw bytes; stored as base64 */
    ATTR_ARRAY,  /* text: JSON */
    ATTR_KVLIST, /* text: JSON */
    ATTR_EMPTY,  /* an AnyValue with no member set */
    ATTR_TYPES
};

/* "sidbyake": the letter of each type, in the enum's order. */
static inline char attr_letter(enum attr_type t) { return "sidbyake"[t]; }

struct attr_value {
    enum attr_type type;
    union {
        str text;
        int64_t i;
        double d;
    };
};

struct attr {
    str key;
    struct attr_value value;
};

/* A run of attributes in the batch's `attrs` array. */
struct attr_range {
    uint32_t at, n;
};

enum { ATTR_SCALAR_MAX = 32 };

/* The text a column stores for the value. Scalars are written to `tmp` (ATTR_SCALAR_MAX bytes):
 * ints in decimal, doubles in the shortest JSON form, true/false. STRING, ARRAY, KVLIST return
 * their own text; EMPTY an empty str. BYTES is not handled here: see attr_stored_text. */
str attr_text(const struct attr_value *v, char tmp[ATTR_SCALAR_MAX]);

/* The same for every type: bytes as base64. Lies in the arena or borrows from the value. */
str attr_stored_text(struct arena *a, const struct attr_value *v);
