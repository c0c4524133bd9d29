/* Migrations of the embedded engine killed after each statement, the lock of a server, and what a
 * cluster would run, read by the engine's parser. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/lock.h"

static const struct schema_settings settings = {
    .traces_partition_seconds = 3600, .retention_days = {30, 14, 90, 90, 90, 90, 365, 365, 365}};
static const struct schema_settings cluster = {
    .traces_partition_seconds = 3600,
    .retention_days = {30, 14, 90, 90, 90, 90, 365, 365, 365},
    .cluster = S("default"),
    .database = S("weir")};

/* ---- killed after each statement ---- */

struct child {
    struct store *store;
    unsigned left; /* statements to go before the end */
};

static status exec_and_die(void *ctx, str sql, struct err *err)
{
    struct child *c = ctx;
    TRY(store_exec(c->store, sql, err));
    if (--c->left == 0) raise(SIGKILL);
    return ST_OK;
}

static status applied(void *ctx, struct applied_migration *out, size_t cap, size_t *ret_n,
                      struct err *err)
{
    return lifecycle_applied(((struct child *)ctx)->store, out, cap, ret_n, err);
}

/* The engine on `dir`, in a process that is killed after `statements`: true. Or it gets through and
 * the tables are what tables.def says: false. */
static bool is_killed(str dir, unsigned statements)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct err err = {};
        struct child c = {.left = statements};
        struct store_options opt = {.driver = STORE_EMBEDDED, .data_dir = dir};
        uint32_t changed = 0;
        status s = store_open(&opt, &c.store, &err);
        if (s == ST_OK) s = schema_migrate(&settings, exec_and_die, applied, &c, 0, NULL, &err);
        if (s == ST_OK) s = lifecycle_check_columns(c.store, &err);
        if (s == ST_OK) s = lifecycle_retain(c.store, &settings, &changed, &err);
        if (s != ST_OK) fprintf(stderr, "child: %s\n", err.msg);
        _exit(s == ST_OK && !changed ? 0 : 1);
    }
    int how = 0;
    CHECK_INT(waitpid(pid, &how, 0), pid);
    CHECK(WIFSIGNALED(how) ? WTERMSIG(how) == SIGKILL : WIFEXITED(how) && WEXITSTATUS(how) == 0);
    return WIFSIGNALED(how);
}

/* Each life gets one statement further than the one before, on what that one left. */
TEST(an_embedded_store_killed_after_any_statement_of_a_migration_is_migrated_at_the_next_start)
{
    char dir[] = "/tmp/weir-migrate-XXXXXX", command[64];
    CHECK(mkdtemp(dir) != NULL);
    unsigned lives = 1;
    while (is_killed((str){dir, sizeof dir - 1}, lives)) lives++;
    CHECK(lives > n_migrations);
    printf("killed %u times\n", lives - 1);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK_INT(system(command), 0);
}

/* ---- what a cluster would run ---- */

static status parse(void *ctx, str sql, struct err *err)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    struct store_param param = {S("q"), sql};
    struct store_query q = {.sql = S("SELECT formatQuery({q:String})"),
                            .format = S("TabSeparatedRaw"),
                            .params = &param,
                            .n_params = 1};
    status s = store_query_buf(engine_store(), &q, &out, err);
    if (s != ST_OK) fprintf(stderr, STR_FMT "\n", STR_ARG(sql));
    buf_done(&out);
    ++*(unsigned *)ctx;
    return s;
}

static status none(void *, struct applied_migration *, size_t, size_t *ret_n, struct err *)
{
    *ret_n = 0;
    return ST_OK;
}

TEST(the_engine_can_read_each_statement_of_a_cluster)
{
    unsigned n = 0;
    struct err err = {};
    WANT(schema_migrate(&cluster, parse, none, &n, 0, NULL, &err), ST_OK);
    CHECK(n > 2 * n_migrations);
}

/* ---- the lock ---- */

static const nanos minute = 60 * NANOS_S;

static status take(struct migration_lock *l, nanos lease, struct err *err)
{
    return lock_take(engine_server(), &settings, lease, clock_monotonic(), l, err);
}

TEST(a_lock_has_one_owner_until_it_is_released)
{
    struct migration_lock a = {}, b = {};
    struct err err = {};
    WANT(take(&a, minute, &err), ST_OK);
    WANT(lock_hold(&a, &err), ST_OK);
    WANT(take(&b, minute, &err), ST_TIMEOUT);
    CHECK(strstr(err.msg, "another weir") != NULL);
    lock_release(&a);
    WANT(take(&b, minute, &err), ST_OK);
    lock_release(&b);
    CHECK_STR(engine_ask(engine_store(), "SELECT count() FROM system.tables WHERE name LIKE "
                                         "'weir_migration_lock_%'"),
              S("1"));
}

static struct migration_lock held_elsewhere(void)
{
    struct migration_lock l = {};
    struct err err = {};
    char sql[200];
    WANT(take(&l, minute, &err), ST_OK);
    snprintf(sql, sizeof sql, "ALTER TABLE weir_migration_lock_%llu MODIFY COMMENT 'boot/ns/1/1'",
             (unsigned long long)l.number);
    engine_do(engine_store(), sql);
    return l;
}

TEST(the_owner_of_a_lock_that_is_not_renewed_in_time_is_succeeded_and_learns_of_it)
{
    struct err err = {};
    struct migration_lock old = held_elsewhere(), late = {};
    WANT(take(&late, minute, &err), ST_TIMEOUT);
    CHECK(strstr(err.msg, "boot/ns/1/1") != NULL);
    status s; /* its age is told in whole seconds */
    while ((s = take(&late, 0, &err)) == ST_TIMEOUT) usleep(50000);
    WANT(s, ST_OK);
    CHECK(late.number == old.number + 1);
    old.renewed -= minute;
    WANT(lock_hold(&old, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "lost") != NULL);
    WANT(lock_hold(&late, &err), ST_OK);
    lock_release(&late);
}
