/* detection: what detectors share. Private to ingest/detect.
 *
 * A detector runs in a thread of its own, with an arena of its own; what it finds it puts into its
 * detection. The outside is a `world`, so that tests bring their own files and environment. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/regex.h"
#include "base/tree.h"
#include "ingest/detect/detect.h"

struct world {
    const char *root; /* before /etc, /proc, /sys, /var: "" */
    char **env;       /* like environ */
};

enum { DETECT_KEYS_MAX = 24, DETECT_FILE_MAX = 64 << 10, DETECT_TAGS_MAX = 50 };

/* An attribute of a detector, and whether it is given without being asked for. */
struct detect_key {
    const char *key;
    bool on;
};

/* What a detector can be told, beside resource_attributes. */
enum {
    TAKES_ENDPOINT = 1, /* endpoint: base URL of the metadata server */
    TAKES_TAGS = 2,     /* tags: regular expressions of names */
    TAKES_IMDS = 4,     /* tags_from_imds */
    TAKES_HOSTNAME = 8, /* hostname_sources */
    TAKES_NODE = 16,    /* node_from_env_var */
    TAKES_API = 32,     /* api_endpoint, auth_type: of Kubernetes' API server */
};

struct detection;
struct detector {
    str name, old_name; /* the Collector's; old_name empty: none */
    unsigned takes;
    const struct detect_key *keys;
    size_t n_keys;
    /* ST_OK: what there is has been put. ST_NOT_FOUND: this is another platform. */
    status (*run)(struct detection *d, struct err *err);
};

extern const struct detector detectors[];
extern const size_t n_detectors;

/* Options of one detector. */
struct detect_asked {
    bool on[DETECT_KEYS_MAX];
    str endpoint, api_endpoint, node_env;
    str *sources; /* of the host's name */
    size_t n_sources;
    struct regex **tags;
    size_t n_tags;
};

struct detection {
    struct arena *arena;
    struct world world;
    const struct detector *is;
    struct detect_asked asked;
    nanos deadline; /* monotonic */
    struct detected_attr *attrs;
    size_t n, cap;
};

/* options.c */
struct detect_plan {
    const struct detector *list[32];
    const struct tree *options[32];
    size_t n;
    nanos timeout;
};
[[nodiscard]] status detect_plan_read(struct arena *a, const struct tree *options,
                                      struct detect_plan *ret, struct err *err);
[[nodiscard]] status detect_asked_read(struct arena *a, const struct detector *is,
                                       const struct tree *options, struct detect_asked *ret,
                                       struct err *err);

/* detection.c. A put without a value, or of a key that is off, does nothing. Texts are copied;
 * keys must live as long as the arena. */
bool detect_wants(const struct detection *d, const char *key);
void detect_put(struct detection *d, const char *key, str text);
void detect_put_named(struct detection *d, str prefix, str name, str text); /* always on */
void detect_put_int(struct detection *d, const char *key, int64_t i);
void detect_put_list(struct detection *d, const char *key, const str *list, size_t n);
str detect_env(const struct detection *d, const char *name); /* empty: not set */
void detect_put_env(struct detection *d, const char *key, const char *name);
/* At most DETECT_FILE_MAX bytes, without white space at the end; empty when it cannot be read. */
str detect_file(struct detection *d, const char *path);

/* Runs what is planned, within its timeout, and merges: detect.c. */
[[nodiscard]] status detect_run(struct arena *a, const struct detect_plan *p,
                                const struct world *world, struct detected *ret, struct err *err);

/* fetch.c: one HTTP exchange with a metadata server. No proxy, no redirect, at most
 * DETECT_FILE_MAX bytes, ended by the detection's deadline. ST_NOT_FOUND: nobody is there, or 404.
 * ST_TIMEOUT, ST_LIMIT, ST_UNAVAILABLE: another status. */
struct detect_fetch {
    const char *method;        /* NULL: GET */
    const char *headers[3];    /* NULL at the end */
    const char *socket;        /* path of a Unix socket; NULL: TCP */
    const char *ca_file;       /* NULL: the system's */
    const char *answer_header; /* that the answer must have; NULL: none */
};
[[nodiscard]] status detect_get(struct detection *d, const struct detect_fetch *f, str base,
                                const char *path, str *ret, struct err *err);
str detect_url_escape(struct arena *a, str s);

[[nodiscard]] status detect_kubernetes_get(struct detection *d, const char *path, str *ret,
                                           struct err *err); /* kubernetes.c */

/* The detectors, one function each. */
status detect_env_run(struct detection *d, struct err *err);
status detect_system_run(struct detection *d, struct err *err);
status detect_process_run(struct detection *d, struct err *err);
status detect_container_run(struct detection *d, struct err *err);
status detect_docker_run(struct detection *d, struct err *err);
status detect_kubernetes_run(struct detection *d, struct err *err);
status detect_k8s_api_run(struct detection *d, struct err *err);
status detect_ec2_run(struct detection *d, struct err *err);
status detect_ecs_run(struct detection *d, struct err *err);
status detect_eks_run(struct detection *d, struct err *err);
status detect_lambda_run(struct detection *d, struct err *err);
status detect_beanstalk_run(struct detection *d, struct err *err);
status detect_gcp_run(struct detection *d, struct err *err);
status detect_azure_run(struct detection *d, struct err *err);
status detect_aks_run(struct detection *d, struct err *err);
status detect_heroku_run(struct detection *d, struct err *err);
status detect_oraclecloud_run(struct detection *d, struct err *err);
status detect_hetzner_run(struct detection *d, struct err *err);
status detect_digitalocean_run(struct detection *d, struct err *err);
status detect_vultr_run(struct detection *d, struct err *err);
