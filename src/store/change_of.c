/* What a statement may change, told by its first words. What is not known changes everything. */
#include "schema/migrate.h"
#include "store/changes.h"
#include "store/sql_text.h"

static const str catalogues[] = {S("otel_metric_series"), S("otel_metric_resources")};

static bool is_samples(str table)
{
    return str_eq(table, S("otel_metrics")) || str_eq(table, S("otel_metric_targets"));
}

static bool is_catalogue(str table)
{
    for (size_t i = 0; i < sizeof catalogues / sizeof *catalogues; i++)
        if (str_eq(table, catalogues[i])) return true;
    return false;
}

/* Tables of weir that answers made of samples do not read, whatever their database. */
static bool is_other(str table)
{
    if (is_samples(table) || is_catalogue(table)) return false;
    for (size_t i = 0; i < n_schema_columns; i++)
        if (str_eq(table, str_of(schema_columns[i].table))) return true;
    return false;
}

/* The catalogues' rows come before the samples they name: those tell of them. */
enum change change_of_table(str table)
{
    if (is_samples(table)) return CHANGE_SAMPLES;
    if (is_catalogue(table)) return CHANGE_SERIES;
    return is_other(table) ? CHANGE_NONE : CHANGE_ROWS;
}

static str behind(str text, str word)
{
    return str_drop(text, (size_t)(word.ptr + word.len - text.ptr));
}

static bool is_quote(str s) { return s.len && (s.ptr[0] == '`' || s.ptr[0] == '"'); }

/* `name`, "name" or name; empty: none of these. */
static str take_name(str *io_rest)
{
    str word = sql_first_word(*io_rest), rest = {word.ptr, 0};
    rest.len = io_rest->len - (size_t)(word.ptr - io_rest->ptr);
    if (word.len || !is_quote(rest)) {
        *io_rest = behind(*io_rest, word);
        return word;
    }
    const char *end = memchr(rest.ptr + 1, rest.ptr[0], rest.len - 1);
    if (!end) return (str){0};
    str name = {rest.ptr + 1, (size_t)(end - rest.ptr - 1)};
    *io_rest = str_drop(rest, name.len + 2);
    return name;
}

/* `rest` begins behind INSERT. */
static enum change of_insert(str rest)
{
    str word = sql_first_word(rest);
    if (sql_word_is(word, "INTO")) word = sql_first_word(rest = behind(rest, word));
    if (sql_word_is(word, "TABLE")) rest = behind(rest, word);
    if (sql_word_is(word, "FUNCTION")) return CHANGE_ROWS;
    str name = take_name(&rest);
    if (rest.len && rest.ptr[0] == '.') {
        rest = str_drop(rest, 1);
        name = take_name(&rest);
    }
    return name.len && is_other(name) ? CHANGE_NONE : CHANGE_ROWS;
}

enum change change_of_sql(str sql)
{
    static const char *const reading[] = {"SELECT",  "SHOW",   "DESCRIBE", "DESC",
                                          "EXPLAIN", "EXISTS", "CHECK",    "SET",
                                          "USE",     "SYSTEM", "BACKUP"};
    str word = sql_first_word(sql);
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++)
        if (sql_word_is(word, reading[i])) return CHANGE_NONE;
    if (sql_word_is(word, "WITH") || sql_word_is(word, "FROM"))
        return sql_has_word(sql, "INSERT") ? CHANGE_ROWS : CHANGE_NONE;
    if (sql_word_is(word, "INSERT") && !sql_has_word(sql, "PARALLEL"))
        return of_insert(behind(sql, word));
    return CHANGE_ANY;
}
