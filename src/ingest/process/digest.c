#include "ingest/process/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/hex.h"

struct digest {
    EVP_MD *md;
};

static void free_digest(void *p) { EVP_MD_free(((struct digest *)p)->md); }

status digest_new(struct arena *a, const char *name, const struct digest **ret, struct err *err)
{
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
    if (!md)
        return err_set(err, ST_INVALID, ERR_NOPOS, "the hash %s is not offered by this OpenSSL",
                       name);
    struct digest *d = arena_new(a, struct digest);
    d->md = md;
    arena_defer(a, free_digest, d);
    *ret = d;
    return ST_OK;
}

str digest_hex(const struct digest *d, struct arena *a, str bytes)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(bytes.ptr ? bytes.ptr : "", bytes.len, raw, &n, d->md, NULL)) abort();
    char *text = arena_alloc(a, 2 * (size_t)n, 1);
    hex_encode(raw, n, text);
    return (str){text, 2 * (size_t)n};
}
