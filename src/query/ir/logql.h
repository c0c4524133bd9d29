/* logql: a LogQL query as a tree. Data only; lies in the job's arena, strings borrow from there.
 *
 * parse makes it, print writes it back, plan and eval read it. A construct the language has and
 * this tree has not is refused by the parser with its name and place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

/* Of labels: =, !=, =~, !~. Comparisons of numbers go on behind. */
enum logql_cmp {
    LOGQL_EQ,
    LOGQL_NEQ,
    LOGQL_RE,
    LOGQL_NRE,
    LOGQL_GT,
    LOGQL_GTE,
    LOGQL_LT,
    LOGQL_LTE,
};

struct logql_matcher {
    str name;
    enum logql_cmp op; /* up to LOGQL_NRE */
    str value;
};

struct logql_matchers {
    struct logql_matcher *v;
    uint32_t n;
};

/* | level="error" and (status >= 500 or duration > 1s) */
enum logql_filter_kind {
    LOGQL_FILTER_AND,
    LOGQL_FILTER_OR,
    LOGQL_FILTER_TEXT,
    LOGQL_FILTER_NUMBER,
    LOGQL_FILTER_DURATION,
    LOGQL_FILTER_BYTES
};

struct logql_filter {
    enum logql_filter_kind kind;
    struct logql_filter *left, *right; /* AND, OR */
    struct logql_matcher match;        /* else: name and op; value for TEXT */
    double number;                     /* NUMBER, DURATION (ns), BYTES */
    str literal;                       /* the number as written */
};

/* |= "a" or "b": one filter with two values. != "a" or "b" is two filters. */
struct logql_line_filter {
    enum logql_cmp op; /* LOGQL_EQ: contains, NEQ: does not, RE, NRE: unanchored regex */
    str *values;
    uint32_t n;
};

/* | drop a, b="x" and | keep ...: op is meaningless when `bare`. */
struct logql_name {
    struct logql_matcher match;
    bool bare;
};

enum logql_stage_kind { LOGQL_STAGE_LINE, LOGQL_STAGE_LABEL, LOGQL_STAGE_DROP, LOGQL_STAGE_KEEP };

struct logql_stage {
    enum logql_stage_kind kind;
    struct logql_line_filter line;
    struct logql_filter *label;
    struct logql_name *names; /* DROP, KEEP */
    uint32_t n_names;
};

/* {app="x"} |= "y" */
struct logql_log {
    struct logql_matchers matchers;
    struct logql_stage *stages;
    uint32_t n_stages;
};

enum logql_range_op {
#define RANGE_OP(id, text) LOGQL_##id,
#include "query/ir/logql_ops.def"
};

enum logql_vector_op {
#define VECTOR_OP(id, text) LOGQL_##id,
#include "query/ir/logql_ops.def"
};

enum logql_binary_op {
#define BINARY_OP(id, text, precedence) LOGQL_##id,
#include "query/ir/logql_ops.def"
};

struct logql_grouping {
    bool given, without;
    str *labels;
    uint32_t n;
};

enum logql_kind {
    LOGQL_LOG,
    LOGQL_RANGE,    /* count_over_time({...}[5m] offset 1m) */
    LOGQL_VECTOR,   /* sum by (a) (x) */
    LOGQL_BINARY,   /* a + b */
    LOGQL_LITERAL,  /* 1.5 */
    LOGQL_CONSTANT, /* vector(1.5) */
    LOGQL_LABEL_REPLACE,
};

struct logql_expr {
    enum logql_kind kind;
    uint32_t pos;         /* byte offset of its first token */
    struct logql_log log; /* LOG, RANGE */
    enum logql_range_op range_op;
    nanos range, offset;
    enum logql_vector_op vector_op;
    int64_t k;                /* topk, bottomk */
    struct logql_grouping by; /* VECTOR; BINARY: on (given), ignoring (given, without) */
    enum logql_binary_op binary_op;
    bool returns_bool;                /* > bool */
    struct logql_expr *left, *right;  /* left: the operand where there is one only */
    double number;                    /* LITERAL, CONSTANT */
    str dst, replacement, src, regex; /* LABEL_REPLACE */
};

static inline bool logql_is_comparison(enum logql_binary_op op)
{
    return op >= LOGQL_OP_EQ && op <= LOGQL_OP_LTE;
}

static inline bool logql_is_set(enum logql_binary_op op)
{
    return op == LOGQL_OP_AND || op == LOGQL_OP_OR || op == LOGQL_OP_UNLESS;
}
