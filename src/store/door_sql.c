#include "store/door_sql.h"

#include "store/sql_text.h"

/* Words and single characters; a quoted run is one token. */
struct lexer {
    str text;
    size_t at;
    bool open; /* the text ends inside a quote, comment or word */
};

struct token {
    str text;
    size_t start;
};

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t quoted_end(str s, size_t at)
{
    char quote = s.ptr[at++];
    while (at < s.len && s.ptr[at] != quote) at += s.ptr[at] == '\\' ? 2 : 1;
    return at < s.len ? at + 1 : s.len + 1;
}

/* Past a comment that begins at `at`; `at` when none does; len + 1 when it does not end. */
static size_t comment_end(str s, size_t at)
{
    bool block = at + 1 < s.len && s.ptr[at] == '/' && s.ptr[at + 1] == '*';
    bool line = at + 1 < s.len && s.ptr[at] == '-' && s.ptr[at + 1] == '-';
    if (s.ptr[at] == '#' && at + 1 < s.len && (s.ptr[at + 1] == ' ' || s.ptr[at + 1] == '!'))
        line = true;
    if (!block && !line) return at;
    const char *end = block ? memmem(s.ptr + at + 2, s.len - at - 2, "*/", 2)
                            : memchr(s.ptr + at, '\n', s.len - at);
    if (!end) return s.len + 1;
    return (size_t)(end - s.ptr) + (block ? 2 : 1);
}

static bool lex(struct lexer *l, struct token *ret)
{
    for (;;) {
        while (l->at < l->text.len && (unsigned char)l->text.ptr[l->at] <= ' ') l->at++;
        if (l->at >= l->text.len) return false;
        size_t end = comment_end(l->text, l->at);
        if (end == l->at) break;
        l->open = end > l->text.len;
        l->at = l->open ? l->text.len : end;
    }
    size_t start = l->at, end = start + 1;
    char c = l->text.ptr[start];
    if (c == '\'' || c == '"' || c == '`') end = quoted_end(l->text, start);
    if (is_word_char(c))
        while (end < l->text.len && is_word_char(l->text.ptr[end])) end++;
    l->open = end > l->text.len || (is_word_char(c) && end == l->text.len);
    if (end > l->text.len) end = l->text.len;
    l->at = end;
    *ret = (struct token){{l->text.ptr + start, end - start}, start};
    return true;
}

static bool reads_only(str word)
{
    static const char *const words[] = {"SELECT", "WITH",    "SHOW", "DESC", "DESCRIBE",
                                        "EXISTS", "EXPLAIN", "USE",  "SET"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sql_word_is(word, words[i])) return true;
    return false;
}

/* Where the data after "FORMAT name" begins: past blanks, at most one line end, as ClickHouse reads
 * it. */
static size_t data_start(str text, size_t at)
{
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t')) at++;
    if (at < text.len && text.ptr[at] == ';') at++;
    if (at < text.len && text.ptr[at] == '\r') at++;
    if (at < text.len && text.ptr[at] == '\n') at++;
    return at;
}

static status no_files(str before, str word, struct err *err)
{
    bool out = sql_word_is(before, "INTO") && sql_word_is(word, "OUTFILE");
    bool in = sql_word_is(before, "FROM") && sql_word_is(word, "INFILE");
    if (!out && !in) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "%s is not allowed over HTTP",
                   out ? "INTO OUTFILE" : "FROM INFILE");
}

/* INSERT INTO ... up to its data. */
static status read_insert(struct lexer *l, bool complete, struct door_sql *ret, struct err *err)
{
    struct token t;
    str before = {0};
    int depth = 0;
    size_t end = l->at; /* of the last token of the statement */
    while (lex(l, &t)) {
        if (t.text.len == 1 && (t.text.ptr[0] == '(' || t.text.ptr[0] == ')'))
            depth += t.text.ptr[0] == '(' ? 1 : -1;
        if (l->open && !complete) break;
        TRY(no_files(before, t.text, err));
        before = t.text;
        if (depth == 0 && (sql_word_is(t.text, "SELECT") || sql_word_is(t.text, "WITH"))) {
            ret->kind = complete ? DOOR_SQL_WHOLE : DOOR_SQL_MORE;
            ret->statement = l->text;
            return ST_OK;
        }
        bool values = depth == 0 && sql_word_is(t.text, "VALUES");
        bool format = depth == 0 && sql_word_is(t.text, "FORMAT");
        if (values || format) {
            str name = t.text;
            if (format && (!lex(l, &t) || (l->open && !complete))) break;
            if (format && l->at == l->text.len && !complete) break;
            if (format) name = t.text;
            *ret = (struct door_sql){.kind = DOOR_SQL_INSERT,
                                     .statement = {l->text.ptr, end},
                                     .format = values ? S("Values") : name,
                                     .data = values ? l->at : data_start(l->text, l->at)};
            return ST_OK;
        }
        end = l->at;
    }
    if (!complete) return ST_OK; /* MORE */
    /* No FORMAT and no VALUES: nothing to insert but what is there. */
    *ret = (struct door_sql){.kind = DOOR_SQL_INSERT,
                             .statement = {l->text.ptr, end},
                             .format = S("Values"),
                             .data = l->text.len};
    return ST_OK;
}

