/* promql: the tree of a PromQL expression. Data only: parse makes it, check gives it types, plan
 * and eval read it.
 *
 * Everything lies in the query's arena; strings borrow from the query text or the arena. Positions
 * are byte offsets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "query/ir/labels.h"

enum promql_type { PROMQL_NONE, PROMQL_SCALAR, PROMQL_VECTOR, PROMQL_MATRIX, PROMQL_STRING };

enum promql_kind {
    PROMQL_NUMBER,
    PROMQL_TEXT,
    PROMQL_SELECTOR, /* foo{a="b"} */
    PROMQL_RANGE,    /* foo[5m] */
    PROMQL_SUBQUERY, /* expr[5m:1m] */
    PROMQL_CALL,
    PROMQL_AGGREGATE,
    PROMQL_BINARY,
    PROMQL_UNARY,
    PROMQL_PAREN,
};

/* Binary operators, loosest first within PRECEDENCE order (see the table in promql_parse.c). */
enum promql_op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_POW,
    OP_ATAN2,
    OP_EQ,
    OP_NE,
    OP_GT,
    OP_LT,
    OP_GE,
    OP_LE,
    OP_TRIM_UPPER,
    OP_TRIM_LOWER, /* </ and >/ */
    OP_AND,
    OP_OR,
    OP_UNLESS,
};

enum promql_aggregate {
    AGG_SUM,
    AGG_AVG,
    AGG_COUNT,
    AGG_MIN,
    AGG_MAX,
    AGG_GROUP,
    AGG_STDDEV,
    AGG_STDVAR,
    AGG_TOPK,
    AGG_BOTTOMK,
    AGG_COUNT_VALUES,
    AGG_QUANTILE,
    AGG_LIMITK,
    AGG_LIMIT_RATIO,
};

/* A duration as written: a literal, or arithmetic on literals, step() and range(). */
enum promql_duration_op {
    DUR_LITERAL,
    DUR_STEP,
    DUR_RANGE,
    DUR_ADD,
    DUR_SUB,
    DUR_MUL,
    DUR_DIV,
    DUR_MOD,
    DUR_POW,
    DUR_NEG,
    DUR_MIN,
    DUR_MAX,
    DUR_PAREN,
};
struct promql_duration {
    enum promql_duration_op op;
    uint32_t start, end;
    uint32_t op_at;   /* of the operator */
    double seconds;   /* DUR_LITERAL */
    bool is_duration; /* DUR_LITERAL: written with a unit */
    struct promql_duration *lhs, *rhs;
};

enum promql_at { AT_NONE, AT_TIME, AT_START, AT_END };
enum promql_reach { REACH_NONE, REACH_ANCHORED, REACH_SMOOTHED };

/* The @ and offset of a selector or subquery. */
struct promql_shift {
    enum promql_at at;
    int64_t at_ms;
    int64_t offset_ms;                    /* when `offset` is NULL or a literal */
    const struct promql_duration *offset; /* NULL: none written */
};

/* One function of functions.def. */
struct promql_function {
    const char *name;
    enum promql_type returns;
    const char *args; /* a letter each: s scalar, v vector, m range vector, t string */
    int variadic;     /* how many of the last argument may be left out or added; -1 without end */
    bool experimental;
    int id; /* row in functions.def */
};

enum promql_card { CARD_ONE_TO_ONE, CARD_MANY_TO_ONE, CARD_ONE_TO_MANY, CARD_MANY_TO_MANY };

struct promql_matching {
    enum promql_card card;
    bool on; /* else ignoring */
    bool given;
    const str *labels;
    uint32_t n_labels;
    const str *include;
    uint32_t n_include;
    bool has_fill_left, has_fill_right;
    double fill_left, fill_right;
};

struct promql_expr {
    enum promql_kind kind;
    uint32_t start, end;
    uint32_t depth;
    bool invariant; /* the same at every step: set by promql_check */
    union {
        struct {
            double value;
            bool is_duration;
        } number;
        str text;
        struct {
            str name;                       /* written before the braces; empty when not */
            struct label_matcher *matchers; /* the name's own last */
            uint32_t n_matchers;
            struct promql_shift shift;
            enum promql_reach reach;
            bool label_selectors_only; /* second argument of info() */
        } selector;
        struct {
            struct promql_expr *selector;
            const struct promql_duration *length;
            int64_t ms;
        } range;
        struct {
            struct promql_expr *expr;
            const struct promql_duration *length, *step; /* step NULL: the default */
            int64_t ms, step_ms;                         /* step_ms 0: the default */
            struct promql_shift shift;
        } subquery;
        struct {
            const struct promql_function *fn;
            struct promql_expr **args;
            uint32_t n_args;
        } call;
        struct {
            enum promql_aggregate op;
            bool without;
            struct promql_expr *expr, *param;
            const str *labels;
            uint32_t n_labels;
        } aggregate;
        struct {
            enum promql_op op;
            bool returns_bool;
            struct promql_expr *lhs, *rhs;
            struct promql_matching matching;
        } binary;
        struct {
            bool minus;
            struct promql_expr *expr;
        } unary;
        struct promql_expr *paren;
    };
};

const char *promql_op_name(enum promql_op op);
const char *promql_aggregate_name(enum promql_aggregate op);
bool promql_op_compares(enum promql_op op);
bool promql_op_is_set(enum promql_op op);
enum promql_type promql_type_of(const struct promql_expr *e);
const char *promql_type_text(enum promql_type t); /* "instant vector", ... */

/* Without parentheses around it. */
struct promql_expr *promql_bare(struct promql_expr *e);

/* Calls `visit` for the expression and all below it, outermost first. */
void promql_walk(struct promql_expr *e, void (*visit)(void *ctx, struct promql_expr *e), void *ctx);

/* Whether two expressions mean the same, wherever in a query they are. */
bool promql_same(const struct promql_expr *a, const struct promql_expr *b);
/* Whether two selectors select the same series, at whatever times. */
bool promql_same_series(const struct promql_expr *a, const struct promql_expr *b);

/* "1:5": line and column of a byte offset. */
void promql_place(struct buf *out, str query, uint32_t pos);
