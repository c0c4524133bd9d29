/* Damage by the thousand. A journal of some segments is made once; each round writes it anew,
 * damages it, opens it and reads it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/journal/scratch_test.h"
#include "obs/metrics.h"
#include "testing/test.h"

enum { SEGMENTS_MAX = 16, REQUESTS = 80, RECORDS_MAX = 400, PAYLOAD_MAX = 500 };

static const struct journal_destination both[] = {{.name = S("a"), .signal = SIGNAL_TRACES},
                                                  {.name = S("b"), .signal = SIGNAL_LOGS}};

static struct journal_options options(void)
{
    return (struct journal_options){
        .sync = true, .segment_bytes = 4096, .destinations = both, .n_destinations = 2};
}

static const char *const small_names[] = {"journal_id", "destinations", "attempts", "boot"};
enum { SMALL = 4 };

struct original {
    str files[SEGMENTS_MAX];
    int n_files;
    struct original_record {
        int file;
        size_t at, size;
        uint8_t kind;
        uint64_t seq, last; /* last: of a mark */
        enum signal_kind signal;
    } records[RECORDS_MAX];
    int n_records;
    str small[SMALL];
};

static str payload_of(uint64_t seq)
{
    static char bytes[PAYLOAD_MAX + 256];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(seq * 37 + i * i);
    return (str){bytes, seq * 97 % PAYLOAD_MAX};
}

static void path_of(const char *dir, int file, char path[600])
{
    snprintf(path, 600, "%s/%016x.seg", dir, (unsigned)file + 1);
}

static void read_records(struct original *o, int file)
{
    uint8_t id[16];
    uint64_t first;
    CHECK(segment_head_get(o->files[file], id, &first));
    struct record_scan s = record_scan_begin(o->files[file], record_seed(id));
    struct record r;
    for (size_t at = s.at; record_next(&s, &r); at = s.at) {
        CHECK(o->n_records < RECORDS_MAX);
        struct original_record *k = &o->records[o->n_records++];
        *k = (struct original_record){
            .file = file, .at = at, .size = s.at - at, .kind = r.kind, .seq = r.seq};
        k->signal = (enum signal_kind)r.signal;
        record_mark_last(&r, &k->last);
    }
    CHECK_INT(s.lost, 0);
}

/* Every third of ten requests of traces is in a finished block, and the first one waits: nothing is
 * deleted. */
static struct original *make_original(void)
{
    struct original *o = calloc(1, sizeof *o);
    const char *dir = new_dir();
    struct journal *j = open_with(dir, options());
    for (uint64_t i = 1; i <= REQUESTS; i++) {
        CHECK_INT(append_n(j, i % 2 ? SIGNAL_TRACES : SIGNAL_LOGS, payload_of(i), 1), i);
        if (i % 10 != 0) continue;
        CHECK_INT(journal_block_begin(j, 0, i - 7, i - 3, NULL), ST_OK);
        if (i % 30 != 0) journal_block_done(j, 0, i - 7, i - 3);
    }
    journal_close(j);
    char path[600];
    for (o->n_files = 0; o->n_files < SEGMENTS_MAX; o->n_files++) {
        path_of(dir, o->n_files, path);
        if (access(path, F_OK) != 0) break;
        o->files[o->n_files] = test_read_file(path);
        read_records(o, o->n_files);
    }
    CHECK(o->n_files > 4 && o->n_files < SEGMENTS_MAX);
    for (int i = 0; i < SMALL; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, small_names[i]);
        o->small[i] = test_read_file(path);
    }
    remove_dir(dir);
    return o;
}

static void free_original(struct original *o)
{
    for (int i = 0; i < o->n_files; i++) free((void *)(uintptr_t)o->files[i].ptr);
    for (int i = 0; i < SMALL; i++) free((void *)(uintptr_t)o->small[i].ptr);
    free(o);
}

/* ---- one round ---- */

struct round {
    const struct original *o;
    const char *dir;
    uint64_t random;
    int n_hits;
    bool copied; /* a whole record may lie where another was: no byte is damaged */
    struct {
        int file;
        size_t from, to;
    } hits[8];
};

