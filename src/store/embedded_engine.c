#include "store/embedded_engine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/log.h"
#include "store/engine_codes.h"
#include "store/engine_setup.h"
#include "store/read_ahead.h"
#include "store/token_log.h"

static struct {
    pthread_mutex_t lock;
    bool prepared, running;
    char path[PATH_MAX], config[PATH_MAX + 32], users[PATH_MAX + 32];
    struct engine_setup setup;
    int lock_fd;
    const struct chdb *api;
    struct read_ahead *ahead, *cold_ahead; /* until the tables are loaded */
    chdb_connection *own;                  /* under the lock */
    unsigned connections;                  /* made so far: each has a number */
    struct changes *changes;               /* by all stores of the process */
} engine = {.lock = PTHREAD_MUTEX_INITIALIZER, .lock_fd = -1};

static status make_dir(str dir, char *ret_path, struct err *err)
{
    char path[PATH_MAX];
    if (!dir.len || snprintf(path, sizeof path, STR_FMT, STR_ARG(dir)) >= (int)sizeof path)
        return err_set(err, ST_INVALID, ERR_NOPOS, "no data directory, or its name is too long");
    for (char *at = path + 1;; at++) {
        if (*at && *at != '/') continue;
        char was = *at;
        *at = '\0';
        if (mkdir(path, 0750) != 0 && errno != EEXIST)
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot make %s: %s", path,
                           strerror(errno));
        if (!was) break;
        *at = was;
    }
    if (!realpath(path, ret_path))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: %s", path, strerror(errno));
    return ST_OK;
}

/* The engine locks its directory too, but says so only on standard error. */
static status lock_dir(const char *dir, int *ret_fd, struct err *err)
{
    char path[PATH_MAX + 16], holder[32] = {};
    snprintf(path, sizeof path, "%s/weir.lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot open %s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
        holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
        close(fd);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                       "data directory %s is in use by another process (%s): one process per "
                       "directory",
                       dir, *holder ? holder : "unknown");
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        close(fd);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", path,
                       strerror(errno));
    }
    *ret_fd = fd;
    return ST_OK;
}

/* An object store that is away is told of after three tries of two seconds each, not after hours.
 */
static chdb_connection *connect_as(const char *comment)
{
    char path[PATH_MAX + 16], config[PATH_MAX + 64], named[ENGINE_COMMENT_MAX + 32];
    snprintf(path, sizeof path, "--path=%s", engine.path);
    snprintf(config, sizeof config, "--config-file=%s", engine.config);
    snprintf(named, sizeof named, "--log_comment=%s", comment);
    char program[] = "clickhouse", async[] = "--async_insert=0";
    char tries[] = "--s3_retry_attempts=2", connecting[] = "--s3_connect_timeout_ms=2000";
    char answering[] = "--s3_request_timeout_ms=10000",
         caching[] = "--enable_filesystem_cache_on_write_operations=1";
    char *argv[] = {program, path, config, named, async, tries, connecting, answering, caching};
    return engine.api->connect(sizeof argv / sizeof *argv, argv);
}

bool store_in_use(str data_dir)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, STR_FMT "/weir.lock", STR_ARG(data_dir));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return held;
}

static status run_own(str sql, struct err *err)
{
    struct chdb_result *r = engine.api->query_with_params_n(*engine.own, sql.ptr, sql.len, "Null",
                                                            4, NULL, NULL, NULL, NULL, 0);
    const char *why = engine.api->result_error(r);
    status s = why ? engine_error(str_of(why), ENGINE_QUERY, err) : ST_OK;
    engine.api->destroy_query_result(r);
    return s;
}

/* Before the first part goes there: a wrong name or key is told of now and not when disks are full.
 * Later the object store may be away. */
static status check_cold(struct err *err)
{
    char sql[PATH_MAX + 256];
    const char *at = engine.setup.cold_endpoint;
    if (!*at || engine.setup.cold_parts) return ST_OK;
    int n = snprintf(sql, sizeof sql,
                     "INSERT INTO FUNCTION s3('%sweir-check', 'LineAsString', 's String')"
                     " SELECT 'weir' SETTINGS s3_truncate_on_insert = 1",
                     at);
    status s = run_own((str){sql, (size_t)n}, err);
    return s == ST_OK ? ST_OK : err_wrap(err, s, "cold storage at %s cannot be written", at);
}

