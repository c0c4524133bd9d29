/* What the machine itself says: env, system, process, container, docker. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netpacket/packet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/num.h"
#include "ingest/detect/detection.h"
#include "ingest/detect/parse.h"

enum { LIST_MAX = 64 };

/* ---- env ---- */

status detect_env_run(struct detection *d, struct err *err)
{
    str text = detect_env(d, "OTEL_RESOURCE_ATTRIBUTES");
    str service = detect_env(d, "OTEL_SERVICE_NAME");
    struct parse_pair *pairs = NULL;
    size_t n = 0;
    status s = parse_attributes(d->arena, text, &pairs, &n, err);
    detect_put_named(d, S(""), S("service.name"), service);
    for (size_t i = 0; s == ST_OK && i < n; i++)
        if (!service.len || !str_eq(pairs[i].key, S("service.name")))
            detect_put_named(d, S(""), pairs[i].key, pairs[i].value);
    if (s == ST_OK) return ST_OK;
    if (service.len) return ST_OK; /* the other variable still counts */
    return err_wrap(err, s, "OTEL_RESOURCE_ATTRIBUTES");
}

/* ---- system ---- */

static str canonical(struct detection *d, const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM}, *found = NULL;
    str name = {0};
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return name;
    if (found->ai_canonname) name = arena_str(d->arena, str_of(found->ai_canonname));
    freeaddrinfo(found);
    return name;
}

static str reverse(struct detection *d, const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char out[NI_MAXHOST];
    str name = {0};
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return name;
    for (struct addrinfo *x = found; x && !name.len; x = x->ai_next)
        if (getnameinfo(x->ai_addr, x->ai_addrlen, out, sizeof out, NULL, 0, NI_NAMEREQD) == 0)
            name = arena_str(d->arena, str_of(out));
    freeaddrinfo(found);
    return name;
}

static bool is_qualified(str name) { return name.len && memchr(name.ptr, '.', name.len); }

static str host_by(struct detection *d, str source, str host)
{
    char text[256];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(host));
    if (str_eq(source, S("os"))) return host;
    if (str_eq(source, S("lookup"))) return reverse(d, text);
    if (str_eq(source, S("cname"))) return canonical(d, text);
    str name = is_qualified(host) ? host : parse_hosts(detect_file(d, "/etc/hosts"), host);
    if (!is_qualified(name)) name = canonical(d, text);
    if (!is_qualified(name)) name = reverse(d, text);
    return is_qualified(name) ? name : (str){0};
}

static void put_host_name(struct detection *d)
{
    str host = parse_trim(detect_file(d, "/proc/sys/kernel/hostname")), name = {0};
    if (!host.len || !detect_wants(d, "host.name")) return;
    for (size_t i = 0; i < d->asked.n_sources && !name.len; i++)
        name = host_by(d, d->asked.sources[i], host);
    if (name.len && name.ptr[name.len - 1] == '.') name.len--;
    detect_put(d, "host.name", name);
}

static str arch_of(str machine)
{
    static const str known[][2] = {
        {S("x86_64"), S("amd64")},  {S("aarch64"), S("arm64")}, {S("armv7l"), S("arm32")},
        {S("armv6l"), S("arm32")},  {S("i686"), S("x86")},      {S("i386"), S("x86")},
        {S("ppc64le"), S("ppc64")}, {S("ppc"), S("ppc32")},     {S("ia64"), S("ia64")},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(machine, known[i][0])) return known[i][1];
    return machine;
}

static str mac_text(struct arena *a, const struct sockaddr_ll *l)
{
    char out[18];
    snprintf(out, sizeof out, "%02X-%02X-%02X-%02X-%02X-%02X", l->sll_addr[0], l->sll_addr[1],
             l->sll_addr[2], l->sll_addr[3], l->sll_addr[4], l->sll_addr[5]);
    return arena_str(a, str_of(out));
}

static str ip_text(struct arena *a, const struct sockaddr *at)
{
    char out[INET6_ADDRSTRLEN] = "";
    const void *address =
        at->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)at)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr;
    if (!inet_ntop(at->sa_family, address, out, sizeof out)) return (str){0};
    return arena_str(a, str_of(out));
}

static void put_addresses(struct detection *d)
{
    struct ifaddrs *all = NULL;
    str ips[LIST_MAX], macs[LIST_MAX];
    size_t n_ips = 0, n_macs = 0;
    if ((!detect_wants(d, "host.ip") && !detect_wants(d, "host.mac")) || getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *x = all; x; x = x->ifa_next) {
        if (!x->ifa_addr || (x->ifa_flags & IFF_LOOPBACK)) continue;
        int family = x->ifa_addr->sa_family;
        const struct sockaddr_ll *link = (const void *)x->ifa_addr;
        if ((family == AF_INET || family == AF_INET6) && n_ips < LIST_MAX)
            ips[n_ips++] = ip_text(d->arena, x->ifa_addr);
        if (family == AF_PACKET && link->sll_halen == 6 && n_macs < LIST_MAX)
            macs[n_macs++] = mac_text(d->arena, link);
    }
    freeifaddrs(all);
    detect_put_list(d, "host.ip", ips, n_ips);
    detect_put_list(d, "host.mac", macs, n_macs);
}

static void put_cpu(struct detection *d)
{
    str info = detect_file(d, "/proc/cpuinfo");
    detect_put(d, "host.cpu.vendor.id", parse_cpuinfo(info, S("vendor_id")));
    detect_put(d, "host.cpu.family", parse_cpuinfo(info, S("cpu family")));
    detect_put(d, "host.cpu.model.id", parse_cpuinfo(info, S("model")));
    detect_put(d, "host.cpu.model.name", parse_cpuinfo(info, S("model name")));
    detect_put(d, "host.cpu.stepping", parse_cpuinfo(info, S("stepping")));
    str size = parse_cpuinfo(info, S("cache size"));
    uint64_t kib;
    if (num_parse_u64(parse_part(size, ' ', 0), &kib) && kib < 1 << 30)
        detect_put_int(d, "host.cpu.cache.l2.size", (int64_t)kib << 10);
}

