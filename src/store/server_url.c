#include "store/server_url.h"

#include <stdio.h>

#include "store/sql_text.h"

void url_escape(struct buf *out, str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            buf_char(out, (char)c);
            continue;
        }
        buf_char(out, '%');
        buf_char(out, digits[c >> 4]);
        buf_char(out, digits[c & 15]);
    }
}

static void field(struct buf *out, const char *prefix, str name, str value)
{
    buf_char(out, '&');
    buf_add(out, (str){prefix, strlen(prefix)});
    url_escape(out, name);
    buf_char(out, '=');
    url_escape(out, value);
}

static bool has_setting(const struct store_query *q, str name)
{
    for (size_t i = 0; i < q->n_settings; i++)
        if (str_eq(q->settings[i].name, name)) return true;
    return false;
}

bool server_url_reads_only(str sql)
{
    str word = sql_first_word(sql);
    return sql_word_is(word, "SELECT") || sql_word_is(word, "WITH");
}

/* What the driver wants unless the statement says otherwise. */
static void preset(struct buf *out, const struct store_query *q, str name, str value)
{
    if (!has_setting(q, name)) field(out, "", name, value);
}

static void presets(struct buf *out, const struct store_query *q, enum server_url_use use)
{
    preset(out, q, S("wait_end_of_query"), S("1")); /* an error then comes as a status */
    preset(out, q, S("async_insert"), S("0"));
    preset(out, q, S("http_write_exception_in_output_format"), S("0"));
    if (use == SERVER_URL_QUERY && server_url_reads_only(q->sql)) {
        preset(out, q, S("readonly"), S("2"));
        preset(out, q, S("cancel_http_readonly_queries_on_client_close"), S("1"));
    }
    if (q->timeout_ms) {
        char seconds[32];
        int n = snprintf(seconds, sizeof seconds, "%u.%03u", q->timeout_ms / 1000,
                         q->timeout_ms % 1000);
        preset(out, q, S("max_execution_time"), (str){seconds, (size_t)n});
    }
}

void server_url(struct buf *out, str database, const struct store_query *q, enum server_url_use use,
                bool packed)
{
    buf_add(out, S("/?default_format="));
    url_escape(out, q->format);
    if (database.len) field(out, "", S("database"), database);
    presets(out, q, use);
    if (packed) preset(out, q, S("enable_http_compression"), S("1"));
    for (size_t i = 0; i < q->n_settings; i++)
        field(out, "", q->settings[i].name, q->settings[i].value);
    struct buf value;
    buf_init(&value, out->max);
    for (size_t i = 0; i < q->n_params; i++) {
        buf_clear(&value);
        if (q->params_escaped)
            buf_add(&value, q->params[i].value);
        else
            sql_param_value(&value, q->sql, q->params[i].name, q->params[i].value);
        field(out, "param_", q->params[i].name, buf_str(&value));
        out->over |= value.over;
    }
    buf_done(&value);
    if (use == SERVER_URL_INSERT) {
        buf_add(out, S("&query="));
        url_escape(out, q->sql);
        url_escape(out, S(" FORMAT "));
        url_escape(out, q->format);
    }
}

static bool starts(str s, str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* What is between "://" and the path. */
static str authority(str url)
{
    const char *at = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    if (!at) return (str){0};
    str s = str_drop(url, (size_t)(at - url.ptr) + 3);
    size_t n = 0;
    while (n < s.len && s.ptr[n] != '/') n++;
    return (str){s.ptr, n};
}

bool server_url_is_loopback(str url)
{
    str host = authority(url);
    if (starts(host, S("[::1]"))) return true;
    size_t n = 0;
    while (n < host.len && host.ptr[n] != ':') n++;
    host.len = n;
    return str_eq(host, S("localhost")) || starts(host, S("127."));
}

status server_url_check(str url, struct err *err)
{
    str host = authority(url);
    bool ok = (starts(url, S("http://")) || starts(url, S("https://"))) && host.len;
    for (size_t i = 0; ok && i < url.len; i++)
        ok = (unsigned char)url.ptr[i] > ' ' && url.ptr[i] != 127 && !strchr("@?#\"<>", url.ptr[i]);
    if (ok) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "\"" STR_FMT "\" is no store URL: http://host:port, user and password apart",
                   STR_ARG(url));
}
