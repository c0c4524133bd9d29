#include "obs/memory.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/metrics.h"
#include "testing/test.h"

enum { MIB = 1 << 20 };

/* ---- a watch with readings that the test makes ---- */

static atomic_uint_fast64_t reading;
static atomic_uint sheds;

static uint64_t read_made_up(void *ctx)
{
    (void)ctx;
    return atomic_load(&reading);
}

static void shed_half(void *ctx)
{
    (void)ctx;
    atomic_store(&reading, atomic_load(&reading) / 2);
    atomic_fetch_add(&sheds, 1);
}

static void start(void (*shed)(void *))
{
    struct memory_options opt = {.soft = 100 * MIB,
                                 .hard = 120 * MIB,
                                 .interval = NANOS_MS,
                                 .shed = shed,
                                 .read = read_made_up};
    atomic_store(&reading, 50 * MIB);
    atomic_store(&sheds, 0);
    CHECK_INT(memory_watch_start(&opt, NULL), ST_OK);
}

/* Waits for as long as it takes, within reason. */
static status admitted(status want, struct err *err)
{
    status got = memory_admit(err);
    for (int i = 0; i < 20000 && got != want; i++) {
        usleep(1000);
        got = memory_admit(err);
    }
    return got;
}

TEST(memory_that_nobody_watches_is_never_short) { CHECK_INT(memory_admit(NULL), ST_OK); }

TEST(memory_above_soft_refuses_retryably_with_the_figures_and_takes_again_below)
{
    struct err err = {0};
    start(NULL);
    uint64_t refused = metric_get(M_MEMORY_REFUSED, 0);
    CHECK_INT(memory_admit(&err), ST_OK);
    atomic_store(&reading, 110 * MIB);
    CHECK_INT(admitted(ST_OVERLOADED, &err), ST_OVERLOADED);
    CHECK(status_retryable(ST_OVERLOADED));
    CHECK(strstr(err.msg, "110 MiB") && strstr(err.msg, "100 MiB"));
    CHECK(metric_get(M_MEMORY_REFUSED, 0) > refused);
    CHECK_INT(metric_get(M_MEMORY_SOFT, 0), 100 * MIB);
    CHECK_INT(metric_get(M_MEMORY_HARD, 0), 120 * MIB);
    atomic_store(&reading, 99 * MIB);
    CHECK_INT(admitted(ST_OK, &err), ST_OK);
    memory_watch_stop();
    atomic_store(&reading, 500 * MIB);
    CHECK_INT(memory_admit(&err), ST_OK);
}

TEST(memory_above_hard_is_given_back_and_requests_are_taken_again)
{
    struct err err = {0};
    start(shed_half);
    atomic_store(&reading, 130 * MIB);
    CHECK_INT(admitted(ST_OK, &err), ST_OK); /* at once, or when half has gone */
    for (int i = 0; i < 20000 && atomic_load(&sheds) == 0; i++) usleep(1000);
    CHECK_INT(atomic_load(&sheds), 1);
    CHECK_INT(admitted(ST_OK, &err), ST_OK);
    for (int i = 0; i < 20000 && metric_get(M_MEMORY_SHED, 0) == 0; i++) usleep(1000);
    CHECK(metric_get(M_MEMORY_SHED, 0) > 0); /* counted after it is given back */
    memory_watch_stop();
}

TEST(memory_that_stays_above_soft_is_given_back_too)
{
    start(shed_half);
    atomic_store(&reading, 110 * MIB);
    for (int i = 0; i < 20000 && atomic_load(&sheds) == 0; i++) usleep(1000);
    CHECK_INT(atomic_load(&sheds), 1);
    memory_watch_stop();
}

TEST(memory_of_the_process_itself_is_read_without_help)
{
    struct memory_options opt = {.soft = 1, .hard = UINT64_MAX, .interval = NANOS_S};
    CHECK_INT(memory_watch_start(&opt, NULL), ST_OK);
    CHECK_INT(memory_admit(NULL), ST_OVERLOADED); /* more than a byte */
    memory_watch_stop();
    memory_watch_stop();
}

/* ---- how much there is ---- */

static char root[64];

static void put(const char *path, const char *text)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *p = whole + strlen(root) + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            (void)mkdir(whole, 0755);
            *p = '/';
        }
    FILE *f = fopen(whole, "w");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

static void tree(const char *cgroup)
{
    snprintf(root, sizeof root, "/tmp/weir-memory-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    put("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
    put("/proc/self/cgroup", cgroup);
}

static void fell(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", root);
    CHECK_INT(system(command), 0);
}

TEST(memory_there_is_comes_from_the_nearest_and_least_group)
{
    tree("0::/a/b\n");
    CHECK_INT(memory_there_is(root), 16 * MIB);
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    CHECK_INT(memory_there_is(root), 16 * MIB);
    put("/sys/fs/cgroup/a/memory.max", "8388608\n");
    CHECK_INT(memory_there_is(root), 8 * MIB);
    put("/sys/fs/cgroup/a/b/memory.max", "12582912\n");
    CHECK_INT(memory_there_is(root), 8 * MIB);
    put("/sys/fs/cgroup/memory.max", "4194304\n"); /* a container's own */
    CHECK_INT(memory_there_is(root), 4 * MIB);
    fell();
}

TEST(memory_there_is_reads_version_one)
{
    tree("9:cpu,cpuacct:/x\n4:rdma,memory:/docker/abc\n0::/x\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK_INT(memory_there_is(root), 16 * MIB);
    put("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "2097152\n");
    CHECK_INT(memory_there_is(root), 2 * MIB);
    fell();
}

TEST(memory_there_is_survives_what_is_not_a_group)
{
    tree("0::/../../etc\n:::\n7:memory\n\n4:memory:");
    put("/sys/fs/cgroup/memory.max", "garbage");
    CHECK_INT(memory_there_is(root), 16 * MIB);
    put("/proc/meminfo", "MemTotal: many");
    CHECK_INT(memory_there_is(root), 0);
    fell();
    CHECK(memory_there_is("") > 0);
}