static uint64_t any(struct round *r, uint64_t n)
{
    r->random ^= r->random << 13, r->random ^= r->random >> 7, r->random ^= r->random << 17;
    return r->random % n;
}

static void hit(struct round *r, int file, size_t from, size_t to)
{
    r->hits[r->n_hits].file = file;
    r->hits[r->n_hits].from = from;
    r->hits[r->n_hits++].to = to;
}

static bool is_hit(const struct round *r, const struct original_record *k)
{
    for (int i = 0; i < r->n_hits; i++)
        if (r->hits[i].file == k->file && r->hits[i].from < k->at + k->size &&
            r->hits[i].to > k->at)
            return true;
    return false;
}

/* Damages one file; `bytes` has room for twice the file. */
static size_t damage(struct round *r, int file, char *bytes, size_t len)
{
    size_t from = any(r, len), to = from + 1 + any(r, any(r, 4) ? 64 : len - from);
    if (to > len) to = len;
    switch (any(r, 5)) {
    case 0: /* a flipped bit */
        bytes[from] = (char)(bytes[from] ^ 1 << any(r, 8));
        hit(r, file, from, from + 1);
        break;
    case 1: /* zeros */
        memset(bytes + from, 0, to - from);
        hit(r, file, from, to);
        break;
    case 2: /* cut short */
        hit(r, file, from, len);
        len = from;
        break;
    case 3: /* a piece of the tail once more, at the end */
        memcpy(bytes + len, bytes + from, len - from);
        len += len - from;
        break;
    default: { /* a piece over another one */
        size_t n = to - from, at = any(r, len - n + 1);
        memmove(bytes + at, bytes + from, n);
        hit(r, file, at, at + n);
        r->copied = true;
    }
    }
    return len;
}

static void write_damaged(struct round *r)
{
    char path[600];
    for (int i = 0; i < SMALL; i++) {
        snprintf(path, sizeof path, "%s/%s", r->dir, small_names[i]);
        write_file(path, r->o->small[i]);
    }
    int n = 1 + (int)any(r, 3), which[3];
    for (int i = 0; i < n; i++) which[i] = (int)any(r, (uint64_t)r->o->n_files);
    for (int f = 0; f < SEGMENTS_MAX + 4; f++) {
        path_of(r->dir, f, path);
        if (f >= r->o->n_files) {
            unlink(path); /* of the round before */
            continue;
        }
        size_t len = r->o->files[f].len;
        char *bytes = malloc(len * 8 + 1);
        memcpy(bytes, r->o->files[f].ptr, len);
        for (int i = 0; i < n; i++)
            if (which[i] == f && len > 0) len = damage(r, f, bytes, len);
        write_file(path, (str){bytes, len});
        free(bytes);
    }
}

/* What both destinations' readers return. The last one may be the request appended after the
 * damage.
 */
static void read_both(struct journal *j, bool seen[REQUESTS + 1], bool *ret_appended)
{
    memset(seen, 0, REQUESTS + 1);
    *ret_appended = false;
    for (unsigned dest = 0; dest < 2; dest++) {
        struct journal_reader *reader;
        struct journal_read in;
        uint64_t before = 0;
        CHECK_INT(journal_reader_open(j, dest, 0, &reader, NULL), ST_OK);
        while (journal_reader_next(reader, &in, NULL) == ST_OK) {
            CHECK(in.seq > before);
            before = in.seq;
            CHECK(in.request.signal == both[dest].signal);
            if (str_eq(in.request.payload, S("appended"))) {
                *ret_appended = true;
                continue;
            }
            CHECK(in.seq >= 1 && in.seq <= REQUESTS);
            CHECK_STR(in.request.payload, payload_of(in.seq));
            CHECK(in.block_last == 0 || in.block_last == in.block_first + 4);
            seen[in.seq] = true;
        }
        journal_reader_close(reader);
    }
}

/* Nothing is missing but what was hit, and nothing is back but what a mark that was hit spoke of.
 */
