/* door_sql: what kind of statement a text begins with, without understanding SQL: words outside
 * quotes, comments and parentheses. Pure. */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum door_sql_kind {
    DOOR_SQL_MORE,   /* cannot tell before more of the text is there */
    DOOR_SQL_EMPTY,  /* space and comments */
    DOOR_SQL_WHOLE,  /* the whole text is the statement */
    DOOR_SQL_INSERT, /* an INSERT whose data follows */
};

struct door_sql {
    enum door_sql_kind kind;
    str statement;   /* an INSERT: what comes before FORMAT or VALUES */
    str format;      /* INSERT: of the data; else what FORMAT at its end says, or empty */
    size_t data;     /* INSERT: where in the text the data begins */
    bool reads_only; /* SELECT, SHOW, ... */
};

/* `complete`: nothing follows `text`. ST_INVALID: several statements; INTO OUTFILE or FROM INFILE,
 * which would touch the files of this host. Strings borrow from `text`. */
[[nodiscard]] status door_sql_read(str text, bool complete, struct door_sql *ret, struct err *err);

/* Does it set one of the settings by a SETTINGS clause or SET? Sure of a no; a name that is written
 * with escapes counts as one. *ret: which of `names`. */
bool door_sql_sets(str sql, const char *const *names, size_t n, size_t *ret);

/* KILL QUERY WHERE query_id = 'id' [SYNC | ASYNC] [FORMAT name], and nothing else. */
bool door_sql_kill(str sql, str *ret_id, bool *ret_wait);
