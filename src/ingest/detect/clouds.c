/* Smaller ones: Heroku by the environment; Oracle, Hetzner, DigitalOcean and Vultr by one question
 * or a few. */
#include "ingest/detect/detection.h"
#include "ingest/detect/parse.h"

static const char metadata[] = "http://169.254.169.254";

static status get(struct detection *d, const char *header, const char *path, str *ret,
                  struct err *err)
{
    struct detect_fetch f = {.headers = {header}};
    str base = d->asked.endpoint.len ? d->asked.endpoint : str_of(metadata);
    return detect_get(d, &f, base, path, ret, err);
}

static void put_json(struct detection *d, const char *key, str text, const char *path)
{
    detect_put(d, key, parse_json(d->arena, text, path));
}

status detect_heroku_run(struct detection *d, struct err *err)
{
    if (!detect_env(d, "HEROKU_DYNO_ID").len && !detect_env(d, "HEROKU_APP_ID").len)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "HEROKU_DYNO_ID is not set");
    detect_put(d, "cloud.provider", S("heroku"));
    detect_put_env(d, "heroku.app.id", "HEROKU_APP_ID");
    detect_put_env(d, "service.name", "HEROKU_APP_NAME");
    detect_put_env(d, "service.instance.id", "HEROKU_DYNO_ID");
    detect_put_env(d, "service.version", "HEROKU_RELEASE_VERSION");
    detect_put_env(d, "heroku.release.commit", "HEROKU_SLUG_COMMIT");
    detect_put_env(d, "heroku.release.creation_timestamp", "HEROKU_RELEASE_CREATED_AT");
    return ST_OK;
}

status detect_oraclecloud_run(struct detection *d, struct err *err)
{
    str text;
    TRY(get(d, "Authorization: Bearer Oracle", "/opc/v2/instance/", &text, err));
    str region = parse_json(d->arena, text, "canonicalRegionName");
    detect_put(d, "cloud.provider", S("oracle_cloud"));
    detect_put(d, "cloud.platform", S("oracle_cloud_compute"));
    detect_put(d, "cloud.region", region.len ? region : parse_json(d->arena, text, "region"));
    put_json(d, "cloud.availability_zone", text, "availabilityDomain");
    put_json(d, "host.id", text, "id");
    put_json(d, "host.name", text, "displayName");
    put_json(d, "host.type", text, "shape");
    put_json(d, "k8s.cluster.name", text, "metadata/oke-cluster-display-name");
    return ST_OK;
}

status detect_hetzner_run(struct detection *d, struct err *err)
{
    static const char *const asked[][2] = {
        {"host.name", "/hetzner/v1/metadata/hostname"},
        {"cloud.region", "/hetzner/v1/metadata/region"},
        {"cloud.availability_zone", "/hetzner/v1/metadata/availability-zone"},
    };
    str text;
    TRY(get(d, NULL, "/hetzner/v1/metadata/instance-id", &text, err));
    detect_put(d, "cloud.provider", S("hetzner"));
    detect_put(d, "host.id", parse_trim(text));
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        TRY(get(d, NULL, asked[i][1], &text, err));
        detect_put(d, asked[i][0], parse_trim(text));
    }
    return ST_OK;
}

status detect_digitalocean_run(struct detection *d, struct err *err)
{
    str text;
    TRY(get(d, NULL, "/metadata/v1.json", &text, err));
    detect_put(d, "cloud.provider", S("digitalocean"));
    put_json(d, "cloud.region", text, "region");
    put_json(d, "host.id", text, "droplet_id");
    put_json(d, "host.name", text, "hostname");
    return ST_OK;
}

status detect_vultr_run(struct detection *d, struct err *err)
{
    str text;
    TRY(get(d, NULL, "/v1.json", &text, err));
    str id = parse_json(d->arena, text, "instance-v2-id");
    detect_put(d, "cloud.provider", S("vultr"));
    put_json(d, "cloud.region", text, "region/regioncode");
    detect_put(d, "host.id", id.len ? id : parse_json(d->arena, text, "instanceid"));
    put_json(d, "host.name", text, "hostname");
    return ST_OK;
}
