/* The option table and the four places options come from. The YAML file is read in yaml.c. */
#include "config/config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/num.h"
#include "base/value.h"
#include "config/option.h"

enum option_type { TEXT, FLAG, COUNT, SIZE, TIME, CHOICE };

#define OPTION_TEXT TEXT, NULL
#define OPTION_FLAG FLAG, NULL
#define OPTION_COUNT COUNT, NULL
#define OPTION_SIZE SIZE, NULL
#define OPTION_TIME TIME, NULL
#define OPTION_CHOICE(list) CHOICE, list

static const struct option {
    str name;
    enum option_type type;
    const char *choices;
    size_t offset;
    str fallback;
    const char *help;
} options[] = {
#define X(ident, type, name, def, help) \
    {S(name), OPTION_##type, offsetof(struct config, ident), S(def), help},
#include "config/options.def"
#undef X
};
enum { OPTIONS = sizeof options / sizeof *options };

/* Where 0 has no meaning of its own. Below 1 MiB of reserve a journal that filled its disk could
 * not write the marks by which it empties again. */
static const struct {
    str name;
    uint64_t least;
} leasts[] = {
    {S("receive.max_body"), 1},
    {S("receive.max_decompressed"), 1},
    {S("receive.max_inflight"), 1},
    {S("receive.max_connections"), 1},
    {S("journal.max_size"), 1 << 20},
    {S("journal.segment_size"), 4096},
    {S("journal.reserve"), 1 << 20},
    {S("batch.send_batch_size"), 1},
    {S("batch.timeout"), NANOS_MS},
    {S("batch.max_rows"), 1},
    {S("batch.max_bytes"), 1},
    {S("store.writers"), 1},
    {S("store.connect_timeout"), NANOS_MS},
    {S("store.timeout"), NANOS_MS},
    {S("store.tries"), 1},
    {S("query.threads"), 1},
    {S("query.max_queued"), 1},
    {S("query.timeout"), NANOS_MS},
    {S("query.max_rows"), 1},
    {S("query.max_series"), 1},
    {S("query.max_memory"), 1},
    {S("query.max_entries"), 1},
    {S("query.cache.extent"), NANOS_S},
    {S("query.cache.redis_timeout"), NANOS_MS},
    {S("query.cache.redis_expire"), NANOS_S},
};

const struct option *option_find(str name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (str_eq(options[i].name, name)) return &options[i];
    return NULL;
}

str option_name(size_t i, void *) { return i < OPTIONS ? options[i].name : (str){0}; }

static status set(struct config *c, const struct option *o, str value, struct err *err)
{
    void *field = (char *)c + o->offset;
    switch (o->type) {
    case TEXT: {
        char *copy = arena_alloc(c->arena, value.len + 1, 1); /* NUL-terminated for paths */
        if (value.len) memcpy(copy, value.ptr, value.len);
        copy[value.len] = 0;
        *(str *)field = (str){copy, value.len};
        return ST_OK;
    }
    case FLAG:
        if (!str_eq(value, S("true")) && !str_eq(value, S("false")))
            return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is not true or false",
                           STR_ARG(value));
        *(bool *)field = str_eq(value, S("true"));
        return ST_OK;
    case COUNT:
        if (!num_parse_u64(value, field))
            return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is not a whole number",
                           STR_ARG(value));
        return ST_OK;
    case SIZE: return value_size(value, field, err);
    case TIME: return value_time(value, field, err);
    case CHOICE: return value_choice(value, o->choices, field, err);
    }
    return ST_INTERNAL;
}

static void print_value(const struct config *c, const struct option *o, struct buf *out);

static status check_least(struct config *c, const struct option *o, struct err *err)
{
    for (size_t i = 0; i < sizeof leasts / sizeof *leasts; i++) {
        if (!str_eq(leasts[i].name, o->name)) continue;
        uint64_t *field = (uint64_t *)((char *)c + o->offset); /* nanos: never negative here */
        if (*field >= leasts[i].least) return ST_OK;
        *field = leasts[i].least;
        struct buf text;
        buf_init(&text, 256);
        print_value(c, o, &text);
        status s = err_set(err, ST_INVALID, ERR_NOPOS, "at least %.*s", (int)text.len, text.ptr);
        buf_done(&text);
        return s;
    }
    return ST_OK;
}

status config_set(struct config *c, str name, str value, struct err *err)
{
    const struct option *o = option_find(name);
    if (!o) {
        str near = nearest_name(name, option_name, NULL);
        if (near.len)
            return err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                           "no option \"" STR_FMT "\"; did you mean \"" STR_FMT "\"?",
                           STR_ARG(name), STR_ARG(near));
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "no option \"" STR_FMT "\"", STR_ARG(name));
    }
    status s = set(c, o, value, err);
    if (s == ST_OK) s = check_least(c, o, err);
    return s == ST_OK ? s : err_wrap(err, s, STR_FMT, STR_ARG(name));
}