static void put_os(struct detection *d, const struct utsname *kernel)
{
    str release = detect_file(d, "/etc/os-release");
    if (!release.len) release = detect_file(d, "/usr/lib/os-release");
    str pretty = parse_os_release(d->arena, release, S("PRETTY_NAME"));
    detect_put(d, "os.type", S("linux"));
    detect_put(d, "os.description", pretty.len ? pretty : str_of(kernel->version));
    detect_put(d, "os.name", parse_os_release(d->arena, release, S("NAME")));
    detect_put(d, "os.version", parse_os_release(d->arena, release, S("VERSION_ID")));
    detect_put(d, "os.build_id", parse_os_release(d->arena, release, S("BUILD_ID")));
}

status detect_system_run(struct detection *d, struct err *)
{
    struct utsname kernel = {0};
    (void)uname(&kernel);
    put_host_name(d);
    str id = parse_trim(detect_file(d, "/etc/machine-id"));
    detect_put(d, "host.id", id.len ? id : parse_trim(detect_file(d, "/var/lib/dbus/machine-id")));
    detect_put(d, "host.arch", arch_of(str_of(kernel.machine)));
    put_addresses(d);
    put_cpu(d);
    put_os(d, &kernel);
    return ST_OK;
}

/* ---- process: weir's own ---- */

static str link_text(struct detection *d, const char *path)
{
    char whole[PATH_MAX], out[PATH_MAX];
    if (snprintf(whole, sizeof whole, "%s%s", d->world.root, path) >= (int)sizeof whole)
        return (str){0};
    ssize_t n = readlink(whole, out, sizeof out);
    return n > 0 ? arena_str(d->arena, (str){out, (size_t)n}) : (str){0};
}

static void put_owner(struct detection *d)
{
    char text[4096];
    struct passwd entry, *found = NULL;
    if (detect_wants(d, "process.owner") &&
        getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 && found)
        detect_put(d, "process.owner", str_of(found->pw_name));
}

static void put_command(struct detection *d)
{
    str line = detect_file(d, "/proc/self/cmdline"), args[LIST_MAX];
    size_t n = 0;
    while (line.len && n < LIST_MAX) args[n++] = parse_cut(&line, '\0');
    if (n) detect_put(d, "process.command", args[0]);
    detect_put_list(d, "process.command_args", args, n);
}

status detect_process_run(struct detection *d, struct err *err)
{
    /* pid (name) state parent ...: the name may hold anything, so count from its end. */
    str stat = detect_file(d, "/proc/self/stat");
    str rest = parse_last_part(stat, ')');
    int64_t pid, parent;
    if (!num_parse_i64(parse_part(stat, ' ', 0), &pid) ||
        !num_parse_i64(parse_part(rest, ' ', 2), &parent))
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "no /proc/self/stat");
    detect_put_int(d, "process.pid", pid);
    detect_put_int(d, "process.parent_pid", parent);
    str exe = link_text(d, "/proc/self/exe");
    detect_put(d, "process.executable.path", exe);
    detect_put(d, "process.executable.name", parse_last_part(exe, '/'));
    put_command(d);
    put_owner(d);
    detect_put(d, "process.linux.cgroup",
               parse_part(parse_trim(detect_file(d, "/proc/self/cgroup")), '\n', 0));
    return ST_OK;
}

/* ---- container ---- */

static bool container_id(struct detection *d, str *ret)
{
    return parse_cgroup_container(detect_file(d, "/proc/self/cgroup"), ret) ||
           parse_mountinfo_container(detect_file(d, "/proc/self/mountinfo"), ret);
}

status detect_container_run(struct detection *d, struct err *err)
{
    str id;
    if (!container_id(d, &id)) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "in no container");
    detect_put(d, "container.id", id);
    return ST_OK;
}

/* The endpoint is the socket's path. */
status detect_docker_run(struct detection *d, struct err *err)
{
    char socket[104];
    str path = d->asked.endpoint.len ? d->asked.endpoint : S("/var/run/docker.sock");
    if (snprintf(socket, sizeof socket, "%s" STR_FMT, d->world.root, STR_ARG(path)) >=
        (int)sizeof socket)
        return err_set(err, ST_INVALID, ERR_NOPOS, "the socket's path is too long");
    if (access(socket, F_OK) != 0)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "there is no %s", socket);
    struct detect_fetch f = {.socket = socket};
    str info, own, base = S("http://docker");
    TRY(detect_get(d, &f, base, "/info", &info, err));
    detect_put(d, "host.name", parse_json(d->arena, info, "Name"));
    detect_put(d, "os.type", parse_json(d->arena, info, "OSType"));
    if (!detect_wants(d, "container.name") && !detect_wants(d, "container.image.name"))
        return ST_OK;
    char at[400];
    str host = parse_trim(detect_file(d, "/proc/sys/kernel/hostname"));
    snprintf(at, sizeof at, "/containers/" STR_FMT "/json",
             STR_ARG(detect_url_escape(d->arena, host)));
    TRY(detect_get(d, &f, base, at, &own, err));
    str name = parse_json(d->arena, own, "Name");
    detect_put(d, "container.name", name.len && *name.ptr == '/' ? str_drop(name, 1) : name);
    detect_put(d, "container.image.name", parse_json(d->arena, own, "Config/Image"));
    return ST_OK;
}
