#include "store/door_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "testing/test.h"

static char path[64];

static status open_text(const char *text, struct door_users **ret, struct err *err)
{
    snprintf(path, sizeof path, "/tmp/weir-users-XXXXXX");
    FILE *f = fdopen(mkstemp(path), "w");
    if (!f) abort();
    fputs(text, f);
    fclose(f);
    status s = door_users_open(path, ret, err);
    unlink(path);
    return s;
}

TEST(without_a_file_there_is_default_without_a_password)
{
    struct door_users *u = NULL;
    struct err err = {};
    CHECK_INT(door_users_open(NULL, &u, &err), ST_OK);
    const struct door_user *one = door_users_find(u, S("default"), S(""));
    CHECK(one && !one->read_only && !one->memory);
    CHECK(!door_users_find(u, S("default"), S("x")));
    CHECK(!door_users_find(u, S("admin"), S("")));
    door_users_close(u);
}

TEST(users_have_passwords_and_limits)
{
    struct door_users *u = NULL;
    struct err err = {};
    static const char text[] =
        "users:\n"
        "  grafana:\n"
        "    password_sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n"
        "    readonly: true\n"
        "    max_concurrent_queries: 3\n"
        "    max_memory: 1GiB\n"
        "    max_execution_time: 1500ms\n"
        "    max_rows_to_read: 1000\n"
        "    max_result_rows: 10\n"
        "  open:\n"
        "    password_sha256: \"\"\n";
    CHECK_INT(open_text(text, &u, &err), ST_OK);
    const struct door_user *g = door_users_find(u, S("grafana"), S("secret"));
    CHECK(g && g->read_only);
    CHECK_INT(g->concurrent, 3);
    CHECK_INT(g->memory, 1 << 30);
    CHECK_INT(g->time, 1500000000);
    CHECK_INT(g->rows, 1000);
    CHECK_INT(g->result_rows, 10);
    CHECK(!door_users_find(u, S("grafana"), S("Secret")));
    CHECK(!door_users_find(u, S("grafana"), S("")));
    CHECK(!door_users_find(u, S("default"), S("")));
    CHECK(door_users_find(u, S("open"), S("")) && !door_users_find(u, S("open"), S("secret")));
    door_users_close(u);
}

static void refuses(const char *text, const char *why)
{
    struct door_users *u = NULL;
    struct err err = {};
    CHECK_INT(open_text(text, &u, &err), ST_INVALID);
    CHECK(strstr(err.msg, path) && strstr(err.msg, why));
}

TEST(a_wrong_file_is_told_with_its_place)
{
    refuses("", "no users");
    refuses("users:\n  a:\n    readonly: true\n", ":2:3: users.a: no password_sha256");
    refuses("users:\n  a:\n    password_sha256: x\n", ":3:22: users.a.password_sha256: not 64");
    refuses("users:\n  a:\n    password: x\n", "users.a");
    struct door_users *u = NULL;
    struct err err = {};
    CHECK_INT(door_users_open("/nowhere/users.yaml", &u, &err), ST_INVALID);
}