void config_defaults(struct config *c, struct arena *arena)
{
    *c = (struct config){.arena = arena};
    for (size_t i = 0; i < OPTIONS; i++) {
        struct err err;
        if (set(c, &options[i], options[i].fallback, &err) != ST_OK) {
            fprintf(stderr, "options.def: %.*s: %s\n", STR_ARG(options[i].name), err.msg);
            abort();
        }
    }
}

/* receive.grpc.endpoint -> RECEIVE_GRPC_ENDPOINT */
static str env_name(str name, char out[96])
{
    size_t n = name.len < 96 ? name.len : 96;
    for (size_t i = 0; i < n; i++) {
        char ch = name.ptr[i];
        out[i] = ch == '.' ? '_' : ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A') : ch;
    }
    return (str){out, n};
}

static str env_option_name(size_t i, void *scratch)
{
    return i < OPTIONS ? env_name(options[i].name, scratch) : (str){0};
}

status config_read_env(struct config *c, char **env, struct err *err)
{
    static const str others[] = {S("LIBCHDB"), S("CACHE"), S("CONFORMANCE"), S("CONFIG")};
    for (; *env; env++) {
        const char *eq = strchr(*env, '=');
        if (!eq || strncmp(*env, "WEIR_", 5) != 0) continue;
        str name = {*env + 5, (size_t)(eq - *env) - 5}, value = {eq + 1, strlen(eq + 1)};
        bool known = name.len >= 5 && memcmp(name.ptr, "TEST_", 5) == 0;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            known = known || str_eq(name, others[i]);
        char scratch[96];
        for (size_t i = 0; i < OPTIONS && !known; i++) {
            if (!str_eq(name, env_name(options[i].name, scratch))) continue;
            known = true;
            status s = set(c, &options[i], value, err);
            if (s != ST_OK) return err_wrap(err, s, "environment: WEIR_" STR_FMT, STR_ARG(name));
        }
        if (known) continue;
        str near = nearest_name(name, env_option_name, scratch);
        return near.len ? err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                                  "environment: no option WEIR_" STR_FMT
                                  "; did you mean WEIR_" STR_FMT "?",
                                  STR_ARG(name), STR_ARG(near))
                        : err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                                  "environment: no option WEIR_" STR_FMT, STR_ARG(name));
    }
    return ST_OK;
}

status config_read_file(struct config *c, const char *path, struct err *err)
{
    FILE *f = fopen(path, "rb");
    if (!f) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "%s: cannot be read: %m", path);
    struct buf text;
    buf_init(&text, 4u << 20);
    while (buf_reserve(&text, 65536)) {
        size_t n = fread(text.ptr + text.len, 1, 65536, f);
        if (n == 0) break;
        text.len += n;
    }
    bool failed = ferror(f) != 0;
    fclose(f);
    status s;
    if (failed)
        s = err_set(err, ST_NOT_FOUND, ERR_NOPOS, "%s: cannot be read: %m", path);
    else if (text.over)
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "%s: larger than 4 MiB", path);
    else
        s = config_read_yaml(c, buf_str(&text), path, err);
    buf_done(&text);
    return s;
}

/* A flag at argv[*i]: its name and value; moves *i past it. */
static status take_flag(int argc, char **argv, int *i, str *ret_name, str *ret_value,
                        struct err *err)
{
    const char *arg = argv[*i];
    if (strncmp(arg, "--", 2) != 0 || !arg[2])
        return err_set(err, ST_INVALID, ERR_NOPOS, "\"%s\" is not an option: options begin with --",
                       arg);
    const char *eq = strchr(arg, '=');
    *ret_name = (str){arg + 2, eq ? (size_t)(eq - arg) - 2 : strlen(arg + 2)};
    if (eq)
        *ret_value = (str){eq + 1, strlen(eq + 1)};
    else if (*i + 1 < argc)
        *ret_value = (str){argv[*i + 1], strlen(argv[*i + 1])}, ++*i;
    else
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s needs a value", arg);
    return ST_OK;
}

status config_load(struct config *c, struct arena *arena, int argc, char **argv, char **env,
                   struct err *err)
{
    config_defaults(c, arena);
    const char *file = getenv("WEIR_CONFIG");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "%s", "");
        str name, value;
        TRY(take_flag(argc, argv, &i, &name, &value, err));
        if (str_eq(name, S("config"))) file = value.ptr; /* argv is NUL-terminated */
    }
    if (file && *file) TRY(config_read_file(c, file, err));
    TRY(config_read_env(c, env, err));
    for (int i = 1; i < argc; i++) {
        str name, value;
        TRY(take_flag(argc, argv, &i, &name, &value, err));
        if (str_eq(name, S("config"))) continue;
        str full = str_eq(name, S("data"))    ? S("data.dir")
                   : str_eq(name, S("store")) ? S("store.url")
                                              : name;
        TRY(config_set(c, full, value, err));
    }
    return ST_OK;
}

/* Files of secrets are named openly. */
static bool is_secret(const struct option *o)
{
    bool is_file = o->name.len > 5 && str_eq(str_drop(o->name, o->name.len - 5), S("_file"));
    return (strstr(o->name.ptr, "password") && !is_file) ||
           str_eq(o->name, S("receive.auth.bearer_token"));
}

