/* A custom BIO reads from the bytes that tls_feed was given and writes into a buf, so nothing is
 * copied twice and nothing is held between calls but what OpenSSL needs of a record. */
#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_mark.h"
#include "obs/log.h"

enum { FILES = 3, LOOK_EVERY_MS = 2000, KEEP_BYTES = 16 << 10 };

struct tls_context {
    char *file[FILES]; /* certificate, key, client CA; the last may be NULL */
    enum http_tls_version least;
    struct file_mark mark[FILES];
    uint64_t look_at_ms;
    SSL_CTX *ctx;
    BIO_METHOD *method;
};

struct tls_session {
    SSL *ssl;
    str in;         /* not yet read by OpenSSL */
    struct buf out; /* written by OpenSSL, not yet fetched */
    ssize_t over;   /* TLS_ENDED, TLS_FAILED, or 0 while it goes on */
    char why[120];
};

/* ---- what OpenSSL reads and writes ---- */

static int bio_read(BIO *b, char *to, int room)
{
    struct tls_session *s = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (room <= 0) return 0;
    if (s->in.len == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    size_t n = s->in.len < (size_t)room ? s->in.len : (size_t)room;
    memcpy(to, s->in.ptr, n);
    s->in = str_drop(s->in, n);
    return (int)n;
}

static int bio_write(BIO *b, const char *from, int n)
{
    struct tls_session *s = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (n > 0) buf_add(&s->out, (str){from, (size_t)n});
    return n;
}

static long bio_ctrl(BIO *, int cmd, long, void *) { return cmd == BIO_CTRL_FLUSH; }

static BIO_METHOD *method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir");
    if (!m || !BIO_meth_set_read(m, bio_read) || !BIO_meth_set_write(m, bio_write) ||
        !BIO_meth_set_ctrl(m, bio_ctrl))
        abort();
    return m;
}

/* ---- the context ---- */

static const char *reason(void)
{
    unsigned long e = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(e);
    if (!text && ERR_SYSTEM_ERROR(e)) text = strerror(ERR_GET_REASON(e));
    return text ? text : "not usable";
}

static status file_fails(struct err *err, const char *what, const char *path)
{
    return err_set(err, ST_INVALID, ERR_NOPOS, "%s %s: %s", what, path, reason());
}

/* A key with a passphrase: there is nobody to ask. */
static int no_passphrase(char *, int, int, void *) { return -1; }

