/* Amazon: EC2, ECS, EKS, Lambda, Elastic Beanstalk. */
#include <stdio.h>

#include "base/num.h"
#include "ingest/detect/detection.h"
#include "ingest/detect/parse.h"

/* ---- the instance's metadata, version 2: a token, then what is asked ---- */

struct imds {
    str base;
    char token[512];
};

static status imds_open(struct detection *d, struct imds *m, struct err *err)
{
    if (str_eq_fold(detect_env(d, "AWS_EC2_METADATA_DISABLED"), S("true")))
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "AWS_EC2_METADATA_DISABLED is set");
    m->base = d->asked.endpoint;
    if (!m->base.len) m->base = detect_env(d, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (!m->base.len) m->base = S("http://169.254.169.254");
    struct detect_fetch f = {.method = "PUT",
                             .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"}};
    str token;
    TRY(detect_get(d, &f, m->base, "/latest/api/token", &token, err));
    int n = snprintf(m->token, sizeof m->token, "X-aws-ec2-metadata-token: " STR_FMT,
                     STR_ARG(parse_trim(token)));
    if (n >= (int)sizeof m->token || strpbrk(m->token, "\r\n"))
        return err_set(err, ST_INVALID, ERR_NOPOS, "the metadata server's token is none");
    return ST_OK;
}

static status imds_get(struct detection *d, const struct imds *m, const char *path, str *ret,
                       struct err *err)
{
    struct detect_fetch f = {.headers = {m->token}};
    return detect_get(d, &f, m->base, path, ret, err);
}

/* Provider and platform are the caller's. */
static status put_instance(struct detection *d, const struct imds *m, struct err *err)
{
    str doc, name;
    TRY(imds_get(d, m, "/latest/dynamic/instance-identity/document", &doc, err));
    str id = parse_json(d->arena, doc, "instanceId");
    if (!id.len)
        return err_set(err, ST_INVALID, ERR_NOPOS, "the instance's identity document has no id");
    detect_put(d, "cloud.region", parse_json(d->arena, doc, "region"));
    detect_put(d, "cloud.account.id", parse_json(d->arena, doc, "accountId"));
    detect_put(d, "cloud.availability_zone", parse_json(d->arena, doc, "availabilityZone"));
    detect_put(d, "host.id", id);
    detect_put(d, "host.image.id", parse_json(d->arena, doc, "imageId"));
    detect_put(d, "host.type", parse_json(d->arena, doc, "instanceType"));
    if (detect_wants(d, "host.name") &&
        imds_get(d, m, "/latest/meta-data/hostname", &name, NULL) == ST_OK)
        detect_put(d, "host.name", parse_trim(name));
    return ST_OK;
}

static status tag_value(struct detection *d, const struct imds *m, str name, str *ret,
                        struct err *err)
{
    char path[1200];
    int n = snprintf(path, sizeof path, "/latest/meta-data/tags/instance/" STR_FMT,
                     STR_ARG(detect_url_escape(d->arena, name)));
    if (n >= (int)sizeof path) return err_set(err, ST_LIMIT, ERR_NOPOS, "a tag's name is too long");
    return imds_get(d, m, path, ret, err);
}

static bool is_asked(const struct detection *d, str tag)
{
    for (size_t i = 0; i < d->asked.n_tags; i++)
        if (regex_match(d->asked.tags[i], tag)) return true;
    return false;
}

static status put_tags(struct detection *d, const struct imds *m, struct err *err)
{
    str names, name, value;
    unsigned n = 0;
    if (!d->asked.n_tags) return ST_OK;
    status s = imds_get(d, m, "/latest/meta-data/tags/instance/", &names, err);
    if (s == ST_NOT_FOUND)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                       "the instance does not show its tags in its metadata");
    if (s != ST_OK) return s;
    while (parse_line(&names, &name) && n < DETECT_TAGS_MAX) {
        name = parse_trim(name);
        if (!name.len || !is_asked(d, name)) continue;
        TRY(tag_value(d, m, name, &value, err));
        detect_put_named(d, S("ec2.tag."), name, value);
        n++;
    }
    return ST_OK;
}

