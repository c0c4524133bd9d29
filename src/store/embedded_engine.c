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
#include "store/token_log.h"

static struct {
    pthread_mutex_t lock;
    bool running;
    char path[PATH_MAX], config[PATH_MAX + 32], users[PATH_MAX + 32];
    int lock_fd;
    const struct chdb *api;
    chdb_connection *own; /* under the lock */
    unsigned connections; /* made so far: each has a number */
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

static void put_xml(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '&' || *text == '<')
            fputs(*text == '&' ? "&amp;" : "&lt;", f);
        else
            fputc(*text, f);
    }
}

/* Few background threads: the engine shares its cores with ingestion. Merges take many parts at a
 * time, so that a row is merged seldom, and texts have their lengths among them
 * (docs/decisions/0011). Caches take a share of the memory, so that what remains is for statements.
 */
static status write_config(const char *path, const char *users, uint64_t memory, struct err *err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", path,
                       strerror(errno));
    fputs("<!-- Written by weir at each start. -->\n<clickhouse>\n"
          "    <background_pool_size>3</background_pool_size>\n"
          "    <merge_tree>\n"
          "        <merge_selector_base>16</merge_selector_base>\n"
          "        <string_serialization_version>single_stream</string_serialization_version>\n"
          "    </merge_tree>\n",
          f);
    fputs("    <users_config>", f);
    put_xml(f, users);
    fputs("</users_config>\n", f);
    if (memory)
        fprintf(f,
                "    <max_server_memory_usage>%" PRIu64 "</max_server_memory_usage>\n"
                "    <mark_cache_size>%" PRIu64 "</mark_cache_size>\n"
                "    <index_mark_cache_size>%" PRIu64 "</index_mark_cache_size>\n",
                memory, memory / 8, memory / 16);
    fputs("</clickhouse>\n", f);
    if (fclose(f) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", path,
                       strerror(errno));
    return ST_OK;
}

/* All connections are of the user `default`, whose rights are those of its roles: all at first, and
 * after SET ROLE of one of the narrow ones only that one's. Neither reaches files or other hosts.
 */
static status write_users(const char *path, struct err *err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", path,
                       strerror(errno));
    fputs("<!-- Written by weir at each start. -->\n<clickhouse>\n"
          "    <profiles><default><constraints><merge_tree_disk><readonly/></merge_tree_disk>"
          "</constraints></default></profiles>\n"
          "    <quotas><default></default></quotas>\n"
          "    <roles>\n"
          "        <weir_own><grants><query>GRANT ALL ON *.*</query></grants></weir_own>\n"
          "        <" ENGINE_ROLE_WRITE "><grants><query>GRANT SELECT, INSERT, ALTER, "
          "CREATE DATABASE, CREATE TABLE, CREATE VIEW, "
          "CREATE TEMPORARY TABLE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, SHOW, KILL QUERY, "
          "dictGet, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM FLUSH, SYSTEM DROP CACHE, "
          "SYSTEM SYNC REPLICA, SYSTEM VIEWS ON *.*</query></grants></" ENGINE_ROLE_WRITE ">\n"
          "        <" ENGINE_ROLE_READ "><grants><query>GRANT SELECT, SHOW, dictGet ON *.*"
          "</query></grants></" ENGINE_ROLE_READ ">\n"
          "    </roles>\n"
          "    <users><default>\n"
          "        <password></password><networks><ip>::/0</ip></networks>\n"
          "        <profile>default</profile><quota>default</quota>\n"
          "        <grants><query>GRANT weir_own</query>"
          "<query>GRANT " ENGINE_ROLE_WRITE "</query>"
          "<query>GRANT " ENGINE_ROLE_READ "</query></grants>\n"
          "    </default></users>\n</clickhouse>\n",
          f);
    if (fclose(f) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", path,
                       strerror(errno));
    return ST_OK;
}

static chdb_connection *connect_as(const char *comment)
{
    char path[PATH_MAX + 16], config[PATH_MAX + 64], named[ENGINE_COMMENT_MAX + 32];
    snprintf(path, sizeof path, "--path=%s", engine.path);
    snprintf(config, sizeof config, "--config-file=%s", engine.config);
    snprintf(named, sizeof named, "--log_comment=%s", comment);
    char program[] = "clickhouse", async[] = "--async_insert=0";
    char *argv[] = {program, path, config, named, async};
    return engine.api->connect(sizeof argv / sizeof *argv, argv);
}

static status boot(const struct store_options *opt, const char *path, struct err *err)
{
    TRY(chdb_load(opt->library, &engine.api, err));
    int fd = -1;
    TRY(lock_dir(path, &fd, err));
    snprintf(engine.path, sizeof engine.path, "%s", path);
    snprintf(engine.config, sizeof engine.config, "%s/weir-engine.xml", path);
    snprintf(engine.users, sizeof engine.users, "%s/weir-engine-users.xml", path);
    uint64_t taken = 0;
    status s = write_config(engine.config, engine.users, opt->memory_bytes, err);
    if (s == ST_OK) s = write_users(engine.users, err);
    if (s == ST_OK) s = token_log_repair((str){path, strlen(path)}, &taken, err);
    if (taken) log_warn("store", "tokens of inserts that were cut off", LOG_INT("n", taken));
    if (s == ST_OK && !(engine.own = connect_as("weir")))
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                    "the engine does not start on %s; its own message is on standard error", path);
    if (s != ST_OK) {
        close(fd);
        return s;
    }
    engine.lock_fd = fd;
    engine.running = true;
    return ST_OK;
}

status embedded_engine_boot(const struct store_options *opt, const struct chdb **ret,
                            struct err *err)
{
    char path[PATH_MAX];
    TRY(make_dir(opt->data_dir, path, err));
    pthread_mutex_lock(&engine.lock);
    status s = ST_OK;
    if (!engine.running)
        s = boot(opt, path, err);
    else if (strcmp(path, engine.path) != 0)
        s = err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                    "the engine of this process runs on %s: one directory per process",
                    engine.path);
    pthread_mutex_unlock(&engine.lock);
    if (s == ST_OK) *ret = engine.api;
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
    struct chdb_result *r = engine.api->query_with_params_n(*engine.own, sql, (size_t)n, "Null", 4,
                                                            NULL, NULL, NULL, NULL, 0);
    engine.api->destroy_query_result(r);
    pthread_mutex_unlock(&engine.lock);
}
