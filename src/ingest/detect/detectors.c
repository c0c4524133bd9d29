/* The detectors by name, with their attributes: those that are on without being asked for are the
 * Collector's. */
#include "ingest/detect/detection.h"

#define ON(key) \
    {           \
        key, 1  \
    }
#define OFF(key) \
    {            \
        key, 0   \
    }
#define CLOUD ON("cloud.provider"), ON("cloud.platform")

static const struct detect_key system_keys[] = {ON("host.name"),
                                                ON("os.type"),
                                                OFF("host.id"),
                                                OFF("host.arch"),
                                                OFF("host.ip"),
                                                OFF("host.mac"),
                                                OFF("host.cpu.vendor.id"),
                                                OFF("host.cpu.family"),
                                                OFF("host.cpu.model.id"),
                                                OFF("host.cpu.model.name"),
                                                OFF("host.cpu.stepping"),
                                                OFF("host.cpu.cache.l2.size"),
                                                OFF("os.description"),
                                                OFF("os.name"),
                                                OFF("os.version"),
                                                OFF("os.build_id")};
static const struct detect_key process_keys[] = {
    ON("process.pid"),           ON("process.executable.name"), ON("process.executable.path"),
    ON("process.owner"),         OFF("process.parent_pid"),     OFF("process.command"),
    OFF("process.command_args"), OFF("process.linux.cgroup")};
static const struct detect_key container_keys[] = {ON("container.id")};
static const struct detect_key docker_keys[] = {ON("host.name"), ON("os.type"),
                                                OFF("container.name"), OFF("container.image.name")};
static const struct detect_key kubernetes_keys[] = {
    ON("k8s.node.name"),      ON("k8s.pod.name"),       ON("k8s.pod.uid"),
    ON("k8s.container.name"), ON("k8s.namespace.name"), ON("k8s.cluster.name")};
static const struct detect_key k8s_api_keys[] = {ON("k8s.node.name"), ON("k8s.node.uid"),
                                                 ON("k8s.cluster.uid")};
static const struct detect_key ec2_keys[] = {CLOUD,
                                             ON("cloud.account.id"),
                                             ON("cloud.availability_zone"),
                                             ON("cloud.region"),
                                             ON("host.id"),
                                             ON("host.image.id"),
                                             ON("host.name"),
                                             ON("host.type")};
static const struct detect_key ecs_keys[] = {CLOUD,
                                             ON("cloud.account.id"),
                                             ON("cloud.availability_zone"),
                                             ON("cloud.region"),
                                             ON("aws.ecs.cluster.arn"),
                                             ON("aws.ecs.launchtype"),
                                             ON("aws.ecs.task.arn"),
                                             ON("aws.ecs.task.family"),
                                             ON("aws.ecs.task.id"),
                                             ON("aws.ecs.task.revision"),
                                             ON("aws.log.group.names"),
                                             ON("aws.log.group.arns"),
                                             ON("aws.log.stream.names"),
                                             ON("aws.log.stream.arns"),
                                             OFF("aws.ecs.container.arn"),
                                             OFF("container.id")};
static const struct detect_key eks_keys[] = {CLOUD,
                                             OFF("cloud.account.id"),
                                             OFF("cloud.availability_zone"),
                                             OFF("cloud.region"),
                                             OFF("host.id"),
                                             OFF("host.image.id"),
                                             OFF("host.name"),
                                             OFF("host.type"),
                                             OFF("k8s.cluster.name")};
static const struct detect_key lambda_keys[] = {CLOUD,
                                                ON("cloud.region"),
                                                ON("faas.name"),
                                                ON("faas.version"),
                                                ON("faas.instance"),
                                                ON("faas.max_memory"),
                                                ON("aws.log.group.names"),
                                                ON("aws.log.stream.names")};
static const struct detect_key beanstalk_keys[] = {
    CLOUD, ON("deployment.environment"), ON("service.instance.id"), ON("service.version")};
static const struct detect_key gcp_keys[] = {CLOUD,
                                             ON("cloud.account.id"),
                                             ON("cloud.region"),
                                             ON("cloud.availability_zone"),
                                             ON("host.id"),
                                             ON("host.name"),
                                             ON("host.type"),
                                             ON("k8s.cluster.name"),
                                             ON("faas.name"),
                                             ON("faas.version"),
                                             ON("faas.instance"),
                                             ON("gcp.cloud_run.job.execution"),
                                             ON("gcp.cloud_run.job.task_index"),
                                             OFF("gcp.gce.instance.hostname"),
                                             OFF("gcp.gce.instance.name")};
