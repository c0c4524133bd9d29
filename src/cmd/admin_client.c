#include "cmd/admin_client.h"

#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

static size_t on_data(char *bytes, size_t size, size_t n, void *ctx)
{
    buf_add(ctx, (str){bytes, size * n});
    return size * n;
}

status admin_ask(const struct config *c, bool post, const char *path, uint32_t timeout_ms,
                 struct buf *out, long *ret_code, struct err *err)
{
    const char *host;
    uint16_t port;
    TRY(config_endpoint(c, c->admin_endpoint, "admin.endpoint", &host, &port, err));
    if (port == 0)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "admin.endpoint has port 0: give the one that the process has taken "
                       "(--admin.endpoint 127.0.0.1:PORT)");
    if (strcmp(host, "0.0.0.0") == 0) host = "127.0.0.1";
    if (strcmp(host, "::") == 0) host = "::1";
    char url[1024], why[CURL_ERROR_SIZE] = "";
    bool v6 = strchr(host, ':') != NULL;
    snprintf(url, sizeof url, "http://%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "", port, path);
    CURL *curl = curl_easy_init();
    if (!curl) abort();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    if (post) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    CURLcode r = curl_easy_perform(curl);
    if (r == CURLE_OK) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_code);
    curl_easy_cleanup(curl);
    if (r == CURLE_OK) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no weir answers at %s:%u (admin.endpoint): %s",
                   host, port, why[0] ? why : curl_easy_strerror(r));
}
