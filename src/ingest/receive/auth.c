#include "ingest/receive/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_mark.h"
#include "base/hex.h"
#include "obs/log.h"

enum { LOOK_EVERY_MS = 2000, LINE_MAX_BYTES = 4096, SENT_MAX = 8192, SECRETS_MAX = 100000 };

enum scheme { BEARER, BASIC, SCHEMES };

struct secret {
    unsigned char hash[SHA256_DIGEST_LENGTH];
};

struct secrets {
    struct secret *list;
    size_t n;
};

struct auth {
    struct receive_auth opt;
    struct file_mark mark[SCHEMES];
    struct secrets of[SCHEMES]; /* of the files */
    struct secrets token;       /* of the option */
    uint64_t look_at_ms;
};

static void add(struct secrets *s, str text)
{
    if ((s->n & (s->n - 1)) == 0) {
        size_t room = s->n ? s->n * 2 : 1;
        s->list = realloc(s->list, room * sizeof *s->list);
        if (!s->list) abort();
    }
    SHA256((const unsigned char *)text.ptr, text.len, s->list[s->n++].hash);
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* A NUL is no space: it belongs to the secret. */
static str trim(str s)
{
    while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = str_drop(s, 1);
    return s;
}

/* ---- files ---- */

static status read_lines(FILE *f, const char *path, enum scheme scheme, struct secrets *s,
                         struct err *err)
{
    char line[LINE_MAX_BYTES];
    for (unsigned n = 1; fgets(line, sizeof line, f); n++) {
        size_t len = strlen(line);
        if (len == sizeof line - 1 && line[len - 1] != '\n')
            return err_set(err, ST_INVALID, ERR_NOPOS, "%s:%u: longer than %d bytes", path, n,
                           LINE_MAX_BYTES - 2);
        str text = trim((str){line, len});
        if (text.len == 0 || text.ptr[0] == '#') continue;
        if (s->n == SECRETS_MAX)
            return err_set(err, ST_INVALID, ERR_NOPOS, "%s:%u: more than %d entries", path, n,
                           SECRETS_MAX);
        const char *colon = memchr(text.ptr, ':', text.len);
        if (scheme == BASIC && (!colon || colon == text.ptr))
            return err_set(err, ST_INVALID, ERR_NOPOS, "%s:%u: not user:password", path, n);
        if (scheme == BEARER &&
            (memchr(text.ptr, ' ', text.len) || memchr(text.ptr, '\t', text.len)))
            return err_set(err, ST_INVALID, ERR_NOPOS, "%s:%u: a token has no spaces", path, n);
        add(s, text);
    }
    if (ferror(f)) return err_set(err, ST_INVALID, ERR_NOPOS, "%s: cannot be read", path);
    if (s->n == 0)
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s: nothing in it: nobody could send", path);
    return ST_OK;
}

static status read_file(const char *path, enum scheme scheme, struct secrets *ret, struct err *err)
{
    FILE *f = fopen(path, "re");
    if (!f) return err_set(err, ST_INVALID, ERR_NOPOS, "%s: %m", path);
    struct secrets s = {};
    status st = read_lines(f, path, scheme, &s, err);
    fclose(f);
    if (st != ST_OK)
        free(s.list);
    else
        *ret = s;
    return st;
}

static const char *path_of(const struct auth *a, int scheme)
{
    return scheme == BEARER ? a->opt.bearer_tokens_file : a->opt.basic_file;
}

static status load(struct auth *a, int scheme, struct err *err)
{
    struct secrets fresh;
    TRY(read_file(path_of(a, scheme), (enum scheme)scheme, &fresh, err));
    free(a->of[scheme].list);
    a->of[scheme] = fresh;
    return ST_OK;
}

status auth_open(const struct receive_auth *opt, struct auth **ret, struct err *err)
{
    *ret = NULL;
    if (!opt->bearer_token && !opt->bearer_tokens_file && !opt->basic_file) return ST_OK;
    struct auth *a = calloc(1, sizeof *a);
    if (!a) abort();
    a->opt = *opt;
    if (opt->bearer_token) add(&a->token, str_of(opt->bearer_token));
    for (int i = 0; i < SCHEMES; i++) {
        a->mark[i] = file_mark(path_of(a, i));
        if (!path_of(a, i) || load(a, i, err) == ST_OK) continue;
        auth_close(a);
        return ST_INVALID;
    }
    *ret = a;
    return ST_OK;
}

void auth_close(struct auth *a)
{
    if (!a) return;
    for (int i = 0; i < SCHEMES; i++) free(a->of[i].list);
    free(a->token.list);
    free(a);
}

void auth_refresh(struct auth *a, uint64_t now_ms)
{
    if (now_ms < a->look_at_ms) return;
    a->look_at_ms = now_ms + LOOK_EVERY_MS;
    for (int i = 0; i < SCHEMES; i++) {
        const char *path = path_of(a, i);
        struct err err;
        if (!path || !file_mark_moved(&a->mark[i], path)) continue;
        if (load(a, i, &err) == ST_OK)
            log_info("receive", "credentials were read again", LOG_CSTR("file", path));
        else
            log_warn("receive", "credentials have changed and are not usable; the old ones stay",
                     LOG_CSTR("why", err.msg));
    }
}

/* ---- a request ---- */

static bool is_among(const struct secrets *s, const struct secret *sent)
{
    unsigned found = 0;
    for (size_t i = 0; i < s->n; i++)
        found |= CRYPTO_memcmp(s->list[i].hash, sent->hash, sizeof sent->hash) == 0;
    return found;
}

/* The part behind "scheme ", or ptr NULL. */
static str credentials(str header, str scheme)
{
    if (header.len <= scheme.len || header.ptr[scheme.len] != ' ' ||
        !str_eq_fold((str){header.ptr, scheme.len}, scheme))
        return (str){0};
    str rest = trim(str_drop(header, scheme.len));
    return rest.len ? rest : (str){0};
}

bool auth_allows(const struct auth *a, str authorization)
{
    if (authorization.len > SENT_MAX) return false;
    struct secret sent;
    str token = credentials(authorization, S("bearer"));
    if (token.ptr) {
        SHA256((const unsigned char *)token.ptr, token.len, sent.hash);
        bool is_option = is_among(&a->token, &sent), is_line = is_among(&a->of[BEARER], &sent);
        return is_option || is_line;
    }
    str basic = credentials(authorization, S("basic"));
    char text[SENT_MAX / 4 * 3 + 4];
    size_t n;
    if (!basic.ptr || !base64_decode(basic, text, &n)) return false;
    SHA256((const unsigned char *)text, n, sent.hash);
    OPENSSL_cleanse(text, n);
    return is_among(&a->of[BASIC], &sent);
}

str auth_challenge(const struct auth *a)
{
    bool bearer = a->opt.bearer_token || a->opt.bearer_tokens_file;
    if (bearer && a->opt.basic_file)
        return S("Bearer realm=\"weir\", Basic realm=\"weir\", charset=\"UTF-8\"");
    return bearer ? S("Bearer realm=\"weir\"") : S("Basic realm=\"weir\", charset=\"UTF-8\"");
}
