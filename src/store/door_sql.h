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
