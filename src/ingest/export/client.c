#include "ingest/export/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/export/exporter.h"
#include "net/compress.h"

enum {
    CANCEL_LOOK_MS = 50,
    WIRE_MAX = 1 << 30,
    HEADER_BYTES_MAX = 1 << 20, /* of one answer, all together */
    KEPT_BYTES = 16 << 20,
};

struct client {
    const struct client_options *opt;
    enum client_protocol protocol;
    enum payload_format format;
    pthread_mutex_t lock;
    struct client_link *idle;
};

/* One exchange while it runs. */
struct exchange {
    const struct client_exchange *x;
    struct client_link *link;
    size_t header_bytes;
    bool too_large;
    bool nothing_open; /* REUSE_ONLY: a new connection would have been needed */
};

/* A transfer belongs to a multi handle so that it can be left at any moment; the connections are
 * the multi's. */
struct handle {
    CURLM *multi;
    CURL *easy;
    bool kept; /* the last exchange went well: its connection may be open */
};

/* libcurl before 8.0 breaks a cleartext HTTP/2 connection when it is used again by prior knowledge
 * (it lays HTTP/2 over HTTP/2). So the second request on one asks for "HTTP/2 if it can be", which
 * takes the open connection as it is, and no new connection is let come of it: that would speak
 * HTTP/1.1. When none is open any more the request is made again, by prior knowledge. */
enum reuse { REUSE_OR_OPEN, REUSE_ONLY };
enum { CURL_REUSES_PRIOR_KNOWLEDGE = 0x080000 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void curl_start(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) abort();
}

struct client *client_open(const struct client_options *opt, enum client_protocol protocol,
                           enum payload_format format)
{
    pthread_once(&curl_once, curl_start);
    struct client *c = calloc(1, sizeof *c);
    if (!c) abort();
    *c = (struct client){.opt = opt, .protocol = protocol, .format = format};
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void link_free(struct client_link *l)
{
    struct handle *h = l->curl;
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    free(h);
    otlp_request_done(&l->request);
    buf_done(&l->wire);
    buf_done(&l->answer);
    free(l);
}

void client_close(struct client *c)
{
    if (!c) return;
    while (c->idle) {
        struct client_link *l = c->idle;
        c->idle = l->next;
        link_free(l);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static CURLM *multi_new(void)
{
    CURLM *m = curl_multi_init();
    if (!m) abort();
    curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, 1L);
    return m;
}

static struct client_link *link_new(const struct client *c)
{
    struct client_link *l = calloc(1, sizeof *l);
    struct handle *h = calloc(1, sizeof *h);
    if (!l || !h) abort();
    h->easy = curl_easy_init();
    if (!h->easy) abort();
    h->multi = multi_new();
    l->curl = h;
    otlp_request_init(&l->request, c->format, c->opt->max_request_bytes);
    buf_init(&l->wire, WIRE_MAX);
    buf_init(&l->answer, CLIENT_ANSWER_MAX);
    return l;
}

struct client_link *client_take(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    struct client_link *l = c->idle;
    if (l) c->idle = l->next;
    pthread_mutex_unlock(&c->lock);
    return l ? l : link_new(c);
}

void client_give(struct client *c, struct client_link *l)
{
    otlp_request_trim(&l->request);
    if (l->wire.cap > KEPT_BYTES) buf_done(&l->wire);
    pthread_mutex_lock(&c->lock);
    l->next = c->idle;
    c->idle = l;
    pthread_mutex_unlock(&c->lock);
}

status client_compress(struct client *c, struct client_link *l, size_t room, struct err *err)
{
    static const char zeros[16];
    str plain = buf_str(&l->request.body);
    buf_clear(&l->wire);
    buf_add(&l->wire, (str){zeros, room});
    switch (c->opt->compression) {
    case PAYLOAD_GZIP: return compress_gzip(plain, c->opt->level, &l->wire, err);
    case PAYLOAD_ZSTD: return compress_zstd(plain, c->opt->level, &l->wire, err);
    default: break;
    }
    buf_add(&l->wire, plain);
    if (l->wire.over)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "the request takes more than %d bytes", WIRE_MAX);
    return ST_OK;
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *e = ctx;
    buf_add(&e->link->answer, (str){data, size * n});
    e->too_large = e->link->answer.over;
    return e->too_large ? CURL_WRITEFUNC_ERROR : size * n;
}

static str trimmed(str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = str_drop(s, 1);
    while (s.len && strchr("\r\n \t", s.ptr[s.len - 1])) s.len--;
    return s;
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *e = ctx;
    str line = {data, size * n};
    e->header_bytes += line.len;
    e->too_large = e->header_bytes > HEADER_BYTES_MAX;
    if (e->too_large) return 0;
    const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
    if (colon && e->x->header) {
        size_t at = (size_t)(colon - line.ptr);
        e->x->header(e->x->ctx, (str){line.ptr, at}, trimmed(str_drop(line, at + 1)));
    }
    return line.len;
}

static struct curl_slist *append(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);
    if (!longer) abort();
    return longer;
}

