/* Finds and loads libchdb. */
#include "store/chdb.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    bool loaded;
    struct chdb api;
} library = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool beside_binary(char *out, size_t size, const char *relative)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return false;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash) return false;
    *slash = '\0';
    return snprintf(out, size, "%s/%s", exe, relative) < (int)size && access(out, R_OK) == 0;
}

/* glob sorts by name: the last is the newest version. */
static bool in_cache(char *out, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char pattern[PATH_MAX];
    int n = cache && *cache
                ? snprintf(pattern, sizeof pattern, "%s/weir/libchdb-*/libchdb.so", cache)
                : snprintf(pattern, sizeof pattern, "%s/.cache/weir/libchdb-*/libchdb.so",
                           home ? home : "");
    if (n < 0 || n >= (int)sizeof pattern) return false;
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) return false;
    bool ok = snprintf(out, size, "%s", found.gl_pathv[found.gl_pathc - 1]) < (int)size;
    globfree(&found);
    return ok;
}

static status find_library(str path, char *out, size_t size, struct err *err)
{
    const char *env = getenv("WEIR_LIBCHDB");
    if (path.len || (env && *env)) {
        str given = path.len ? path : (str){env, strlen(env)};
        snprintf(out, size, STR_FMT, STR_ARG(given));
        if (access(out, R_OK) == 0) return ST_OK;
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no engine library at %s%s", out,
                       path.len ? "" : " (from WEIR_LIBCHDB)");
    }
    if (beside_binary(out, size, "libchdb.so") ||
        beside_binary(out, size, "../lib/weir/libchdb.so") || in_cache(out, size))
        return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                   "no engine library: libchdb.so is neither beside the binary nor in "
                   "~/.cache/weir/libchdb-*; set WEIR_LIBCHDB to its path");
}

static status load(const char *path, struct chdb *api, struct err *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "the engine library does not load: %s",
                       dlerror());
#define X(type, name, params)                                                                      \
    *(void **)&api->name = dlsym(handle, "chdb_" #name);                                           \
    if (!api->name)                                                                                \
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s has no chdb_%s: another version", path, \
                       #name);
    CHDB_FUNCTIONS
#undef X
    api->set_signal_handlers_enabled(0); /* before the first connect: the signals are ours */
    return ST_OK;
}

status chdb_load(str path, const struct chdb **ret, struct err *err)
{
    status s = ST_OK;
    pthread_mutex_lock(&library.lock);
    if (!library.loaded) {
        char found[PATH_MAX];
        struct chdb api = {};
        s = find_library(path, found, sizeof found, err);
        if (s == ST_OK) s = load(found, &api, err);
        if (s == ST_OK) {
            library.api = api;
            library.loaded = true;
        }
    }
    pthread_mutex_unlock(&library.lock);
    if (s == ST_OK) *ret = &library.api;
    return s;
}
