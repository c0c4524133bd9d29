/* condition_node: a parsed condition as a tree; between parse and evaluation. */
#pragma once

#include "ingest/process/condition.h"

/* What a path's first part can say it belongs to. */
enum path_owner { OF_SPAN, OF_EVENT, OF_LOG, OF_METRIC, OF_POINT, OF_RESOURCE, OF_SCOPE };

enum path_field {
    FIELD_ATTRIBUTE, /* of any owner; its name is the first key */
    FIELD_DROPPED_ATTRIBUTES,
    FIELD_NAME, /* of span, event, metric, scope */
    FIELD_KIND,
    FIELD_KIND_TEXT,
    FIELD_STATUS_CODE,
    FIELD_STATUS_MESSAGE,
    FIELD_TRACE_STATE,
    FIELD_TRACE_ID,
    FIELD_TRACE_ID_TEXT,
    FIELD_SPAN_ID,
    FIELD_SPAN_ID_TEXT,
    FIELD_PARENT_ID,
    FIELD_PARENT_ID_TEXT,
    FIELD_START_TIME,
    FIELD_END_TIME,
    FIELD_TIME,
    FIELD_OBSERVED_TIME,
    FIELD_FLAGS,
    FIELD_DROPPED_EVENTS,
    FIELD_DROPPED_LINKS,
    FIELD_SEVERITY_NUMBER,
    FIELD_SEVERITY_TEXT,
    FIELD_BODY,
    FIELD_BODY_TEXT,
    FIELD_EVENT_NAME,
    FIELD_DESCRIPTION,
    FIELD_UNIT,
    FIELD_TYPE,
    FIELD_TEMPORALITY,
    FIELD_MONOTONIC,
    FIELD_VALUE_INT,
    FIELD_VALUE_DOUBLE,
    FIELD_COUNT,
    FIELD_SUM,
    FIELD_VERSION,
    FIELD_SCHEMA_URL,
};

enum condition_function {
    CALL_IS_MATCH,
    CALL_HAS_PREFIX,
    CALL_HAS_SUFFIX,
    CALL_IS_STRING,
    CALL_IS_INT,
    CALL_IS_DOUBLE,
    CALL_IS_BOOL,
    CALL_IS_ROOT_SPAN,
    CALL_LEN,
    CALL_INT,
    CALL_DOUBLE,
    CALL_STRING,
    CALL_TRACE_ID,
    CALL_SPAN_ID,
};

enum node_kind {
    NODE_LITERAL,
    NODE_PATH,
    NODE_AND, /* of first and all that follow it by `next` */
    NODE_OR,
    NODE_NOT,
    NODE_COMPARE,
    NODE_MATH,
    NODE_CALL,
};

enum compare_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

/* A step into a value: the entry of a list by its name, or of an array by its number. */
struct path_key {
    bool is_number;
    int64_t number;
    str name;
    const struct path_key *next;
};

/* "not set" is ATTR_EMPTY: OTTL's nil. */
struct node {
    uint8_t kind, op; /* compare_op; '+', '-', '*', '/'; condition_function */
    bool is_bool;     /* may stand where a condition is expected */
    uint8_t owner, field;
    struct attr_value literal;
    const struct path_key *keys;
    struct regex *pattern; /* of IsMatch */
    const struct node *first, *next;
};

struct condition {
    const struct node *root;
};

/* What lies in an array or a list under the keys; nil when there is nothing. Texts lie in it or in
 * the arena. */
struct attr_value nested_value(struct arena *a, struct attr_value v, const struct path_key *keys);
