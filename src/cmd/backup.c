/* weir backup: of the running process of this configuration, asked at its admin port; of its folder
 * when none runs; or of a server. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json_in.h"
#include "base/num.h"
#include "cmd/admin_client.h"
#include "cmd/backup_args.h"
#include "cmd/backup_job.h"
#include "cmd/cmd.h"
#include "cmd/http_ask.h"
#include "cmd/store_options.h"
#include "obs/log.h"

enum { POLL_MS = 200, ANSWER_BYTES = 1 << 20, FORM_BYTES = 1 << 16, ASK_TIMEOUT_MS = 660000 };

static const char help[] =
    "usage: weir backup PLACE [--incremental BASE] [--json] [--config FILE] [--OPTION VALUE ...]\n"
    "\n"
    "PLACE is a new folder, a file (NAME.tar, NAME.tar.zst, NAME.zip), or s3://bucket/prefix,\n"
    "gs://bucket/prefix, https://host/bucket/prefix. A path that is not absolute lies below\n"
    "backup.path, and a running weir writes only there. With --incremental it holds only what "
    "BASE\n"
    "does not, and needs BASE to be restored.\n"
    "\n"
    "A running weir is asked at admin.endpoint; all it has acknowledged before is in the backup, "
    "or\n"
    "it says that it is not. Without one, the data folder is read. Credentials for an object "
    "store\n"
    "are those of the process that writes.\n"
    "\n"
    "Exit code: 0 done, 1 not done, 2 the command line or the configuration is wrong.\n";

/* Whom to ask: a store of this process, or (NULL) the running weir. */
struct asked {
    const struct config *config;
    struct store *store;
    struct buf answer;
};

static status refused(str text, long code, struct err *err)
{
    while (text.len && text.ptr[text.len - 1] == '\n') text.len--;
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, STR_FMT " (HTTP %ld)", STR_ARG(text), code);
}

static status ask(struct asked *a, bool post, const struct buf *form, struct err *err)
{
    long code = 0;
    struct buf path;
    buf_init(&path, FORM_BYTES);
    buf_printf(&path, "/backup?" STR_FMT "%c", STR_ARG(buf_str(form)), 0);
    buf_clear(&a->answer);
    status s = path.over || form->over
                   ? err_set(err, ST_LIMIT, ERR_NOPOS, "a place that is too long")
                   : admin_ask(a->config, post, path.ptr, ASK_TIMEOUT_MS, &a->answer, &code, err);
    buf_done(&path);
    return s != ST_OK || code == 200 ? s : refused(buf_str(&a->answer), code, err);
}

static status start(struct asked *a, str to, str base, struct err *err)
{
    if (a->store)
        return backup_job_start(a->config, a->store, to, base,
                                S("not asked: no weir runs, and what its journal holds is not in "
                                  "the backup"),
                                &a->answer, err);
    struct buf form;
    buf_init(&form, FORM_BYTES);
    http_form_add(&form, "to", to);
    if (base.len) http_form_add(&form, "base", base);
    status s = ask(a, true, &form, err);
    buf_done(&form);
    return s;
}

static status state(struct asked *a, str id, struct err *err)
{
    buf_clear(&a->answer);
    if (a->store) return backup_job_state(a->store, id, &a->answer, err);
    struct buf form;
    buf_init(&form, FORM_BYTES);
    http_form_add(&form, "id", id);
    status s = ask(a, false, &form, err);
    buf_done(&form);
    return s;
}

struct answer {
    str id, journal;
    bool running;
    uint64_t files, bytes, new_files, new_bytes;
};

/* A flat object; texts are copied to the arena. */
static struct answer read_answer(str text, struct arena *a)
{
    struct answer r = {};
    struct json_in j = json_read(text, a);
    json_next(&j);
    while (json_next(&j) == JSON_KEY) {
        str key = j.text;
        json_next(&j);
        if (str_eq(key, S("id"))) r.id = arena_str(a, j.text);
        if (str_eq(key, S("journal"))) r.journal = arena_str(a, j.text);
        if (str_eq(key, S("running"))) r.running = j.token == JSON_TRUE;
        if (str_eq(key, S("files"))) (void)num_parse_u64(j.text, &r.files);
        if (str_eq(key, S("bytes"))) (void)num_parse_u64(j.text, &r.bytes);
        if (str_eq(key, S("new_files"))) (void)num_parse_u64(j.text, &r.new_files);
        if (str_eq(key, S("new_bytes"))) (void)num_parse_u64(j.text, &r.new_bytes);
    }
    return r;
}

static void print(const struct backup_args *args, const struct answer *r)
{
    if (args->json)
        printf("{\"files\":%llu,\"bytes\":%llu,\"new_files\":%llu,\"new_bytes\":%llu,"
               "\"journal_stored\":%s}\n",
               (unsigned long long)r->files, (unsigned long long)r->bytes,
               (unsigned long long)r->new_files, (unsigned long long)r->new_bytes,
               str_eq(r->journal, S("stored")) ? "true" : "false");
    else
        printf("%s: %llu files, %llu bytes; written: %llu files, %llu bytes\n", args->place.ptr,
               (unsigned long long)r->files, (unsigned long long)r->bytes,
               (unsigned long long)r->new_files, (unsigned long long)r->new_bytes);
    if (!str_eq(r->journal, S("stored")))
        fprintf(stderr, "weir backup: the journal: " STR_FMT "\n", STR_ARG(r->journal));
}

static status wait_for(struct asked *asked, const struct backup_args *args, struct arena *a,
                       struct err *err)
{
    TRY(start(asked, args->place, args->base, err));
    struct answer begun = read_answer(buf_str(&asked->answer), a), now = {.running = true};
    while (now.running) {
        TRY(state(asked, begun.id, err));
        now = read_answer(buf_str(&asked->answer), a);
        if (now.running) nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    now.journal = begun.journal;
    print(args, &now);
    return ST_OK;
}

static status open_own(const struct config *c, struct arena *a, struct store **ret, struct err *err)
{
    struct store_options opt;
    TRY(store_options_of(c, &opt, err));
    *ret = NULL;
    if (opt.driver == STORE_EMBEDDED) {
        opt.data_dir = backup_engine_folder(c, a);
        opt.backup_path = S("/"); /* this process is the user's own */
        if (store_in_use(opt.data_dir)) return ST_OK;
        if (access(opt.data_dir.ptr, F_OK) != 0)
            return err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                           "there is nothing to back up: no folder %s", opt.data_dir.ptr);
    }
    return store_open(&opt, ret, err);
}

static status run(const struct backup_args *args, const struct config *c, struct arena *a,
                  struct err *err)
{
    struct asked asked = {.config = c};
    TRY(open_own(c, a, &asked.store, err));
    buf_init(&asked.answer, ANSWER_BYTES);
    status s = wait_for(&asked, args, a, err);
    buf_done(&asked.answer);
    store_close(asked.store);
    return s;
}

int cmd_backup(int argc, char **argv)
{
    static const struct backup_usage usage = {
        .name = "backup", .help = help, .base_flag = "--incremental", .run = run};
    return backup_main(&usage, argc, argv);
}
