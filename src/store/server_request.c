#include "store/server_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/num.h"
#include "store/server_decode.h"
#include "store/server_endpoints.h"

enum { ERROR_BYTES = 1 << 20, CANCEL_LOOK_MS = 20, IDLE_LOOK_MS = 1000, GRACE_MS = 5000 };

/* One exchange while it runs. */
struct exchange {
    const struct server_request *r;
    CURL *easy;
    size_t piece, at; /* of the body: the next byte to send */
    struct buf error; /* the body of an answer that is not 200 */
    struct store_stats stats;
    int exception_code;
    struct server_decoder *decoder; /* NULL: the answer comes as it is */
    bool handed_over;               /* a piece of the answer */
    bool stopped, too_long;         /* by the reader; past max_bytes */
    bool undecodable;
    struct err decoding;
};

static size_t send_body(char *out, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t room = size * n, done = 0;
    while (done < room && x->piece < x->r->n_body) {
        str rest = str_drop(x->r->body[x->piece], x->at);
        size_t take = rest.len < room - done ? rest.len : room - done;
        if (take) memcpy(out + done, rest.ptr, take);
        done += take;
        x->at += take;
        if (take == rest.len) {
            x->piece++;
            x->at = 0;
        }
    }
    return done;
}

/* A kept connection may turn out dead: then the body is sent again from its start. */
static int rewind_body(void *ctx, curl_off_t offset, int origin)
{
    struct exchange *x = ctx;
    if (origin != SEEK_SET || offset != 0) return CURL_SEEKFUNC_CANTSEEK;
    x->piece = x->at = 0;
    return CURL_SEEKFUNC_OK;
}

/* What the answer says, decoded. */
static bool take_piece(void *ctx, str piece)
{
    struct exchange *x = ctx;
    long http = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &http);
    if (http != 200) {
        buf_add(&x->error, piece); /* what does not fit is cut */
        return true;
    }
    x->stats.result_bytes += piece.len;
    x->too_long = x->r->max_bytes && x->stats.result_bytes > x->r->max_bytes;
    if (x->too_long) return false;
    x->handed_over |= piece.len > 0;
    x->stopped = piece.len && !x->r->chunk(x->r->ctx, piece);
    return !x->stopped;
}

static size_t take_answer(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    str piece = {data, size * n};
    if (x->undecodable) return 0;
    if (!x->decoder) return take_piece(x, piece) ? piece.len : 0;
    status s = server_decode(x->decoder, piece, take_piece, x, &x->decoding);
    x->undecodable = s == ST_INVALID;
    return s == ST_OK ? piece.len : 0;
}

/* {"read_rows":"1","read_bytes":"8",...} */
static void read_summary(struct exchange *x, str text)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    struct json_in j = json_read(text, &a);
    str key = {0};
    while (json_next(&j) != JSON_END) {
        if (j.token == JSON_KEY) key = j.text;
        uint64_t value = 0;
        if (j.token != JSON_STRING || !num_parse_u64(j.text, &value)) continue;
        if (str_eq(key, S("read_rows"))) x->stats.rows_read = value;
        if (str_eq(key, S("read_bytes"))) x->stats.bytes_read = value;
        if (str_eq(key, S("written_rows"))) x->stats.rows_written = value;
    }
    arena_done(&a);
}

/* The value when `line` is the header `name`. */
static bool header_value(str line, str name, str *ret)
{
    if (line.len <= name.len || line.ptr[name.len] != ':' ||
        strncasecmp(line.ptr, name.ptr, name.len) != 0)
        return false;
    str v = str_drop(line, name.len + 1);
    while (v.len && v.ptr[0] == ' ') v = str_drop(v, 1);
    while (v.len && (v.ptr[v.len - 1] == '\n' || v.ptr[v.len - 1] == '\r')) v.len--;
    *ret = v;
    return true;
}

static void expect_encoding(struct exchange *x, str name)
{
    server_decoder_free(x->decoder);
    x->decoder = NULL;
    if (str_eq_fold(name, S("zstd")))
        x->decoder = server_decoder_new(SERVER_ZSTD);
    else if (str_eq_fold(name, S("lz4")))
        x->decoder = server_decoder_new(SERVER_LZ4);
    else if (!str_eq_fold(name, S("identity"))) {
        x->undecodable = true;
        (void)!err_set(&x->decoding, ST_INVALID, ERR_NOPOS,
                       "Content-Encoding " STR_FMT " was not asked for", STR_ARG(name));
    }
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    str line = {data, size * n}, value = {0};
    uint64_t code = 0;
    if (header_value(line, S("X-ClickHouse-Summary"), &value)) read_summary(x, value);
    if (header_value(line, S("X-ClickHouse-Exception-Code"), &value) &&
        num_parse_u64(value, &code) && code < 100000)
        x->exception_code = (int)code;
    if (header_value(line, S("Content-Encoding"), &value)) expect_encoding(x, value);
    return line.len;
}

static void set_tls(CURL *c, const struct server_tls *tls)
{
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, tls->insecure_skip_verify ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, tls->insecure_skip_verify ? 0L : 2L);
    if (tls->ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, tls->ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL); /* these and no others */
    }
    if (tls->cert_file) curl_easy_setopt(c, CURLOPT_SSLCERT, tls->cert_file);
    if (tls->key_file) curl_easy_setopt(c, CURLOPT_SSLKEY, tls->key_file);
}

static void set_url(CURL *c, const struct server_request *r)
{
    struct buf url;
    buf_init(&url, strlen(r->base) + strlen(r->target) + 1);
    buf_add(&url, str_of(r->base));
    buf_add(&url, str_of(r->target));
    buf_char(&url, '\0');
    curl_easy_setopt(c, CURLOPT_URL, url.ptr); /* copied */
    buf_done(&url);
}