status detect_ec2_run(struct detection *d, struct err *err)
{
    struct imds m;
    TRY(imds_open(d, &m, err));
    detect_put(d, "cloud.provider", S("aws"));
    detect_put(d, "cloud.platform", S("aws_ec2"));
    TRY(put_instance(d, &m, err));
    return put_tags(d, &m, err);
}

/* ---- EKS ---- */

/* Of the tags that EKS puts on its instances: eks:cluster-name, kubernetes.io/cluster/<name>. */
static void put_cluster(struct detection *d, const struct imds *m)
{
    str names, name, value, owned = S("kubernetes.io/cluster/");
    if (!detect_wants(d, "k8s.cluster.name") ||
        imds_get(d, m, "/latest/meta-data/tags/instance/", &names, NULL) != ST_OK)
        return;
    while (parse_line(&names, &name)) {
        name = parse_trim(name);
        if (str_eq(name, S("eks:cluster-name")) && tag_value(d, m, name, &value, NULL) == ST_OK) {
            detect_put(d, "k8s.cluster.name", value);
            return;
        }
        if (name.len > owned.len && memcmp(name.ptr, owned.ptr, owned.len) == 0) {
            detect_put(d, "k8s.cluster.name", str_drop(name, owned.len));
            return;
        }
    }
}

status detect_eks_run(struct detection *d, struct err *err)
{
    str version;
    struct imds m;
    if (!detect_env(d, "KUBERNETES_SERVICE_HOST").len)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "KUBERNETES_SERVICE_HOST is not set");
    TRY(detect_kubernetes_get(d, "/version", &version, err));
    str git = parse_json(d->arena, version, "gitVersion");
    if (!git.len || !memmem(git.ptr, git.len, "-eks-", 5))
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "the cluster is none of EKS");
    detect_put(d, "cloud.provider", S("aws"));
    detect_put(d, "cloud.platform", S("aws_eks"));
    if (imds_open(d, &m, NULL) != ST_OK || put_instance(d, &m, NULL) != ST_OK)
        return ST_OK; /* a pod may not see its instance */
    put_cluster(d, &m);
    return ST_OK;
}

/* ---- ECS ---- */

static void put_text_list(struct detection *d, const char *key, str text)
{
    if (text.len) detect_put_list(d, key, &text, 1);
}

/* arn:aws:logs:region:account:log-group:GROUP:log-stream:STREAM */
static void put_logs(struct detection *d, str container, str account)
{
    if (!str_eq(parse_json(d->arena, container, "LogDriver"), S("awslogs"))) return;
    str group = parse_json(d->arena, container, "LogOptions/awslogs-group");
    str region = parse_json(d->arena, container, "LogOptions/awslogs-region");
    str stream = parse_json(d->arena, container, "LogOptions/awslogs-stream");
    char arn[1500];
    put_text_list(d, "aws.log.group.names", group);
    put_text_list(d, "aws.log.stream.names", stream);
    if (!group.len || !region.len || !account.len) return;
    int n = snprintf(arn, sizeof arn, "arn:aws:logs:" STR_FMT ":" STR_FMT ":log-group:" STR_FMT,
                     STR_ARG(region), STR_ARG(account), STR_ARG(group));
    if (n >= (int)sizeof arn) return;
    put_text_list(d, "aws.log.group.arns", str_of(arn));
    if (!stream.len) return;
    size_t at = (size_t)n;
    n = snprintf(arn + at, sizeof arn - at, ":log-stream:" STR_FMT, STR_ARG(stream));
    if (n < (int)(sizeof arn - at)) put_text_list(d, "aws.log.stream.arns", str_of(arn));
}

/* The cluster may be given by its short name. */
static void put_cluster_arn(struct detection *d, str cluster, str task)
{
    char arn[1000];
    if (cluster.len > 4 && memcmp(cluster.ptr, "arn:", 4) == 0) {
        detect_put(d, "aws.ecs.cluster.arn", cluster);
        return;
    }
    const char *at = task.len ? memmem(task.ptr, task.len, ":task/", 6) : NULL;
    if (!cluster.len || !at) return;
    int n = snprintf(arn, sizeof arn, "%.*s:cluster/" STR_FMT, (int)(at - task.ptr), task.ptr,
                     STR_ARG(cluster));
    if (n < (int)sizeof arn) detect_put(d, "aws.ecs.cluster.arn", str_of(arn));
}

