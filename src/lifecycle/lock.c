#include "lifecycle/lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "lifecycle/rows.h"
#include "obs/log.h"
#include "store/store.h"

enum { OWNER_MAX = 200, SQL_BYTES = 1 << 16, TABLE_ALREADY_EXISTS = 57 };
#define TABLE "weir_migration_lock_"

/* ---- who holds it: "<boot>/<pid namespace>/<pid>/<start> on <host>" ---- */

/* Letters, digits and signs that need no quoting. */
static void add_word(char out[OWNER_MAX], const char *word)
{
    size_t n = strlen(out);
    for (; *word && *word != '\n' && n + 1 < OWNER_MAX; word++) {
        bool plain = (*word >= '0' && *word <= '9') || (*word >= 'a' && *word <= 'z') ||
                     (*word >= 'A' && *word <= 'Z') || strchr("-._:[]/ ", *word);
        if (plain) out[n++] = *word;
    }
    out[n] = 0;
}

static void add_boot(char out[OWNER_MAX])
{
    char text[128] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f && !fgets(text, sizeof text, f)) *text = 0;
    if (f) fclose(f);
    add_word(out, text);
    ssize_t n = readlink("/proc/self/ns/pid", text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    add_word(out, "/");
    add_word(out, text);
    add_word(out, "/");
}

/* When the process began, in ticks since boot; 0: there is none. */
static unsigned long long start_of(long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    const char *at = strrchr(text, ')'); /* the name may hold anything */
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    unsigned long long start = 0;
    if (!at || sscanf(at, "%llu", &start) != 1) return 0;
    return start;
}

static void owner_name(char out[OWNER_MAX])
{
    char text[128], host[64] = "";
    *out = 0;
    add_boot(out);
    (void)!gethostname(host, sizeof host - 1);
    snprintf(text, sizeof text, "%ld/%llu on %s", (long)getpid(), start_of(getpid()), host);
    add_word(out, text);
}

/* A process of this machine and namespace that has ended. */
static bool owner_is_gone(str owner)
{
    char here[OWNER_MAX] = "", text[OWNER_MAX];
    add_boot(here);
    size_t n = strlen(here);
    if (owner.len <= n || owner.len >= OWNER_MAX || memcmp(owner.ptr, here, n) != 0) return false;
    snprintf(text, sizeof text, STR_FMT, STR_ARG(str_drop(owner, n)));
    long pid;
    unsigned long long start;
    return sscanf(text, "%ld/%llu", &pid, &start) == 2 && start_of(pid) != start;
}

/* ---- the tables ---- */

struct seen {
    uint64_t number; /* the highest; 0: there is none */
    uint64_t age_s;  /* by the server's clock */
    char owner[OWNER_MAX];
};

static status look(struct store *s, struct seen *ret, struct err *err)
{
    struct rows rows;
    TRY(rows_read(s,
                  S("SELECT toUInt64OrZero(extract(name, '[0-9]+$')) AS n,"
                    " greatest(0, toInt64(toUnixTimestamp(now())) -"
                    " toInt64(toUnixTimestamp(metadata_modification_time))), comment"
                    " FROM system.tables WHERE database = currentDatabase()"
                    " AND startsWith(name, '" TABLE "') ORDER BY n DESC LIMIT 1"),
                  NULL, 0, &rows, err));
    *ret = (struct seen){0};
    str field[3];
    status st = ST_OK;
    if (rows_next(&rows, field, 3)) {
        if (!num_parse_u64(field[0], &ret->number) || !num_parse_u64(field[1], &ret->age_s))
            st = err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot read " TABLE "N");
        snprintf(ret->owner, sizeof ret->owner, STR_FMT, STR_ARG(field[2]));
    }
    rows_done(&rows);
    return st;
}

static status statement(const struct migration_lock *l, const char *verb, uint64_t number,
                        const char *rest, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    buf_printf(&sql, "%s " TABLE "%" PRIu64, verb, number);
    schema_add_on_cluster(&sql, l->set);
    buf_add(&sql, str_of(rest));
    status s = store_exec(l->store, buf_str(&sql), err);
    buf_done(&sql);
    return s;
}

static status comment(struct migration_lock *l, const char *text, struct err *err)
{
    char rest[OWNER_MAX + 40];
    snprintf(rest, sizeof rest, " MODIFY COMMENT '%s'", text);
    return statement(l, "ALTER TABLE", l->number, rest, err);
}

/* N + 1; *ret_won is false when another was quicker. */
static status succeed(struct migration_lock *l, uint64_t number, bool *ret_won, struct err *err)
{
    char owner[OWNER_MAX], rest[OWNER_MAX + 60];
    owner_name(owner);
    snprintf(rest, sizeof rest, " (x UInt8) ENGINE = Null COMMENT '%s'", owner);
    struct err why = {};
    status s = statement(l, "CREATE TABLE", number + 1, rest, &why);
    *ret_won = s == ST_OK;
    if (s != ST_OK && store_error_code(str_of(why.msg)) != TABLE_ALREADY_EXISTS) {
        *err = why;
        return s;
    }
    if (s != ST_OK) return ST_OK;
    l->number = number + 1;
    l->renewed = clock_monotonic();
    if (number) (void)!statement(l, "DROP TABLE IF EXISTS", number, " SYNC", NULL);
    return ST_OK;
}

static void nap(void)
{
    const struct timespec t = {.tv_nsec = 200 * NANOS_MS};
    nanosleep(&t, NULL);
}

status lock_take(struct store *s, const struct schema_settings *set, nanos lease, nanos deadline,
                 struct migration_lock *ret, struct err *err)
{
    struct migration_lock l = {.store = s, .set = set, .lease = lease};
    bool told = false;
    for (;; nap()) {
        struct seen seen;
        bool won = false;
        TRY(look(s, &seen, err));
        if (!seen.number || !*seen.owner || owner_is_gone(str_of(seen.owner)) ||
            (nanos)seen.age_s * NANOS_S > lease) {
            TRY(succeed(&l, seen.number, &won, err));
            if (won) break;
            continue;
        }
        if (clock_monotonic() > deadline)
            return err_set(err, ST_TIMEOUT, ERR_NOPOS,
                           "another weir migrates this store: %s, for %" PRIu64 " s now (" TABLE
                           "%" PRIu64 ")",
                           seen.owner, seen.age_s, seen.number);
        if (!told)
            log_info("lifecycle", "another weir migrates this store: waiting",
                     LOG_CSTR("owner", seen.owner));
        told = true;
    }
    *ret = l;
    return ST_OK;
}

status lock_hold(struct migration_lock *l, struct err *err)
{
    if (clock_monotonic() - l->renewed < l->lease / 4) return ST_OK;
    char owner[OWNER_MAX];
    owner_name(owner);
    struct err why = {};
    if (comment(l, owner, &why) != ST_OK)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                       "the lock " TABLE "%" PRIu64 " is lost: %.200s", l->number, why.msg);
    l->renewed = clock_monotonic();
    return ST_OK;
}

void lock_release(struct migration_lock *l)
{
    if (l->number) (void)!comment(l, "", NULL);
    l->number = 0;
}
