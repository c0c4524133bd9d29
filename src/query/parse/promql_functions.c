/* The table of functions, from promql_functions.def. */
#include "query/parse/parse.h"

enum {
#define F(ident, ret, arguments, var, exper, how) ID_##ident,
#include "query/ir/promql_functions.def"
#undef F
    FUNCTIONS
};

static const struct promql_function functions[FUNCTIONS] = {
#define F(ident, ret, arguments, var, exper, how) \
    {.name = #ident,                              \
     .returns = PROMQL_##ret,                     \
     .args = arguments,                           \
     .variadic = var,                             \
     .experimental = exper,                       \
     .id = ID_##ident},
#include "query/ir/promql_functions.def"
#undef F
};

const struct promql_function *promql_function_at(size_t i)
{
    return i < FUNCTIONS ? &functions[i] : NULL;
}

const struct promql_function *promql_function_find(str name)
{
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (str_eq(name, (str){functions[i].name, strlen(functions[i].name)})) return &functions[i];
    return NULL;
}
