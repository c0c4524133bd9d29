/* Detectors against metadata servers on loopback. */
#include <stdio.h>

#include "ingest/detect/world_test.h"
#include "testing/test.h"

static struct detected got;
static struct err err;

static void detect(const char *yaml)
{
    err.msg[0] = 0;
    status s = world_detect(yaml, world_server(), &got, &err);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
}

static void is(const char *key, const char *value)
{
    CHECK_STR(world_value(&got, key), str_of(value));
}

#define TOKEN "X-aws-ec2-metadata-token: secret"

static void instance(void)
{
    world_begin();
    world_answer("PUT /latest/api/token ", "X-aws-ec2-metadata-token-ttl-seconds: 21600", "",
                 "secret");
    world_answer("GET /latest/dynamic/instance-identity/document ", TOKEN, "",
                 "{\"accountId\":\"123\",\"region\":\"eu-west-1\",\"availabilityZone\":"
                 "\"eu-west-1b\",\"instanceId\":\"i-1\",\"imageId\":\"ami-1\",\"instanceType\":"
                 "\"m5.large\",\"extra\":[{\"region\":\"no\"}]}");
    world_answer("GET /latest/meta-data/hostname ", TOKEN, "", "ip-1.internal\n");
    world_answer("GET /latest/meta-data/tags/instance/ ", TOKEN, "",
                 "Name\nteam a\neks:cluster-name\n");
    world_answer("GET /latest/meta-data/tags/instance/Name ", TOKEN, "", "web");
    world_answer("GET /latest/meta-data/tags/instance/team%20a ", TOKEN, "", "blue");
    world_answer("GET /latest/meta-data/tags/instance/eks%3Acluster-name ", TOKEN, "", "prod");
}

TEST(ec2_is_read_with_a_token)
{
    instance();
    detect("detectors: [ec2]\nec2: {endpoint: '%s', tags: ['^team'], tags_from_imds: true}");
    is("cloud.provider", "aws");
    is("cloud.platform", "aws_ec2");
    is("cloud.region", "eu-west-1");
    is("cloud.account.id", "123");
    is("cloud.availability_zone", "eu-west-1b");
    is("host.id", "i-1");
    is("host.image.id", "ami-1");
    is("host.type", "m5.large");
    is("host.name", "ip-1.internal");
    is("ec2.tag.team a", "blue");
    is("ec2.tag.Name", "-");
    world_end();
}

TEST(ec2_endpoint_comes_from_the_environment_too)
{
    static char variable[200];
    instance();
    snprintf(variable, sizeof variable, "AWS_EC2_METADATA_SERVICE_ENDPOINT=%s/", world_server());
    world_env(variable);
    world_env("http_proxy=http://127.0.0.1:1");
    detect("detectors: [ec2]");
    is("host.id", "i-1");
    world_env("AWS_EC2_METADATA_DISABLED=true");
    detect("detectors: [ec2]");
    CHECK_INT(got.n, 0);
    world_end();
}

TEST(ec2_that_is_not_there_or_talks_nonsense_gives_nothing)
{
    world_begin();
    detect("detectors: [ec2]\nec2: {endpoint: '%s'}"); /* 404 */
    CHECK_INT(got.n, 0);
    detect("detectors: [ec2]\nec2: {endpoint: 'http://127.0.0.1:1'}");
    CHECK_INT(got.n, 0);
    world_answer("PUT /latest/api/token ", NULL, "", "t");
    world_answer("GET /latest/dynamic/instance-identity/document ", NULL, "", "<html>");
    detect("detectors: [ec2]\nec2: {endpoint: '%s'}");
    CHECK_INT(got.n, 0);
    world_end();
}

TEST(an_answer_that_is_too_long_is_cut_off)
{
    static char body[(64 << 10) + 10];
    memset(body, 'x', sizeof body - 1);
    world_begin();
    world_answer("GET /metadata/v1.json ", NULL, "", body);
    detect("detectors: [digitalocean]\ndigitalocean: {endpoint: '%s'}");
    CHECK_INT(got.n, 0);
    world_end();
}

