/* logql_lex: LogQL text to tokens, one at a time. Pure. Private to parse.
 *
 * The two things that do not lex without context are decided here: a function's name is one only
 * before "(" or by/without, and [5m] is one token. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum logql_token {
    LOGQL_T_END,
    LOGQL_T_IDENTIFIER,
    LOGQL_T_STRING,
    LOGQL_T_NUMBER,
    LOGQL_T_DURATION,
    LOGQL_T_BYTES,
    LOGQL_T_RANGE, /* [5m] */
    LOGQL_T_FLAG,  /* --strict */
#define WORD(id, text, name, function) LOGQL_T_##id,
#define MARK(id, text, name) LOGQL_T_##id,
#include "query/parse/logql_tokens.def"
    LOGQL_TOKENS
};

struct logql_lex {
    str in;
    struct arena *arena;
    uint32_t at; /* the next unread byte */
    /* the current token */
    enum logql_token token;
    uint32_t pos;
    str text;       /* as written; of a STRING its value */
    double number;  /* NUMBER (NaN: 0x1A and its like); BYTES in bytes */
    nanos duration; /* DURATION, RANGE */
};

void logql_lex_init(struct logql_lex *l, struct arena *a, str in);

/* ST_INVALID: no token begins here; err->pos says where. */
[[nodiscard]] status logql_lex_next(struct logql_lex *l, struct err *err);

/* What an error message calls the token: "IDENTIFIER", "RANGE", ")". */
const char *logql_token_name(enum logql_token t);
/* Its identifier in logql_tokens.def. */
const char *logql_token_id(enum logql_token t);
bool logql_token_is_word(enum logql_token t);
