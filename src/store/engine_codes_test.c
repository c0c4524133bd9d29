#include "store/engine_codes.h"

#include <stdio.h>

#include "store/store.h"
#include "testing/test.h"

static const str missing_table = {
    .ptr = "Code: 60. DB::Exception: Table weir.t does not exist. (UNKNOWN_TABLE)", .len = 69};

TEST(the_code_is_found_wherever_the_text_begins)
{
    CHECK_INT(store_error_code(missing_table), 60);
    CHECK_INT(store_error_code(S("otel_logs: Code: 241. DB::Exception: x")), 241);
    CHECK_INT(store_error_code(S("no code")), 0);
    CHECK_INT(store_error_code(S("Code: ")), 0);
    CHECK_INT(store_error_code(S("")), 0);
    CHECK(store_error_code(S("Code: 99999999999999999999")) < 10000000);
}

TEST(what_a_code_means_depends_on_the_use)
{
    CHECK_INT(engine_status(missing_table, ENGINE_QUERY), ST_INVALID);
    CHECK_INT(engine_status(missing_table, ENGINE_INSERT), ST_UNAVAILABLE);
    str memory =
        S("Code: 241. DB::Exception: (total) memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)");
    CHECK_INT(engine_status(memory, ENGINE_QUERY), ST_LIMIT);
    CHECK_INT(engine_status(memory, ENGINE_INSERT), ST_OVERLOADED);
    CHECK_INT(engine_status(S("Code: 49. DB::Exception: Logical error"), ENGINE_QUERY),
              ST_INTERNAL);
    CHECK_INT(engine_status(S("something else"), ENGINE_INSERT), ST_INTERNAL);
}

TEST(too_many_partitions_cannot_be_helped_by_waiting_but_too_many_parts_can)
{
    str partitions =
        S("Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100)");
    str parts = S("Code: 252. DB::Exception: Too many parts (3001). Merges are processing slower "
                  "than inserts");
    CHECK_INT(engine_status(partitions, ENGINE_INSERT), ST_INVALID);
    CHECK_INT(engine_status(parts, ENGINE_INSERT), ST_OVERLOADED);
}

TEST(an_inserts_statuses_are_retryable_or_about_content)
{
    for (int code = 1; code < 1000; code++) {
        char text[32];
        int n = snprintf(text, sizeof text, "Code: %d.", code);
        status s = engine_status((str){text, (size_t)n}, ENGINE_INSERT);
        CHECK(status_retryable(s) || s == ST_INVALID || s == ST_INTERNAL);
    }
}

TEST(http_statuses_are_clickhouses)
{
    CHECK_INT(engine_http_status(60), 404);
    CHECK_INT(engine_http_status(62), 400);
    CHECK_INT(engine_http_status(241), 500);
    CHECK_INT(engine_http_status(159), 408);
    CHECK_INT(engine_http_status(49), 500);
    CHECK(strcmp(engine_code_name(81), "UNKNOWN_DATABASE") == 0);
}

TEST(the_error_is_the_engines_text_without_its_last_newline)
{
    struct err err = {};
    CHECK_INT(engine_error(S("Code: 62. DB::Exception: x\n"), ENGINE_QUERY, &err), ST_INVALID);
    CHECK_STR(((str){err.msg, strlen(err.msg)}), S("Code: 62. DB::Exception: x"));
}
