#include <stdio.h>
#include <stdlib.h>

#include "schema/migrate.h"
#include "testing/test.h"

/* The columns that the CREATE TABLE texts of the migrations declare, in order. */
struct ddl {
    str rest, table;
    size_t n;
};

static str next_line(str *s)
{
    const char *end = s->len ? memchr(s->ptr, '\n', s->len) : NULL;
    size_t n = end ? (size_t)(end - s->ptr) : s->len;
    str line = {s->ptr, n};
    *s = str_drop(*s, n + 1);
    while (line.len && *line.ptr == ' ') line = str_drop(line, 1);
    return line;
}

static bool starts_with(str s, str what)
{
    return s.len >= what.len && memcmp(s.ptr, what.ptr, what.len) == 0;
}

static str until(str s, char c)
{
    const char *end = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return (str){s.ptr, end ? (size_t)(end - s.ptr) : s.len};
}

/* The type ends at CODEC, a comma outside parentheses, or the line's end. */
static str type_of(str s)
{
    int depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '(') depth++;
        if (s.ptr[i] == ')') depth--;
        if (depth == 0 && (s.ptr[i] == ',' || starts_with(str_drop(s, i), S(" CODEC"))))
            return (str){s.ptr, i};
    }
    return s;
}

/* The next `name Type ...` line inside a CREATE TABLE. */
static bool ddl_next(struct ddl *d, str *ret_name, str *ret_type)
{
    while (d->rest.len) {
        str line = next_line(&d->rest);
        str create = S("CREATE TABLE IF NOT EXISTS ${table ");
        if (starts_with(line, create)) {
            d->table = until(str_drop(line, create.len), '}');
            continue;
        }
        if (line.len && *line.ptr == ')') d->table = (str){0};
        bool quoted = line.len && *line.ptr == '`';
        if (d->table.len == 0 || line.len == 0 || *line.ptr == '(' || starts_with(line, S("--")) ||
            starts_with(line, S("PROJECTION ")) || starts_with(line, S("INDEX ")))
            continue;
        *ret_name = until(str_drop(line, quoted), quoted ? '`' : ' ');
        *ret_type = type_of(str_drop(line, ret_name->len + 1 + 2 * quoted));
        d->n++;
        return true;
    }
    return false;
}

/* Columns added later stand behind those their table was made with. */
static bool is_added_later(str all, const struct schema_column *c)
{
    char line[400];
    int n = snprintf(line, sizeof line, "ALTER TABLE ${table %s} ADD COLUMN IF NOT EXISTS %s %s ",
                     c->table, c->column, c->type);
    return memmem(all.ptr, all.len, line, (size_t)n);
}

TEST(tables_def_says_what_the_migrations_create)
{
    static struct buf all; /* reachable: never freed */
    buf_init(&all, 4 << 20);
    for (size_t i = 0; i < n_migrations; i++) buf_add(&all, str_of(migrations[i].sql));
    struct ddl d = {.rest = buf_str(&all)};

    str name, type;
    while (ddl_next(&d, &name, &type)) {
        while (d.n < n_schema_columns && is_added_later(buf_str(&all), &schema_columns[d.n - 1]))
            d.n++;
        CHECK(d.n <= n_schema_columns);
        const struct schema_column *c = &schema_columns[d.n - 1];
        CHECK_STR(name, ((str){c->column, strlen(c->column)}));
        CHECK_STR(type, ((str){c->type, strlen(c->type)}));
        CHECK_STR(d.table, ((str){c->table, strlen(c->table)}));
    }
    CHECK_INT(d.n, n_schema_columns);
}
