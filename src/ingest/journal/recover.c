/* Opening: the id, every segment scanned once, what is finished deleted, a torn tail cut off.
 *
 * Sequences go on above all that was ever seen. Where bytes are damaged, as many sequences are left
 * out as records could have lain there: a sequence is never given twice, so no token is.
 *
 * After a restart of the machine the newest done marks are doubted: the store had confirmed, but
 * what it had was perhaps not on disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/hex.h"
#include "ingest/journal/folder.h"
#include "ingest/journal/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

static int by_ordinal(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static status list_segments(struct journal *j, uint64_t **ret, size_t *ret_n, struct err *err)
{
    int fd = openat(j->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0) close(fd);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal %s: %s", j->dir_path,
                       strerror(errno));
    }
    uint64_t *list = NULL;
    size_t n = 0, cap = 0;
    for (struct dirent *e; (e = readdir(d));) {
        uint64_t ordinal;
        if (!segment_name_parse(e->d_name, &ordinal)) continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            list = realloc(list, cap * sizeof *list);
            if (!list) abort();
        }
        list[n++] = ordinal;
    }
    closedir(d);
    if (n > 0) qsort(list, n, sizeof *list, by_ordinal);
    *ret = list;
    *ret_n = n;
    return ST_OK;
}

static bool read_id_file(struct journal *j)
{
    str text;
    if (folder_read(j->dir_fd, "journal_id", 64, &text, NULL) != ST_OK) return false;
    bool ok = text.len >= 32 && hex_decode((str){text.ptr, 32}, j->id, 16);
    free((void *)(uintptr_t)text.ptr);
    return ok;
}

static status write_id_file(struct journal *j, struct err *err)
{
    char text[33];
    hex_encode(j->id, 16, text);
    text[32] = '\n';
    return folder_replace(j->dir_fd, "journal_id", (str){text, sizeof text}, err);
}

/* The id in a segment's head, which has a crc of its own. */
static bool read_head(struct journal *j, uint64_t ordinal, uint8_t ret_id[16])
{
    char name[SEGMENT_NAME], head[SEGMENT_HEAD];
    segment_name(ordinal, name);
    int fd = openat(j->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = pread(fd, head, sizeof head, 0);
    close(fd);
    uint64_t first;
    return n == sizeof head && segment_head_get((str){head, sizeof head}, ret_id, &first);
}

/* From the file, when a segment agrees or there is none; else from the newest segment; else made.
 * With a wrong id nothing in the segments could be read. */
static status find_id(struct journal *j, const uint64_t *ordinals, size_t n, struct err *err)
{
    bool from_file = read_id_file(j), found = false;
    uint8_t id[16], newest_id[16] = {0};
    for (size_t i = n; i-- > 0;) {
        if (!read_head(j, ordinals[i], id)) continue;
        if (from_file && memcmp(id, j->id, 16) == 0) return ST_OK;
        if (!found) memcpy(newest_id, id, 16);
        found = true;
    }
    if (found) {
        log_error("journal", "the file journal_id is damaged, the segments' id is taken",
                  LOG_CSTR("folder", j->dir_path));
        memcpy(j->id, newest_id, 16);
        return write_id_file(j, err);
    }
    if (from_file) return ST_OK;
    if (getrandom(j->id, sizeof j->id, 0) != sizeof j->id)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "journal: no random bytes: %s",
                       strerror(errno));
    return write_id_file(j, err);
}

uint16_t journal_wanted_by(const struct destination_list *l, const struct record *request)
{
    uint16_t bits = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct destination *d = &l->at[i];
        if (d->signal == request->signal && request->seq >= d->since && (!d->late || request->late))
            bits |= (uint16_t)(1u << i);
    }
    return bits;
}

/* A mark of before there were destinations (no tag) speaks for all of its signal. */
static uint16_t marked_by(const struct destination_list *l, const struct record *mark)
{
    uint16_t bits = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].signal == mark->signal && (mark->items == 0 || mark->items == l->at[i].tag))
            bits |= (uint16_t)(1u << i);
    return bits;
}

