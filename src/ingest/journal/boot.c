#include "ingest/journal/boot.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "ingest/journal/folder.h"

static const char title[] = "weir journal boot 1\n";

static bool is_id(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~') return false;
    return s.len > 0 && s.len <= BOOT_ID_MAX;
}

bool boot_id_read(const char *path, char ret[BOOT_ID_MAX + 1])
{
    str text;
    if (folder_read(AT_FDCWD, path, BOOT_ID_MAX + 1, &text, NULL) != ST_OK) return false;
    str id = text;
    if (id.len > 0 && id.ptr[id.len - 1] == '\n') id.len--;
    bool ok = is_id(id);
    if (ok) {
        memcpy(ret, id.ptr, id.len);
        ret[id.len] = 0;
    }
    free((void *)(uintptr_t)text.ptr);
    return ok;
}

void boot_note_print(const struct boot_note *n, struct buf *out)
{
    size_t from = out->len;
    buf_printf(out, "%s%s %" PRIu64 " %" PRIu64 "\n", title, n->id, n->durable, n->doubted);
    uint32_t crc = crc32c(0, (str){out->ptr + from, out->len - from});
    buf_printf(out, "crc %08" PRIx32 "\n", crc);
}

static bool number(str *rest, char until, uint64_t *ret)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < rest->len && i < 19 && rest->ptr[i] >= '0' && rest->ptr[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(rest->ptr[i] - '0');
    if (i == 0 || i == rest->len || rest->ptr[i] != until) return false;
    *rest = str_drop(*rest, i + 1);
    *ret = n;
    return true;
}

status boot_note_parse(str text, struct boot_note *ret, struct err *err)
{
    struct boot_note n = {0};
    size_t head = sizeof title - 1, last = sizeof "crc 00000000\n" - 1;
    bool ok = text.len >= head + last && memcmp(text.ptr, title, head) == 0;
    if (ok) {
        str lines = {text.ptr, text.len - last};
        char want[32];
        snprintf(want, sizeof want, "crc %08" PRIx32 "\n", crc32c(0, lines));
        ok = memcmp(text.ptr + lines.len, want, last) == 0;
        lines = str_drop(lines, head);
        const char *space = lines.len ? memchr(lines.ptr, ' ', lines.len) : NULL;
        str id = {lines.ptr, space ? (size_t)(space - lines.ptr) : 0};
        ok = ok && is_id(id);
        if (ok) {
            memcpy(n.id, id.ptr, id.len);
            lines = str_drop(lines, id.len + 1);
        }
        ok = ok && number(&lines, ' ', &n.durable) && number(&lines, '\n', &n.doubted) &&
             lines.len == 0;
    }
    if (!ok) return err_set(err, ST_INVALID, ERR_NOPOS, "the file `boot` is damaged");
    *ret = n;
    return ST_OK;
}

status boot_note_load(int dir_fd, const char *id, uint64_t next_ordinal, struct boot_note *ret,
                      bool *ret_changed, struct err *err)
{
    str text;
    struct boot_note was = {0}, now = {0};
    status s = folder_read(dir_fd, "boot", BOOT_FILE_MAX, &text, err);
    if (s == ST_UNAVAILABLE) return s;
    bool same = s == ST_NOT_FOUND;
    if (s == ST_OK) {
        if (boot_note_parse(text, &was, NULL) == ST_OK) {
            same = strcmp(was.id, id) == 0;
            now.durable = was.durable < next_ordinal ? was.durable : next_ordinal;
        }
        free((void *)(uintptr_t)text.ptr);
    }
    snprintf(now.id, sizeof now.id, "%s", id);
    now.doubted = same && was.doubted < next_ordinal ? was.doubted : next_ordinal;
    *ret_changed = s != ST_OK || !same || now.durable != was.durable || now.doubted != was.doubted;
    *ret = now;
    return ST_OK;
}

status boot_note_save(int dir_fd, const struct boot_note *n, struct err *err)
{
    struct buf text;
    buf_init(&text, BOOT_FILE_MAX);
    boot_note_print(n, &text);
    status s = folder_replace(dir_fd, "boot", buf_str(&text), err);
    buf_done(&text);
    return s;
}
