/* Azure: virtual machines, AKS. */
#include "base/json_in.h"
#include "ingest/detect/detection.h"
#include "ingest/detect/parse.h"

static status compute(struct detection *d, str *ret, struct err *err)
{
    struct detect_fetch f = {.headers = {"Metadata: True"}};
    str base = d->asked.endpoint.len ? d->asked.endpoint : S("http://169.254.169.254");
    return detect_get(d, &f, base, "/metadata/instance/compute?api-version=2020-09-01&format=json",
                      ret, err);
}

static void put_tag(struct detection *d, str name, str value)
{
    for (size_t i = 0; i < d->asked.n_tags; i++)
        if (regex_match(d->asked.tags[i], name)) {
            detect_put_named(d, S("azure.tags."), name, value);
            return;
        }
}

/* "tagsList": [{"name": "a", "value": "b"}, ...] */
static void put_tags(struct detection *d, str text)
{
    struct json_in j = json_read(text, d->arena);
    if (!d->asked.n_tags || json_next(&j) != JSON_OBJECT) return;
    while (json_next(&j) == JSON_KEY && !str_eq(j.text, S("tagsList"))) json_skip(&j);
    if (j.token != JSON_KEY || json_next(&j) != JSON_ARRAY) return;
    for (unsigned n = 0; n < DETECT_TAGS_MAX && json_next(&j) == JSON_OBJECT; n++) {
        str name = {0}, value = {0};
        while (json_next(&j) == JSON_KEY) {
            bool is_name = str_eq(j.text, S("name")), is_value = str_eq(j.text, S("value"));
            if (!is_name && !is_value) {
                json_skip(&j);
                continue;
            }
            if (json_next(&j) != JSON_STRING) return;
            *(is_name ? &name : &value) = j.text;
        }
        put_tag(d, name, value);
    }
}

status detect_azure_run(struct detection *d, struct err *err)
{
    str text;
    TRY(compute(d, &text, err));
    str id = parse_json(d->arena, text, "vmId"), name = parse_json(d->arena, text, "name");
    str size = parse_json(d->arena, text, "vmSize");
    if (!id.len) return err_set(err, ST_INVALID, ERR_NOPOS, "the answer has no vmId");
    detect_put(d, "cloud.provider", S("azure"));
    detect_put(d, "cloud.platform", S("azure_vm"));
    detect_put(d, "cloud.region", parse_json(d->arena, text, "location"));
    detect_put(d, "cloud.account.id", parse_json(d->arena, text, "subscriptionId"));
    detect_put(d, "cloud.availability_zone", parse_json(d->arena, text, "zone"));
    detect_put(d, "host.id", id);
    detect_put(d, "host.name", name);
    detect_put(d, "host.type", size);
    detect_put(d, "azure.vm.name", name);
    detect_put(d, "azure.vm.size", size);
    detect_put(d, "azure.vm.scaleset.name", parse_json(d->arena, text, "vmScaleSetName"));
    detect_put(d, "azure.resourcegroup.name", parse_json(d->arena, text, "resourceGroupName"));
    put_tags(d, text);
    return ST_OK;
}

/* MC_<resource group>_<cluster>_<location>; another name is as good as the cluster's. */
static str cluster_of(str group)
{
    unsigned parts = 1;
    for (size_t i = 0; i < group.len; i++) parts += group.ptr[i] == '_';
    return parts == 4 && str_eq_fold(parse_part(group, '_', 0), S("MC")) ? parse_part(group, '_', 2)
                                                                         : group;
}

status detect_aks_run(struct detection *d, struct err *err)
{
    str text;
    if (!detect_env(d, "KUBERNETES_SERVICE_HOST").len)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "KUBERNETES_SERVICE_HOST is not set");
    TRY(compute(d, &text, err));
    str group = parse_json(d->arena, text, "resourceGroupName");
    detect_put(d, "cloud.provider", S("azure"));
    detect_put(d, "cloud.platform", S("azure_aks"));
    detect_put(d, "k8s.cluster.name", cluster_of(group));
    return ST_OK;
}
