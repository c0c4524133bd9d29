#include "store/cold_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "store/engine_config.h"

#define MARK "weir-cold"
enum { PATH_BYTES = PATH_MAX + 192, ID_BYTES = 8, MARK_BYTES = PATH_MAX + 64 };

/* A file's first line, without its newline; empty when there is no such file. */
static status read_line(const char *file, char line[MARK_BYTES], struct err *err)
{
    line[0] = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return ST_OK;
    ssize_t n = fd < 0 ? -1 : read(fd, line, MARK_BYTES - 1);
    int why = errno;
    if (fd >= 0) close(fd);
    if (n < 0) return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: %s", file, strerror(why));
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    return ST_OK;
}

static status write_line(const char *file, const char *line, struct err *err)
{
    char temporary[PATH_BYTES + 8];
    snprintf(temporary, sizeof temporary, "%s.new", file);
    FILE *f = fopen(temporary, "we");
    bool ok = f && fprintf(f, "%s\n", line) > 0 && fflush(f) == 0 && fsync(fileno(f)) == 0;
    if (f && fclose(f) != 0) ok = false;
    if (ok && rename(temporary, file) == 0) return ST_OK;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot write %s: %s", file, strerror(errno));
}

static bool is_part(const char *name)
{
    return strcmp(name, "moving") != 0 && strcmp(name, "detached") != 0 &&
           strncmp(name, "tmp", 3) != 0;
}

/* Folders `depth` levels below `dir` whose names are parts': store/abc/UUID/part. */
static size_t count_parts(const char *dir, int depth)
{
    DIR *d = opendir(dir);
    if (!d) return 0;
    size_t n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        char below[PATH_BYTES];
        struct stat st;
        if (snprintf(below, sizeof below, "%s/%s", dir, e->d_name) >= (int)sizeof below) continue;
        if (stat(below, &st) != 0 || !S_ISDIR(st.st_mode)) continue;
        n += depth ? count_parts(below, depth - 1) : (size_t)is_part(e->d_name);
    }
    closedir(d);
    return n;
}

static size_t parts_at(const char *engine_dir, const char *path)
{
    char dir[PATH_BYTES];
    if (*path)
        snprintf(dir, sizeof dir, "%s/store", path);
    else
        snprintf(dir, sizeof dir, "%s/disks/" ENGINE_COLD_BUCKET "/store", engine_dir);
    return count_parts(dir, 2);
}

/* "url ENDPOINT", or "path FOLDER ID" as in the folder itself, or nothing. */
struct mark {
    char text[MARK_BYTES];
    char place[MARK_BYTES];
    bool is_path;
};

static status read_mark(const char *file, struct mark *m, struct err *err)
{
    *m = (struct mark){};
    TRY(read_line(file, m->text, err));
    if (!*m->text) return ST_OK;
    m->is_path = strncmp(m->text, "path ", 5) == 0;
    const char *place = m->text + (m->is_path ? 5 : 4);
    const char *end = m->is_path ? strrchr(place, ' ') : NULL;
    if ((!m->is_path && strncmp(m->text, "url ", 4) != 0) || (m->is_path && !end))
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s does not name a place", file);
    snprintf(m->place, sizeof m->place, "%.*s", end ? (int)(end - place) : (int)strlen(place),
             place);
    return ST_OK;
}

static status make_folder(str path, struct err *err)
{
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, STR_FMT, STR_ARG(path)) >= (int)sizeof dir)
        return err_set(err, ST_INVALID, ERR_NOPOS, "the cold volume's path is too long");
    for (char *at = dir + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        if (mkdir(dir, 0750) != 0 && errno != EEXIST)
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot make %s: %s", dir,
                           strerror(errno));
        *at = '/';
    }
    return ST_OK;
}

static status check_folder(const struct mark *m, struct err *err)
{
    char file[PATH_BYTES], there[MARK_BYTES];
    snprintf(file, sizeof file, "%s" MARK, m->place);
    TRY(read_line(file, there, err));
    if (strcmp(there, m->text) == 0) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "%s is not the folder that cold parts were moved to (%s is not the one written "
                   "then): is its disk mounted?",
                   m->place, file);
}

static status take_folder(const char *mark_file, str path, struct err *err)
{
    unsigned char id[ID_BYTES];
    char hex[2 * ID_BYTES + 1] = {}, text[MARK_BYTES], file[PATH_BYTES];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no random bytes: %s", strerror(errno));
    hex_encode(id, sizeof id, hex);
    snprintf(text, sizeof text, "path " STR_FMT " %s", STR_ARG(path), hex);
    snprintf(file, sizeof file, STR_FMT MARK, STR_ARG(path));
    TRY(make_folder(path, err));
    TRY(write_line(file, text, err));
    return write_line(mark_file, text, err);
}

static bool is_wanted(const struct mark *m, const struct cold_place *want)
{
    return str_eq(str_of(m->place), m->is_path ? want->path : want->endpoint);
}

static status refuse(const struct mark *m, size_t parts, const char *mark_file, struct err *err)
{
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "%zu parts lie in cold storage at %s: keep that as it is, and set "
                   "retention.*_hot to 0 if no more is to go there. Was it copied to another "
                   "place, remove %s",
                   parts, m->place, mark_file);
}

status cold_place_settle(const char *engine_dir, const struct cold_place *want, size_t *ret_parts,
                         struct err *err)
{
    char file[PATH_BYTES];
    struct mark m;
    snprintf(file, sizeof file, "%s/" MARK, engine_dir);
    TRY(read_mark(file, &m, err));
    bool same = *m.text && is_wanted(&m, want);
    if (*m.text && m.is_path && same) TRY(check_folder(&m, err));
    size_t parts = *m.text ? parts_at(engine_dir, m.is_path ? m.place : "") : 0;
    if (*m.text && !same && parts) return refuse(&m, parts, file, err);
    if (!same) {
        parts = 0;
        if (*m.text && unlink(file) != 0)
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot remove %s: %s", file,
                           strerror(errno));
        if (want->path.len) TRY(take_folder(file, want->path, err));
        if (want->endpoint.len) {
            char text[MARK_BYTES];
            snprintf(text, sizeof text, "url " STR_FMT, STR_ARG(want->endpoint));
            TRY(write_line(file, text, err));
        }
    }
    *ret_parts = parts;
    return ST_OK;
}
