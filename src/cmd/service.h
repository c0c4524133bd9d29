/* service: what the long-running subcommands share: configuration, log, signals, the ready line.
 * thread: main */
#pragma once

#include <pthread.h>

#include "admin/admin.h"
#include "base/err.h"
#include "cmd/memory_shares.h"
#include "cmd/owner.h"
#include "cmd/parts.h"
#include "config/config.h"
#include "ingest/pipeline.h"
#include "query/engine.h"
#include "store/store.h"

struct service {
    const char *name; /* the subcommand */
    nanos began;      /* monotonic */
    struct arena arena;
    struct config config;
    struct memory_shares memory;
    struct query_cache *cache; /* NULL: none */
    struct graph graph;        /* of a service that receives */
    struct parts parts;
    struct admin *admin;
    struct pipeline *pipeline; /* NULL: this service has none; so for the others */
    struct store *store;
    struct lifecycle_jobs *listening; /* a collector's, to its store; NULL: none */
    bool owns_tables;                 /* then it is ready when they are */
    bool loads_later; /* the store is started by store_start, when all else is open */
    int argc;         /* the command line, for a reload */
    char **argv;
    pthread_mutex_t reloading;     /* of what a reload changes in `config` */
    struct arena reloaded;         /* texts of the last one */
    _Atomic(struct owner *) owner; /* set by main while admin's threads look */
};

/* Configuration from file, environment and flags, memory shared out, the log, signals blocked for
 * the whole process.
 * False: *ret_exit is the exit code (a message or the help text was printed). */
bool service_begin(struct service *s, int argc, char **argv, int *ret_exit);

/* The same for a service that receives: the pipelines too are read and checked. */
bool service_begin_receiving(struct service *s, int argc, char **argv, int *ret_exit);

/* The store of the configuration: embedded, or the server at store.url. `may_be_away`: a server
 * that does not answer yet is no reason not to start (collector: the journal takes what comes;
 * query-api: queries say so). */
[[nodiscard]] status service_open_store(struct service *s, bool may_be_away, struct err *err);

/* Migrations and retention, then the jobs: see owner.h. After admin and a pipeline, whose blocks
 * wait for it. */
[[nodiscard]] status service_prepare_tables(struct service *s, struct err *err);

/* A collector apart from the owner of its tables asks the store how many parts they have, for the
 * pipeline. After it. */
[[nodiscard]] status service_hear_parts(struct service *s, struct err *err);

/* Watches resident memory from here on: after the store is open, before requests are taken. */
[[nodiscard]] status service_watch_memory(struct service *s, struct err *err);

/* Detects resources, opens the exporters and then the pipeline, which listens. */
[[nodiscard]] status service_open_pipeline(struct service *s, struct err *err);
[[nodiscard]] status service_open_engine(struct service *s, struct engine **ret, struct err *err);
[[nodiscard]] status service_open_admin(struct service *s, struct err *err);

/* Reads the configuration again. Retention and store.disk.* take effect before it returns; what
 * else has changed is logged: it needs a restart. ST_INVALID, ST_NOT_FOUND: the configuration is
 * wrong, and the one before stays. ST_UNSUPPORTED: nothing to reload. thread: any */
[[nodiscard]] status service_reload(struct service *s, struct err *err);

/* Prints "ready {...}" (ports as JSON) and, for people, the addresses. Then waits for SIGTERM or
 * SIGINT; SIGHUP is a reload. */
struct service_port {
    const char *name; /* key in the ready line */
    str endpoint;     /* as configured: for the host */
    uint16_t port;
};
void service_ready_and_wait(struct service *s, const struct service_port *ports, size_t n);

/* Stops the pipeline (flushing within shutdown.timeout) and admin, closes the store, and ends the
 * process with `exit_code`: the embedded engine cannot be shut down cleanly. */
[[gnu::noreturn]] void service_end(struct service *s, int exit_code);

/* Prints the error and ends the process with 1. */
[[gnu::noreturn]] void service_fail(struct service *s, const struct err *err);
