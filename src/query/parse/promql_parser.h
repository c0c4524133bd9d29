/* promql parser: what its files share. Private to parse. */
#pragma once

#include "query/parse/parse.h"
#include "query/parse/promql_lex.h"

enum { PROMQL_DEPTH = 1000, PROMQL_NESTING = 200, PROMQL_BYTES = 1 << 20 };

struct promql_parser {
    struct arena *arena;
    str query;
    struct promql_token *at;   /* the token looked at; never past TOK_END or TOK_ERROR */
    struct promql_token *last; /* the one before it */
    struct promql_options opt;
    unsigned nesting;
    struct err *err;
};

static inline bool promql_is(const struct promql_parser *p, enum promql_token_kind kind,
                             const char *text)
{
    return p->at->kind == kind && str_eq(p->at->text, (str){text, strlen(text)});
}
bool promql_is_word(const struct promql_token *t, const char *word);
void promql_next(struct promql_parser *p);

/* unexpected <what is there> in `context`, expected `expected` */
[[nodiscard]] status promql_unexpected(struct promql_parser *p, const char *context,
                                       const char *expected);

/* promql_parse_selector.c */
[[nodiscard]] status promql_braces(struct promql_parser *p, struct promql_expr *e);
[[nodiscard]] status promql_labels(struct promql_parser *p, const str **ret, uint32_t *ret_n);
[[nodiscard]] status promql_number(struct promql_parser *p, double *ret, bool *ret_is_duration);

/* promql_parse_duration.c */
[[nodiscard]] status promql_duration_in_brackets(struct promql_parser *p, bool positive,
                                                 struct promql_duration **ret, int64_t *ret_ms);
[[nodiscard]] status promql_duration_of_offset(struct promql_parser *p,
                                               struct promql_duration **ret, int64_t *ret_ms);

[[nodiscard]] status promql_check(str query, struct arena *a, struct promql_expr *e,
                                  struct err *err);
