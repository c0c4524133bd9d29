/* kubernetes: by the environment and the files of a pod. k8s_api: by the cluster's API. */
#include <limits.h>
#include <stdio.h>

#include "ingest/detect/detection.h"
#include "ingest/detect/parse.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

static str first_of(const struct detection *d, const char *a, const char *b, const char *c)
{
    str v = detect_env(d, a);
    if (!v.len) v = detect_env(d, b);
    return v.len || !c ? v : detect_env(d, c);
}

static bool in_cluster(const struct detection *d)
{
    return detect_env(d, "KUBERNETES_SERVICE_HOST").len > 0;
}

status detect_kubernetes_run(struct detection *d, struct err *err)
{
    if (!in_cluster(d))
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "KUBERNETES_SERVICE_HOST is not set");
    detect_put(d, "k8s.node.name", first_of(d, "K8S_NODE_NAME", "NODE_NAME", NULL));
    detect_put(d, "k8s.pod.name", first_of(d, "K8S_POD_NAME", "POD_NAME", "HOSTNAME"));
    detect_put(d, "k8s.pod.uid", first_of(d, "K8S_POD_UID", "POD_UID", NULL));
    detect_put(d, "k8s.container.name", first_of(d, "K8S_CONTAINER_NAME", "CONTAINER_NAME", NULL));
    str space = first_of(d, "K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE");
    if (!space.len) space = parse_trim(detect_file(d, ACCOUNT "/namespace"));
    detect_put(d, "k8s.namespace.name", space);
    detect_put_env(d, "k8s.cluster.name", "K8S_CLUSTER_NAME");
    return ST_OK;
}

status detect_kubernetes_get(struct detection *d, const char *path, str *ret, struct err *err)
{
    char base[512], ca[PATH_MAX], bearer[DETECT_FILE_MAX / 8];
    str host = detect_env(d, "KUBERNETES_SERVICE_HOST");
    str port = detect_env(d, "KUBERNETES_SERVICE_PORT");
    bool wide = host.len && memchr(host.ptr, ':', host.len);
    snprintf(base, sizeof base, "https://%s" STR_FMT "%s:" STR_FMT, wide ? "[" : "", STR_ARG(host),
             wide ? "]" : "", STR_ARG(port.len ? port : S("443")));
    snprintf(ca, sizeof ca, "%s" ACCOUNT "/ca.crt", d->world.root);
    str token = parse_trim(detect_file(d, ACCOUNT "/token"));
    int n = snprintf(bearer, sizeof bearer, "Authorization: Bearer " STR_FMT, STR_ARG(token));
    if (n >= (int)sizeof bearer)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "the service account's token is too long");
    struct detect_fetch f = {.headers = {token.len ? bearer : NULL}, .ca_file = ca};
    str at = d->asked.api_endpoint.len ? d->asked.api_endpoint : str_of(base);
    return detect_get(d, &f, at, path, ret, err);
}

status detect_k8s_api_run(struct detection *d, struct err *err)
{
    if (!in_cluster(d))
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "KUBERNETES_SERVICE_HOST is not set");
    char name[256], path[1024];
    snprintf(name, sizeof name, STR_FMT, STR_ARG(d->asked.node_env));
    str node = detect_env(d, name), answer;
    if (!node.len)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "the variable %s with the node's name is not set", name);
    detect_put(d, "k8s.node.name", node);
    snprintf(path, sizeof path, "/api/v1/nodes/" STR_FMT,
             STR_ARG(detect_url_escape(d->arena, node)));
    if (detect_wants(d, "k8s.node.uid")) {
        TRY(detect_kubernetes_get(d, path, &answer, err));
        detect_put(d, "k8s.node.uid", parse_json(d->arena, answer, "metadata/uid"));
    }
    /* Without the right to read namespaces the rest still counts. */
    if (detect_wants(d, "k8s.cluster.uid") &&
        detect_kubernetes_get(d, "/api/v1/namespaces/kube-system", &answer, NULL) == ST_OK)
        detect_put(d, "k8s.cluster.uid", parse_json(d->arena, answer, "metadata/uid"));
    return ST_OK;
}
