#include "store/s3_url.h"

#include <string.h>

static bool take(str *s, str prefix)
{
    if (s->len < prefix.len || memcmp(s->ptr, prefix.ptr, prefix.len) != 0) return false;
    *s = str_drop(*s, prefix.len);
    return true;
}

bool s3_url_is(str text)
{
    return take(&text, S("s3://")) || take(&text, S("gs://")) || take(&text, S("http://")) ||
           take(&text, S("https://"));
}

static bool may_be_in_a_url(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("-._~/:%[]", c));
}

static bool is_plain(str rest)
{
    for (size_t i = 0; i < rest.len; i++)
        if (!may_be_in_a_url(rest.ptr[i])) return false;
    return true;
}

/* The part before the first "/"; the rest, without slashes at its ends, stays. */
static str cut_name(str *rest)
{
    const char *slash = rest->len ? memchr(rest->ptr, '/', rest->len) : NULL;
    str name = {rest->ptr, slash ? (size_t)(slash - rest->ptr) : rest->len};
    *rest = str_drop(*rest, name.len);
    while (rest->len && rest->ptr[0] == '/') *rest = str_drop(*rest, 1);
    while (rest->len && rest->ptr[rest->len - 1] == '/') rest->len--;
    return name;
}

static void add_path(struct buf *out, str path)
{
    buf_add(out, path);
    if (path.len) buf_char(out, '/');
}

status s3_url_endpoint(str text, str region, struct buf *out, struct err *err)
{
    str rest = text;
    bool aws = take(&rest, S("s3://")), google = !aws && take(&rest, S("gs://"));
    bool tls = !aws && !google && take(&rest, S("https://"));
    bool known = aws || google || tls || take(&rest, S("http://"));
    if (!known || !is_plain(rest) || !is_plain(region))
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "want s3://bucket/prefix, gs://bucket/prefix or https://host/bucket/prefix, "
                       "without user, password and query");
    str name = cut_name(&rest);
    if (!name.len || (!aws && !google && !rest.len && !memchr(name.ptr, '.', name.len)))
        return err_set(err, ST_INVALID, ERR_NOPOS, "no bucket is named");
    if (google) {
        buf_add(out, S("https://storage.googleapis.com/"));
        add_path(out, name);
    } else if (aws) {
        buf_printf(out, "https://" STR_FMT ".s3.", STR_ARG(name));
        if (region.len) buf_printf(out, STR_FMT ".", STR_ARG(region));
        buf_add(out, S("amazonaws.com/"));
    } else {
        buf_add(out, tls ? S("https://") : S("http://"));
        add_path(out, name);
    }
    add_path(out, rest);
    return ST_OK;
}
