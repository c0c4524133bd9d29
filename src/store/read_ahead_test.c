#include "store/read_ahead.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "testing/test.h"

#define TABLE "store/611/6119-aa"

static char top[32];

static bool fresh(void)
{
    snprintf(top, sizeof top, "/tmp/weir-ahead-XXXXXX");
    return mkdtemp(top) != NULL;
}

/* The file, with the folders above it. */
static void add(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", top, folder, name);
    for (char *c = path + 1; *c; c++)
        if (*c == '/') {
            *c = 0;
            mkdir(path, 0755);
            *c = '/';
        }
    FILE *f = fopen(path, "w");
    if (!f) abort();
    fputs(text, f);
    fclose(f);
}

static struct read_ahead_found walk(unsigned share, unsigned shares, bool stopped)
{
    atomic_bool stop = stopped;
    struct read_ahead_found found;
    read_ahead_walk(top, share, shares, &stop, &found);
    return found;
}

static void add_part(const char *part)
{
    char folder[128];
    snprintf(folder, sizeof folder, TABLE "/%s", part);
    add(folder, "columns.txt", "columns");
    add(folder, "serialization.json", "{}");
    add(folder, "data.cmrk4", "marks");
    add(folder, "data.bin", "rows");
    add(folder, "skp_idx_x.cmrk4", "marks");
    snprintf(folder, sizeof folder, TABLE "/%s/p.proj", part);
    add(folder, "count.txt", "1");
    add(folder, "primary.cidx", "key");
}

TEST(a_walk_looks_at_every_file_and_asks_for_those_that_a_start_reads)
{
    CHECK(fresh());
    CHECK_INT(walk(0, 1, false).failed, 1); /* there is no folder yet */
    add_part("20261123_1_1_0");
    add_part("20261123_2_2_0");
    add(TABLE, "format_version.txt", "1");
    add(TABLE, "empty.txt", "");
    add("store/0ab/0ab1-cc", "otel_traces.sql", "ATTACH TABLE");
    add(TABLE "/detached/20261122_1_1_0", "columns.txt", "of no table");
    struct read_ahead_found found = walk(0, 1, false);
    CHECK_INT(found.files, 2 * 7 + 3);
    CHECK_INT(found.asked, 2 * 4 + 2);
    CHECK_INT(found.failed, 0);
}

TEST(walks_over_one_folder_share_its_files)
{
    CHECK(fresh());
    char part[64];
    for (int i = 0; i < 40; i++) {
        snprintf(part, sizeof part, "20261123_%d_%d_0", i, i);
        add_part(part);
    }
    add(TABLE, "format_version.txt", "1");
    uint64_t files = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct read_ahead_found found = walk(i, 3, false);
        CHECK(found.files > 1 && found.files < 40 * 7);
        files += found.files;
    }
    CHECK_INT(files, 40 * 7 + 1);
}

TEST(a_walk_that_is_told_to_stop_reads_nothing_more)
{
    CHECK(fresh());
    add_part("20261123_1_1_0");
    CHECK_INT(walk(0, 1, true).files, 0);
    read_ahead_end(NULL);
    read_ahead_end(read_ahead_begin(top)); /* at once */
}

TEST(a_part_that_is_in_the_page_cache_is_passed_by)
{
    CHECK(fresh());
    add_part("20261123_1_1_0");
    add(TABLE "/20261123_1_1_0", "checksums.txt", "sums");
    char path[128], byte;
    snprintf(path, sizeof path, "%s/" TABLE "/20261123_1_1_0/checksums.txt", top);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = preadv2(fd, &(struct iovec){&byte, 1}, 1, 0, RWF_NOWAIT);
    close(fd);
    if (n != 1) return; /* a file system that does not tell */
    struct read_ahead_found found = walk(0, 1, false);
    CHECK_INT(found.warm, 1);
    CHECK_INT(found.files, 0);
}

TEST(what_is_no_file_holds_no_walk_up)
{
    CHECK(fresh());
    add_part("20261123_1_1_0");
    char path[128];
    snprintf(path, sizeof path, "%s/" TABLE "/20261123_1_1_0/ttl.txt", top);
    CHECK_INT(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/" TABLE "/20261123_1_1_0/uuid.txt", top);
    CHECK_INT(symlink("nowhere", path), 0);
    snprintf(path, sizeof path, "%s/" TABLE "/20261123_1_1_0/up", top);
    CHECK_INT(symlink("..", path), 0);
    struct read_ahead_found found = walk(0, 1, false);
    CHECK_INT(found.files, 7 + 3);
    CHECK_INT(found.asked, 4);
}

static void delete_part(const char *part)
{
    static const char *const names[] = {
        "data.bin",           "columns.txt",      "data.cmrk4",
        "serialization.json", "p.proj/count.txt", "p.proj/primary.cidx",
        "skp_idx_x.cmrk4",    "p.proj",           "",
    };
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/" TABLE "/%s/%s", top, part, names[i]);
        (void)remove(path);
    }
}

static void *make_and_delete(void *arg)
{
    const atomic_bool *done = arg;
    while (!atomic_load(done)) {
        add_part("20261123_2_2_0");
        delete_part("20261123_2_2_0");
    }
    return NULL;
}

TEST(files_may_come_and_go_during_a_walk)
{
    CHECK(fresh());
    add_part("20261123_1_1_0");
    atomic_bool done = false;
    pthread_t maker;
    CHECK_INT(pthread_create(&maker, NULL, make_and_delete, &done), 0);
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 200; i++) {
        struct read_ahead_found found = walk(0, 1, false);
        if (found.files < least) least = found.files;
    }
    atomic_store(&done, true);
    pthread_join(maker, NULL);
    CHECK(least >= 7); /* what stays is found each time */
}
