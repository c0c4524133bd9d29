/* Any bytes as the small files of a journal's folder. The first byte chooses the file and whether
 * its crcs are repaired first. What is read is written and read again: the same. */
#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "ingest/journal/attempts.h"
#include "ingest/journal/boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED = 7, LAST_LINE = sizeof "crc 00000000\n" - 1 };

static void repair_last_line(char *bytes, size_t len)
{
    if (len < LAST_LINE) return;
    char line[32];
    snprintf(line, sizeof line, "crc %08" PRIx32 "\n", crc32c(0, (str){bytes, len - LAST_LINE}));
    memcpy(bytes + len - LAST_LINE, line, LAST_LINE);
}

static void boot(char *bytes, size_t len, bool repair)
{
    if (repair) repair_last_line(bytes, len);
    struct boot_note n, again;
    if (boot_note_parse((str){bytes, len}, &n, NULL) != ST_OK) return;
    struct buf out;
    buf_init(&out, BOOT_FILE_MAX);
    boot_note_print(&n, &out);
    assert(!out.over);
    assert(boot_note_parse(buf_str(&out), &again, NULL) == ST_OK);
    assert(strcmp(n.id, again.id) == 0);
    assert(n.durable == again.durable && n.doubted == again.doubted);
    buf_done(&out);
}

static void destinations(char *bytes, size_t len, bool repair)
{
    if (repair) repair_last_line(bytes, len);
    struct destination_list l, again;
    if (destination_list_parse((str){bytes, len}, &l, NULL) != ST_OK) return;
    assert(l.n <= DESTINATIONS_MAX);
    struct buf out;
    buf_init(&out, DESTINATIONS_FILE_MAX);
    destination_list_print(&l, &out);
    assert(!out.over);
    assert(destination_list_parse(buf_str(&out), &again, NULL) == ST_OK);
    assert(destination_list_eq(&l, &again));
    buf_done(&out);
}

static void attempts(char *bytes, size_t len, bool repair)
{
    for (size_t at = 0; repair && at + ATTEMPT_RECORD <= len; at += ATTEMPT_RECORD) {
        uint32_t crc = crc32c(SEED, (str){bytes + at + 4, ATTEMPT_RECORD - 4});
        memcpy(bytes + at, &crc, 4);
    }
    struct attempt_notes notes, again;
    attempt_notes_parse((str){bytes, len}, SEED, &notes);
    assert(notes.n * ATTEMPT_RECORD + notes.damaged == len);
    char *back = malloc(notes.n * ATTEMPT_RECORD + 1);
    if (!back) abort();
    for (size_t i = 0; i < notes.n; i++) {
        assert(notes.at[i].first <= notes.at[i].last);
        assert(i == 0 || notes.at[i].crash >= notes.at[i - 1].crash);
        attempt_note_put(back + i * ATTEMPT_RECORD, SEED, &notes.at[i]);
    }
    attempt_notes_parse((str){back, notes.n * ATTEMPT_RECORD}, SEED, &again);
    assert(again.n == notes.n && again.damaged == 0);
    attempt_notes_done(&again);
    attempt_notes_done(&notes);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t len = size - 1;
    char *copy = malloc(len + 1);
    if (!copy) abort();
    memcpy(copy, data + 1, len);
    bool repair = data[0] & 1;
    if (data[0] & 4)
        boot(copy, len, repair);
    else if (data[0] & 2)
        destinations(copy, len, repair);
    else
        attempts(copy, len, repair);
    free(copy);
    return 0;
}