static void set_up(struct exchange *x, char *why)
{
    const struct server_request *r = x->r;
    CURL *c = x->easy;
    curl_off_t length = 0;
    for (size_t i = 0; i < r->n_body; i++) length += (curl_off_t)r->body[i].len;
    curl_easy_reset(c);
    set_url(c, r);
    set_tls(c, r->tls);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms);
    /* The server has the deadline as max_execution_time and says so better than a closed
     * connection. */
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms + GRACE_MS);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, length);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, send_body);
    curl_easy_setopt(c, CURLOPT_READDATA, x);
    curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, rewind_body);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
}

static bool is_set(const atomic_bool *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* CURLE_OK also when it was cancelled: the caller looks at the flag. */
static CURLcode transfer(struct server_connection *c, const atomic_bool *cancel)
{
    CURLcode result = CURLE_OK;
    int running = 1;
    curl_multi_add_handle(c->multi, c->easy);
    while (running && !is_set(cancel)) {
        if (curl_multi_perform(c->multi, &running) != CURLM_OK) {
            result = CURLE_FAILED_INIT;
            break;
        }
        if (running)
            curl_multi_poll(c->multi, NULL, 0, cancel ? CANCEL_LOOK_MS : IDLE_LOOK_MS, NULL);
    }
    int left = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));)
        if (m->msg == CURLMSG_DONE) result = m->data.result;
    curl_multi_remove_handle(c->multi, c->easy); /* an unfinished one closes its connection */
    return result;
}

static status http_status(long http)
{
    switch (http) {
    case 401:
    case 403: return ST_UNAUTHORIZED;
    case 408:
    case 504: return ST_TIMEOUT;
    case 413: return ST_LIMIT;
    case 429: return ST_OVERLOADED;
    case 502:
    case 503: return ST_UNAVAILABLE;
    default: return http >= 400 && http < 500 ? ST_INVALID : ST_UNAVAILABLE;
    }
}

static status answer_error(struct exchange *x, long http, struct err *err)
{
    str text = buf_str(&x->error);
    if (x->r->message) {
        buf_clear(x->r->message);
        buf_add(x->r->message, text);
    }
    if (store_error_code(text)) return engine_error(text, x->r->use, err);
    char code[32];
    int n = snprintf(code, sizeof code, "Code: %d.", x->exception_code);
    status s =
        x->exception_code ? engine_status((str){code, (size_t)n}, x->r->use) : http_status(http);
    return err_set(err, s, ERR_NOPOS, "HTTP %ld: " STR_FMT, http, STR_ARG(text));
}

/* Answers by which a server says that it is going, or cannot reach what it needs: another may. */
static bool is_leaving(const struct exchange *x, long http)
{
    int code = x->exception_code ? x->exception_code : store_error_code(buf_str(&x->error));
    switch (code) {
    case 0: return http == 502 || http == 503 || http == 504;
    case 225: /* NO_ZOOKEEPER */
    case 236: /* ABORTED: it shuts down */
    case 242: /* TABLE_IS_READ_ONLY: it has lost its keeper */
    case 999: /* KEEPER_EXCEPTION */ return true;
    default: return false;
    }
}

static enum server_reach reach_of(const struct exchange *x, CURLcode result, long http)
{
    if (result == CURLE_OK && !x->undecodable && !is_leaving(x, http)) return SERVER_SPOKE;
    if (x->stopped || x->too_long) return SERVER_SPOKE;
    long sent = 0;
    curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
    return x->handed_over ? SERVER_BROKE : sent == 0 ? SERVER_UNREACHED : SERVER_LOST;
}

static status outcome(struct exchange *x, CURLcode result, const char *why, long http,
                      struct err *err)
{
    if (is_set(x->r->cancel)) return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled");
    if (x->stopped) return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled by the reader");
    if (x->too_long)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "result larger than %llu bytes",
                       (unsigned long long)x->r->max_bytes);
    if (x->undecodable)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the store's answer cannot be read: %s",
                       x->decoding.msg);
    if (result == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ST_TIMEOUT, ERR_NOPOS, "the store does not answer: %s", why);
    if (result != CURLE_OK)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no answer from the store: %s",
                       *why ? why : curl_easy_strerror(result));
    return http == 200 ? ST_OK : answer_error(x, http, err);
}

status server_request_run(struct server_connection *c, const struct server_request *r,
                          enum server_reach *reach, struct store_stats *ret, struct err *err)
{
    if (!c->easy) {
        c->easy = curl_easy_init();
        c->multi = curl_multi_init();
        if (!c->easy || !c->multi) abort();
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)SERVER_ENDPOINTS_MAX);
    }
    struct exchange x = {.r = r, .easy = c->easy};
    char why[CURL_ERROR_SIZE] = "";
    buf_init(&x.error, ERROR_BYTES);
    set_up(&x, why);
    CURLcode result = transfer(c, r->cancel);
    if (result == CURLE_OK && x.decoder && !x.undecodable && !is_set(r->cancel) &&
        !server_decoder_at_end(x.decoder)) {
        x.undecodable = true;
        (void)!err_set(&x.decoding, ST_INVALID, ERR_NOPOS, "it is cut off");
    }
    long http = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &http);
    *reach = reach_of(&x, result, http);
    status s = outcome(&x, result, why, http, err);
    server_decoder_free(x.decoder);
    buf_done(&x.error);
    curl_easy_reset(c->easy); /* nothing of this exchange is pointed at any more */
    if (s == ST_OK) *ret = x.stats;
    return s;
}

void server_connection_close(struct server_connection *c)
{
    curl_easy_cleanup(c->easy);
    if (c->multi) curl_multi_cleanup(c->multi);
    *c = (struct server_connection){};
}
