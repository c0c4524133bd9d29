#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/state.h"
#include "testing/test.h"

TEST(a_dead_block_is_a_folder_with_the_requests_as_they_came_and_the_reason)
{
    char dir[] = "/tmp/weir-dead-XXXXXX", path[300], command[400];
    CHECK(mkdtemp(dir) != NULL);
    struct held two = {
        .seq = 12, .wire = S("\x1f\x8b"), .format = PAYLOAD_JSON, .compression = PAYLOAD_GZIP};
    struct held one = {.seq = 7, .wire = S("body"), .format = PAYLOAD_PROTOBUF, .next = &two};
    const uint8_t id[16] = {0xab};
    struct err err;
    for (int round = 0; round < 2; round++) /* again, as after a crash between dead/ and done */
        CHECK_INT(dead_write(dir, id, SIGNAL_LOGS, 7, 12, &one, "Code: 16. No such column", &err),
                  ST_OK);
    const char *folder = "ab000000000000000000000000000000-logs-7-12";
    snprintf(path, sizeof path, "%s/%s/00000000000000000007.pb", dir, folder);
    CHECK_STR(test_read_file(path), S("body"));
    snprintf(path, sizeof path, "%s/%s/00000000000000000012.json.gz", dir, folder);
    CHECK_STR(test_read_file(path), S("\x1f\x8b"));
    snprintf(path, sizeof path, "%s/%s/reason", dir, folder);
    CHECK_STR(test_read_file(path), S("Code: 16. No such column"));
    snprintf(command, sizeof command, "rm -r %s", dir);
    CHECK_INT(system(command), 0);
}

TEST(a_dead_folder_that_cannot_be_made_is_an_error_that_names_it)
{
    const uint8_t id[16] = {0};
    struct err err;
    CHECK_INT(dead_write("/proc/no/dead", id, SIGNAL_LOGS, 1, 1, NULL, "", &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "/proc/no/dead") != NULL);
}
