#include "ingest/detect/detection.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "ingest/detect/parse.h"

bool detect_wants(const struct detection *d, const char *key)
{
    for (size_t i = 0; i < d->is->n_keys; i++)
        if (strcmp(d->is->keys[i].key, key) == 0) return d->asked.on[i];
    return false;
}

static struct detected_attr *add(struct detection *d, str key)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 16;
        struct detected_attr *wider = arena_array(d->arena, struct detected_attr, d->cap);
        if (d->n) memcpy(wider, d->attrs, d->n * sizeof *wider);
        d->attrs = wider;
    }
    struct detected_attr *x = &d->attrs[d->n++];
    *x = (struct detected_attr){.key = key};
    return x;
}

void detect_put(struct detection *d, const char *key, str text)
{
    if (text.len && detect_wants(d, key)) add(d, str_of(key))->text = arena_str(d->arena, text);
}

void detect_put_named(struct detection *d, str prefix, str name, str text)
{
    if (!text.len || !name.len) return;
    char *key = arena_alloc(d->arena, prefix.len + name.len, 1);
    if (prefix.len) memcpy(key, prefix.ptr, prefix.len);
    memcpy(key + prefix.len, name.ptr, name.len);
    add(d, (str){key, prefix.len + name.len})->text = arena_str(d->arena, text);
}

void detect_put_int(struct detection *d, const char *key, int64_t i)
{
    if (!detect_wants(d, key)) return;
    struct detected_attr *x = add(d, str_of(key));
    x->is_int = true;
    x->i = i;
}

void detect_put_list(struct detection *d, const char *key, const str *list, size_t n)
{
    if (!n || !detect_wants(d, key)) return;
    str *copy = arena_array(d->arena, str, n);
    for (size_t i = 0; i < n; i++) copy[i] = arena_str(d->arena, list[i]);
    struct detected_attr *x = add(d, str_of(key));
    x->list = copy;
    x->n_list = n;
}

str detect_env(const struct detection *d, const char *name)
{
    size_t n = strlen(name);
    for (char **e = d->world.env; e && *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return str_of(*e + n + 1);
    return (str){0};
}

void detect_put_env(struct detection *d, const char *key, const char *name)
{
    detect_put(d, key, detect_env(d, name));
}

str detect_file(struct detection *d, const char *path)
{
    char whole[PATH_MAX];
    if (snprintf(whole, sizeof whole, "%s%s", d->world.root, path) >= (int)sizeof whole)
        return (str){0};
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return (str){0};
    char *text = arena_alloc(d->arena, DETECT_FILE_MAX, 1);
    size_t len = 0;
    for (ssize_t n; len < DETECT_FILE_MAX; len += (size_t)n)
        if ((n = read(fd, text + len, DETECT_FILE_MAX - len)) <= 0) break;
    close(fd);
    while (len && (text[len - 1] == '\n' || text[len - 1] == ' ')) len--;
    return (str){text, len};
}