static const struct detect_key azure_keys[] = {CLOUD,
                                               ON("cloud.region"),
                                               ON("cloud.account.id"),
                                               OFF("cloud.availability_zone"),
                                               ON("host.id"),
                                               ON("host.name"),
                                               OFF("host.type"),
                                               ON("azure.vm.name"),
                                               ON("azure.vm.size"),
                                               ON("azure.vm.scaleset.name"),
                                               ON("azure.resourcegroup.name")};
static const struct detect_key aks_keys[] = {CLOUD, OFF("k8s.cluster.name")};
static const struct detect_key heroku_keys[] = {
    ON("cloud.provider"),        ON("heroku.app.id"),
    ON("heroku.release.commit"), ON("heroku.release.creation_timestamp"),
    ON("service.name"),          ON("service.instance.id"),
    ON("service.version")};
static const struct detect_key oracle_keys[] = {
    CLOUD,           ON("cloud.region"), ON("cloud.availability_zone"), ON("host.id"),
    ON("host.name"), ON("host.type"),    ON("k8s.cluster.name")};
static const struct detect_key hetzner_keys[] = {ON("cloud.provider"), ON("cloud.region"),
                                                 ON("cloud.availability_zone"), ON("host.id"),
                                                 ON("host.name")};
static const struct detect_key small_keys[] = {ON("cloud.provider"), ON("cloud.region"),
                                               ON("host.id"), ON("host.name")};

#define KEYS(list) list, sizeof(list) / sizeof *(list)

const struct detector detectors[] = {
    {S("env"), {0}, 0, NULL, 0, detect_env_run},
    {S("system"), {0}, TAKES_HOSTNAME, KEYS(system_keys), detect_system_run},
    {S("process"), {0}, 0, KEYS(process_keys), detect_process_run},
    {S("container"), {0}, 0, KEYS(container_keys), detect_container_run},
    {S("docker"), {0}, TAKES_ENDPOINT, KEYS(docker_keys), detect_docker_run},
    {S("kubernetes"), {0}, 0, KEYS(kubernetes_keys), detect_kubernetes_run},
    {S("k8s_api"), S("k8snode"), TAKES_NODE | TAKES_API, KEYS(k8s_api_keys), detect_k8s_api_run},
    {S("ec2"), {0}, TAKES_ENDPOINT | TAKES_TAGS | TAKES_IMDS, KEYS(ec2_keys), detect_ec2_run},
    {S("ecs"), {0}, 0, KEYS(ecs_keys), detect_ecs_run},
    {S("eks"), {0}, TAKES_ENDPOINT | TAKES_API, KEYS(eks_keys), detect_eks_run},
    {S("lambda"), {0}, 0, KEYS(lambda_keys), detect_lambda_run},
    {S("elastic_beanstalk"), S("elasticbeanstalk"), 0, KEYS(beanstalk_keys), detect_beanstalk_run},
    {S("gcp"), {0}, TAKES_ENDPOINT, KEYS(gcp_keys), detect_gcp_run},
    {S("azure"), {0}, TAKES_ENDPOINT | TAKES_TAGS, KEYS(azure_keys), detect_azure_run},
    {S("aks"), {0}, TAKES_ENDPOINT, KEYS(aks_keys), detect_aks_run},
    {S("heroku"), {0}, 0, KEYS(heroku_keys), detect_heroku_run},
    {S("oraclecloud"), {0}, TAKES_ENDPOINT, KEYS(oracle_keys), detect_oraclecloud_run},
    {S("hetzner"), {0}, TAKES_ENDPOINT, KEYS(hetzner_keys), detect_hetzner_run},
    {S("digitalocean"), {0}, TAKES_ENDPOINT, KEYS(small_keys), detect_digitalocean_run},
    {S("vultr"), {0}, TAKES_ENDPOINT, KEYS(small_keys), detect_vultr_run},
};
const size_t n_detectors = sizeof detectors / sizeof *detectors;