TEST(eks_is_known_by_the_clusters_version)
{
    instance();
    world_env("KUBERNETES_SERVICE_HOST=10.0.0.1");
    world_answer("GET /version ", "Authorization: Bearer tok", "",
                 "{\"major\":\"1\",\"gitVersion\":\"v1.29.1-eks-508b6b3\"}");
    world_file("/var/run/secrets/kubernetes.io/serviceaccount/token", "tok\n");
    static char yaml[400];
    snprintf(yaml, sizeof yaml,
             "detectors: [eks]\neks: {endpoint: '%s', api_endpoint: '%s', resource_attributes: "
             "{k8s.cluster.name: {enabled: true}, host.id: {enabled: true}}}",
             world_server(), world_server());
    detect(yaml);
    is("cloud.platform", "aws_eks");
    is("k8s.cluster.name", "prod");
    is("host.id", "i-1");
    is("host.type", "-");
    world_end();
}

TEST(k8s_api_gives_the_uids)
{
    world_begin();
    world_env("KUBERNETES_SERVICE_HOST=10.0.0.1");
    world_env("NODE=n 1");
    world_answer("GET /api/v1/nodes/n%201 ", NULL, "", "{\"metadata\":{\"uid\":\"u-n\"}}");
    world_answer("GET /api/v1/namespaces/kube-system ", NULL, "",
                 "{\"metadata\":{\"uid\":\"u-c\"}}");
    detect("detectors: [k8snode]\nk8snode: {api_endpoint: '%s', node_from_env_var: NODE}");
    is("k8s.node.name", "n 1");
    is("k8s.node.uid", "u-n");
    is("k8s.cluster.uid", "u-c");
    world_end();
}

TEST(ecs_reads_the_task_and_the_container)
{
    static char variable[200];
    world_begin();
    snprintf(variable, sizeof variable, "ECS_CONTAINER_METADATA_URI_V4=%s/v4/1", world_server());
    world_env(variable);
    world_answer("GET /v4/1/task ", NULL, "",
                 "{\"Cluster\":\"main\",\"TaskARN\":\"arn:aws:ecs:us-west-2:111:task/main/abc\","
                 "\"Family\":\"web\",\"Revision\":\"26\",\"LaunchType\":\"FARGATE\","
                 "\"AvailabilityZone\":\"us-west-2d\",\"Containers\":[{\"DockerId\":\"no\"}]}");
    world_answer("GET /v4/1 ", NULL, "",
                 "{\"DockerId\":\"dock\",\"ContainerARN\":\"arn:c\",\"LogDriver\":\"awslogs\","
                 "\"LogOptions\":{\"awslogs-group\":\"/g\",\"awslogs-region\":\"us-west-2\","
                 "\"awslogs-stream\":\"s/1\"}}");
    detect("detectors: [ecs]\necs: {resource_attributes: {container.id: {enabled: true}}}");
    is("aws.ecs.cluster.arn", "arn:aws:ecs:us-west-2:111:cluster/main");
    is("aws.ecs.task.arn", "arn:aws:ecs:us-west-2:111:task/main/abc");
    is("aws.ecs.task.id", "abc");
    is("aws.ecs.task.family", "web");
    is("aws.ecs.task.revision", "26");
    is("aws.ecs.launchtype", "fargate");
    is("cloud.region", "us-west-2");
    is("cloud.account.id", "111");
    is("cloud.availability_zone", "us-west-2d");
    is("container.id", "dock");
    is("aws.log.group.names", "[/g]");
    is("aws.log.group.arns", "[arn:aws:logs:us-west-2:111:log-group:/g]");
    is("aws.log.stream.arns", "[arn:aws:logs:us-west-2:111:log-group:/g:log-stream:s/1]");
    world_end();
}

