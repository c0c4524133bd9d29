/* Any bytes as a segment: the scan must end, hand out payloads that lie inside the bytes, and
 * account for every byte. The first byte chooses whether the heads' crcs are repaired first, so
 * that the fuzzer gets behind them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "ingest/journal/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair(char *p, size_t size, uint32_t seed)
{
    for (size_t at = SEGMENT_HEAD; at + RECORD_HEAD <= size;) {
        uint32_t length, crc;
        memcpy(&length, p + at + 4, 4);
        size_t room = size - at - RECORD_HEAD;
        if (length <= room) {
            crc = crc32c(seed, (str){p + at + RECORD_HEAD, length});
            memcpy(p + at + 32, &crc, 4);
        }
        crc = crc32c(seed, (str){p + at + 4, RECORD_HEAD - 4});
        memcpy(p + at, &crc, 4);
        at += length <= room ? record_size(length) : 8;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    uint8_t id[16] = {1};
    uint64_t first_seq;
    char *copy = malloc(size);
    if (!copy) abort();
    memcpy(copy, data + 1, size - 1);
    str segment = {copy, size - 1};
    if (data[0] & 1) repair(copy, segment.len, record_seed(id));
    segment_head_get(segment, id, &first_seq);

    struct record_scan s = record_scan_begin(segment, record_seed((const uint8_t[16]){1}));
    struct record r;
    size_t good = s.end;
    while (record_next(&s, &r)) {
        assert(r.payload.ptr >= copy && r.payload.len <= segment.len);
        assert(r.payload.ptr + r.payload.len <= copy + segment.len);
        good += record_size(r.payload.len);
        uint64_t last;
        if (record_mark_last(&r, &last)) assert(last >= r.seq);
    }
    assert(s.end <= segment.len && good + s.lost == s.end);
    free(copy);
    return 0;
}
