/* Ports with TLS: a loop in its thread, OpenSSL's client here. Keys and certificates are made by
 * the test. */
#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing/test.h"

struct server {
    struct loop *loop;
    struct http_listener *listener;
    struct http_limits limits;
    struct http_tls tls;
    char dir[40], cert[60], key[60], ca[60];
};

static void on_request(void *, struct http_exchange *x, const struct http_request *)
{
    http_continue(x);
}
static void on_data(void *, struct http_exchange *x, str b) { http_consume(x, b.len); }
static void on_end(void *, struct http_exchange *x)
{
    http_respond(x, &(struct http_answer){.status = 200, .body = S("hello")});
}
static void on_close(void *, struct http_exchange *) {}

/* A new key and a certificate of it by itself, as PEM files. */
static void make_pair(const char *cert_file, const char *key_file, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = X509_new();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
    X509_gmtime_adj(X509_getm_notBefore(c), -60);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    CHECK(X509_sign(c, key, EVP_sha256()) > 0);
    FILE *f = fopen(key_file, "we");
    CHECK(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    f = fopen(cert_file, "we");
    CHECK(f && PEM_write_X509(f, c));
    fclose(f);
    X509_free(c);
    EVP_PKEY_free(key);
}

static void files_make(struct server *s)
{
    snprintf(s->dir, sizeof s->dir, "/tmp/weir-tls-XXXXXX");
    CHECK(mkdtemp(s->dir));
    snprintf(s->cert, sizeof s->cert, "%s/cert.pem", s->dir);
    snprintf(s->key, sizeof s->key, "%s/key.pem", s->dir);
    snprintf(s->ca, sizeof s->ca, "%s/ca.pem", s->dir);
    make_pair(s->cert, s->key, "localhost");
    s->tls.cert_file = s->cert;
    s->tls.key_file = s->key;
}

static void files_remove(struct server *s)
{
    unlink(s->cert);
    unlink(s->key);
    unlink(s->ca);
    rmdir(s->dir);
}

static void server_start(struct server *s)
{
    struct err err;
    struct http_service service = {s, on_request, on_data, on_end, on_close, NULL};
    CHECK_INT(loop_new("tls", &s->loop, &err), ST_OK);
    CHECK_INT(http_listen(s->loop, "127.0.0.1", 0, &service, &s->limits, &s->listener, &err),
              ST_OK);
    CHECK_INT(loop_start(s->loop, &err), ST_OK);
}

static void server_begin(struct server *s)
{
    files_make(s);
    s->limits.tls = &s->tls;
    server_start(s);
}

static void server_end(struct server *s)
{
    loop_stop(s->loop);
    loop_join(s->loop);
    loop_free(s->loop);
    files_remove(s);
}

static int dial(const struct server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_listener_port(s->listener))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

struct client {
    int fd, most, least; /* versions; 0: any */
    const char *alpn;    /* with its lengths */
    const char *cert, *key;
    SSL_CTX *ctx;
    SSL *ssl;
    char name[64]; /* of the server's certificate */
};

static bool client_open(struct client *c, const struct server *s)
{
    c->fd = dial(s);
    c->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(c->ctx, c->most);
    SSL_CTX_set_min_proto_version(c->ctx, c->least);
    if (c->cert) {
        CHECK_INT(SSL_CTX_use_certificate_chain_file(c->ctx, c->cert), 1);
        CHECK_INT(SSL_CTX_use_PrivateKey_file(c->ctx, c->key, SSL_FILETYPE_PEM), 1);
    }
    c->ssl = SSL_new(c->ctx);
    if (c->alpn)
        SSL_set_alpn_protos(c->ssl, (const unsigned char *)c->alpn, (unsigned)strlen(c->alpn));
    SSL_set_fd(c->ssl, c->fd);
    bool ok = SSL_connect(c->ssl) == 1;
    ERR_clear_error();
    X509 *cert = ok ? SSL_get1_peer_certificate(c->ssl) : NULL;
    if (cert)
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, c->name,
                                  sizeof c->name);
    X509_free(cert);
    return ok;
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
    ERR_clear_error();
}

