/* otlp_fields: the messages of OTLP as tables: JSON name, field number, kind. What JSON is read by.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/telemetry.h"

enum field_kind {
    FIELD_STRING,
    FIELD_BYTES,    /* base64 in JSON */
    FIELD_TRACE_ID, /* hex in JSON */
    FIELD_SPAN_ID,
    FIELD_BOOL,
    FIELD_INT64, /* varint */
    FIELD_UINT64,
    FIELD_UINT32,
    FIELD_SINT32, /* zigzag */
    FIELD_ENUM,
    FIELD_FIXED64,
    FIELD_SFIXED64,
    FIELD_FIXED32,
    FIELD_DOUBLE,
    FIELD_MESSAGE,
};

struct field {
    str name;
    uint8_t number;
    enum field_kind kind;
    bool repeated; /* numbers are written packed */
    const struct message *message;
    const char *const *names; /* of an enum's values, from 0; ends with NULL */
};

enum { FIELDS_MAX = 16 };

struct message {
    const char *name;
    struct field fields[FIELDS_MAX + 1]; /* ends with number 0 */
};

/* The request message of each signal. */
extern const struct message *const otlp_requests[SIGNAL_COUNT];
