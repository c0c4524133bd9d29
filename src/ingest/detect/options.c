/* The options of a resourcedetection processor, as the Collector spells them. */
#include <stdio.h>

#include "base/nearest.h"
#include "ingest/detect/detection.h"

struct refusal {
    str key;
    const char *why;
};

/* Keys that the Collector knows and weir refuses. */
static status refuse(const struct tree *map, const struct refusal *all, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct tree *t = tree_get(map, all[i].key);
        if (t && t->kind != TREE_NULL) return tree_fail_key(t, err, "%s", all[i].why);
    }
    return ST_OK;
}
#define REFUSE(map, err, list) refuse(map, list, sizeof(list) / sizeof *(list), err)

static bool is_called(const struct detector *d, str name)
{
    return str_eq(d->name, name) || (d->old_name.len && str_eq(d->old_name, name));
}

static const struct detector *find(str name)
{
    for (size_t i = 0; i < n_detectors; i++)
        if (is_called(&detectors[i], name)) return &detectors[i];
    return NULL;
}

static str detector_name(size_t i, void *)
{
    return i < n_detectors ? detectors[i].name : (str){0};
}

static str key_name(size_t i, void *ctx)
{
    const struct detector *is = ctx;
    return i < is->n_keys ? str_of(is->keys[i].key) : (str){0};
}

/* resource_attributes: {host.id: {enabled: true}} */
static status read_enabled(const struct detector *is, const struct tree *options,
                           struct detect_asked *io, struct err *err)
{
    const struct tree *all = tree_get(options, S("resource_attributes"));
    if (!all || all->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(all, TREE_MAP, err));
    for (const struct tree *t = all->first; t; t = t->next) {
        size_t i = 0;
        while (i < is->n_keys && !str_eq(str_of(is->keys[i].key), t->key)) i++;
        if (i == is->n_keys) {
            str near = nearest_name(t->key, key_name, (void *)(uintptr_t)is);
            return tree_fail_key(t, err, "the detector " STR_FMT " has no such attribute%s" STR_FMT,
                                 STR_ARG(is->name), near.len ? "; did you mean " : "",
                                 STR_ARG(near));
        }
        TRY(TREE_ONLY(t, err, S("enabled")));
        TRY(tree_flag(t, S("enabled"), &io->on[i], err));
    }
    return ST_OK;
}

static status read_tags(struct arena *a, const struct tree *options, struct detect_asked *io,
                        struct err *err)
{
    str *texts = NULL;
    TRY(tree_texts(a, options, S("tags"), &texts, &io->n_tags, err));
    io->tags = arena_array(a, struct regex *, io->n_tags);
    for (size_t i = 0; i < io->n_tags; i++) {
        struct err why = {0};
        if (regex_new(a, texts[i], REGEX_SEARCH, &io->tags[i], &why) != ST_OK)
            return tree_fail(tree_get(options, S("tags")), err, "\"" STR_FMT "\": %s",
                             STR_ARG(texts[i]), why.msg);
    }
    return ST_OK;
}

static status read_imds(const struct tree *options, const struct detect_asked *asked,
                        struct err *err)
{
    static const struct refusal refused[] = {
        {S("max_attempts"), "weir asks once; a longer timeout waits longer"},
        {S("max_backoff"), "weir asks once; a longer timeout waits longer"},
    };
    TRY(REFUSE(options, err, refused));
    bool from_imds = false;
    TRY(tree_flag(options, S("tags_from_imds"), &from_imds, err));
    if (asked->n_tags && !from_imds)
        return tree_fail_key(tree_get(options, S("tags")), err,
                             "weir reads tags from the instance's metadata only: set "
                             "tags_from_imds: true, and let the instance show its tags there");
    return ST_OK;
}

static status read_sources(struct arena *a, const struct tree *options, struct detect_asked *io,
                           struct err *err)
{
    TRY(tree_texts(a, options, S("hostname_sources"), &io->sources, &io->n_sources, err));
    for (size_t i = 0; i < io->n_sources; i++) {
        str s = io->sources[i];
        if (!str_eq(s, S("dns")) && !str_eq(s, S("os")) && !str_eq(s, S("cname")) &&
            !str_eq(s, S("lookup")))
            return tree_fail(tree_get(options, S("hostname_sources")), err,
                             "\"" STR_FMT "\" is none of dns, os, cname, lookup", STR_ARG(s));
    }
    return ST_OK;
}

static status read_api(const struct tree *options, struct detect_asked *io, struct err *err)
{
    str how = S("serviceAccount");
    TRY(tree_text(options, S("api_endpoint"), &io->api_endpoint, err));
    TRY(tree_text(options, S("auth_type"), &how, err));
    if (!str_eq(how, S("serviceAccount")))
        return tree_fail(tree_get(options, S("auth_type")), err,
                         "weir authenticates by the pod's serviceAccount only");
    return ST_OK;
}

