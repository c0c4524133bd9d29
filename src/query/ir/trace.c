#include "query/ir/trace.h"

#include "base/hash.h"
#include "base/hex.h"

static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};

str span_kind_name(uint8_t kind)
{
    const char *name = kind < sizeof kinds / sizeof *kinds ? kinds[kind] : "";
    return (str){name, strlen(name)};
}

bool span_kind_parse(str name, uint8_t *ret)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (str_eq(name, span_kind_name((uint8_t)k))) {
            *ret = (uint8_t)k;
            return true;
        }
    return false;
}

bool trace_id_parse(str s, struct trace_id *ret)
{
    char full[32];
    if (s.len == 0 || s.len > sizeof full) return false;
    memset(full, '0', sizeof full);
    memcpy(full + sizeof full - s.len, s.ptr, s.len);
    return hex_decode((str){full, sizeof full}, ret->bytes, sizeof ret->bytes);
}

uint32_t trace_id_hash(const struct trace_id *id)
{
    return (uint32_t)hash_str((str){(const char *)id->bytes, sizeof id->bytes});
}
