/* Google Cloud: one detector for all its platforms. */
#include <stdio.h>

#include "ingest/detect/detection.h"
#include "ingest/detect/parse.h"

struct server {
    char base[300];
};

static status get(struct detection *d, const struct server *s, const char *path, str *ret,
                  struct err *err)
{
    char whole[200];
    struct detect_fetch f = {.headers = {"Metadata-Flavor: Google"},
                             .answer_header = "Metadata-Flavor: Google"};
    snprintf(whole, sizeof whole, "/computeMetadata/v1/%s", path);
    TRY(detect_get(d, &f, str_of(s->base), whole, ret, err));
    *ret = parse_trim(*ret);
    return ST_OK;
}

/* What is not served is not known. */
static str ask(struct detection *d, const struct server *s, const char *path)
{
    str v = {0};
    (void)!get(d, s, path, &v, NULL);
    return v;
}

static void put_asked(struct detection *d, const struct server *s, const char *key,
                      const char *path)
{
    if (detect_wants(d, key)) detect_put(d, key, ask(d, s, path));
}

/* "projects/N/zones/us-central1-c": the zone, and the region us-central1. */
static void put_zone(struct detection *d, str zone)
{
    zone = parse_last_part(zone, '/');
    str letter = parse_last_part(zone, '-');
    if (letter.len >= zone.len) return;
    detect_put(d, "cloud.availability_zone", zone);
    detect_put(d, "cloud.region", (str){zone.ptr, zone.len - letter.len - 1});
}

static void put_host(struct detection *d, const struct server *s)
{
    put_asked(d, s, "host.id", "instance/id");
    put_asked(d, s, "host.name", "instance/name");
}

static void run_engine(struct detection *d, const struct server *s, str cluster)
{
    detect_put(d, "cloud.platform", S("gcp_kubernetes_engine"));
    detect_put(d, "k8s.cluster.name", cluster);
    str place = ask(d, s, "instance/attributes/cluster-location");
    unsigned dashes = 0; /* a zone has two: us-central1-c */
    for (size_t i = 0; i < place.len; i++) dashes += place.ptr[i] == '-';
    if (dashes >= 2)
        put_zone(d, place);
    else
        detect_put(d, "cloud.region", place);
    put_host(d, s);
}

static void run_faas(struct detection *d, const struct server *s, const char *platform)
{
    detect_put(d, "cloud.platform", str_of(platform));
    detect_put(d, "cloud.region", parse_last_part(ask(d, s, "instance/region"), '/'));
    put_asked(d, s, "faas.instance", "instance/id");
    bool job = detect_env(d, "CLOUD_RUN_JOB").len > 0;
    detect_put_env(d, "faas.name", job ? "CLOUD_RUN_JOB" : "K_SERVICE");
    detect_put_env(d, "faas.version", "K_REVISION");
    detect_put_env(d, "gcp.cloud_run.job.execution", "CLOUD_RUN_EXECUTION");
    detect_put_env(d, "gcp.cloud_run.job.task_index", "CLOUD_RUN_TASK_INDEX");
}

static void run_app(struct detection *d, const struct server *s)
{
    detect_put(d, "cloud.platform", S("gcp_app_engine"));
    put_zone(d, ask(d, s, "instance/zone"));
    detect_put_env(d, "faas.name", "GAE_SERVICE");
    detect_put_env(d, "faas.version", "GAE_VERSION");
    detect_put_env(d, "faas.instance", "GAE_INSTANCE");
}

static void run_machine(struct detection *d, const struct server *s)
{
    detect_put(d, "cloud.platform", S("gcp_compute_engine"));
    put_zone(d, ask(d, s, "instance/zone"));
    put_host(d, s);
    if (detect_wants(d, "host.type"))
        detect_put(d, "host.type", parse_last_part(ask(d, s, "instance/machine-type"), '/'));
    put_asked(d, s, "gcp.gce.instance.hostname", "instance/hostname");
    put_asked(d, s, "gcp.gce.instance.name", "instance/name");
}

static void find_server(const struct detection *d, struct server *ret)
{
    str host = detect_env(d, "GCE_METADATA_HOST");
    if (d->asked.endpoint.len)
        snprintf(ret->base, sizeof ret->base, STR_FMT, STR_ARG(d->asked.endpoint));
    else
        snprintf(ret->base, sizeof ret->base, "http://" STR_FMT,
                 STR_ARG(host.len ? host : S("169.254.169.254")));
}

status detect_gcp_run(struct detection *d, struct err *err)
{
    struct server s;
    str project, cluster = {0};
    find_server(d, &s);
    TRY(get(d, &s, "project/project-id", &project, err));
    detect_put(d, "cloud.provider", S("gcp"));
    detect_put(d, "cloud.account.id", project);
    if (detect_env(d, "KUBERNETES_SERVICE_HOST").len)
        cluster = ask(d, &s, "instance/attributes/cluster-name");
    if (cluster.len)
        run_engine(d, &s, cluster);
    else if (detect_env(d, "FUNCTION_TARGET").len)
        run_faas(d, &s, "gcp_cloud_functions");
    else if (detect_env(d, "CLOUD_RUN_JOB").len || detect_env(d, "K_CONFIGURATION").len)
        run_faas(d, &s, "gcp_cloud_run");
    else if (detect_env(d, "GAE_SERVICE").len)
        run_app(d, &s);
    else
        run_machine(d, &s);
    return ST_OK;
}