/* What comes back, up to the peer's close_notify or the end of the connection. */
static size_t ask(struct client *c, str request, char *in, size_t room)
{
    size_t n = 0;
    if (SSL_write(c->ssl, request.ptr, (int)request.len) != (int)request.len) return 0;
    for (int k; (k = SSL_read(c->ssl, in + n, (int)(room - 1 - n))) > 0;) n += (size_t)k;
    in[n] = 0;
    ERR_clear_error();
    return n;
}

static const char one[] = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                          "Content-Length: 3\r\n\r\nabc";

static bool works(const struct server *s, struct client *c)
{
    char in[1000];
    bool ok = client_open(c, s) && ask(c, S(one), in, sizeof in) && strstr(in, "200 OK") &&
              strstr(in, "hello");
    client_close(c);
    return ok;
}

TEST(tls_serves_1_2_and_1_3_and_nothing_older)
{
    struct server s = {};
    server_begin(&s);
    CHECK(works(&s, &(struct client){.most = TLS1_3_VERSION, .least = TLS1_3_VERSION}));
    CHECK(works(&s, &(struct client){.most = TLS1_2_VERSION}));
    CHECK(!works(&s, &(struct client){.most = TLS1_1_VERSION, .least = TLS1_VERSION}));
    server_end(&s);
}

TEST(tls_minimum_of_1_3_refuses_1_2)
{
    struct server s = {.tls.least = HTTP_TLS_1_3};
    server_begin(&s);
    CHECK(works(&s, &(struct client){}));
    CHECK(!works(&s, &(struct client){.most = TLS1_2_VERSION}));
    server_end(&s);
}

TEST(tls_alpn_prefers_h2_and_refuses_what_is_not_served)
{
    static const struct {
        const char *offer, *chosen;
    } cases[] = {{"\x08http/1.1\x02h2", "h2"}, {"\x08http/1.1", "http/1.1"}, {NULL, ""}};
    struct server s = {};
    server_begin(&s);
    for (size_t i = 0; i < 3; i++) {
        struct client c = {.alpn = cases[i].offer};
        CHECK(client_open(&c, &s));
        const unsigned char *p;
        unsigned n;
        SSL_get0_alpn_selected(c.ssl, &p, &n);
        CHECK_STR(((str){(const char *)p, n}), ((str){cases[i].chosen, strlen(cases[i].chosen)}));
        client_close(&c);
    }
    struct client c = {.alpn = "\x06spdy/3"};
    CHECK(!client_open(&c, &s));
    client_close(&c);
    server_end(&s);
}

TEST(tls_http2_answers_a_preface)
{
    struct server s = {};
    server_begin(&s);
    struct client c = {.alpn = "\x02h2"};
    CHECK(client_open(&c, &s));
    str preface = S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0");
    CHECK_INT(SSL_write(c.ssl, preface.ptr, (int)preface.len), preface.len);
    char in[100];
    CHECK(SSL_read(c.ssl, in, sizeof in) >= 9);
    CHECK_INT(in[3], 4); /* SETTINGS */
    client_close(&c);
    server_end(&s);
}

TEST(tls_mutual_takes_only_clients_with_a_certificate_of_the_ca)
{
    struct server s = {};
    char key[80], cert[80], other_key[80];
    files_make(&s);
    snprintf(key, sizeof key, "%s/client.key", s.dir);
    snprintf(cert, sizeof cert, "%s/other.pem", s.dir);
    snprintf(other_key, sizeof other_key, "%s/other.key", s.dir);
    make_pair(s.ca, key, "agent"); /* its own CA */
    make_pair(cert, other_key, "stranger");
    s.tls.client_ca_file = s.ca;
    s.limits.tls = &s.tls;
    server_start(&s);
    CHECK(works(&s, &(struct client){.cert = s.ca, .key = key}));
    CHECK(!works(&s, &(struct client){}));
    CHECK(!works(&s, &(struct client){.cert = cert, .key = other_key}));
    CHECK(works(&s, &(struct client){.cert = s.ca, .key = key, .most = TLS1_2_VERSION}));
    unlink(key);
    unlink(cert);
    unlink(other_key);
    server_end(&s);
}

