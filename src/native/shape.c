/* Column type texts, as in `Map(LowCardinality(String), Array(DateTime64(9, 'UTC')))`.
 *
 *   type    := word [ "(" arguments ")" ]
 *   element := [ name " " ] type               in a Tuple only; names may be back-quoted */
#include "native/shape.h"

#include "base/num.h"

struct type_reader {
    struct arena *arena;
    str text;
    size_t at;
    struct err *err;
};

static status bad(struct type_reader *r, const char *why)
{
    size_t shown = r->text.len < 120 ? r->text.len : 120;
    return err_set(r->err, ST_INVALID, ERR_NOPOS, "type '%.*s': %s at character %zu", (int)shown,
                   r->text.ptr, why, r->at);
}

static char peek(const struct type_reader *r)
{
    return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

static bool accept(struct type_reader *r, char c)
{
    if (peek(r) != c) return false;
    r->at++;
    return true;
}

static void skip_spaces(struct type_reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\n') r->at++;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static str read_word(struct type_reader *r)
{
    size_t from = r->at;
    while (is_word(peek(r))) r->at++;
    return (str){r->text.ptr + from, r->at - from};
}

/* Skips a text in `quote`s, the opening one included. False when it does not end. */
static bool skip_quoted(struct type_reader *r, char quote)
{
    for (r->at++; r->at < r->text.len; r->at++) {
        if (r->text.ptr[r->at] == '\\')
            r->at++;
        else if (r->text.ptr[r->at] == quote) {
            r->at++;
            return true;
        }
    }
    return false;
}

/* Skips to the ")" that closes an already opened "(": arguments that say nothing about bytes. */
static bool skip_arguments(struct type_reader *r)
{
    for (int depth = 1; r->at < r->text.len;) {
        char c = peek(r);
        if (c == '\'' || c == '`') {
            if (!skip_quoted(r, c)) return false;
            continue;
        }
        r->at++;
        if (c == '(') depth++;
        if (c == ')' && --depth == 0) return true;
    }
    return false;
}

static const struct scalar {
    str name;
    enum native_kind kind;
    uint32_t width;
} scalars[] = {
    {S("String"), NATIVE_STRING, 0}, {S("UInt8"), NATIVE_UINT, 1},
    {S("UInt16"), NATIVE_UINT, 2},   {S("UInt32"), NATIVE_UINT, 4},
    {S("UInt64"), NATIVE_UINT, 8},   {S("Int8"), NATIVE_INT, 1},
    {S("Int16"), NATIVE_INT, 2},     {S("Int32"), NATIVE_INT, 4},
    {S("Int64"), NATIVE_INT, 8},     {S("Float32"), NATIVE_FLOAT, 4},
    {S("Float64"), NATIVE_FLOAT, 8}, {S("Bool"), NATIVE_UINT, 1},
    {S("Date"), NATIVE_UINT, 2},     {S("Date32"), NATIVE_INT, 4},
    {S("DateTime"), NATIVE_UINT, 4}, {S("DateTime64"), NATIVE_INT, 8},
    {S("Enum8"), NATIVE_INT, 1},     {S("Enum16"), NATIVE_INT, 2},
    {S("UUID"), NATIVE_FIXED, 16},   {S("UInt128"), NATIVE_FIXED, 16},
    {S("Int128"), NATIVE_FIXED, 16}, {S("UInt256"), NATIVE_FIXED, 32},
    {S("Int256"), NATIVE_FIXED, 32}, {S("IPv4"), NATIVE_UINT, 4},
    {S("IPv6"), NATIVE_FIXED, 16},   {S("Nothing"), NATIVE_UINT, 1},
};

static status read_type(struct type_reader *r, int depth, struct shape *ret);

static status close(struct type_reader *r)
{
    skip_spaces(r);
    return accept(r, ')') ? ST_OK : bad(r, "')' expected");
}

static status read_scalar(struct type_reader *r, str word, struct shape *ret)
{
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        if (!str_eq(word, scalars[i].name)) continue;
        ret->kind = scalars[i].kind;
        ret->width = scalars[i].width;
        if (accept(r, '(') && !skip_arguments(r)) return bad(r, "')' expected");
        return ST_OK;
    }
    return bad(r, "a type that is not read here");
}

static status read_fixed_string(struct type_reader *r, struct shape *ret)
{
    uint64_t n;
    if (!accept(r, '(') || !num_parse_u64(read_word(r), &n) || n == 0 || n > 1 << 20)
        return bad(r, "a length from 1 to 1048576 expected");
    ret->kind = NATIVE_FIXED;
    ret->width = (uint32_t)n;
    return close(r);
}

static bool is_scalar(const struct shape *s) { return s->kind < NATIVE_ARRAY; }

static status read_wrapped(struct type_reader *r, int depth, bool nullable, struct shape *ret)
{
    if (!accept(r, '(')) return bad(r, "'(' expected");
    TRY(read_type(r, depth + 1, ret));
    if (!is_scalar(ret) || ret->low_cardinality || (nullable && ret->nullable))
        return bad(r, "a type that cannot be wrapped so");
    *(nullable ? &ret->nullable : &ret->low_cardinality) = true;
    return close(r);
}

static status read_array(struct type_reader *r, int depth, struct shape *ret)
{
    ret->kind = NATIVE_ARRAY;
    ret->n_children = 1;
    ret->child = arena_new(r->arena, struct shape);
    if (!accept(r, '(')) return bad(r, "'(' expected");
    TRY(read_type(r, depth + 1, ret->child));
    return close(r);
}

static status read_map(struct type_reader *r, int depth, struct shape *ret)
{
    ret->kind = NATIVE_MAP;
    ret->n_children = 2;
    ret->child = arena_array(r->arena, struct shape, 2);
    if (!accept(r, '(')) return bad(r, "'(' expected");
    TRY(read_type(r, depth + 1, &ret->child[0]));
    skip_spaces(r);
    if (!accept(r, ',')) return bad(r, "',' expected");
    TRY(read_type(r, depth + 1, &ret->child[1]));
    return close(r);
}

static status read_element_name(struct type_reader *r, str *ret)
{
    *ret = (str){0};
    skip_spaces(r);
    size_t from = r->at;
    if (peek(r) == '`') {
        if (!skip_quoted(r, '`')) return bad(r, "'`' expected");
        *ret = (str){r->text.ptr + from + 1, r->at - from - 2};
        return ST_OK;
    }
    str word = read_word(r);
    if (peek(r) == ' ')
        *ret = word;
    else
        r->at = from;
    return ST_OK;
}

static status read_tuple(struct type_reader *r, int depth, struct shape *ret)
{
    struct shape one;
    uint32_t cap = 0, n = 0;
    struct shape *list = NULL;
    if (!accept(r, '(')) return bad(r, "'(' expected");
    do {
        str name;
        TRY(read_element_name(r, &name));
        TRY(read_type(r, depth + 1, &one));
        one.name = name;
        if (n == SHAPE_MAX_ELEMENTS) return bad(r, "more than 1000 elements");
        if (n == cap) {
            cap = cap ? cap * 2 : 4;
            struct shape *wider = arena_array(r->arena, struct shape, cap);
            if (n) memcpy(wider, list, n * sizeof *list);
            list = wider;
        }
        list[n++] = one;
        skip_spaces(r);
    } while (accept(r, ','));
    ret->kind = NATIVE_TUPLE;
    ret->n_children = n;
    ret->child = list;
    return close(r);
}

/* SimpleAggregateFunction(name, T) has the bytes of T. */
static status read_simple_aggregate(struct type_reader *r, int depth, struct shape *ret)
{
    if (!accept(r, '(')) return bad(r, "'(' expected");
    skip_spaces(r);
    if (read_word(r).len == 0) return bad(r, "a function expected");
    if (accept(r, '(') && !skip_arguments(r)) return bad(r, "')' expected");
    skip_spaces(r);
    if (!accept(r, ',')) return bad(r, "',' expected");
    TRY(read_type(r, depth + 1, ret));
    return close(r);
}

static status read_type(struct type_reader *r, int depth, struct shape *ret)
{
    if (depth > SHAPE_MAX_DEPTH) return bad(r, "nested more than 16 deep");
    *ret = (struct shape){0};
    skip_spaces(r);
    size_t from = r->at;
    str word = read_word(r);
    status s;
    if (str_eq(word, S("LowCardinality")))
        s = read_wrapped(r, depth, false, ret);
    else if (str_eq(word, S("Nullable")))
        s = read_wrapped(r, depth, true, ret);
    else if (str_eq(word, S("Array")))
        s = read_array(r, depth, ret);
    else if (str_eq(word, S("Map")))
        s = read_map(r, depth, ret);
    else if (str_eq(word, S("Tuple")))
        s = read_tuple(r, depth, ret);
    else if (str_eq(word, S("FixedString")))
        s = read_fixed_string(r, ret);
    else if (str_eq(word, S("SimpleAggregateFunction")))
        s = read_simple_aggregate(r, depth, ret);
    else
        s = read_scalar(r, word, ret);
    ret->text = (str){r->text.ptr + from, r->at - from};
    return s;
}

status shape_read(struct arena *a, str text, struct shape *ret, struct err *err)
{
    struct type_reader r = {.arena = a, .text = text, .err = err};
    TRY(read_type(&r, 0, ret));
    return r.at == text.len ? ST_OK : bad(&r, "the end expected");
}
