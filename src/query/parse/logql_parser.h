/* logql_parser: what the parser's files share. Private to parse. */
#pragma once

#include "query/ir/logql.h"
#include "query/parse/logql_lex.h"

/* Of a whole query: the tree they make is walked by recursion. */
enum { LOGQL_MAX_OPERATORS = 1000 };

struct logql_parser {
    struct arena *arena;
    struct logql_lex lex; /* holds the current token */
    unsigned depth, operators;
};

/* On to the next token. */
[[nodiscard]] status logql_advance(struct logql_parser *p, struct err *err);
/* The current token must be `t`; moves past it. */
[[nodiscard]] status logql_expect(struct logql_parser *p, enum logql_token t, struct err *err);
/* "syntax error: unexpected RANGE", with the expected token when given (NULL: not said). */
[[nodiscard]] status logql_unexpected(const struct logql_parser *p, const char *expecting,
                                      struct err *err);
/* "parse error at line 1, col 2: `what` is not supported" */
[[nodiscard]] status logql_unsupported(const struct logql_parser *p, uint32_t pos, const char *what,
                                       struct err *err);
/* "parse error at line 1, col 2: ..." of what *err says about the byte offset in it. */
status logql_at(const struct logql_parser *p, status s, struct err *err);
[[nodiscard]] status logql_enter(struct logql_parser *p,
                                 struct err *err); /* and p->depth-- on the way out */

/* One operator more joins two operands. */
[[nodiscard]] status logql_operator(struct logql_parser *p, struct err *err);

static inline bool logql_is(const struct logql_parser *p, enum logql_token t)
{
    return p->lex.token == t;
}
/* The token behind the current one. */
enum logql_token logql_peek(const struct logql_parser *p);

/* A word in a place where a label's name stands. */
[[nodiscard]] status logql_label_name(struct logql_parser *p, str *ret, struct err *err);

/* The current NUMBER must be one that a float is read from. */
[[nodiscard]] status logql_check_number(const struct logql_parser *p, struct err *err);

/* Room for element `n` of an array in the arena, which doubles whenever n is a power of two. */
void *logql_grow(struct arena *a, void *array, uint32_t n, size_t element);
#define LOGQL_PUSH(arena, array, n) \
    (*((array) = logql_grow((arena), (array), (n), sizeof *(array)), &(array)[(n)++]))

/* logql_pipeline.c */
[[nodiscard]] status logql_parse_selector(struct logql_parser *p, struct logql_matchers *ret,
                                          struct err *err);
bool logql_at_stage(const struct logql_parser *p);
[[nodiscard]] status logql_parse_stage(struct logql_parser *p, struct logql_log *log,
                                       struct err *err);
[[nodiscard]] status logql_check_selector(struct logql_parser *p, const struct logql_matchers *m,
                                          struct err *err);
