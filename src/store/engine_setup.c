#include "store/engine_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/cold_place.h"
#include "store/embedded_engine.h"
#include "store/engine_config.h"
#include "store/s3_url.h"

static status write_config(const char *path, const struct engine_config *c, struct err *err)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    engine_config_write(c, &text);
    FILE *f = text.over ? NULL : fopen(path, "we");
    bool ok = f && fwrite(text.ptr, 1, text.len, f) == text.len;
    if (f && fclose(f) != 0) ok = false;
    buf_done(&text);
    if (ok) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", path, strerror(errno));
}

/* For all statements, a door's users' too (docs/decisions/0023): a projection tells which rows to
 * look at however many they are, and the least time among the newest so far is no filter: it is
 * looked at before what leaves out more. */
#define PROFILE                                                                          \
    "<min_table_rows_to_use_projection_index>0</min_table_rows_to_use_projection_index>" \
    "<max_projection_rows_to_use_projection_index>1000000000"                            \
    "</max_projection_rows_to_use_projection_index>"                                     \
    "<use_top_k_dynamic_filtering>0</use_top_k_dynamic_filtering>"

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
          "    <profiles><default>" PROFILE
          "<constraints><merge_tree_disk><readonly/></merge_tree_disk>"
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

/* The engine looks for credentials in its environment; what it finds there first wins, so a file
 * that was named must be the only thing there. Called before the engine has threads. */
static status offer_credentials(str file, struct err *err)
{
    if (!file.len) return ST_OK;
    char path[PATH_MAX];
    snprintf(path, sizeof path, STR_FMT, STR_ARG(file));
    if (access(path, R_OK) != 0)
        return err_set(err, ST_INVALID, ERR_NOPOS, "store.s3.credentials_file: %s: %s", path,
                       strerror(errno));
    const char *const others[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                  "AWS_SESSION_TOKEN"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) unsetenv(others[i]);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    return ST_OK;
}

/* A folder's name as the engine wants it: absolute, with one "/" at the end. */
static status whole_path(str path, const char *option, struct buf *out, struct err *err)
{
    if (!path.len) return ST_OK;
    if (path.ptr[0] != '/')
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s: want an absolute path", option);
    while (path.len > 1 && path.ptr[path.len - 1] == '/') path.len--;
    buf_add(out, path);
    if (path.len > 1) buf_char(out, '/');
    return ST_OK;
}

static status check_whole(const struct store_options *opt, const char *dir, struct err *err)
{
    char mark[PATH_MAX + 32];
    snprintf(mark, sizeof mark, "%s/" STORE_RESTORING, dir);
    if (opt->restoring || access(mark, F_OK) != 0) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "%s holds half of a backup: `weir restore` did not end; run it again", dir);
}

status engine_setup(const struct store_options *opt, const char *dir, const char *config_file,
                    const char *users_file, struct engine_setup *ret, struct err *err)
{
    TRY(check_whole(opt, dir, err));
    struct buf cold, endpoint, backup;
    buf_init(&cold, PATH_MAX);
    buf_init(&endpoint, PATH_MAX);
    buf_init(&backup, PATH_MAX);
    const struct store_cold *c = &opt->cold;
    size_t parts = 0;
    status s = whole_path(c->path, "store.cold.path", &cold, err);
    if (s == ST_OK) s = whole_path(opt->backup_path, "backup.path", &backup, err);
    if (s == ST_OK && c->url.len) s = s3_url_endpoint(c->url, c->region, &endpoint, err);
    if (s == ST_OK && (cold.over || endpoint.over || backup.over))
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "a path of more than %d bytes", PATH_MAX);
    struct cold_place place = {buf_str(&cold), buf_str(&endpoint)};
    if (s == ST_OK) s = cold_place_settle(dir, &place, &parts, err);
    char none[PATH_MAX + 32];
    int n = snprintf(none, sizeof none, "%s/disks/no_cold/", dir);
    struct engine_config config = {.users_file = str_of(users_file),
                                   .no_cold_path = {none, (size_t)n},
                                   .memory_bytes = opt->memory_bytes,
                                   .cold_path = place.path,
                                   .cold_endpoint = place.endpoint,
                                   .cold_region = c->region,
                                   .cold_cache_bytes = c->cache_bytes,
                                   .backup_path = buf_str(&backup)};
    if (s == ST_OK) s = offer_credentials(opt->s3_credentials_file, err);
    if (s == ST_OK) s = write_config(config_file, &config, err);
    if (s == ST_OK) s = write_users(users_file, err);
    if (s == ST_OK) {
        snprintf(ret->cold_endpoint, sizeof ret->cold_endpoint, STR_FMT, STR_ARG(place.endpoint));
        ret->cold_parts = parts;
        if (place.endpoint.len)
            snprintf(ret->cold_list, sizeof ret->cold_list, "%s/disks/" ENGINE_COLD_BUCKET, dir);
        else
            snprintf(ret->cold_list, sizeof ret->cold_list, STR_FMT, STR_ARG(place.path));
    }
    buf_done(&cold);
    buf_done(&endpoint);
    buf_done(&backup);
    return s;
}
