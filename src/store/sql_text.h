/* sql_text: SQL as text: quoting, escaping, and the little that is read back from a statement.
 * Pure. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

void sql_string(struct buf *out, str s); /* 'it\'s' */
void sql_name(struct buf *out, str s);   /* `a name` */
void sql_tsv(struct buf *out, str s);    /* TabSeparated escaping */

/* The first word of a statement, past space, comments and parentheses; empty when there is none. */
str sql_first_word(str sql);
bool sql_word_is(str word, const char *upper); /* in any case */

/* Is the word anywhere in the text? Quotes and comments are not looked at. */
bool sql_has_word(str sql, const char *upper);

/* What {name:Type} in `sql` says of the type; empty when the parameter is not there. */
str sql_param_type(str sql, str name);

/* A parameter's value as the engine wants it: scalars escaped, arrays, maps and tuples as they are
 * (their text form quotes inside). */
void sql_param_value(struct buf *out, str sql, str name, str value);

/* Is it a bare name: letters, digits, underscores and dots, not beginning with a digit? */
bool sql_is_name(str s);