TEST(tls_bodies_larger_than_a_record_arrive_whole)
{
    struct server s = {};
    server_begin(&s);
    struct client c = {};
    CHECK(client_open(&c, &s));
    enum { BODY = 3 << 20 };
    char head[200], in[1000], *body = calloc(1, BODY);
    int n = snprintf(head, sizeof head,
                     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n"
                     "Connection: close\r\n\r\n",
                     BODY);
    CHECK_INT(SSL_write(c.ssl, head, n), n);
    CHECK(ask(&c, (str){body, BODY}, in, sizeof in) > 0);
    CHECK(strstr(in, "200 OK"));
    free(body);
    client_close(&c);
    server_end(&s);
}

TEST(tls_close_is_told_so_that_a_cut_is_seen)
{
    struct server s = {};
    server_begin(&s);
    struct client c = {};
    char in[1000];
    CHECK(client_open(&c, &s));
    CHECK(ask(&c, S(one), in, sizeof in) > 0);
    CHECK(SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN);
    client_close(&c);
    server_end(&s);
}

TEST(tls_one_byte_at_a_time_is_the_same)
{
    struct server s = {};
    files_make(&s);
    struct err err;
    struct tls_context *t;
    CHECK_INT(tls_context_new(&s.tls, &t, &err), ST_OK);
    struct tls_session *server = tls_session_new(t);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(client, in, out);
    SSL_set_connect_state(client);
    char got[100];
    size_t n_got = 0;
    bool wrote = false;
    struct buf io;
    buf_init(&io, 1 << 20);
    for (int round = 0; round < 50 && n_got < 5; round++) {
        if (!wrote && SSL_write(client, "hello", 5) == 5) wrote = true;
        char byte;
        while (BIO_read(out, &byte, 1) == 1) {
            tls_feed(server, (str){&byte, 1});
            ssize_t n;
            while ((n = tls_read(server, got + n_got, sizeof got - n_got, &err)) > 0)
                n_got += (size_t)n;
            CHECK_INT(n, TLS_MORE);
        }
        buf_clear(&io);
        CHECK(tls_wrap(server, &io));
        BIO_write(in, io.ptr, (int)io.len);
    }
    CHECK_STR(((str){got, n_got}), S("hello"));
    CHECK(tls_is_ready(server));
    buf_done(&io);
    tls_session_free(server);
    SSL_free(client);
    SSL_CTX_free(ctx);
    tls_context_free(t);
    files_remove(&s);
    ERR_clear_error();
}

TEST(tls_and_plain_clients_on_the_wrong_port_are_closed)
{
    struct server s = {};
    server_begin(&s);
    int fd = dial(&s);
    char in[100];
    CHECK_INT(send(fd, one, sizeof one - 1, MSG_NOSIGNAL), sizeof one - 1);
    CHECK(recv(fd, in, sizeof in, 0) <= 0);
    close(fd);
    server_end(&s);
    struct server plain = {};
    files_make(&plain);
    server_start(&plain);
    struct client c = {};
    CHECK(!client_open(&c, &plain));
    client_close(&c);
    server_end(&plain);
}

TEST(tls_handshakes_are_bounded_in_time)
{
    struct server s = {.limits.header_timeout_ms = 50};
    server_begin(&s);
    int silent = dial(&s), half = dial(&s);
    CHECK_INT(send(half, "\x16\x03\x01\x02\x00\x01", 6, MSG_NOSIGNAL), 6);
    char in[100];
    CHECK(recv(silent, in, sizeof in, 0) <= 0);
    CHECK(recv(half, in, sizeof in, 0) <= 0);
    close(silent);
    close(half);
    server_end(&s);
}

