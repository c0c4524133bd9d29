#include "lifecycle/backup_place.h"

#include "store/s3_url.h"

static void quote(struct buf *out, str s)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\') buf_char(out, '\\');
        buf_char(out, s.ptr[i]);
    }
    buf_char(out, '\'');
}

status backup_place_sql(str place, str region, struct buf *out, struct err *err)
{
    if (!s3_url_is(place)) {
        if (!place.len || place.ptr[0] != '/' || memchr(place.ptr, 0, place.len))
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "want an absolute path, or s3://bucket/prefix, gs://bucket/prefix, "
                           "https://host/bucket/prefix");
        while (place.len > 1 && place.ptr[place.len - 1] == '/') place.len--;
        buf_add(out, S("File("));
        quote(out, place);
    } else {
        struct buf endpoint;
        buf_init(&endpoint, 1 << 14);
        status s = s3_url_endpoint(place, region, &endpoint, err);
        if (s == ST_OK && endpoint.over)
            s = err_set(err, ST_LIMIT, ERR_NOPOS, "an address of more than 16 KiB");
        if (s == ST_OK) {
            endpoint.len--; /* the "/" at the end */
            buf_add(out, S("S3("));
            quote(out, buf_str(&endpoint));
        }
        buf_done(&endpoint);
        if (s != ST_OK) return s;
    }
    buf_char(out, ')');
    return ST_OK;
}