/* To the end: one statement only, and the FORMAT it ends with. */
static status read_whole(struct lexer *l, struct token first, struct door_sql *ret, struct err *err)
{
    struct token t;
    str before = first.text;
    int depth = 0;
    size_t end = l->at;
    bool ended = false;
    ret->reads_only = reads_only(sql_first_word(l->text));
    while (lex(l, &t)) {
        if (ended)
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "Syntax error (Multi-statements are not allowed): at position %zu",
                           t.start + 1);
        if (t.text.len == 1 && (t.text.ptr[0] == '(' || t.text.ptr[0] == ')'))
            depth += t.text.ptr[0] == '(' ? 1 : -1;
        ended = t.text.len == 1 && t.text.ptr[0] == ';';
        TRY(no_files(before, t.text, err));
        if (depth == 0 && sql_word_is(before, "FORMAT") && is_word_char(t.text.ptr[0]))
            ret->format = t.text;
        before = t.text;
        if (!ended) end = l->at;
    }
    ret->kind = DOOR_SQL_WHOLE;
    ret->statement = (str){l->text.ptr, end};
    return ST_OK;
}

status door_sql_read(str text, bool complete, struct door_sql *ret, struct err *err)
{
    struct lexer l = {.text = text};
    struct door_sql sql = {.kind = DOOR_SQL_MORE};
    struct token t = {};
    bool any = lex(&l, &t);
    if (!any) {
        if (complete) sql.kind = DOOR_SQL_EMPTY;
    } else if (!(l.open && !complete)) {
        if (sql_word_is(t.text, "INSERT")) {
            TRY(read_insert(&l, complete, &sql, err));
            if (sql.kind == DOOR_SQL_WHOLE) {
                l = (struct lexer){.text = text};
                lex(&l, &t);
                TRY(read_whole(&l, t, &sql, err));
            }
        } else if (complete) {
            TRY(read_whole(&l, t, &sql, err));
        }
    }
    *ret = sql;
    return ST_OK;
}

static bool is_char(str s, char c) { return s.len == 1 && s.ptr[0] == c; }

static str unquoted(str s)
{
    bool quoted = s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '`' || s.ptr[0] == '\'');
    return quoted ? (str){s.ptr + 1, s.len - 2} : s;
}

bool door_sql_sets(str sql, const char *const *names, size_t n, size_t *ret)
{
    struct lexer l = {.text = sql};
    struct token t;
    str before = {0};
    bool inside = false;
    while (lex(&l, &t)) {
        bool word = sql_word_is(t.text, "SETTINGS") || sql_word_is(t.text, "SET");
        if (inside && is_char(t.text, '=')) {
            str name = unquoted(before);
            bool hidden = name.len != before.len && memchr(name.ptr, '\\', name.len);
            for (size_t i = 0; i < n; i++) {
                if (!hidden && !str_eq(name, str_of(names[i]))) continue;
                *ret = i;
                return true;
            }
        }
        inside |= word;
        before = t.text;
    }
    return false;
}

bool door_sql_kill(str sql, str *ret_id, bool *ret_wait)
{
    static const char *const words[] = {"KILL", "QUERY", "WHERE", "QUERY_ID"};
    struct lexer l = {.text = sql};
    struct token t;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!lex(&l, &t) || !sql_word_is(t.text, words[i])) return false;
    if (!lex(&l, &t) || !is_char(t.text, '=')) return false;
    if (!lex(&l, &t) || t.text.len < 2 || t.text.ptr[0] != '\'') return false;
    *ret_id = unquoted(t.text);
    *ret_wait = false;
    if (ret_id->len && memchr(ret_id->ptr, '\\', ret_id->len)) return false;
    bool more = lex(&l, &t);
    if (more && (sql_word_is(t.text, "SYNC") || sql_word_is(t.text, "ASYNC"))) {
        *ret_wait = sql_word_is(t.text, "SYNC");
        more = lex(&l, &t);
    }
    if (more && sql_word_is(t.text, "FORMAT")) more = lex(&l, &t) && lex(&l, &t);
    if (more && is_char(t.text, ';')) more = lex(&l, &t);
    return !more;
}
