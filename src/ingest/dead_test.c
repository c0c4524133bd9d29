#include "ingest/dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/dead_folder.h"
#include "ingest/state.h"
#include "testing/test.h"

static const struct route route = {.name = "logs/eu>otlp", .safe = "logs,eu~otlp"};
static const uint8_t id[16] = {0xab};
static const char folder[] = "ab000000000000000000000000000000-logs,eu~otlp-7-12";

static char dir[40];

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/weir-dead-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", dir);
    CHECK_INT(system(command), 0);
}

static str file(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s/%s", dir, folder, name);
    return test_read_file(path);
}

static void write_two(void)
{
    struct held two = {.seq = 12,
                       .wire = S("\x1f\x8b"),
                       .format = PAYLOAD_JSON,
                       .compression = PAYLOAD_GZIP,
                       .received_at = 2000};
    struct held one = {
        .seq = 7, .wire = S("body"), .format = PAYLOAD_PROTOBUF, .received_at = 1000, .next = &two};
    struct dead_block b = {id, &route, 7, 12, 30, &one, "Code: 16. No such column"};
    struct err err;
    CHECK_INT(dead_write(dir, &b, &err), ST_OK);
}

TEST(a_dead_block_is_a_folder_with_the_requests_as_they_came_and_the_reason)
{
    make_dir();
    write_two();
    write_two(); /* again, as after a crash between dead/ and done */
    CHECK_STR(file("00000000000000000007.pb"), S("body"));
    CHECK_STR(file("00000000000000000012.json.gz"), S("\x1f\x8b"));
    CHECK_STR(file("received"), S("7 1000\n12 2000\n"));
    str reason = file("reason");
    CHECK(memmem(reason.ptr, reason.len, "route logs/eu>otlp\ntime 2", 25) != NULL);
    CHECK(memmem(reason.ptr, reason.len, "Z\nitems 30\n\nCode: 16. No such column\n", 37) != NULL);
    remove_dir();
}

TEST(dead_blocks_are_listed_read_back_and_removed)
{
    make_dir();
    write_two();
    struct dead_entry *all;
    struct dead_request *requests;
    struct arena a;
    size_t n;
    struct err err = {0};
    CHECK_INT(dead_list(dir, &all, &n, &err), ST_OK);
    CHECK_INT(n, 1);
    CHECK_STR(str_of(all[0].id), str_of(folder));
    CHECK_STR(str_of(all[0].route), S("logs/eu>otlp"));
    CHECK_STR(str_of(all[0].reason), S("Code: 16. No such column"));
    CHECK_INT(all[0].items, 30);
    CHECK_INT(all[0].requests, 2);
    CHECK_INT(all[0].bytes, 6);
    free(all);

    arena_init(&a, 1 << 20);
    CHECK_INT(dead_read(&a, dir, str_of(folder), &requests, &n, &err), ST_OK);
    CHECK_INT(n, 2);
    CHECK_INT(requests[1].seq, 12);
    CHECK_INT(requests[1].received_at, 2000);
    CHECK_INT(requests[1].compression, PAYLOAD_GZIP);
    CHECK_STR(requests[0].wire, S("body"));
    arena_done(&a);

    CHECK_INT(dead_remove(dir, str_of(folder), &err), ST_OK);
    CHECK_INT(dead_remove(dir, str_of(folder), &err), ST_NOT_FOUND);
    CHECK_INT(dead_list(dir, &all, &n, &err), ST_OK);
    CHECK_INT(n, 0);
    free(all);
    CHECK_INT(dead_list("/tmp/weir-no-such-folder", &all, &n, &err), ST_OK);
    CHECK_INT(n, 0);
    remove_dir();
}

TEST(only_the_name_of_a_dead_block_is_taken_for_one)
{
    struct dead_id d;
    CHECK(dead_id_parse(str_of(folder), &d));
    CHECK_INT(d.first_seq, 7);
    CHECK_INT(d.last_seq, 12);
    CHECK_STR(d.route, S("logs,eu~otlp"));
    CHECK(d.journal_id[0] == 0xab);
    const char *wrong[] = {"",
                           "..",
                           "../ab000000000000000000000000000000-logs-1-2",
                           "ab000000000000000000000000000000-logs-7",
                           "ab000000000000000000000000000000-logs-7-x",
                           "ab000000000000000000000000000000-logs-12-7",
                           "zb000000000000000000000000000000-logs-7-12",
                           "ab000000000000000000000000000000-logs-7-12.new"};
    struct err err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(!dead_id_parse(str_of(wrong[i]), &d));
        CHECK_INT(dead_remove("/tmp", str_of(wrong[i]), &err), ST_INVALID);
    }
}

TEST(a_dead_folder_that_cannot_be_made_is_an_error_that_names_it)
{
    struct dead_block b = {id, &route, 1, 1, 0, NULL, ""};
    struct err err;
    CHECK_INT(dead_write("/proc/no/dead", &b, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "/proc/no/dead") != NULL);
}
