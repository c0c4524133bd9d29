#include "config/authenticator.h"

#include "config/set.h"

/* auth.authenticator of a protocol; NULL: none. */
static status authenticator_of(const struct tree *protocol, const struct tree **ret,
                               struct err *err)
{
    const struct tree *auth = tree_get(protocol, S("auth"));
    *ret = NULL;
    TRY(TREE_ONLY(auth, err, S("authenticator")));
    const struct tree *a = tree_get(auth, S("authenticator"));
    if (!a || a->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(a, TREE_SCALAR, err));
    *ret = a;
    return ST_OK;
}

static status bearer(struct config *c, const struct tree *e, struct err *err)
{
    static const struct refusal refused[] = {
        {S("scheme"), S("Bearer"), "weir asks for the scheme Bearer"},
        {S("header"), S("Authorization"), "weir reads the header Authorization"},
    };
    TRY(REFUSE(e, err, refused));
    TRY(TREE_ONLY(e, err, S("scheme"), S("header"), S("token"), S("tokens"), S("filename")));
    const struct tree *several = tree_get(e, S("tokens"));
    if (several && several->kind != TREE_NULL)
        return tree_fail_key(several, err,
                             "of several tokens make a file with one a line, and name it by "
                             "filename");
    TRY(set_scalar(c, e, S("token"), S("receive.auth.bearer_token"), err));
    TRY(set_scalar(c, e, S("filename"), S("receive.auth.bearer_tokens_file"), err));
    if (!c->auth_token.len && !c->auth_tokens_file.len)
        return tree_fail_key(e, err, "neither token nor filename: nobody could send");
    return ST_OK;
}

static status basic(struct config *c, const struct tree *e, struct err *err)
{
    static const struct refusal refused[] = {
        {S("client_auth"), S(""),
         "this is for exporters: give them the header, under headers (authorization: ...)"},
    };
    static const struct refusal of_htpasswd[] = {
        {S("inline"), S(""), "write the lines to a file, and name it by htpasswd.file"},
    };
    TRY(REFUSE(e, err, refused));
    TRY(TREE_ONLY(e, err, S("htpasswd")));
    const struct tree *h = tree_get(e, S("htpasswd"));
    TRY(REFUSE(h, err, of_htpasswd));
    TRY(TREE_ONLY(h, err, S("file")));
    TRY(set_scalar(c, h, S("file"), S("receive.auth.basic_file"), err));
    if (!c->auth_basic_file.len)
        return tree_fail_key(e, err, "no htpasswd.file: nobody could send");
    return ST_OK;
}

static bool is_listed(const struct tree *list, str name)
{
    for (const struct tree *e = list ? list->first : NULL; e; e = e->next)
        if (str_eq(e->text, name)) return true;
    return false;
}

status authenticator_options(struct config *c, const struct tree *root, const struct tree *grpc,
                             const struct tree *http, struct err *err)
{
    const struct tree *of_grpc, *of_http;
    TRY(authenticator_of(grpc, &of_grpc, err));
    TRY(authenticator_of(http, &of_http, err));
    const struct tree *a = of_grpc ? of_grpc : of_http;
    if (!a) return ST_OK;
    bool both = grpc && http;
    if (both && (!of_grpc || !of_http || !str_eq(of_grpc->text, of_http->text)))
        return tree_fail(a, err,
                         "weir asks for the same credentials at both ports: name this "
                         "authenticator for grpc and for http");
    const struct tree *e = tree_get(tree_get(root, S("extensions")), a->text);
    if (!e) return tree_fail(a, err, "no extension \"" STR_FMT "\" is defined", STR_ARG(a->text));
    if (!is_listed(tree_get(tree_get(root, S("service")), S("extensions")), a->text))
        return tree_fail(a, err, "\"" STR_FMT "\" is not among service.extensions",
                         STR_ARG(a->text));
    const char *slash = memchr(a->text.ptr, '/', a->text.len);
    str type = {a->text.ptr, slash ? (size_t)(slash - a->text.ptr) : a->text.len};
    if (str_eq(type, S("bearertokenauth")) || str_eq(type, S("bearer_token_auth")))
        return bearer(c, e, err);
    if (str_eq(type, S("basicauth")) || str_eq(type, S("basic_auth"))) return basic(c, e, err);
    return tree_fail(a, err,
                     "\"" STR_FMT "\" is no authenticator that weir has: basicauth and "
                     "bearertokenauth are",
                     STR_ARG(a->text));
}
