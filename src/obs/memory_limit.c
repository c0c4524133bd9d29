/* How much memory there is: cgroups, else the machine. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "obs/memory.h"

enum { TEXT_MAX = 8192 };
static const uint64_t no_limit = 1ull << 60; /* v1 says 2^63 less a page for "none" */

/* The beginning of the file in `out`; empty when it cannot be read. */
static str read_text(const char *path, char out[TEXT_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return (str){0};
    ssize_t n = read(fd, out, TEXT_MAX);
    close(fd);
    return (str){out, n > 0 ? (size_t)n : 0};
}

static str cut(str *rest, char end)
{
    const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    size_t n = at ? (size_t)(at - rest->ptr) : rest->len;
    str part = {rest->ptr, n};
    *rest = str_drop(*rest, n + 1);
    return part;
}

static void keep_least(const char *path, uint64_t *io)
{
    char text[TEXT_MAX];
    str all = read_text(path, text);
    uint64_t v;
    if (num_parse_u64(cut(&all, '\n'), &v) && v > 0 && v < no_limit && v < *io) *io = v;
}

/* The group's own limit and those above it, up to where the hierarchy is mounted: a container sees
 * its own group there. */
static void walk_up(const char *mount, str group, const char *file, uint64_t *io)
{
    char path[PATH_MAX];
    for (;;) {
        while (group.len && group.ptr[group.len - 1] == '/') group.len--;
        int n = snprintf(path, sizeof path, "%s" STR_FMT "/%s", mount, STR_ARG(group), file);
        if (n < (int)sizeof path) keep_least(path, io);
        if (!group.len) return;
        while (group.len && group.ptr[group.len - 1] != '/') group.len--;
    }
}

static bool names_memory(str controllers)
{
    while (controllers.len)
        if (str_eq(cut(&controllers, ','), S("memory"))) return true;
    return false;
}

/* Lines of /proc/self/cgroup: "hierarchy:controllers:group", v2 with 0 and no controllers. A group
 * that lies outside of what is mounted ("/../x") is as good as none. */
static void of_cgroups(const char *root, uint64_t *io)
{
    char path[PATH_MAX], mount[PATH_MAX], text[TEXT_MAX];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    str rest = read_text(path, text);
    while (rest.len) {
        str line = cut(&rest, '\n'), hierarchy = cut(&line, ':'), controllers = cut(&line, ':');
        bool v2 = str_eq(hierarchy, S("0")) && !controllers.len;
        if (!v2 && !names_memory(controllers)) continue;
        if (line.len && memmem(line.ptr, line.len, "/..", 3)) line.len = 0;
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, v2 ? "" : "/memory");
        walk_up(mount, line, v2 ? "memory.max" : "memory.limit_in_bytes", io);
    }
}

static uint64_t of_machine(const char *root)
{
    char path[PATH_MAX], text[TEXT_MAX];
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    str rest = read_text(path, text);
    while (rest.len) {
        str line = cut(&rest, '\n');
        if (!str_eq(cut(&line, ':'), S("MemTotal"))) continue;
        while (line.len && *line.ptr == ' ') line = str_drop(line, 1);
        uint64_t kib;
        return num_parse_u64(cut(&line, ' '), &kib) ? kib << 10 : 0;
    }
    return 0;
}

uint64_t memory_there_is(const char *root)
{
    uint64_t least = of_machine(root);
    if (!least) least = no_limit;
    of_cgroups(root, &least);
    return least == no_limit ? 0 : least;
}