/* Done marks that were made so long before the machine went down are believed: the kernel writes
 * everything out within its vm.dirty_expire_centisecs (30 s), and a store that remembers so many
 * tokens must not be asked about older ones. */
#define DOUBT_AGE (600 * NANOS_S)

/* A done mark that may have to be doubted. */
struct doubt {
    uint64_t first, last;
    uint16_t by;
    nanos made;
};

/* What is gathered while the segments are scanned. */
struct scan {
    /* Done and void marks, which hold when all is scanned: damage can leave copies of requests
     * behind them. */
    struct scan_ended {
        uint64_t first, last;
        uint16_t by;
    } * ended;
    size_t n_ended, cap_ended;
    /* After a restart of the machine. */
    uint16_t replays; /* destinations whose marks are doubted: a bit each */
    bool doubtful;    /* the segment is of before the restart */
    nanos newest;     /* record in such segments */
    struct doubt *doubts;
    size_t n_doubts, cap_doubts, decided;
    /* Of requests that were damaged: those between two that are there. */
    bool gap;               /* bytes were lost since the last request */
    uint64_t last_seq;      /* of a request */
    uint64_t lost_requests; /* at most */
};

static void gap_end(struct scan *s, uint64_t next_seq)
{
    if (s->gap && s->last_seq > 0 && next_seq > s->last_seq + 1)
        s->lost_requests += next_seq - s->last_seq - 1;
    s->gap = false;
}

static void take_end(struct scan *scan, uint16_t by, uint64_t first, uint64_t last)
{
    if (scan->n_ended == scan->cap_ended) {
        scan->cap_ended = scan->cap_ended ? scan->cap_ended * 2 : 64;
        scan->ended = realloc(scan->ended, scan->cap_ended * sizeof *scan->ended);
        if (!scan->ended) abort();
    }
    scan->ended[scan->n_ended++] = (struct scan_ended){.by = by, .first = first, .last = last};
}

static void take_done(struct journal *j, struct scan *scan, uint16_t by, uint64_t first,
                      uint64_t last)
{
    for (size_t i = 0; i < j->destinations.n; i++)
        if (by >> i & 1) block_set_end_block(&j->blocks[i], first, last);
    take_end(scan, by, first, last);
}

/* Of these destinations, those whose block it is: begun with these bounds, and no request of it
 * deleted (before that the store was made durable). A mark without a block is of requests that were
 * given up. */
static uint16_t doubted_by(const struct journal *j, const struct doubt *d)
{
    uint16_t by = 0;
    if (d->first < j->segments.at[0].first_seq) return 0;
    for (size_t i = 0; i < j->destinations.n; i++) {
        const struct block_bounds *b =
            d->by >> i & 1 ? block_set_find(&j->blocks[i], d->first) : NULL;
        if (b && b->first == d->first && b->last == d->last) by |= (uint16_t)(1u << i);
    }
    return by;
}

/* Marks that are old enough already; at the end the others too. */
static void decide_doubts(struct journal *j, struct scan *scan, bool end)
{
    for (; scan->decided < scan->n_doubts; scan->decided++) {
        const struct doubt *d = &scan->doubts[scan->decided];
        bool old = d->made < scan->newest - DOUBT_AGE;
        if (!old && !end) return;
        uint16_t by = old ? 0 : doubted_by(j, d);
        if (by != d->by) take_done(j, scan, d->by & (uint16_t)~by, d->first, d->last);
        if (by && d->last > j->doubted_last) j->doubted_last = d->last;
    }
}

static void doubt(struct scan *scan, const struct doubt *d)
{
    if (scan->n_doubts == scan->cap_doubts) {
        scan->cap_doubts = scan->cap_doubts ? scan->cap_doubts * 2 : 64;
        scan->doubts = realloc(scan->doubts, scan->cap_doubts * sizeof *scan->doubts);
        if (!scan->doubts) abort();
    }
    scan->doubts[scan->n_doubts++] = *d;
}

