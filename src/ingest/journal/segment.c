#include "ingest/journal/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void segment_name(uint64_t ordinal, char out[SEGMENT_NAME])
{
    snprintf(out, SEGMENT_NAME, "%016llx.seg", (unsigned long long)ordinal);
}

bool segment_name_parse(const char *name, uint64_t *ret_ordinal)
{
    if (strlen(name) != SEGMENT_NAME - 1 || strspn(name, "0123456789abcdef") != 16) return false;
    if (strcmp(name + 16, ".seg") != 0) return false;
    *ret_ordinal = strtoull(name, NULL, 16);
    return true;
}

struct segment *segment_list_add(struct segment_list *l, uint64_t ordinal, uint64_t first_seq)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->at = realloc(l->at, l->cap * sizeof *l->at);
        if (!l->at) abort();
    }
    struct segment *s = &l->at[l->n++];
    *s = (struct segment){.ordinal = ordinal, .first_seq = first_seq};
    return s;
}

void segment_list_drop_oldest(struct segment_list *l)
{
    free(l->at[0].waiting);
    l->n--;
    memmove(l->at, l->at + 1, l->n * sizeof *l->at);
}

void segment_list_done(struct segment_list *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->at[i].waiting);
    free(l->at);
    *l = (struct segment_list){0};
}

bool segment_own(struct segment *s, uint64_t seq, uint16_t destinations)
{
    if (seq < s->first_seq || seq - s->first_seq >= 2ull * SEGMENT_SEQUENCES) return false;
    size_t i = (size_t)(seq - s->first_seq);
    if (i >= s->n_waiting) {
        size_t n = s->n_waiting ? s->n_waiting * 2 : 256;
        while (n <= i) n *= 2;
        s->waiting = realloc(s->waiting, n * sizeof *s->waiting);
        if (!s->waiting) abort();
        memset(s->waiting + s->n_waiting, 0, (n - s->n_waiting) * sizeof *s->waiting);
        s->n_waiting = n;
    }
    s->live += destinations != 0;
    s->live -= s->waiting[i] != 0;
    s->waiting[i] = destinations;
    return true;
}

void segment_list_finish(struct segment_list *l, uint16_t destinations, uint64_t first,
                         uint64_t last)
{
    for (size_t k = 0; k < l->n; k++) {
        struct segment *s = &l->at[k];
        if (s->live == 0 || last < s->first_seq || first >= s->first_seq + s->n_waiting) continue;
        size_t i = first > s->first_seq ? (size_t)(first - s->first_seq) : 0;
        for (; i < s->n_waiting && s->first_seq + i <= last; i++) {
            if (!(s->waiting[i] & destinations)) continue;
            s->waiting[i] &= (uint16_t)~destinations;
            s->live -= s->waiting[i] == 0;
        }
    }
}

void segment_list_rename(struct segment_list *l, const int map[16])
{
    for (size_t k = 0; k < l->n; k++) {
        struct segment *s = &l->at[k];
        for (size_t i = 0; i < s->n_waiting; i++) {
            uint16_t was = s->waiting[i], is = 0;
            for (int bit = 0; bit < 16; bit++)
                if (was >> bit & 1 && map[bit] >= 0) is |= (uint16_t)(1u << map[bit]);
            s->waiting[i] = is;
            s->live -= was != 0 && is == 0;
        }
    }
}

uint64_t segment_list_count(const struct segment_list *l, uint16_t destination)
{
    uint64_t n = 0;
    for (size_t k = 0; k < l->n; k++)
        for (size_t i = 0; i < l->at[k].n_waiting; i++)
            n += (l->at[k].waiting[i] & destination) != 0;
    return n;
}

/* Segments follow each other in sequence, but after damage one may hold a copy of a later request.
 */
const struct segment *segment_list_next(const struct segment_list *l, uint16_t destinations,
                                        uint64_t from, uint64_t *ret_seq)
{
    const struct segment *best = NULL;
    uint64_t least = UINT64_MAX;
    for (size_t k = 0; k < l->n; k++) {
        const struct segment *s = &l->at[k];
        if (s->live == 0 || s->first_seq >= least || from >= s->first_seq + s->n_waiting) continue;
        size_t i = from > s->first_seq ? (size_t)(from - s->first_seq) : 0;
        while (i < s->n_waiting && !(s->waiting[i] & destinations)) i++;
        if (i == s->n_waiting || s->first_seq + i >= least) continue;
        least = s->first_seq + i;
        best = s;
    }
    if (best) *ret_seq = least;
    return best;
}

status segment_load(int dir_fd, uint64_t ordinal, str *ret, struct err *err)
{
    char name[SEGMENT_NAME];
    segment_name(ordinal, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_UNAVAILABLE, ERR_NOPOS,
                       "segment %s: %s", name, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int e = errno;
        close(fd);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "segment %s: %s", name, strerror(e));
    }
    size_t len = (size_t)st.st_size, at = 0;
    char *p = malloc(len + 1);
    if (!p) abort();
    while (at < len) {
        ssize_t n = pread(fd, p + at, len - at, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) break;
        if (n < 0) { /* a page the disk cannot read: damage like any other */
            size_t hole = len - at < 4096 ? len - at : 4096 - at % 4096;
            if (hole > len - at) hole = len - at;
            memset(p + at, 0, hole);
            n = (ssize_t)hole;
        }
        at += (size_t)n;
    }
    close(fd);
    *ret = (str){p, at};
    return ST_OK;
}
