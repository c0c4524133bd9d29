/* Metadata servers, by libcurl. */
#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

#include "base/buf.h"
#include "ingest/detect/detection.h"

enum { URL_MAX = 2048 };

struct exchange {
    struct buf body;
    const char *wanted; /* header */
    bool has_wanted, too_long;
};

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    buf_add(&x->body, (str){data, size * n});
    x->too_long = x->body.over;
    return x->too_long ? 0 : size * n;
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = x->wanted ? strlen(x->wanted) : 0;
    if (len && size * n >= len && strncasecmp(data, x->wanted, len) == 0) x->has_wanted = true;
    return size * n;
}

static struct curl_slist *headers_of(const struct detect_fetch *f)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < 3 && f->headers[i]; i++) list = curl_slist_append(list, f->headers[i]);
    return list;
}

static status judge(CURLcode code, long http, const struct exchange *x, const char *url,
                    const char *why, struct err *err)
{
    if (x->too_long)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%s: more than %d bytes", url, DETECT_FILE_MAX);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ST_TIMEOUT, ERR_NOPOS, "%s: no answer in time", url);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "%s: nobody is there", url);
    if (code != CURLE_OK)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: %s", url,
                       why[0] ? why : curl_easy_strerror(code));
    if (http == 404) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "%s: 404", url);
    if (http != 200) return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: status %ld", url, http);
    if (x->wanted && !x->has_wanted)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "%s: the answer has no header \"%s\"", url,
                       x->wanted);
    return ST_OK;
}

static status exchange(struct detection *d, const struct detect_fetch *f, const char *url,
                       struct exchange *x, struct err *err)
{
    long left = (long)((d->deadline - clock_monotonic()) / NANOS_MS);
    if (left <= 0) return err_set(err, ST_TIMEOUT, ERR_NOPOS, "%s: no time is left", url);
    CURL *c = curl_easy_init();
    if (!c) return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "libcurl does not start");
    char why[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = headers_of(f);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, left);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    if (f->method) curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, f->method);
    if (f->socket) curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, f->socket);
    if (f->ca_file) curl_easy_setopt(c, CURLOPT_CAINFO, f->ca_file);
    CURLcode code = curl_easy_perform(c);
    long http = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &http);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    return judge(code, http, x, url, why, err);
}

status detect_get(struct detection *d, const struct detect_fetch *f, str base, const char *path,
                  str *ret, struct err *err)
{
    char url[URL_MAX];
    while (base.len && base.ptr[base.len - 1] == '/') base.len--;
    if (snprintf(url, sizeof url, STR_FMT "%s", STR_ARG(base), path) >= (int)sizeof url)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "an address of more than %d bytes", URL_MAX);
    struct exchange x = {.wanted = f->answer_header};
    buf_init(&x.body, DETECT_FILE_MAX);
    status s = exchange(d, f, url, &x, err);
    if (s == ST_OK) *ret = arena_str(d->arena, buf_str(&x.body));
    buf_done(&x.body);
    return s;
}

str detect_url_escape(struct arena *a, str s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, s.len * 3 + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c && strchr(plain, c)) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    out[n] = '\0';
    return (str){out, n};
}