/* The keys that this detector has. */
static status check_keys(const struct detector *is, const struct tree *options, struct err *err)
{
    str names[12] = {S("resource_attributes")};
    size_t n = 1;
    if (is->takes & TAKES_ENDPOINT) names[n++] = S("endpoint");
    if (is->takes & TAKES_TAGS) names[n++] = S("tags");
    if (is->takes & TAKES_HOSTNAME) names[n++] = S("hostname_sources");
    if (is->takes & TAKES_NODE) names[n++] = S("node_from_env_var");
    if (is->takes & TAKES_API) names[n++] = S("api_endpoint"), names[n++] = S("auth_type");
    if (is->takes & TAKES_IMDS)
        names[n++] = S("tags_from_imds"), names[n++] = S("max_attempts"),
        names[n++] = S("max_backoff");
    static const struct refusal refused[] = {
        {S("fail_on_missing_metadata"), "a detector that fails never stops weir; leave it out"},
        {S("labels"), "weir asks the metadata server only, which has no labels"},
    };
    TRY(REFUSE(options, err, refused));
    return tree_only(options, names, n, err);
}

status detect_asked_read(struct arena *a, const struct detector *is, const struct tree *options,
                         struct detect_asked *ret, struct err *err)
{
    static str both[] = {S("dns"), S("os")};
    struct detect_asked x = {.node_env = S("K8S_NODE_NAME"), .sources = both, .n_sources = 2};
    for (size_t i = 0; i < is->n_keys; i++) x.on[i] = is->keys[i].on;
    TRY(check_keys(is, options, err));
    TRY(read_enabled(is, options, &x, err));
    if (is->takes & TAKES_ENDPOINT) TRY(tree_text(options, S("endpoint"), &x.endpoint, err));
    if (is->takes & TAKES_TAGS) TRY(read_tags(a, options, &x, err));
    if (is->takes & TAKES_IMDS) TRY(read_imds(options, &x, err));
    if (is->takes & TAKES_HOSTNAME) TRY(read_sources(a, options, &x, err));
    if (is->takes & TAKES_NODE) TRY(tree_text(options, S("node_from_env_var"), &x.node_env, err));
    if (is->takes & TAKES_API) TRY(read_api(options, &x, err));
    *ret = x;
    return ST_OK;
}

static status no_detector(const struct tree *at, str name, struct err *err)
{
    str near = nearest_name(name, detector_name, NULL);
    return tree_fail(at, err, "weir has no detector \"" STR_FMT "\"%s" STR_FMT, STR_ARG(name),
                     near.len ? "; did you mean " : "", STR_ARG(near));
}

static status read_list(struct arena *a, const struct tree *options, struct detect_plan *io,
                        struct err *err)
{
    static str only_env[] = {S("env")};
    str *names = only_env;
    size_t n = 1;
    TRY(tree_texts(a, options, S("detectors"), &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        const struct tree *at = tree_get(options, S("detectors"));
        const struct detector *is = find(names[i]);
        if (!is) return no_detector(at, names[i], err);
        for (size_t k = 0; k < io->n; k++)
            if (io->list[k] == is)
                return tree_fail(at, err, "\"" STR_FMT "\" is named twice", STR_ARG(names[i]));
        io->options[io->n] = tree_get(options, is->name);
        if (!io->options[io->n] && is->old_name.len)
            io->options[io->n] = tree_get(options, is->old_name);
        io->list[io->n++] = is;
    }
    return ST_OK;
}

/* The options of detectors that are not in the list are checked too. */
static status check_all(struct arena *a, const struct tree *options, struct err *err)
{
    static const str general[] = {S("detectors"), S("override"), S("timeout")};
    static const struct refusal refused[] = {
        {S("refresh_interval"), "weir detects once, at the start; leave it out"},
        {S("retry"), "weir asks once, within timeout; leave it out"},
        {S("attributes"), "it is gone; use resource_attributes of each detector"},
    };
    enum { MOST = 64 };
    str names[MOST];
    size_t n = 0;
    TRY(REFUSE(options, err, refused));
    for (; n < sizeof general / sizeof *general; n++) names[n] = general[n];
    names[n++] = S("fail_on_missing_metadata");
    for (size_t i = 0; i < n_detectors; i++) {
        names[n++] = detectors[i].name;
        if (detectors[i].old_name.len) names[n++] = detectors[i].old_name;
    }
    TRY(tree_only(options, names, n, err));
    bool fail = false;
    TRY(tree_flag(options, S("fail_on_missing_metadata"), &fail, err));
    if (fail)
        return tree_fail(tree_get(options, S("fail_on_missing_metadata")), err,
                         "a detector that fails never stops weir: only false is possible");
    for (const struct tree *t = options ? options->first : NULL; t; t = t->next) {
        const struct detector *is = find(t->key);
        struct detect_asked unused;
        if (is) TRY(detect_asked_read(a, is, t, &unused, err));
    }
    return ST_OK;
}

status detect_plan_read(struct arena *a, const struct tree *options, struct detect_plan *ret,
                        struct err *err)
{
    struct detect_plan p = {.timeout = 5 * NANOS_S};
    bool override = true;
    TRY(check_all(a, options, err));
    TRY(tree_time(options, S("timeout"), NANOS_MS, &p.timeout, err));
    TRY(tree_flag(options, S("override"), &override, err)); /* the processor's: only checked */
    TRY(read_list(a, options, &p, err));
    *ret = p;
    return ST_OK;
}
