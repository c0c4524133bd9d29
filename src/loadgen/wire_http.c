/* OTLP/HTTP: POST of protobuf over HTTP/1.1 with keep-alive, one request at a time. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <llhttp.h>

#include "loadgen/wire.h"

struct parser {
    llhttp_t http; /* .data: the wire */
    llhttp_settings_t settings;
    char name[64], value[256]; /* the header being read; what does not fit is of no interest */
    size_t name_len, value_len;
};

static struct parser *parser_of(llhttp_t *p) { return (struct parser *)p; }
static struct slot *slot_of(llhttp_t *p) { return ((struct wire *)p->data)->current; }

static int on_name(llhttp_t *p, const char *at, size_t n)
{
    struct parser *h = parser_of(p);
    for (size_t i = 0; i < n && h->name_len < sizeof h->name; i++)
        h->name[h->name_len++] = (char)tolower((unsigned char)at[i]);
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct parser *h = parser_of(p);
    for (size_t i = 0; i < n && h->value_len < sizeof h->value; i++)
        h->value[h->value_len++] = at[i];
    return 0;
}

static int on_header_end(llhttp_t *p)
{
    struct parser *h = parser_of(p);
    if (slot_of(p))
        slot_header(slot_of(p), (str){h->name, h->name_len}, (str){h->value, h->value_len});
    h->name_len = h->value_len = 0;
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    if (slot_of(p)) slot_body(slot_of(p), (str){at, n});
    return 0;
}

static int on_complete(llhttp_t *p)
{
    struct wire *w = p->data;
    struct slot *s = w->current;
    int code = p->status_code;
    if (code / 100 == 1) return 0;
    if (!s) return -1; /* an answer to nothing */
    w->current = NULL;
    if (!llhttp_should_keep_alive(p)) w->finished = true;
    s->http_status = code;
    bool retry = code == 429 || (code >= 502 && code <= 504);
    w->over(w->owner, s, code == 200 ? OUTCOME_ACCEPTED : retry ? OUTCOME_RETRY : OUTCOME_FAILED);
    return 0;
}

static void http_begin(struct wire *w)
{
    struct parser *h = calloc(1, sizeof *h);
    if (!h) abort();
    llhttp_settings_init(&h->settings);
    h->settings.on_header_field = on_name;
    h->settings.on_header_value = on_value;
    h->settings.on_header_value_complete = on_header_end;
    h->settings.on_body = on_body;
    h->settings.on_message_complete = on_complete;
    llhttp_init(&h->http, HTTP_RESPONSE, &h->settings);
    h->http.data = w;
    w->protocol = h;
}

static bool http_send(struct wire *w, struct slot *s)
{
    if (w->current || w->finished) return false;
    slot_expect(s);
    w->current = s;
    s->sent = s->len; /* from here on the server may have it */
    buf_printf(&w->out,
               "POST /v1/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-protobuf\r\n"
               "User-Agent: weir-loadgen/" WEIR_VERSION "\r\nContent-Length: %zu\r\n\r\n",
               signal_name(s->signal), w->authority, s->len);
    buf_add(&w->out, (str){s->bytes + GRPC_PREFIX, s->len});
    return true;
}

static void http_fill(struct wire *) {}

static bool http_input(struct wire *w, str bytes)
{
    struct parser *h = w->protocol;
    return llhttp_execute(&h->http, bytes.ptr, bytes.len) == HPE_OK;
}

static void http_end(struct wire *w)
{
    free(w->protocol);
    w->protocol = NULL;
    w->current = NULL;
}

const struct wire_ops wire_http = {http_begin, http_send, http_fill, http_input, http_end};