static int check_seen(const struct round *r, const bool seen[REQUESTS + 1])
{
    int missing = 0;
    for (int i = 0; i < r->o->n_records; i++) {
        const struct original_record *k = &r->o->records[i];
        if (k->kind != RECORD_REQUEST) continue;
        bool done = false, mark_hit = false;
        for (int m = 0; m < r->o->n_records; m++) {
            const struct original_record *mark = &r->o->records[m];
            if (mark->kind != RECORD_BLOCK_DONE || mark->signal != k->signal) continue;
            if (k->seq < mark->seq || k->seq > mark->last) continue;
            done = true;
            mark_hit |= is_hit(r, mark);
        }
        if (done && !mark_hit) CHECK(!seen[k->seq]);
        if (!done && !is_hit(r, k)) CHECK(seen[k->seq]);
        missing += !done && !seen[k->seq];
    }
    return missing;
}

TEST(damage_by_the_thousand_loses_only_what_it_hits_never_stops_the_start_and_is_counted)
{
    enum { ROUNDS = 4000 };
    struct original *o = make_original();
    const char *dir = new_dir();
    int lossy = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        struct round r = {.o = o, .dir = dir, .random = round * 0x9e3779b97f4a7c15ull};
        write_damaged(&r);
        uint64_t bytes = metric_get(M_JOURNAL_LOST_BYTES, 0);
        struct journal *j = open_with(dir, options());
        bytes = metric_get(M_JOURNAL_LOST_BYTES, 0) - bytes;
        bool seen[REQUESTS + 1], again[REQUESTS + 1], appended;
        read_both(j, seen, &appended);
        CHECK(!appended);
        int missing = check_seen(&r, seen);
        lossy += missing > 0;
        bool inside = !r.copied; /* files that are not the newest, and before their ends */
        for (int i = 0; i < r.n_hits; i++)
            inside &=
                r.hits[i].file < o->n_files - 1 && r.hits[i].to < o->files[r.hits[i].file].len;
        if (missing > 0 && inside) CHECK(bytes > 0);
        uint64_t next = append_n(j, SIGNAL_LOGS, S("appended"), 1);
        for (uint64_t i = 1; i <= REQUESTS; i++) CHECK(!seen[i] || next > i);
        journal_close(j);
        j = open_with(dir, options());
        read_both(j, again, &appended);
        CHECK(appended);
        CHECK(memcmp(seen, again, sizeof seen) == 0);
        journal_close(j);
    }
    CHECK(lossy > ROUNDS / 4);
    free_original(o);
    remove_dir(dir);
}

TEST(every_damage_to_the_small_files_is_survived_and_loses_no_request)
{
    struct original *o = make_original();
    const char *dir = new_dir();
    bool want[REQUESTS + 1], seen[REQUESTS + 1], appended;
    for (int file = -1; file < SMALL; file++) {
        size_t rounds = file < 0 ? 1 : o->small[file].len * 3 + 40;
        for (size_t i = 0; i < rounds; i++) {
            struct round r = {.o = o, .dir = dir, .random = 1};
            write_damaged(&r);
            char path[600], bytes[1024];
            for (int f = 0; f < o->n_files; f++) {
                path_of(dir, f, path);
                write_file(path, o->files[f]);
            }
            if (file >= 0) {
                size_t len = o->small[file].len, at = i / 3;
                memcpy(bytes, o->small[file].ptr, len);
                if (i % 3 == 0 && at < len) bytes[at] = (char)(bytes[at] ^ 1 << i % 8);
                if (i % 3 == 1 && at < len) len = at;
                if (i % 3 == 2 || at >= len) memset(bytes + len, (int)i, 1 + i % 70);
                if (i % 3 == 2) len += 1 + i % 70;
                snprintf(path, sizeof path, "%s/%s", dir, small_names[file]);
                write_file(path, (str){bytes, len});
            }
            struct journal *j = open_with(dir, options());
            read_both(j, seen, &appended);
            if (file < 0) memcpy(want, seen, sizeof seen);
            CHECK(memcmp(want, seen, sizeof seen) == 0);
            journal_close(j);
        }
    }
    free_original(o);
    remove_dir(dir);
}
