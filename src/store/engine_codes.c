#include "store/engine_codes.h"

#include "store/store.h"

struct engine_code {
    int code;
    const char *name;
    status query, insert;
    int http;
};

static const struct engine_code codes[] = {
#define X(code, name, query, insert, http) {code, #name, ST_##query, ST_##insert, http},
#include "store/engine_codes.def"
#undef X
};

static const struct engine_code *find_code(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code) return &codes[i];
    return NULL;
}

int store_error_code(str message)
{
    static const char prefix[] = "Code: ";
    const char *at =
        message.len ? memmem(message.ptr, message.len, prefix, sizeof prefix - 1) : NULL;
    if (!at) return 0;
    int code = 0;
    const char *end = message.ptr + message.len;
    for (at += sizeof prefix - 1; at < end && *at >= '0' && *at <= '9' && code < 100000; at++)
        code = code * 10 + (*at - '0');
    return code;
}

status engine_status(str message, enum engine_use use)
{
    const struct engine_code *c = find_code(store_error_code(message));
    if (!c) return ST_INTERNAL;
    static const char partitions[] = "Too many partitions"; /* the same code as too many parts */
    if (c->code == 252 && memmem(message.ptr, message.len, partitions, sizeof partitions - 1))
        return ST_INVALID;
    return use == ENGINE_QUERY ? c->query : c->insert;
}

status engine_error(str message, enum engine_use use, struct err *err)
{
    while (message.len &&
           (message.ptr[message.len - 1] == '\n' || message.ptr[message.len - 1] == ' '))
        message.len--;
    return err_set(err, engine_status(message, use), ERR_NOPOS, STR_FMT, STR_ARG(message));
}

int engine_http_status(int code)
{
    const struct engine_code *c = find_code(code);
    return c ? c->http : 500;
}

const char *engine_code_name(int code)
{
    const struct engine_code *c = find_code(code);
    return c ? c->name : "UNKNOWN_EXCEPTION";
}
