#include "cmd/naming_of.h"

static str trimmed(str s)
{
    while (s.len && *s.ptr == ' ') s = str_drop(s, 1);
    while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
    return s;
}

/* Keys between commas; empty ones are none. */
static uint32_t keys_of(struct arena *a, str text, const str **ret)
{
    uint32_t n = 0;
    str *list = arena_array(a, str, text.len / 2 + 1);
    while (text.len) {
        const char *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.ptr) : text.len;
        str key = trimmed((str){text.ptr, len});
        if (key.len) list[n++] = key;
        text = str_drop(text, comma ? len + 1 : len);
    }
    *ret = list;
    return n;
}

status naming_of(const struct config *c, struct arena *a, struct prometheus_naming *ret,
                 struct err *err)
{
    str keys = c->otlp_promote_all ? c->otlp_ignore : c->otlp_promote;
    if (c->otlp_promote_all && c->otlp_promote.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "query.otlp.promote_all_resource_attributes promotes those of "
                       "query.otlp.promote_resource_attributes already: set one of them");
    if (!c->otlp_promote_all && c->otlp_ignore.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "query.otlp.ignore_resource_attributes is what "
                       "query.otlp.promote_all_resource_attributes leaves out: set that too");
    *ret = (struct prometheus_naming){.strategy = (enum prometheus_strategy)c->otlp_strategy,
                                      .promote_all = c->otlp_promote_all,
                                      .keep_identifying = c->otlp_keep_identifying,
                                      .scope = c->otlp_scope,
                                      .custom_buckets = c->otlp_custom_buckets};
    ret->n_attributes = keys_of(a, keys, &ret->attributes);
    return ST_OK;
}