/* Of what the client offers, h2 before http/1.1 (rfc7301 3.2: none of ours is a fatal alert). */
static int choose_protocol(SSL *, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void settle(SSL_CTX *c, enum http_tls_version least)
{
    SSL_CTX_set_min_proto_version(c, least == HTTP_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS); /* idle connections are many */
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(c, (const unsigned char *)"weir", 4);
    SSL_CTX_set_default_passwd_cb(c, no_passphrase);
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
    /* For 1.2: what rfc9113 9.2.2 leaves. */
    if (!SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20")) abort();
}

static status trust(SSL_CTX *c, const char *path, struct err *err)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (!names || !SSL_CTX_load_verify_file(c, path)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return file_fails(err, "client_ca_file", path);
    }
    SSL_CTX_set_client_CA_list(c, names);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return ST_OK;
}

static status load(SSL_CTX *c, char *const file[FILES], struct err *err)
{
    if (SSL_CTX_use_certificate_chain_file(c, file[0]) != 1)
        return file_fails(err, "cert_file", file[0]);
    if (SSL_CTX_use_PrivateKey_file(c, file[1], SSL_FILETYPE_PEM) != 1)
        return file_fails(err, "key_file", file[1]);
    return file[2] ? trust(c, file[2], err) : ST_OK;
}

static status context_make(const struct tls_context *t, SSL_CTX **ret, struct err *err)
{
    ERR_clear_error();
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    if (!c) abort();
    settle(c, t->least);
    status st = load(c, t->file, err);
    ERR_clear_error();
    if (st == ST_OK)
        *ret = c;
    else
        SSL_CTX_free(c);
    return st;
}

static char *copy(const char *path)
{
    char *p = path ? strdup(path) : NULL;
    if (path && !p) abort();
    return p;
}

status tls_context_new(const struct http_tls *opt, struct tls_context **ret, struct err *err)
{
    struct tls_context *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->least = opt->least;
    t->file[0] = copy(opt->cert_file);
    t->file[1] = copy(opt->key_file);
    t->file[2] = copy(opt->client_ca_file);
    for (int i = 0; i < FILES; i++) t->mark[i] = file_mark(t->file[i]);
    t->method = method_new();
    status st = context_make(t, &t->ctx, err);
    if (st == ST_OK)
        *ret = t;
    else
        tls_context_free(t);
    return st;
}

void tls_context_free(struct tls_context *t)
{
    if (!t) return;
    for (int i = 0; i < FILES; i++) free(t->file[i]);
    SSL_CTX_free(t->ctx);
    BIO_meth_free(t->method);
    free(t);
}

void tls_context_refresh(struct tls_context *t, uint64_t now_ms)
{
    if (now_ms < t->look_at_ms) return;
    t->look_at_ms = now_ms + LOOK_EVERY_MS;
    bool changed = false;
    for (int i = 0; i < FILES; i++) changed |= file_mark_moved(&t->mark[i], t->file[i]);
    if (!changed) return;
    SSL_CTX *fresh;
    struct err err;
    if (context_make(t, &fresh, &err) != ST_OK) {
        log_warn("net", "the TLS files have changed and are not usable; the old ones stay",
                 LOG_CSTR("why", err.msg));
        return;
    }
    SSL_CTX_free(t->ctx);
    t->ctx = fresh;
    log_info("net", "the TLS files were read again", LOG_CSTR("cert_file", t->file[0]));
}

status http_tls_check(const struct http_tls *opt, struct err *err)
{
    struct tls_context *t;
    TRY(tls_context_new(opt, &t, err));
    tls_context_free(t);
    return ST_OK;
}

/* ---- a session ---- */

struct tls_session *tls_session_new(struct tls_context *t)
{
    struct tls_session *s = calloc(1, sizeof *s);
    BIO *b = BIO_new(t->method);
    if (!s || !b) abort();
    s->ssl = SSL_new(t->ctx);
    if (!s->ssl) abort();
    buf_init(&s->out, SIZE_MAX / 4);
    BIO_set_data(b, s);
    BIO_set_init(b, 1);
    SSL_set_bio(s->ssl, b, b);
    SSL_set_accept_state(s->ssl);
    return s;
}

void tls_session_free(struct tls_session *s)
{
    if (!s) return;
    SSL_free(s->ssl);
    buf_done(&s->out);
    free(s);
}

void tls_feed(struct tls_session *s, str in) { s->in = in; }

ssize_t tls_read(struct tls_session *s, char *to, size_t room, struct err *err)
{
    size_t done = 0;
    ERR_clear_error();
    while (!s->over && done < room) {
        size_t n = 0;
        if (SSL_read_ex(s->ssl, to + done, room - done, &n) == 1) {
            done += n;
            continue;
        }
        int how = SSL_get_error(s->ssl, 0);
        if (how == SSL_ERROR_WANT_READ) break;
        s->over = how == SSL_ERROR_ZERO_RETURN ? TLS_ENDED : TLS_FAILED;
        snprintf(s->why, sizeof s->why, "%s", reason());
        ERR_clear_error();
    }
    if (done) return (ssize_t)done;
    if (s->over == TLS_FAILED) err_set(err, ST_INVALID, ERR_NOPOS, "TLS: %s", s->why);
    return s->over;
}

bool tls_is_ready(const struct tls_session *s) { return SSL_is_init_finished(s->ssl); }

bool tls_wrap(struct tls_session *s, struct buf *io)
{
    size_t n = 0;
    ERR_clear_error();
    if (io->len && (s->over == TLS_FAILED || SSL_write_ex(s->ssl, io->ptr, io->len, &n) != 1 ||
                    n != io->len)) {
        s->over = TLS_FAILED;
        return false;
    }
    struct buf plain = *io;
    *io = s->out;
    s->out = plain;
    buf_clear(&s->out);
    if (s->out.cap > KEEP_BYTES) buf_done(&s->out);
    return true;
}

void tls_finish(struct tls_session *s)
{
    ERR_clear_error();
    if (s->over != TLS_FAILED && tls_is_ready(s)) SSL_shutdown(s->ssl);
    ERR_clear_error();
}