static status start(struct err *err)
{
    engine.own = connect_as("weir");
    if (engine.own) return check_cold(err);
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                   "the engine does not start on %s; its own message is on standard error%s%s",
                   engine.path,
                   engine.setup.cold_parts ? "; it reads the heads of cold parts at " : "",
                   engine.setup.cold_parts ? engine.setup.cold_endpoint : "");
}

static void end_reading_ahead(void)
{
    read_ahead_end(engine.ahead);
    read_ahead_end(engine.cold_ahead);
    engine.ahead = engine.cold_ahead = NULL;
}

/* Reading ahead, of what start() will wait for, begins before the library is loaded: that is one
 * thread which waits for the disk. */
static status prepare(const struct store_options *opt, const char *path, struct err *err)
{
    int fd = -1;
    TRY(lock_dir(path, &fd, err));
    snprintf(engine.path, sizeof engine.path, "%s", path);
    engine.ahead = read_ahead_begin(engine.path);
    snprintf(engine.config, sizeof engine.config, "%s/weir-engine.xml", path);
    snprintf(engine.users, sizeof engine.users, "%s/weir-engine-users.xml", path);
    uint64_t taken = 0;
    status s = chdb_load(opt->library, &engine.api, err);
    if (s == ST_OK)
        s = engine_setup(opt, engine.path, engine.config, engine.users, &engine.setup, err);
    if (s == ST_OK && *engine.setup.cold_list)
        engine.cold_ahead = read_ahead_begin(engine.setup.cold_list);
    if (s == ST_OK) s = token_log_repair(str_of(path), str_of(engine.setup.cold_list), &taken, err);
    if (taken) log_warn("store", "tokens of inserts that were cut off", LOG_INT("n", taken));
    if (s != ST_OK) {
        end_reading_ahead();
        close(fd);
        return s;
    }
    engine.lock_fd = fd;
    if (!engine.changes) engine.changes = changes_new();
    engine.prepared = true;
    return ST_OK;
}

status embedded_engine_prepare(const struct store_options *opt, const struct chdb **ret,
                               struct changes **ret_changes, struct err *err)
{
    char path[PATH_MAX];
    TRY(make_dir(opt->data_dir, path, err));
    pthread_mutex_lock(&engine.lock);
    status s = ST_OK;
    if (!engine.prepared)
        s = prepare(opt, path, err);
    else if (strcmp(path, engine.path) != 0)
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                    "the engine of this process runs on %s: one directory per process",
                    engine.path);
    pthread_mutex_unlock(&engine.lock);
    if (s != ST_OK) return s;
    *ret = engine.api;
    *ret_changes = engine.changes;
    return ST_OK;
}

status embedded_engine_start(struct err *err)
{
    pthread_mutex_lock(&engine.lock);
    assert(engine.prepared);
    status s = engine.running ? ST_OK : start(err);
    end_reading_ahead();
    if (s == ST_OK) {
        engine.running = true;
    } else {
        close(engine.lock_fd);
        engine.prepared = false;
    }
    pthread_mutex_unlock(&engine.lock);
    return s;
}

status embedded_engine_connect(char comment[ENGINE_COMMENT_MAX], chdb_connection **ret,
                               struct err *err)
{
    pthread_mutex_lock(&engine.lock);
    assert(engine.running);
    snprintf(comment, ENGINE_COMMENT_MAX, "weir-%u", ++engine.connections);
    chdb_connection *c = connect_as(comment);
    pthread_mutex_unlock(&engine.lock);
    if (!c) return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the engine refuses a connection");
    *ret = c;
    return ST_OK;
}

void embedded_engine_kill(const char *comment)
{
    char sql[160];
    int n = snprintf(sql, sizeof sql,
                     "KILL QUERY WHERE splitByChar(' ', Settings['log_comment'])[1] = '%s' ASYNC",
                     comment);
    pthread_mutex_lock(&engine.lock);
    (void)!run_own((str){sql, (size_t)n}, NULL);
    pthread_mutex_unlock(&engine.lock);
}
