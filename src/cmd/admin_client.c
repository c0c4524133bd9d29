#include "cmd/admin_client.h"

#include <stdio.h>

#include "cmd/http_ask.h"

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
    char url[1024];
    bool v6 = strchr(host, ':') != NULL;
    snprintf(url, sizeof url, "http://%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "", port, path);
    status s = http_ask(url, post ? "" : NULL, timeout_ms, out, ret_code, err);
    if (s != ST_OK) err_wrap(err, s, "no weir answers at %s:%u (admin.endpoint)", host, port);
    return s;
}