TEST(lambda_and_beanstalk_and_heroku_are_read_without_a_server)
{
    world_begin();
    world_env("AWS_LAMBDA_FUNCTION_NAME=fn");
    world_env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128");
    world_env("AWS_LAMBDA_LOG_STREAM_NAME=stream");
    world_env("AWS_REGION=eu-north-1");
    world_env("HEROKU_APP_ID=app");
    world_env("HEROKU_RELEASE_VERSION=v7");
    world_file("/var/elasticbeanstalk/xray/environment.conf",
               "{\"deployment_id\":23,\"version_label\":\"v3\",\"environment_name\":\"blue\"}");
    detect("detectors: [lambda]");
    is("cloud.platform", "aws_lambda");
    is("faas.name", "fn");
    is("faas.instance", "stream");
    is("faas.max_memory", "134217728");
    is("cloud.region", "eu-north-1");
    is("aws.log.stream.names", "[stream]");
    detect("detectors: [elastic_beanstalk]");
    is("deployment.environment", "blue");
    is("service.instance.id", "23");
    is("service.version", "v3");
    detect("detectors: [heroku]");
    is("heroku.app.id", "app");
    is("service.version", "v7");
    world_end();
}

#define GOOGLE "Metadata-Flavor: Google"
static void google(void)
{
    world_begin();
    const char *more = "Metadata-Flavor: Google\r\n";
    world_answer("GET /computeMetadata/v1/project/project-id ", GOOGLE, more, "proj");
    world_answer("GET /computeMetadata/v1/instance/zone ", GOOGLE, more,
                 "projects/1/zones/us-central1-c");
    world_answer("GET /computeMetadata/v1/instance/region ", GOOGLE, more,
                 "projects/1/regions/us-east4");
    world_answer("GET /computeMetadata/v1/instance/id ", GOOGLE, more, "42");
    world_answer("GET /computeMetadata/v1/instance/name ", GOOGLE, more, "vm-1");
    world_answer("GET /computeMetadata/v1/instance/machine-type ", GOOGLE, more,
                 "projects/1/machineTypes/n1-standard-1");
    world_answer("GET /computeMetadata/v1/instance/attributes/cluster-name ", GOOGLE, more, "c1");
    world_answer("GET /computeMetadata/v1/instance/attributes/cluster-location ", GOOGLE, more,
                 "us-central1");
}

TEST(gcp_knows_its_platforms)
{
    static const char yaml[] = "detectors: [gcp]\ngcp: {endpoint: '%s'}";
    google();
    detect(yaml);
    is("cloud.platform", "gcp_compute_engine");
    is("cloud.account.id", "proj");
    is("cloud.availability_zone", "us-central1-c");
    is("cloud.region", "us-central1");
    is("host.id", "42");
    is("host.name", "vm-1");
    is("host.type", "n1-standard-1");
    world_env("K_CONFIGURATION=c");
    world_env("K_SERVICE=svc");
    world_env("K_REVISION=r1");
    detect(yaml);
    is("cloud.platform", "gcp_cloud_run");
    is("cloud.region", "us-east4");
    is("faas.name", "svc");
    is("faas.version", "r1");
    is("faas.instance", "42");
    world_env("KUBERNETES_SERVICE_HOST=10.0.0.1");
    detect(yaml);
    is("cloud.platform", "gcp_kubernetes_engine");
    is("k8s.cluster.name", "c1");
    is("cloud.region", "us-central1");
    is("cloud.availability_zone", "-");
    world_end();
}

TEST(gcp_host_comes_from_the_environment_and_must_be_googles)
{
    static char variable[200];
    google();
    snprintf(variable, sizeof variable, "GCE_METADATA_HOST=%s", world_server() + 7);
    world_env(variable);
    world_env("GAE_SERVICE=app");
    detect("detectors: [gcp]");
    is("cloud.platform", "gcp_app_engine");
    is("faas.name", "app");
    is("cloud.availability_zone", "us-central1-c");
    world_end();
    world_begin();
    world_answer("GET /computeMetadata/v1/project/project-id ", NULL, "", "proj");
    detect("detectors: [gcp]\ngcp: {endpoint: '%s'}");
    CHECK_INT(got.n, 0);
    world_end();
}