TEST(tls_handshakes_are_bounded_in_number)
{
    struct server s = {.limits.max_handshakes = 2};
    server_begin(&s);
    int a = dial(&s), b = dial(&s), c = dial(&s);
    char in[100];
    CHECK(recv(c, in, sizeof in, 0) <= 0); /* accepted in order: the third is one too many */
    close(c);
    shutdown(a, SHUT_WR); /* the server lets go of it, and closes */
    CHECK(recv(a, in, sizeof in, 0) <= 0);
    CHECK(works(&s, &(struct client){}));
    close(a);
    close(b);
    server_end(&s);
}

TEST(tls_garbage_in_a_handshake_ends_with_an_alert)
{
    struct server s = {};
    server_begin(&s);
    int fd = dial(&s);
    char in[100];
    CHECK_INT(send(fd, "\x16\x03\x01\x00\x05garbage", 12, MSG_NOSIGNAL), 12);
    CHECK(recv(fd, in, sizeof in, 0) >= 7);
    CHECK_INT(in[0], 21);
    close(fd);
    server_end(&s);
}

TEST(tls_files_are_read_again_when_they_change_and_only_if_they_fit)
{
    struct server s = {};
    server_begin(&s);
    struct err err;
    struct tls_context *t;
    CHECK_INT(tls_context_new(&s.tls, &t, &err), ST_OK);
    struct tls_session *before = tls_session_new(t);
    tls_context_refresh(t, 10000);
    make_pair(s.cert, s.key, "second");
    tls_context_refresh(t, 11999); /* not yet looked */
    tls_context_refresh(t, 12000);
    char other[80];
    snprintf(other, sizeof other, "%s/other.key", s.dir);
    make_pair(s.cert, other, "third"); /* its key is not there yet */
    tls_context_refresh(t, 14000);
    CHECK_INT(tls_context_new(&s.tls, &(struct tls_context *){0}, &err), ST_INVALID);
    CHECK(strstr(err.msg, "key_file"));
    CHECK_INT(rename(other, s.key), 0);
    tls_context_refresh(t, 16000);
    tls_session_free(before);
    tls_context_free(t);
    struct client c = {}; /* the port looks by its own clock */
    for (int i = 0; i < 500 && strcmp(c.name, "third") != 0; i++) {
        if (i) usleep(10000);
        c = (struct client){};
        CHECK(client_open(&c, &s));
        client_close(&c);
    }
    CHECK(strcmp(c.name, "third") == 0);
    server_end(&s);
}

TEST(tls_files_that_are_not_there_or_no_pem_are_named)
{
    struct server s = {};
    files_make(&s);
    struct err err;
    s.tls.key_file = "/nowhere/key.pem";
    CHECK_INT(http_tls_check(&s.tls, &err), ST_INVALID);
    CHECK(strstr(err.msg, "key_file /nowhere/key.pem: "));
    s.tls.key_file = s.cert;
    CHECK_INT(http_tls_check(&s.tls, &err), ST_INVALID);
    s.tls.key_file = s.key;
    CHECK_INT(http_tls_check(&s.tls, &err), ST_OK);
    s.tls.client_ca_file = s.key;
    CHECK_INT(http_tls_check(&s.tls, &err), ST_INVALID);
    CHECK(strstr(err.msg, "client_ca_file"));
    s.limits.tls = &s.tls;
    struct http_service service = {&s, on_request, on_data, on_end, on_close, NULL};
    CHECK_INT(loop_new("tls", &s.loop, &err), ST_OK);
    CHECK_INT(http_listen(s.loop, "127.0.0.1", 0, &service, &s.limits, &s.listener, &err),
              ST_INVALID);
    loop_free(s.loop);
    files_remove(&s);
}
