/* Any bytes as what a TLS client sends first, cut anywhere: a handshake must end or go on, whatever
 * is cut, and nothing that comes out before it is over is plain text. */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *file_of(X509 *cert, EVP_PKEY *key, char path[32])
{
    snprintf(path, 32, "/tmp/weir-fuzz-XXXXXX");
    FILE *f = fdopen(mkstemp(path), "w");
    if (!f) abort();
    if (cert) PEM_write_X509(f, cert);
    if (key) PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    return path;
}

static struct tls_context *context(void)
{
    static struct tls_context *t;
    if (t) return t;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(c), 0);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_set_pubkey(c, key);
    if (!X509_sign(c, key, EVP_sha256())) abort();
    char cert_path[32], key_path[32];
    struct http_tls opt = {.cert_file = file_of(c, NULL, cert_path),
                           .key_file = file_of(NULL, key, key_path)};
    struct err err;
    if (tls_context_new(&opt, &t, &err) != ST_OK) abort();
    unlink(cert_path);
    unlink(key_path);
    X509_free(c);
    EVP_PKEY_free(key);
    return t;
}

static bool fails(str in, size_t cut)
{
    struct tls_session *s = tls_session_new(context());
    struct buf out;
    buf_init(&out, 1 << 24);
    char plain[4096];
    ssize_t n = TLS_MORE;
    while (in.len && n == TLS_MORE) {
        str piece = {in.ptr, in.len < cut ? in.len : cut};
        in = str_drop(in, piece.len);
        struct err err;
        tls_feed(s, piece);
        n = tls_read(s, plain, sizeof plain, &err);
        assert(n <= 0 || tls_is_ready(s));
        assert(n != TLS_FAILED || err.msg[0]);
        buf_clear(&out);
        if (!tls_wrap(s, &out)) break;
    }
    tls_finish(s);
    tls_session_free(s);
    buf_done(&out);
    ERR_clear_error();
    return n == TLS_FAILED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = {(const char *)data, size};
    assert(fails(in, size ? size : 1) == fails(in, 1));
    return 0;
}