static void azure(void)
{
    world_begin();
    world_answer(
        "GET /metadata/instance/compute?api-version=2020-09-01&format=json ", "Metadata: True", "",
        "{\"location\":\"westeurope\",\"name\":\"vm\",\"resourceGroupName\":\"MC_rg_clu_west\","
        "\"subscriptionId\":\"sub\",\"tagsList\":[{\"name\":\"team\",\"value\":\"red\"},{\"name\":"
        "\"other\",\"value\":\"x\"}],\"vmId\":\"id-1\",\"vmScaleSetName\":\"set\",\"vmSize\":"
        "\"D2\",\"zone\":\"1\"}");
}

TEST(azure_machine_is_read)
{
    azure();
    detect("detectors: [azure]\nazure: {endpoint: '%s', tags: [^team$], resource_attributes: "
           "{cloud.availability_zone: {enabled: true}}}");
    is("cloud.provider", "azure");
    is("cloud.platform", "azure_vm");
    is("cloud.region", "westeurope");
    is("cloud.account.id", "sub");
    is("cloud.availability_zone", "1");
    is("host.id", "id-1");
    is("host.name", "vm");
    is("azure.vm.size", "D2");
    is("azure.vm.scaleset.name", "set");
    is("azure.resourcegroup.name", "MC_rg_clu_west");
    is("azure.tags.team", "red");
    is("azure.tags.other", "-");
    world_end();
}

TEST(aks_gives_the_clusters_name_when_asked)
{
    azure();
    world_env("KUBERNETES_SERVICE_HOST=10.0.0.1");
    detect("detectors: [aks, azure]\naks: {endpoint: '%s', resource_attributes: "
           "{k8s.cluster.name: {enabled: true}}}\nazure: {endpoint: 'http://127.0.0.1:1'}");
    is("cloud.platform", "azure_aks");
    is("k8s.cluster.name", "clu");
    world_end();
}

TEST(smaller_clouds_are_read)
{
    world_begin();
    world_answer("GET /opc/v2/instance/ ", "Authorization: Bearer Oracle", "",
                 "{\"id\":\"ocid1\",\"displayName\":\"o\",\"shape\":\"VM.2\",\"region\":\"iad\","
                 "\"canonicalRegionName\":\"us-ashburn-1\",\"availabilityDomain\":\"AD-1\","
                 "\"metadata\":{\"oke-cluster-display-name\":\"oke\"}}");
    world_answer("GET /hetzner/v1/metadata/instance-id ", NULL, "", "7\n");
    world_answer("GET /hetzner/v1/metadata/hostname ", NULL, "", "h");
    world_answer("GET /hetzner/v1/metadata/region ", NULL, "", "eu-central");
    world_answer("GET /hetzner/v1/metadata/availability-zone ", NULL, "", "fsn1-dc14");
    world_answer("GET /metadata/v1.json ", NULL, "",
                 "{\"droplet_id\":2756294,\"hostname\":\"d\",\"region\":\"nyc3\"}");
    world_answer("GET /v1.json ", NULL, "",
                 "{\"hostname\":\"v\",\"instance-v2-id\":\"v2\",\"region\":{\"regioncode\":"
                 "\"EWR\"}}");
    detect("detectors: [oraclecloud]\noraclecloud: {endpoint: '%s'}");
    is("cloud.provider", "oracle_cloud");
    is("cloud.region", "us-ashburn-1");
    is("host.id", "ocid1");
    is("k8s.cluster.name", "oke");
    detect("detectors: [hetzner]\nhetzner: {endpoint: '%s'}");
    is("host.id", "7");
    is("cloud.availability_zone", "fsn1-dc14");
    detect("detectors: [digitalocean]\ndigitalocean: {endpoint: '%s'}");
    is("host.id", "2756294");
    is("cloud.region", "nyc3");
    detect("detectors: [vultr]\nvultr: {endpoint: '%s'}");
    is("host.id", "v2");
    is("cloud.region", "EWR");
    world_end();
}
