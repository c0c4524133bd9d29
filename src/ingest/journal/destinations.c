#include "ingest/journal/destinations.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crc32c.h"

static const char title[] = "weir journal destinations 1\n";
static const char late_suffix[] = "+late";

static uint32_t tag_of(str name)
{
    uint32_t tag = crc32c(0, name);
    return tag ? tag : 1;
}

status destination_list_add(struct destination_list *l, enum signal_kind signal, str name,
                            uint64_t since, struct err *err)
{
    if (name.len == 0 || name.len > DESTINATION_NAME_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "a destination's name of %zu bytes, it must have 1 to %d", name.len,
                       DESTINATION_NAME_MAX);
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ')
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "a destination's name with a control character");
    if (l->n == DESTINATIONS_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "more than %d destinations of one journal",
                       DESTINATIONS_MAX);
    uint32_t tag = tag_of(name);
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].signal == signal && l->at[i].tag == tag)
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "destinations \"%.80s\" and \"%.*s\": give one another name",
                           l->at[i].name, (int)(name.len < 80 ? name.len : 80), name.ptr);
    struct destination *d = &l->at[l->n++];
    *d = (struct destination){.signal = signal, .since = since, .tag = tag};
    memcpy(d->name, name.ptr, name.len);
    return ST_OK;
}

const struct destination *destination_list_find(const struct destination_list *l,
                                                enum signal_kind signal, str name)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].signal == signal && str_eq(str_of(l->at[i].name), name)) return &l->at[i];
    return NULL;
}

bool destination_list_eq(const struct destination_list *a, const struct destination_list *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->at[i].signal != b->at[i].signal || a->at[i].since != b->at[i].since ||
            a->at[i].late != b->at[i].late || strcmp(a->at[i].name, b->at[i].name) != 0)
            return false;
    return true;
}

void destination_list_print(const struct destination_list *l, struct buf *out)
{
    size_t from = out->len;
    buf_add(out, str_of(title));
    for (size_t i = 0; i < l->n; i++)
        buf_printf(out, "%" PRIu64 " %s%s %s\n", l->at[i].since, signal_name(l->at[i].signal),
                   l->at[i].late ? late_suffix : "", l->at[i].name);
    uint32_t crc = crc32c(0, (str){out->ptr + from, out->len - from});
    buf_printf(out, "crc %08" PRIx32 "\n", crc);
}

static str word(str *rest, char until)
{
    const char *end = rest->len ? memchr(rest->ptr, until, rest->len) : NULL;
    if (!end) return (str){0};
    str w = {rest->ptr, (size_t)(end - rest->ptr)};
    *rest = str_drop(*rest, w.len + 1);
    return w;
}

static bool number(str digits, uint64_t *ret)
{
    uint64_t n = 0;
    if (digits.len == 0 || digits.len > 19) return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') return false;
        n = n * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    *ret = n;
    return true;
}

static bool parse_line(str line, struct destination_list *l)
{
    uint64_t since;
    if (!number(word(&line, ' '), &since)) return false;
    str signal = word(&line, ' '), suffix = str_of(late_suffix);
    bool late =
        signal.len > suffix.len && str_eq(str_drop(signal, signal.len - suffix.len), suffix);
    if (late) signal.len -= suffix.len;
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        if (!str_eq(signal, str_of(signal_name(k)))) continue;
        if (destination_list_add(l, k, line, since, NULL) != ST_OK) return false;
        l->at[l->n - 1].late = late;
        return true;
    }
    return false;
}

status destination_list_parse(str text, struct destination_list *ret, struct err *err)
{
    struct destination_list l = {0};
    size_t last = sizeof "crc 00000000\n" - 1;
    bool ok = text.len >= sizeof title - 1 + last && text.len <= DESTINATIONS_FILE_MAX &&
              memcmp(text.ptr, title, sizeof title - 1) == 0;
    if (ok) {
        str lines = {text.ptr, text.len - last};
        char want[32];
        snprintf(want, sizeof want, "crc %08" PRIx32 "\n", crc32c(0, lines));
        ok = memcmp(text.ptr + lines.len, want, last) == 0;
        lines = str_drop(lines, sizeof title - 1);
        while (ok && lines.len > 0) ok = parse_line(word(&lines, '\n'), &l);
    }
    if (!ok) return err_set(err, ST_INVALID, ERR_NOPOS, "the file `destinations` is damaged");
    *ret = l;
    return ST_OK;
}