static void take_mark(struct journal *j, struct scan *scan, const struct record *r, uint64_t last)
{
    if (r->kind == RECORD_VOID) {
        take_end(scan, UINT16_MAX, r->seq, last);
        return;
    }
    uint16_t by = marked_by(&j->destinations, r);
    if (r->kind == RECORD_BLOCK_BEGIN) {
        for (size_t i = 0; i < j->destinations.n; i++)
            if (by >> i & 1) block_set_begin_block(&j->blocks[i], r->seq, last);
        return;
    }
    uint16_t doubted = scan->doubtful ? by & scan->replays : 0;
    if (doubted)
        doubt(scan, &(struct doubt){
                        .first = r->seq, .last = last, .by = doubted, .made = r->received_at});
    if (by != doubted) take_done(j, scan, by & (uint16_t)~doubted, r->seq, last);
}

static void take_record(struct journal *j, struct segment *s, const struct record *r,
                        struct scan *scan)
{
    uint64_t last = r->seq;
    if (r->kind == RECORD_REQUEST) {
        gap_end(scan, r->seq);
        /* Damage can leave copies: this one counts, not one before it. */
        if (r->seq <= scan->last_seq)
            segment_list_finish(&j->segments, UINT16_MAX, r->seq, r->seq);
        else
            scan->last_seq = r->seq;
        segment_own(s, r->seq, journal_wanted_by(&j->destinations, r));
    } else {
        if (!record_mark_last(r, &last)) return;
        take_mark(j, scan, r, last);
    }
    if (last >= j->next_seq) j->next_seq = last + 1;
    if (!scan->doubtful) return;
    if (r->received_at > scan->newest) scan->newest = r->received_at;
    decide_doubts(j, scan, false);
}

