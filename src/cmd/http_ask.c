#include "cmd/http_ask.h"

#include <ctype.h>
#include <stdlib.h>

#include <curl/curl.h>

static size_t on_data(char *bytes, size_t size, size_t n, void *ctx)
{
    buf_add(ctx, (str){bytes, size * n});
    return size * n;
}

status http_ask(const char *url, const char *form, uint32_t timeout_ms, struct buf *out,
                long *ret_code, struct err *err)
{
    char why[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    if (!curl) abort();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    if (form) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    CURLcode r = curl_easy_perform(curl);
    if (r == CURLE_OK) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_code);
    curl_easy_cleanup(curl);
    if (r == CURLE_OK) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s", why[0] ? why : curl_easy_strerror(r));
}

void http_form_add(struct buf *form, const char *key, str value)
{
    buf_printf(form, "%s%s=", form->len ? "&" : "", key);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~')
            buf_char(form, (char)c);
        else
            buf_printf(form, "%%%02X", c);
    }
}