static struct curl_slist *header_list(const struct client_options *opt,
                                      const struct client_exchange *x)
{
    /* What curl adds by itself and nobody asked for. */
    struct curl_slist *list = append(append(NULL, "Expect:"), "Accept:");
    for (size_t i = 0; i < x->n_headers; i++) list = append(list, x->headers[i].line);
    for (size_t i = 0; i < opt->n_headers; i++) list = append(list, opt->headers[i].line);
    return list;
}

static void set_blob(CURL *c, CURLoption option, str pem)
{
    struct curl_blob blob = {.data = (void *)pem.ptr, .len = pem.len, .flags = CURL_BLOB_COPY};
    if (pem.len) curl_easy_setopt(c, option, &blob);
}

static void set_tls(CURL *c, const struct client_tls *tls)
{
    static const long versions[] = {CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1,
                                    CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_TLSv1_3};
    curl_easy_setopt(c, CURLOPT_SSLVERSION, versions[tls->min_version]);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, tls->insecure_skip_verify ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, tls->insecure_skip_verify ? 0L : 2L);
    if (tls->ca_file) curl_easy_setopt(c, CURLOPT_CAINFO, tls->ca_file);
    if (tls->ca_file || tls->ca_pem.len) curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    if (tls->cert_file) curl_easy_setopt(c, CURLOPT_SSLCERT, tls->cert_file);
    if (tls->key_file) curl_easy_setopt(c, CURLOPT_SSLKEY, tls->key_file);
    set_blob(c, CURLOPT_CAINFO_BLOB, tls->ca_pem);
    set_blob(c, CURLOPT_SSLCERT_BLOB, tls->cert_pem);
    set_blob(c, CURLOPT_SSLKEY_BLOB, tls->key_pem);
}

static curl_socket_t open_none(void *ctx, curlsocktype, struct curl_sockaddr *)
{
    struct exchange *e = ctx;
    e->nothing_open = true;
    return CURL_SOCKET_BAD;
}

static void set_version(const struct client *c, CURL *curl, struct exchange *e, enum reuse reuse)
{
    long http = c->protocol == CLIENT_HTTP ? CURL_HTTP_VERSION_1_1
                : reuse == REUSE_ONLY      ? CURL_HTTP_VERSION_2TLS
                                           : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, http);
    if (reuse == REUSE_OR_OPEN) return;
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_none);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, e);
}

static void set_up(const struct client *c, CURL *curl, struct exchange *e,
                   struct curl_slist *headers, char *why)
{
    const struct client_exchange *x = e->x;
    curl_easy_setopt(curl, CURLOPT_URL, x->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver that is slow */
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)c->opt->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, x->body.len ? x->body.ptr : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, e);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, e);
    set_tls(curl, &c->opt->tls);
}