static void cut_tail(struct journal *j, uint64_t ordinal, uint64_t to, uint64_t bytes)
{
    char name[SEGMENT_NAME];
    segment_name(ordinal, name);
    int fd = openat(j->dir_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    log_warn("journal", "the end of the newest segment is torn or damaged and cut off",
             LOG_CSTR("file", name), LOG_INT("bytes", bytes));
    if (ftruncate(fd, (off_t)to) != 0 || fdatasync(fd) != 0)
        log_warn("journal", "a torn tail stays", LOG_CSTR("file", name),
                 LOG_CSTR("why", strerror(errno)));
    close(fd);
}

static void tell_damage(uint64_t ordinal, uint64_t bytes)
{
    char name[SEGMENT_NAME];
    segment_name(ordinal, name);
    log_error("journal", "part of a segment is damaged and left out", LOG_CSTR("file", name),
              LOG_INT("bytes", bytes));
    metric_add(M_JOURNAL_LOST_BYTES, 0, bytes);
}

/* Scans one segment into the journal's state. */
static status scan_segment(struct journal *j, uint64_t ordinal, bool last, struct scan *found,
                           struct err *err)
{
    str bytes;
    TRY(segment_load(j->dir_fd, ordinal, &bytes, err));
    uint8_t id[16];
    uint64_t first_seq;
    bool head = segment_head_get(bytes, id, &first_seq) && memcmp(id, j->id, 16) == 0;
    if (!head) first_seq = j->next_seq;
    if (first_seq > j->next_seq) j->next_seq = first_seq;
    if (head) {
        gap_end(found, first_seq);
        if (first_seq > found->last_seq) found->last_seq = first_seq - 1;
    }

    struct record_scan scan = record_scan_begin(bytes, j->seed);
    struct segment *s = segment_list_add(&j->segments, ordinal, first_seq);
    struct record r;
    bool any = false;
    found->doubtful = ordinal >= j->boot.durable && ordinal < j->boot.doubted;
    for (uint64_t lost = 0; record_next(&scan, &r); lost = scan.lost) {
        if (!head && !any && r.kind == RECORD_REQUEST) s->first_seq = r.seq;
        any |= r.kind == RECORD_REQUEST;
        found->gap |= scan.lost > lost;
        take_record(j, s, &r, found);
    }
    uint64_t tail = bytes.len - scan.end;
    s->bytes = bytes.len;
    uint64_t damaged = scan.lost;
    if (last && tail > 0) {
        cut_tail(j, ordinal, scan.end, tail);
        s->bytes = scan.end;
    } else {
        damaged += tail;
        found->gap |= tail > 0;
    }
    s->readable = s->bytes;
    if (scan.lost + tail > 0) j->next_seq += (scan.lost + tail) / RECORD_HEAD + 1;
    if (damaged > 0) tell_damage(ordinal, damaged);
    free((void *)(uintptr_t)bytes.ptr);
    journal_grow(j, (int64_t)s->bytes);
    return ST_OK;
}

/* The marks in the newest segment may not have been synced when the process ended: they must be
 * before anything is deleted. */
static void retire(struct journal *j)
{
    if (j->segments.n == 0) return;
    char name[SEGMENT_NAME];
    segment_name(j->segments.at[j->segments.n - 1].ordinal, name);
    int fd = openat(j->dir_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fdatasync(fd) == 0) journal_retire_finished(j);
    close(fd);
}

/* The destinations as the last run had them, and as this run's names otherwise. ST_UNAVAILABLE: the
 * file cannot be read. */
static status load_destinations(struct journal *j, bool any_segments, bool *ret_known,
                                struct err *err)
{
    str text;
    struct destination_list known;
    status s = folder_read(j->dir_fd, "destinations", DESTINATIONS_FILE_MAX, &text, err);
    if (s == ST_UNAVAILABLE) return s;
    *ret_known = false;
    bool damaged = s == ST_LIMIT;
    if (s == ST_OK) {
        *ret_known = destination_list_parse(text, &known, NULL) == ST_OK;
        damaged = !*ret_known;
        free((void *)(uintptr_t)text.ptr);
    }
    if (damaged)
        log_error("journal",
                  "the file of destinations is damaged: each gets all that is here and "
                  "that it is not known to be done with",
                  LOG_CSTR("folder", j->dir_path));
    else if (!*ret_known && any_segments)
        log_info("journal",
                 "no file of destinations: each gets all that is here and that it is "
                 "not known to be done with",
                 LOG_CSTR("folder", j->dir_path));
    if (*ret_known) j->destinations = known;
    return ST_OK;
}

/* From the last run's destinations (`j->destinations`, and the bits of the scan) to this run's. */
static void rename_destinations(struct journal *j, const struct destination_list *now)
{
    struct destination_list was = j->destinations;
    struct block_set blocks[DESTINATIONS_MAX];
    memcpy(blocks, j->blocks, sizeof blocks);
    memset(j->blocks, 0, sizeof j->blocks);
    j->destinations = *now;
    for (size_t i = 0; i < now->n; i++) j->destinations.at[i].since = j->next_seq;
    int map[DESTINATIONS_MAX];
    for (size_t i = 0; i < DESTINATIONS_MAX; i++) {
        map[i] = -1;
        if (i >= was.n) continue;
        struct destination *d = &was.at[i];
        const struct destination *same = destination_list_find(now, d->signal, str_of(d->name));
        if (same) {
            map[i] = (int)(same - now->at);
            j->destinations.at[map[i]].since = d->since;
            j->blocks[map[i]] = blocks[i];
            continue;
        }
        block_set_done(&blocks[i]);
        log_warn("journal", "a destination is no longer named and forgotten",
                 LOG_CSTR("destination", d->name),
                 LOG_INT("requests", segment_list_count(&j->segments, (uint16_t)(1u << i))));
    }
    segment_list_rename(&j->segments, map);
}

static status save_destinations(struct journal *j, struct err *err)
{
    struct buf text;
    buf_init(&text, DESTINATIONS_FILE_MAX);
    destination_list_print(&j->destinations, &text);
    status s = folder_replace(j->dir_fd, "destinations", buf_str(&text), err);
    buf_done(&text);
    return s;
}

/* Of the last run's destinations, by their bits, those that replay after a boot in this one. */
static uint16_t replaying(const struct journal *j, const struct destination_list *now)
{
    uint16_t by = 0;
    for (size_t i = 0; i < j->destinations.n; i++) {
        const struct destination *d = &j->destinations.at[i];
        const struct destination *same = destination_list_find(now, d->signal, str_of(d->name));
        if (same && j->replays_after_boot >> (same - now->at) & 1) by |= (uint16_t)(1u << i);
    }
    return by;
}

static void tell_doubts(const struct journal *j)
{
    uint64_t first;
    if (j->doubted_last > 0 && segment_list_next(&j->segments, j->replays_after_boot, 1, &first))
        log_info("journal",
                 "the machine was restarted: what the store confirmed last is sent again, it drops "
                 "what it has",
                 LOG_CSTR("folder", j->dir_path), LOG_INT("first", first),
                 LOG_INT("last", j->doubted_last));
}

static status scan_all(struct journal *j, const uint64_t *ordinals, size_t n, struct err *err)
{
    struct destination_list now = j->destinations, was;
    bool known;
    TRY(load_destinations(j, n > 0, &known, err));
    was = j->destinations;
    j->next_seq = 1;
    for (size_t i = 0; i < was.n; i++)
        if (was.at[i].since > j->next_seq) j->next_seq = was.at[i].since;
    struct scan scan = {.replays = replaying(j, &now)};
    status s = ST_OK;
    for (size_t i = 0; i < n && s == ST_OK; i++)
        s = scan_segment(j, ordinals[i], i + 1 == n, &scan, err);
    decide_doubts(j, &scan, true);
    free(scan.doubts);
    for (size_t i = 0; i < scan.n_ended; i++)
        segment_list_finish(&j->segments, scan.ended[i].by, scan.ended[i].first,
                            scan.ended[i].last);
    free(scan.ended);
    TRY(s);
    if (scan.lost_requests > 0) {
        log_error("journal", "requests are missing where segments are damaged, at most so many",
                  LOG_CSTR("folder", j->dir_path), LOG_INT("requests", scan.lost_requests));
        metric_add(M_JOURNAL_LOST_REQUESTS, 0, scan.lost_requests);
    }
    rename_destinations(j, &now);
    tell_doubts(j);
    return known && destination_list_eq(&was, &j->destinations) ? ST_OK : save_destinations(j, err);
}

/* Somebody still waits for a request that was tried then. */
static bool is_wanted(void *journal, const struct attempt_note *n)
{
    struct journal *j = journal;
    uint16_t of_signal = 0;
    for (size_t i = 0; i < j->destinations.n; i++)
        if (j->destinations.at[i].signal == n->signal) of_signal |= (uint16_t)(1u << i);
    uint64_t seq;
    return segment_list_next(&j->segments, of_signal, n->first, &seq) && seq <= n->last;
}

/* Without the id of this boot nothing is doubted. */
static status load_boot(struct journal *j, bool *ret_changed, struct err *err)
{
    char id[BOOT_ID_MAX + 1];
    *ret_changed = false;
    if (!boot_id_read(j->opt.boot_id_path, id)) return ST_OK;
    return boot_note_load(j->dir_fd, id, j->next_ordinal, &j->boot, ret_changed, err);
}

/* When it cannot be written, the next start doubts more than it need. */
static void save_boot(struct journal *j)
{
    struct err err = {0};
    if (boot_note_save(j->dir_fd, &j->boot, &err) != ST_OK)
        log_warn("journal", "the machine's boot cannot be noted", LOG_CSTR("why", err.msg));
}

status journal_recover(struct journal *j, struct err *err)
{
    uint64_t *ordinals = NULL;
    size_t n = 0;
    TRY(list_segments(j, &ordinals, &n, err));
    status s = find_id(j, ordinals, n, err);
    j->seed = record_seed(j->id);
    j->next_ordinal = n > 0 ? ordinals[n - 1] + 1 : 1;
    bool rebooted = false;
    if (s == ST_OK) s = load_boot(j, &rebooted, err);
    if (s == ST_OK) s = scan_all(j, ordinals, n, err);
    free(ordinals);
    if (s != ST_OK) return s;
    if (rebooted) save_boot(j);
    j->last_seq = j->next_seq - 1;
    j->first_new = j->next_seq;
    atomic_store(&j->durable, j->last_seq);
    retire(j);
    j->attempts = attempts_open(j->dir_fd, j->seed, &j->destinations, is_wanted, j);
    return ST_OK;
}
