#include "query/cache/redis_url.h"

#include <ctype.h>

#include "base/num.h"

static bool hex_digit(char c, unsigned *ret)
{
    if (!isxdigit((unsigned char)c)) return false;
    *ret = (unsigned)(isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10);
    return true;
}

static const char *decoded(struct arena *a, str s)
{
    char *out = arena_alloc(a, s.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned hi, lo;
        if (s.ptr[i] == '%' && i + 2 < s.len && hex_digit(s.ptr[i + 1], &hi) &&
            hex_digit(s.ptr[i + 2], &lo)) {
            out[n++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            out[n++] = s.ptr[i];
        }
    }
    out[n] = 0;
    return out;
}

/* Cuts `io` behind the last (or first) `c`; false: there is none. */
static bool cut(str *io, char c, bool last, str *ret_head)
{
    const char *at = !io->len ? NULL
                     : last   ? memrchr(io->ptr, c, io->len)
                              : memchr(io->ptr, c, io->len);
    if (!at) return false;
    *ret_head = (str){io->ptr, (size_t)(at - io->ptr)};
    *io = str_drop(*io, ret_head->len + 1);
    return true;
}

static bool number(str s, uint64_t most, uint64_t *ret)
{
    return num_parse_u64(s, ret) && *ret <= most;
}

status redis_place_read(struct arena *a, str text, struct redis_place *ret, struct err *err)
{
    static const char want[] = "redis://[[user]:password@]host:port[/database]";
    str rest = text, head;
    uint64_t port = 6379, database = 0;
    struct redis_place p = {};
    if (text.len >= 9 && memcmp(text.ptr, "rediss://", 9) == 0)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "rediss:// is not supported: weir speaks to Redis without TLS");
    if (rest.len >= 8 && memcmp(rest.ptr, "redis://", 8) == 0) rest = str_drop(rest, 8);
    if (cut(&rest, '@', true, &head)) {
        str user = {0};
        if (cut(&head, ':', false, &user) && user.len) p.user = decoded(a, user);
        p.password = decoded(a, head);
    }
    str place = rest;
    if (cut(&rest, '/', false, &place) && rest.len && !number(rest, 1 << 20, &database))
        return err_set(err, ST_INVALID, ERR_NOPOS, "not a place of a Redis, which reads %s", want);
    str host = place;
    if (cut(&place, ':', true, &host) && (!number(place, 65535, &port) || port == 0))
        return err_set(err, ST_INVALID, ERR_NOPOS, "not a place of a Redis, which reads %s", want);
    if (!host.len)
        return err_set(err, ST_INVALID, ERR_NOPOS, "not a place of a Redis, which reads %s", want);
    p.host = decoded(a, host);
    p.port = (int)port;
    p.database = (unsigned)database;
    *ret = p;
    return ST_OK;
}
