/* promql lexer: query text into tokens, all at once. A malformed place becomes TOK_ERROR, the last
 * token. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum promql_token_kind {
    TOK_ERROR, /* `text` is the message */
    TOK_END,
    TOK_IDENT,  /* letters, digits, _ */
    TOK_METRIC, /* the same with colons */
    TOK_STRING, /* with its quotes */
    TOK_NUMBER,
    TOK_DURATION,
    TOK_KEYWORD,     /* on, by, offset, bool, ... */
    TOK_AGGREGATE,   /* sum, topk, ... */
    TOK_OPERATOR,    /* + - * / % ^ == != < > <= >= @ and or unless atan2, =~ !~ in braces */
    TOK_PUNCTUATION, /* ( ) { } [ ] , : = */
};

struct promql_token {
    enum promql_token_kind kind;
    uint32_t start, end;
    str text;
    int id; /* keyword, aggregate: row in promql_words; operator, punctuation: see promql_token_is
             */
};

struct promql_tokens {
    struct promql_token *list;
    uint32_t n;
};

struct promql_tokens promql_lex(struct arena *a, str query);

/* Words with a meaning, in any case. */
struct promql_word {
    const char *text;
    enum promql_token_kind kind;
    int value;     /* enum promql_aggregate or enum promql_op */
    bool can_name; /* may stand for a metric where an expression begins */
};
extern const struct promql_word promql_words[];
