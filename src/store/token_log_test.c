#include "store/token_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "testing/test.h"

static char top[32];

static void folder(const char *below)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", top, below);
    for (char *c = path + 1; *c; c++)
        if (*c == '/') {
            *c = 0;
            mkdir(path, 0755);
            *c = '/';
        }
    mkdir(path, 0755);
}

static bool fresh(void)
{
    snprintf(top, sizeof top, "/tmp/weir-tokens-XXXXXX");
    return mkdtemp(top) != NULL;
}

TEST(tokens_whose_part_was_never_put_in_place_are_taken_out)
{
    static const char log[] = "store/611/6119-aa/deduplication_logs/deduplication_log_1.txt";
    CHECK(fresh());
    uint64_t n = 9;
    struct err err;
    str dir = {top, strlen(top)};
    CHECK_INT(token_log_repair(dir, (str){0}, &n, &err), ST_OK);
    CHECK_INT(n, 0);

    folder("store/611/6119-aa/deduplication_logs");
    folder("store/611/6119-aa/20261123_1_4_1");
    folder("store/611/6119-aa/20261123_6_6_0_7");
    folder("store/611/6119-aa/tmp_insert_20261123_7_7_0");
    folder("store/611/6119-aa/20261124_8_8_0");
    char path[600], text[600] = "";
    snprintf(path, sizeof path, "%s/%s", top, log);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs("1\t20261123_2_2_0\tmerged\n"
          "1\t20261123_6_6_0\tthere\n"
          "2\t20261123_5_5_0\tdropped\n"
          "1\t20261123_7_7_0\tnever\n"
          "1\t20261123_8_8_0\tother partition\n"
          "1\t20261124_8_8_0\tthere too\n"
          "what is this\n"
          "1\t2026",
          f);
    fclose(f);
    CHECK_INT(token_log_repair(dir, (str){0}, &n, &err), ST_OK);
    CHECK_INT(n, 2);
    f = fopen(path, "r");
    CHECK(f != NULL);
    CHECK(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    CHECK(strcmp(text, "1\t20261123_2_2_0\tmerged\n"
                       "1\t20261123_6_6_0\tthere\n"
                       "2\t20261123_5_5_0\tdropped\n"
                       "1\t20261124_8_8_0\tthere too\n"
                       "what is this\n"
                       "1\t2026") == 0);
    CHECK_INT(token_log_repair(dir, (str){0}, &n, &err), ST_OK);
    CHECK_INT(n, 0);
}

TEST(tokens_of_parts_that_went_to_the_cold_volume_stay)
{
    CHECK(fresh());
    folder("hot/store/611/6119-aa/deduplication_logs");
    folder("cold/store/611/6119-aa/20261101_1_2_1");
    char hot[64], cold[64], path[600];
    snprintf(hot, sizeof hot, "%s/hot", top);
    snprintf(cold, sizeof cold, "%s/cold", top);
    snprintf(path, sizeof path, "%s/store/611/6119-aa/deduplication_logs/deduplication_log_1.txt",
             hot);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs("1\t20261101_2_2_0\tmoved\n1\t20261101_3_3_0\tnever\n", f);
    fclose(f);
    uint64_t n = 9;
    struct err err;
    CHECK_INT(token_log_repair(str_of(hot), str_of(cold), &n, &err), ST_OK);
    CHECK_INT(n, 1); /* "never" */
    folder("hot/store/611/6119-aa/20261102_4_4_0");
    CHECK_INT(token_log_repair(str_of(hot), str_of(cold), &n, &err), ST_OK);
    CHECK_INT(n, 0);
}
