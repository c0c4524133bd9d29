/* A log's line: operation TAB part TAB token. A part: <partition>_<first>_<last>_<level>[...], and
 * a partition's name has no '_'. */
#include "store/token_log.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

struct part {
    str partition;
    uint64_t first, last;
};

struct part_list {
    glob_t names; /* the parts' text lies here */
    struct part *at;
    size_t n;
};

static bool take_field(str *rest, char end, str *ret)
{
    const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    if (!at) return false;
    *ret = (str){rest->ptr, (size_t)(at - rest->ptr)};
    *rest = str_drop(*rest, ret->len + 1);
    return true;
}

static bool part_parse(str name, struct part *ret)
{
    str first, last;
    return take_field(&name, '_', &ret->partition) && take_field(&name, '_', &first) &&
           take_field(&name, '_', &last) && num_parse_u64(first, &ret->first) &&
           num_parse_u64(last, &ret->last);
}

static str last_step(const char *path)
{
    size_t len = strlen(path);
    while (len && path[len - 1] == '/') len--;
    const char *slash = len ? memrchr(path, '/', len) : NULL;
    const char *from = slash ? slash + 1 : path;
    return (str){from, (size_t)(path + len - from)};
}

/* `table` is "<data_dir>/store/abc/UUID/". */
static void list_parts(const char *table, str data_dir, str cold_dir, struct part_list *ret)
{
    char pattern[4200], cold[8400];
    *ret = (struct part_list){};
    snprintf(pattern, sizeof pattern, "%s/*_*_*_*/", table);
    snprintf(cold, sizeof cold, STR_FMT "/%s", STR_ARG(cold_dir), pattern + data_dir.len);
    int found = glob(pattern, GLOB_NOSORT, NULL, &ret->names);
    if (cold_dir.len && (found == 0 || found == GLOB_NOMATCH))
        found = glob(cold, GLOB_NOSORT | (found == 0 ? GLOB_APPEND : 0), NULL, &ret->names);
    if (ret->names.gl_pathc == 0) return;
    ret->at = calloc(ret->names.gl_pathc, sizeof *ret->at);
    if (!ret->at) abort();
    for (size_t i = 0; i < ret->names.gl_pathc; i++)
        if (part_parse(last_step(ret->names.gl_pathv[i]), &ret->at[ret->n])) ret->n++;
}

static bool is_covered(const struct part_list *l, const struct part *p)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].first <= p->first && p->last <= l->at[i].last &&
            str_eq(l->at[i].partition, p->partition))
            return true;
    return false;
}

static status failed(const char *path, struct err *err)
{
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: %s", path, strerror(errno));
}

static status load(const char *path, char **ret, size_t *ret_len, struct err *err)
{
    FILE *f = fopen(path, "re");
    if (!f) return failed(path, err);
    char *p = NULL;
    size_t room = 0;
    ssize_t n = getdelim(&p, &room, 0, f); /* a text: no NUL in it */
    bool bad = ferror(f);
    fclose(f);
    if (bad) {
        free(p);
        return failed(path, err);
    }
    *ret = p;
    *ret_len = n > 0 ? (size_t)n : 0;
    return ST_OK;
}

static status replace(const char *path, str text, struct err *err)
{
    char new[4200];
    snprintf(new, sizeof new, "%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return failed(new, err);
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text = str_drop(text, (size_t)n);
    }
    bool ok = text.len == 0 && fdatasync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(new, path) == 0;
    return ok ? ST_OK : failed(new, err);
}

/* Lines that cannot be read stay: what they mean is the engine's business. */
static status repair_log(const char *path, const struct part_list *parts, uint64_t *taken,
                         struct err *err)
{
    char *text = NULL;
    size_t len = 0, kept = 0;
    TRY(load(path, &text, &len, err));
    uint64_t before = *taken;
    str rest = {text, len}, line;
    while (take_field(&rest, '\n', &line)) {
        str fields = line, operation, name;
        struct part part;
        bool known = take_field(&fields, '\t', &operation) && take_field(&fields, '\t', &name) &&
                     part_parse(name, &part);
        if (known && str_eq(operation, S("1")) && !is_covered(parts, &part)) {
            ++*taken;
            continue;
        }
        memmove(text + kept, line.ptr, line.len + 1);
        kept += line.len + 1;
    }
    if (rest.len) memmove(text + kept, rest.ptr, rest.len);
    status s = ST_OK;
    if (*taken != before) s = replace(path, (str){text, kept + rest.len}, err);
    free(text);
    return s;
}

static status repair_table(const char *logs, str data_dir, str cold_dir, uint64_t *taken,
                           struct err *err)
{
    char table[4096], pattern[4200];
    snprintf(table, sizeof table, "%.*s", (int)(last_step(logs).ptr - logs), logs);
    snprintf(pattern, sizeof pattern, "%s*.txt", logs);
    struct part_list parts;
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) return ST_OK;
    list_parts(table, data_dir, cold_dir, &parts);
    status s = ST_OK;
    for (size_t i = 0; i < found.gl_pathc && s == ST_OK; i++)
        s = repair_log(found.gl_pathv[i], &parts, taken, err);
    free(parts.at);
    globfree(&parts.names);
    globfree(&found);
    return s;
}

status token_log_repair(str data_dir, str cold_dir, uint64_t *ret, struct err *err)
{
    char pattern[4096];
    int n = snprintf(pattern, sizeof pattern, STR_FMT "/store/*/*/deduplication_logs/",
                     STR_ARG(data_dir));
    *ret = 0;
    if (n < 0 || (size_t)n >= sizeof pattern)
        return err_set(err, ST_INVALID, ERR_NOPOS, "the data folder's path is too long");
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) return ST_OK;
    status s = ST_OK;
    for (size_t i = 0; i < found.gl_pathc && s == ST_OK; i++)
        s = repair_table(found.gl_pathv[i], data_dir, cold_dir, ret, err);
    globfree(&found);
    return s;
}
