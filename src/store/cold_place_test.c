#include "store/cold_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/test.h"

/* A fresh folder with an engine's folder and a place for cold parts in it. */
static char base[64], engine_dir[128], cold[128];

static void fresh(void)
{
    snprintf(base, sizeof base, "/tmp/weir-cold-place-XXXXXX");
    CHECK(mkdtemp(base));
    snprintf(engine_dir, sizeof engine_dir, "%s/engine", base);
    snprintf(cold, sizeof cold, "%s/mnt/cold/", base);
    CHECK_INT(mkdir(engine_dir, 0700), 0);
}

static void run(const char *format, const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command, format, a, b);
    CHECK_INT(system(command), 0);
}

static status settle(const char *path, const char *endpoint, size_t *parts, struct err *err)
{
    struct cold_place want = {str_of(path), str_of(endpoint)};
    return cold_place_settle(engine_dir, &want, parts, err);
}

TEST(a_place_that_holds_nothing_may_change_or_be_given_up)
{
    size_t parts = 9;
    struct err err;
    fresh();
    CHECK(settle("", "", &parts, &err) == ST_OK);
    CHECK(settle(cold, "", &parts, &err) == ST_OK);
    CHECK(settle("", "http://h/b/", &parts, &err) == ST_OK);
    CHECK(settle("", "http://h/c/", &parts, &err) == ST_OK);
    CHECK(settle("", "", &parts, &err) == ST_OK);
    CHECK_INT(parts, 0);
    run("rm -r %s%s", base, "");
}

TEST(a_place_that_holds_parts_is_neither_left_nor_changed)
{
    size_t parts = 9;
    struct err err = {};
    fresh();
    CHECK(settle("", "http://h/b/", &parts, &err) == ST_OK);
    run("mkdir -p %s/disks/cold_bucket/store/abc/u1/%s", engine_dir, "20260101_1_1_0");
    run("mkdir -p %s/disks/cold_bucket/store/abc/u1/%s", engine_dir, "moving");
    run("mkdir -p %s/disks/cold_bucket/store/abc/u1/%s", engine_dir, "tmp_x");
    CHECK(settle("", "http://h/b/", &parts, &err) == ST_OK);
    CHECK_INT(parts, 1);
    CHECK(settle("", "", &parts, &err) == ST_INVALID);
    CHECK(strstr(err.msg, "1 parts lie in cold storage at http://h/b/"));
    CHECK(settle("", "http://h/c/", &parts, &err) == ST_INVALID);
    CHECK(settle(cold, "", &parts, &err) == ST_INVALID);
    run("rm %s/weir-cold%s", engine_dir, ""); /* copied elsewhere, says the operator */
    CHECK(settle("", "http://h/c/", &parts, &err) == ST_OK);
    run("rm -r %s%s", base, "");
}

TEST(a_folder_that_is_not_mounted_is_told_from_the_one_that_was_used)
{
    size_t parts = 9;
    struct err err = {};
    fresh();
    CHECK(settle(cold, "", &parts, &err) == ST_OK);
    run("mkdir -p %s/store/abc/u1/%s", cold, "20260101_1_1_0");
    CHECK(settle(cold, "", &parts, &err) == ST_OK);
    CHECK_INT(parts, 1);
    run("mv %s/mnt %s/away", base, base);
    run("mkdir -p %s%s", cold, "");
    CHECK(settle(cold, "", &parts, &err) == ST_INVALID);
    CHECK(strstr(err.msg, "mounted?"));
    run("rm -r %s/mnt%s", base, "");
    run("mv %s/away %s/mnt", base, base);
    CHECK(settle(cold, "", &parts, &err) == ST_OK);
    CHECK(settle("", "", &parts, &err) == ST_INVALID);
    run("rm -r %s%s", base, "");
}
