#include "ingest/journal/record.h"

#include "base/crc32c.h"
#include "base/telemetry.h"
#include "ingest/journal/little_endian.h"

static const char magic[8] = "weirjrn1";
enum { VERSION = 1 };

/* Damage can leave the head of a long record in front of good ones. How many times the segment's
 * bytes are checked in vain before such a head is believed and its record stepped over whole. */
enum { WASTED_MAX = 16 };

void segment_head_put(char out[SEGMENT_HEAD], const uint8_t id[16], uint64_t first_seq)
{
    memcpy(out, magic, 8);
    put32(out + 8, VERSION);
    memcpy(out + 16, id, 16);
    put64(out + 32, first_seq);
    put32(out + 12, crc32c(0, (str){out + 16, 24}));
}

bool segment_head_get(str bytes, uint8_t ret_id[16], uint64_t *ret_first_seq)
{
    if (bytes.len < SEGMENT_HEAD || memcmp(bytes.ptr, magic, 8) != 0) return false;
    if (get32(bytes.ptr + 8) != VERSION) return false;
    if (get32(bytes.ptr + 12) != crc32c(0, (str){bytes.ptr + 16, 24})) return false;
    memcpy(ret_id, bytes.ptr + 16, 16);
    *ret_first_seq = get64(bytes.ptr + 32);
    return true;
}

uint32_t record_seed(const uint8_t id[16]) { return crc32c(0, (str){(const char *)id, 16}); }

void record_head_put(char out[RECORD_HEAD], uint32_t seed, const struct record *r)
{
    put32(out + 4, (uint32_t)r->payload.len);
    put64(out + 8, r->seq);
    out[16] = (char)r->kind;
    out[17] = (char)r->signal;
    out[18] = (char)r->format;
    out[19] = (char)r->compression;
    put32(out + 20, r->items);
    put64(out + 24, (uint64_t)r->received_at);
    put32(out + 32, crc32c(seed, r->payload));
    put32(out + 36, r->late);
    put32(out, crc32c(seed, (str){out + 4, RECORD_HEAD - 4}));
}

bool record_mark_last(const struct record *r, uint64_t *ret_last)
{
    if (r->kind == RECORD_REQUEST || r->payload.len != 8) return false;
    uint64_t last = get64(r->payload.ptr);
    if (last < r->seq) return false;
    *ret_last = last;
    return true;
}

struct record_scan record_scan_begin(str segment, uint32_t seed)
{
    size_t at = segment.len < SEGMENT_HEAD ? segment.len : SEGMENT_HEAD;
    return (struct record_scan){.bytes = segment, .seed = seed, .at = at, .end = at};
}

bool record_head_get(const char p[RECORD_HEAD], uint32_t seed, struct record *ret, size_t *ret_len,
                     uint32_t *ret_crc)
{
    uint8_t kind = (uint8_t)p[16], signal = (uint8_t)p[17];
    if (kind == 0 || kind >= RECORD_KIND_END || signal >= SIGNAL_COUNT) return false;
    if (get32(p) != crc32c(seed, (str){p + 4, RECORD_HEAD - 4})) return false;
    *ret = (struct record){.kind = kind,
                           .signal = signal,
                           .format = (uint8_t)p[18],
                           .compression = (uint8_t)p[19],
                           .items = get32(p + 20),
                           .late = get32(p + 36),
                           .seq = get64(p + 8),
                           .received_at = (nanos)get64(p + 24)};
    *ret_len = get32(p + 4);
    *ret_crc = get32(p + 32);
    return true;
}

bool record_next(struct record_scan *s, struct record *ret)
{
    size_t at = s->at;
    while (s->bytes.len - at >= RECORD_HEAD) {
        const char *p = s->bytes.ptr + at;
        size_t len, room = s->bytes.len - at;
        uint32_t crc;
        struct record r;
        if (!record_head_get(p, s->seed, &r, &len, &crc) || len > room ||
            record_size(len) > room) { /* or its end is missing */
            at += 8;
            continue;
        }
        r.payload = (str){p + RECORD_HEAD, len};
        if (crc32c(s->seed, r.payload) != crc) { /* good records may lie in what it claims */
            s->wasted += len;
            at += s->wasted > WASTED_MAX * s->bytes.len ? record_size(len) : 8;
            continue;
        }
        *ret = r;
        s->lost += at - s->end;
        s->at = s->end = at + record_size(len);
        return true;
    }
    s->at = s->bytes.len;
    return false;
}
