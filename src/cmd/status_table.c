#include "cmd/status_table.h"

#include "base/json_in.h"

enum { COLUMNS_MAX = 32, DEPTH_MAX = 8 };

struct cell {
    str column, text;
    struct cell *next;
};

struct row {
    struct cell *cells;
    struct row *next;
};

struct table {
    str columns[COLUMNS_MAX];
    size_t width[COLUMNS_MAX];
    bool number[COLUMNS_MAX]; /* all cells are numbers: to the right */
    size_t n;
    struct row *first, *last;
};

static bool is_scalar(enum json_token t) { return t >= JSON_STRING; }

static str word(struct arena *a, const struct json_in *j)
{
    switch (j->token) {
    case JSON_STRING:
    case JSON_NUMBER: return arena_str(a, j->text);
    case JSON_TRUE: return S("yes");
    case JSON_FALSE: return S("no");
    default: return S("-");
    }
}

/* The value of the current token in one line: "a=1 b=2" of an object, "a, b" of a list. */
static void in_line(struct json_in *j, struct arena *a, struct buf *out)
{
    if (is_scalar(j->token)) {
        buf_add(out, word(a, j));
        return;
    }
    bool list = j->token == JSON_ARRAY, first = true;
    while (json_next(j), j->token != JSON_END) {
        if (j->token == JSON_OBJECT_END || j->token == JSON_ARRAY_END) return;
        if (!first) buf_add(out, list ? S(", ") : S(" "));
        first = false;
        if (j->token == JSON_KEY) {
            buf_add(out, j->text);
            buf_char(out, '=');
            json_next(j);
        }
        in_line(j, a, out);
    }
}

static size_t column_of(struct table *t, str name)
{
    size_t i = 0;
    while (i < t->n && !str_eq(t->columns[i], name)) i++;
    if (i < t->n || i == COLUMNS_MAX) return i;
    t->columns[i] = name;
    t->width[i] = name.len;
    t->number[i] = true;
    t->n++;
    return i;
}

/* The object whose beginning is the current token, as a row. */
static void read_row(struct json_in *j, struct arena *a, struct table *t)
{
    struct row *row = arena_new(a, struct row);
    if (t->last)
        t->last->next = row;
    else
        t->first = row;
    t->last = row;
    struct cell **end = &row->cells;
    while (json_next(j) == JSON_KEY) {
        struct cell *c = arena_new(a, struct cell);
        c->column = arena_str(a, j->text);
        json_next(j);
        bool number = j->token == JSON_NUMBER || j->token == JSON_NULL;
        struct buf text;
        buf_init(&text, 1u << 20);
        in_line(j, a, &text);
        c->text = arena_str(a, buf_str(&text));
        buf_done(&text);
        size_t i = column_of(t, c->column);
        if (i < COLUMNS_MAX && t->width[i] < c->text.len) t->width[i] = c->text.len;
        if (i < COLUMNS_MAX) t->number[i] = t->number[i] && number;
        *end = c;
        end = &c->next;
    }
}

static void pad(struct buf *out, size_t n)
{
    while (n-- > 0) buf_char(out, ' ');
}

static void print_cell(struct buf *out, const struct table *t, size_t i, str text)
{
    pad(out, 2);
    size_t room = t->width[i] > text.len ? t->width[i] - text.len : 0;
    if (t->number[i]) pad(out, room);
    buf_add(out, text);
    if (!t->number[i] && i + 1 < t->n) pad(out, room);
}

static void print_table(const struct table *t, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) print_cell(out, t, i, t->columns[i]);
    buf_char(out, '\n');
    for (const struct row *r = t->first; r; r = r->next) {
        for (size_t i = 0; i < t->n; i++) {
            const struct cell *c = r->cells;
            while (c && !str_eq(c->column, t->columns[i])) c = c->next;
            print_cell(out, t, i, c ? c->text : (str){0});
        }
        buf_char(out, '\n');
    }
}

/* The list whose beginning is the current token: of objects a table, else a line each. */
static void list(struct json_in *j, struct arena *a, struct buf *out)
{
    struct table t = {.n = 0};
    while (json_next(j), j->token != JSON_ARRAY_END && j->token != JSON_END) {
        if (j->token == JSON_OBJECT) {
            read_row(j, a, &t);
            continue;
        }
        pad(out, 2);
        in_line(j, a, out);
        buf_char(out, '\n');
    }
    if (t.n) print_table(&t, out);
}

static void members(struct json_in *j, struct arena *a, unsigned depth, struct buf *out)
{
    while (json_next(j) == JSON_KEY) {
        str key = arena_str(a, j->text);
        json_next(j);
        bool group = j->token == JSON_OBJECT && depth < DEPTH_MAX;
        if (depth == 0 && !is_scalar(j->token) && out->len) buf_char(out, '\n');
        pad(out, 2u * depth);
        buf_add(out, key);
        if (group || j->token == JSON_ARRAY) {
            buf_char(out, '\n');
            if (group)
                members(j, a, depth + 1, out);
            else
                list(j, a, out);
            continue;
        }
        buf_add(out, S(": "));
        in_line(j, a, out);
        buf_char(out, '\n');
    }
}

status status_table(struct arena *a, str json, struct buf *out, struct err *err)
{
    struct json_in j = json_read(json, a);
    if (json_next(&j) == JSON_OBJECT) members(&j, a, 0, out);
    if (j.token == JSON_OBJECT_END) json_next(&j);
    if (j.bad || j.token != JSON_END || json.len == 0)
        return err_set(err, ST_INVALID, (uint32_t)j.at, "the answer is not a JSON object");
    return ST_OK;
}