static void put_task(struct detection *d, str task)
{
    str arn = parse_json(d->arena, task, "TaskARN");
    str launch = parse_json(d->arena, task, "LaunchType");
    detect_put(d, "aws.ecs.task.arn", arn);
    detect_put(d, "aws.ecs.task.id", parse_last_part(arn, '/'));
    detect_put(d, "aws.ecs.task.family", parse_json(d->arena, task, "Family"));
    detect_put(d, "aws.ecs.task.revision", parse_json(d->arena, task, "Revision"));
    if (str_eq_fold(launch, S("EC2"))) detect_put(d, "aws.ecs.launchtype", S("ec2"));
    if (str_eq_fold(launch, S("FARGATE"))) detect_put(d, "aws.ecs.launchtype", S("fargate"));
    detect_put(d, "cloud.region", parse_part(arn, ':', 3));
    detect_put(d, "cloud.account.id", parse_part(arn, ':', 4));
    detect_put(d, "cloud.availability_zone", parse_json(d->arena, task, "AvailabilityZone"));
    put_cluster_arn(d, parse_json(d->arena, task, "Cluster"), arn);
}

status detect_ecs_run(struct detection *d, struct err *err)
{
    str base = detect_env(d, "ECS_CONTAINER_METADATA_URI_V4"), task, own;
    bool v4 = base.len > 0;
    if (!v4) base = detect_env(d, "ECS_CONTAINER_METADATA_URI");
    if (!base.len)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "ECS_CONTAINER_METADATA_URI_V4 is not set");
    struct detect_fetch f = {0};
    TRY(detect_get(d, &f, base, "/task", &task, err));
    TRY(detect_get(d, &f, base, "", &own, err));
    detect_put(d, "cloud.provider", S("aws"));
    detect_put(d, "cloud.platform", S("aws_ecs"));
    put_task(d, task);
    detect_put(d, "aws.ecs.container.arn", parse_json(d->arena, own, "ContainerARN"));
    detect_put(d, "container.id", parse_json(d->arena, own, "DockerId"));
    if (v4) put_logs(d, own, parse_part(parse_json(d->arena, task, "TaskARN"), ':', 4));
    return ST_OK;
}

/* ---- by the environment, by a file ---- */

status detect_lambda_run(struct detection *d, struct err *err)
{
    if (!detect_env(d, "AWS_LAMBDA_FUNCTION_NAME").len)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "AWS_LAMBDA_FUNCTION_NAME is not set");
    detect_put(d, "cloud.provider", S("aws"));
    detect_put(d, "cloud.platform", S("aws_lambda"));
    detect_put_env(d, "cloud.region", "AWS_REGION");
    detect_put_env(d, "faas.name", "AWS_LAMBDA_FUNCTION_NAME");
    detect_put_env(d, "faas.version", "AWS_LAMBDA_FUNCTION_VERSION");
    detect_put_env(d, "faas.instance", "AWS_LAMBDA_LOG_STREAM_NAME");
    uint64_t mib;
    if (num_parse_u64(detect_env(d, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), &mib) && mib < 1 << 30)
        detect_put_int(d, "faas.max_memory", (int64_t)mib << 20);
    put_text_list(d, "aws.log.group.names", detect_env(d, "AWS_LAMBDA_LOG_GROUP_NAME"));
    put_text_list(d, "aws.log.stream.names", detect_env(d, "AWS_LAMBDA_LOG_STREAM_NAME"));
    return ST_OK;
}

status detect_beanstalk_run(struct detection *d, struct err *err)
{
    str text = detect_file(d, "/var/elasticbeanstalk/xray/environment.conf");
    if (!text.len)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                       "there is no /var/elasticbeanstalk/xray/environment.conf");
    detect_put(d, "cloud.provider", S("aws"));
    detect_put(d, "cloud.platform", S("aws_elastic_beanstalk"));
    detect_put(d, "deployment.environment", parse_json(d->arena, text, "environment_name"));
    detect_put(d, "service.instance.id", parse_json(d->arena, text, "deployment_id"));
    detect_put(d, "service.version", parse_json(d->arena, text, "version_label"));
    return ST_OK;
}