/* As the file would have it: a dollar is written twice, or it would begin a reference. */
static void print_text(str s, struct buf *out)
{
    struct buf doubled;
    buf_init(&doubled, 2 * s.len + 1);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '$') buf_char(&doubled, '$');
        buf_char(&doubled, s.ptr[i]);
    }
    value_print_text(out, buf_str(&doubled));
    buf_done(&doubled);
}

static void print_value(const struct config *c, const struct option *o, struct buf *out)
{
    const void *field = (const char *)c + o->offset;
    switch (o->type) {
    case TEXT: {
        str s = *(const str *)field;
        print_text(s.len && is_secret(o) ? S("***") : s, out);
        return;
    }
    case FLAG: buf_add(out, *(const bool *)field ? S("true") : S("false")); return;
    case COUNT: buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)field); return;
    case SIZE: value_print_size(out, *(const uint64_t *)field); return;
    case TIME: value_print_time(out, *(const nanos *)field); return;
    case CHOICE: {
        const char *at = o->choices;
        for (uint32_t i = *(const uint32_t *)field; i; i--) at = strchr(at, '|') + 1;
        buf_add(out, (str){at, strcspn(at, "|")});
        return;
    }
    }
}

void config_print(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < OPTIONS; i++) { /* flat dotted keys are read back as they are */
        buf_printf(out, STR_FMT ": ", STR_ARG(options[i].name));
        print_value(c, &options[i], out);
        buf_char(out, '\n');
    }
    overrides_print(c->overrides, c->n_overrides, out);
}

static size_t size_of(enum option_type t)
{
    return t == TEXT     ? sizeof(str)
           : t == FLAG   ? sizeof(bool)
           : t == CHOICE ? sizeof(uint32_t)
                         : sizeof(uint64_t);
}

void config_take(struct config *to, const struct config *from, str prefix)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *o = &options[i];
        if (o->name.len < prefix.len || memcmp(o->name.ptr, prefix.ptr, prefix.len) != 0) continue;
        memcpy((char *)to + o->offset, (const char *)from + o->offset, size_of(o->type));
    }
    if (!str_eq(prefix, S("retention."))) return;
    to->overrides = from->overrides;
    to->n_overrides = from->n_overrides;
}

void config_compare(const struct config *a, const struct config *b,
                    void (*each)(void *ctx, str name), void *ctx)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *o = &options[i];
        const void *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;
        bool same = o->type == TEXT ? str_eq(*(const str *)x, *(const str *)y)
                                    : memcmp(x, y, size_of(o->type)) == 0;
        if (!same) each(ctx, o->name);
    }
}

void config_print_reference(struct buf *out, bool markdown)
{
    if (markdown)
        buf_add(
            out,
            S("| option | environment | default | what it does |\n| --- | --- | --- | --- |\n"));
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *o = &options[i];
        char scratch[96];
        str env = env_name(o->name, scratch);
        if (markdown) {
            buf_printf(out, "| `" STR_FMT "` | `WEIR_" STR_FMT "` | `" STR_FMT "` | %s",
                       STR_ARG(o->name), STR_ARG(env), STR_ARG(o->fallback), o->help);
            for (const char *at = o->choices; at;) { /* a bar would end the table's cell */
                const char *bar = strchr(at, '|');
                buf_printf(out, "%s`%.*s`", at == o->choices ? ". One of " : ", ",
                           bar ? (int)(bar - at) : (int)strlen(at), at);
                at = bar ? bar + 1 : NULL;
            }
            buf_add(out, S(" |\n"));
        } else {
            buf_printf(out, "  --%-26.*s %s%s%s (default \"" STR_FMT "\")\n", STR_ARG(o->name),
                       o->help, o->choices ? "; one of " : "", o->choices ? o->choices : "",
                       STR_ARG(o->fallback));
        }
    }
}

status config_endpoint(const struct config *c, str endpoint, const char *name,
                       const char **ret_host, uint16_t *ret_port, struct err *err)
{
    const char *colon = endpoint.len ? memrchr(endpoint.ptr, ':', endpoint.len) : NULL;
    uint64_t port;
    if (!colon ||
        !num_parse_u64((str){colon + 1, (size_t)(endpoint.ptr + endpoint.len - colon - 1)},
                       &port) ||
        port > 65535)
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s: \"" STR_FMT "\" is not host:port", name,
                       STR_ARG(endpoint));
    str host = {endpoint.ptr, (size_t)(colon - endpoint.ptr)};
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (str){host.ptr + 1, host.len - 2};
    if (host.len == 0) host = S("0.0.0.0");
    if (str_eq(host, S("localhost"))) host = S("127.0.0.1");
    char *text = arena_alloc(c->arena, host.len + 1, 1);
    memcpy(text, host.ptr, host.len);
    text[host.len] = 0;
    struct in6_addr any;
    if (inet_pton(AF_INET, text, &any) != 1 && inet_pton(AF_INET6, text, &any) != 1)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "%s: \"%s\" is not an address (names are not "
                       "looked up)",
                       name, text);
    *ret_host = text;
    *ret_port = (uint16_t)port;
    return ST_OK;
}