/* server_name_override: the URL has that name, and the connection goes where the endpoint says. */
static struct curl_slist *connect_to(const struct client *c, CURL *curl, const char *url,
                                     char **ret_url)
{
    *ret_url = NULL;
    if (!c->opt->tls.server_name) return NULL;
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL, *scheme = NULL;
    struct curl_slist *list = NULL;
    if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        strcmp(scheme, "https") == 0 && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_HOST, c->opt->tls.server_name, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, ret_url, 0) == CURLUE_OK) {
        char line[1024];
        snprintf(line, sizeof line, "::%s:%s", host, port);
        list = append(NULL, line);
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, list);
        curl_easy_setopt(curl, CURLOPT_URL, *ret_url);
    }
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(u);
    return list;
}

static CURLcode transfer(const struct handle *h, const atomic_bool *cancel)
{
    CURLcode result = CURLE_ABORTED_BY_CALLBACK; /* left before it ended */
    int running = 1, left = 0;
    curl_multi_add_handle(h->multi, h->easy);
    while (running && !export_cancelled(cancel)) {
        if (curl_multi_perform(h->multi, &running) != CURLM_OK) break;
        if (running) curl_multi_poll(h->multi, NULL, 0, CANCEL_LOOK_MS, NULL);
    }
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));)
        if (m->msg == CURLMSG_DONE) result = m->data.result;
    curl_multi_remove_handle(h->multi, h->easy); /* an unfinished one closes its connection */
    return result;
}

static status outcome(const struct exchange *e, const struct client *c, CURLcode result,
                      const char *why, struct err *err)
{
    if (result == CURLE_OK) return ST_OK;
    if (export_cancelled(e->x->cancel)) return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled");
    if (e->too_large)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "the answer is larger than %d bytes",
                       CLIENT_ANSWER_MAX);
    if (!*why) why = curl_easy_strerror(result);
    if (result == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ST_TIMEOUT, ERR_NOPOS, "no answer within %u ms: %s", c->opt->timeout_ms,
                       why);
    if (result == CURLE_HTTP2_STREAM)
        return err_set(err, ST_OVERLOADED, ERR_NOPOS, "the request was cut off: %s", why);
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no answer: %s", why);
}

/* After a failure the next request has a new connection: a silent peer may never be heard again. */
static void connection_drop(struct handle *h)
{
    curl_multi_cleanup(h->multi);
    h->multi = multi_new();
}

static status run(struct client *c, struct client_link *l, const struct client_exchange *x,
                  enum reuse reuse, bool *ret_nothing_open, long *ret_http, struct err *err)
{
    struct handle *h = l->curl;
    struct exchange e = {.x = x, .link = l};
    char why[CURL_ERROR_SIZE] = "", *named_url;
    buf_clear(&l->answer);
    struct curl_slist *headers = header_list(c->opt, x);
    set_up(c, h->easy, &e, headers, why);
    set_version(c, h->easy, &e, reuse);
    struct curl_slist *to = connect_to(c, h->easy, x->url, &named_url);
    status s = outcome(&e, c, transfer(h, x->cancel), why, err);
    if (s == ST_OK) curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, ret_http);
    h->kept = s == ST_OK;
    if (!h->kept) connection_drop(h);
    *ret_nothing_open = e.nothing_open;
    curl_easy_reset(h->easy); /* nothing of this exchange is pointed at any more */
    curl_slist_free_all(headers);
    curl_slist_free_all(to);
    curl_free(named_url);
    return s;
}

status client_run(struct client *c, struct client_link *l, const struct client_exchange *x,
                  long *ret_http, struct err *err)
{
    const struct handle *h = l->curl;
    bool nothing_open, cleartext = strncmp(x->url, "http:", 5) == 0;
    if (h->kept && cleartext && c->protocol == CLIENT_HTTP2 &&
        curl_version_info(CURLVERSION_NOW)->version_num < CURL_REUSES_PRIOR_KNOWLEDGE) {
        status s = run(c, l, x, REUSE_ONLY, &nothing_open, ret_http, err);
        if (!nothing_open || export_cancelled(x->cancel)) return s;
    }
    return run(c, l, x, REUSE_OR_OPEN, &nothing_open, ret_http, err);
}
