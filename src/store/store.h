/* store: the one door to ClickHouse. Two drivers behind it: `embedded` (libchdb in this process)
 * and `server` (ClickHouse's HTTP interface through libcurl).
 *
 * Every call blocks the calling thread until the engine answers; call it from a store writer, a
 * query worker or start-up code, never from a loop. thread: any; concurrent calls use different
 * connections of the pool, and wait when all are busy. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct store;

enum store_driver { STORE_EMBEDDED, STORE_SERVER };

/* How bodies go between here and a server. AUTO: zstd, and nothing when all its addresses are this
 * host. */
enum store_compression {
    STORE_COMPRESS_AUTO,
    STORE_COMPRESS_ZSTD,
    STORE_COMPRESS_LZ4,
    STORE_COMPRESS_NONE
};

/* PEM files; empty: the system's authorities, no certificate of our own. */
struct store_tls {
    str ca_file, cert_file, key_file;
    bool insecure_skip_verify; /* any certificate will do: logged as a warning */
};

/* Where the embedded engine's old parts go by the tables' TTLs. */
struct store_cold {
    str path;             /* another folder, or */
    str url;              /* a place in an object store: s3_url.h */
    str region;           /* of the object store; may be empty */
    uint64_t cache_bytes; /* of local disk for what was read from there; 0: no cache */
};

struct store_options {
    enum store_driver driver;
    unsigned connections; /* pool size; embedded: default 4; server: 5 to 50, fewer become 5 */
    str database;         /* created when absent (embedded and server); default "weir" */

    /* The tables are Distributed ones: an insert is confirmed when its shards have it, and what a
     * statement looks up in another table it looks up on all shards. */
    bool is_cluster;

    /* embedded */
    str data_dir; /* the engine's path; one process per path */
    str library;  /* path of libchdb.so; empty: $WEIR_LIBCHDB, beside the binary, the cache */
    uint64_t memory_bytes; /* max_server_memory_usage; 0: the engine's default */
    struct store_cold cold;
    str s3_credentials_file; /* an AWS credentials file; empty: environment or instance role */
    str backup_path;         /* folder below which BACKUP and RESTORE work; empty: none */
    bool restoring;          /* the folder may hold half of a backup that is being restored */
    bool start_later;        /* the folder is locked and made, store_start loads the tables; until
                                then calls say ST_UNAVAILABLE */

    /* server */
    str url; /* http://host:port, user and password apart; of one store: several, between commas */
    bool round_robin; /* of several: each statement begins at the next; else at the first that works
                       */
    str user, password;
    enum store_compression compression;
    struct store_tls tls;
    bool may_be_away; /* open although it does not answer, answers that it cannot now, or refuses
                         the credentials: calls say so until it does */
    uint32_t connect_timeout_ms, request_timeout_ms; /* 0: 5,000 and 300,000 */
};

/* What store_open would say of the options alone: asks nobody. ST_INVALID, ST_LIMIT. */
[[nodiscard]] status store_check(const struct store_options *opt, struct err *err);

/* Opens the driver, makes the database, checks that it answers. Strings are copied.
 * ST_UNAVAILABLE: no library, path in use by another process, no server; the error says which and
 * what to do. */
[[nodiscard]] status store_open(const struct store_options *opt, struct store **ret,
                                struct err *err);

/* Starts what was opened with `start_later`, which takes as long as there are parts to load;
 * nothing else: nothing. Before any other thread asks for the version. ST_UNAVAILABLE: it does not
 * start. */
[[nodiscard]] status store_start(struct store *s, struct err *err);

/* Closes connections. The embedded engine cannot be shut down cleanly: the process ends with _exit.
 * Accepts NULL. */
void store_close(struct store *s);

/* Has a process the embedded engine's folder open? */
bool store_in_use(str data_dir);

/* A file of this name in the embedded engine's folder: half of a backup was restored there. A store
 * without `restoring` does not open. */
#define STORE_RESTORING "weir-restoring"

enum store_driver store_driver_of(const struct store *s);

struct store_setting {
    str name, value;
};

/* INSERT INTO `table` (all columns by name in the blocks) FORMAT Native.
 * `body` is one or more whole Native blocks in `n` pieces (borrowed until return); `token` is the
 * insert_deduplication_token (empty: none). async_insert=0 always.
 *
 * ST_OK: durable in the store, once. ST_INVALID: the store refuses the content (type mismatch,
 * unknown column, too many partitions: trying again cannot help). ST_UNAVAILABLE, ST_TIMEOUT,
 * ST_OVERLOADED: try the same bytes again with the same token. The message carries the engine's
 * text and code. */
[[nodiscard]] status store_insert(struct store *s, str table, str token, const str *body, size_t n,
                                  struct err *err);

/* The same, until *cancel is set (by any thread): then it returns ST_CANCELLED soon, and what was
 * sent may be stored or not. An insert that the embedded engine is at work on still ends by itself.
 */
[[nodiscard]] status store_insert_unless(struct store *s, str table, str token, const str *body,
                                         size_t n, atomic_bool *cancel, struct err *err);

struct store_param {
    str name, value; /* {name:Type} in the SQL; value as ClickHouse's text form. Scalars are
                        TSV-escaped by the driver */
};

/* Whose rights a statement has. Those of the door's users reach neither files nor other hosts. */
enum store_role {
    STORE_OWN,   /* weir's: everything */
    STORE_WRITE, /* tables, views and databases: read, insert, make, change, drop */
    STORE_READ   /* read only */
};

struct store_query {
    str sql;      /* without FORMAT */
    str format;   /* empty: Native */
    str database; /* empty: the store's */
    const struct store_param *params;
    size_t n_params;
    bool params_escaped; /* the values are escaped already, as ClickHouse's clients send them */
    const struct store_setting *settings; /* for this statement only */
    size_t n_settings;
    enum store_role role; /* the engine sees to it. Server driver: STORE_OWN only, as its user has
                             rights of its own; else ST_UNSUPPORTED */
    uint64_t max_bytes;   /* of the result; 0: no limit. Past it: ST_LIMIT */
    uint32_t timeout_ms;  /* 0: the store's */
    atomic_bool *cancel;  /* may be NULL; set by any thread: the call returns ST_CANCELLED soon */
    struct buf *message;  /* may be NULL; on failure gets the engine's whole text (an err holds 479
                             bytes of it) */
};

struct store_stats {
    uint64_t rows_read, bytes_read; /* by the engine, until the last piece was made; by a server,
                                       until it sent the headers of its answer */
    uint64_t result_bytes;
    uint64_t rows_written;
};

/* Runs a statement and hands the result over in pieces, in order. With Native, pieces may end
 * inside a block. `chunk` returning false ends the call with ST_CANCELLED. `ret` may be NULL; with
 * the embedded engine it grows from piece to piece.
 * Errors as ClickHouse words them ("Code: 60. DB::Exception: ..."): ST_INVALID for bad SQL and
 * unknown names, ST_LIMIT for memory, row and byte limits, ST_TIMEOUT, ST_CANCELLED,
 * ST_UNAVAILABLE. */
[[nodiscard]] status store_query(struct store *s, const struct store_query *q,
                                 bool (*chunk)(void *ctx, str piece), void *ctx,
                                 struct store_stats *ret, struct err *err);

/* store_query into one buf. The buf's ceiling counts like max_bytes. */
[[nodiscard]] status store_query_buf(struct store *s, const struct store_query *q, struct buf *out,
                                     struct err *err);

/* A statement with no result: DDL. */
[[nodiscard]] status store_exec(struct store *s, str sql, struct err *err);

/* An INSERT whose bytes come in pieces. `q.sql` is the statement without FORMAT and data ("INSERT
 * INTO t (a, b)"), `q.format` any input format; params are not possible. Holds a connection from
 * begin to end. store_input_end and store_input_abort free it, whatever they return. Statuses: as
 * store_insert. */
struct store_input;
[[nodiscard]] status store_input_begin(struct store *s, const struct store_query *q,
                                       struct store_input **ret, struct err *err);
[[nodiscard]] status store_input_append(struct store_input *in, str piece, struct err *err);
[[nodiscard]] status store_input_end(struct store_input *in, struct store_stats *ret,
                                     struct err *err);
void store_input_abort(
    struct store_input *in); /* what was appended is not stored, or only in part; accepts NULL */

/* store_input_begin says no from now on, with this text (a constant), as a disk that is full; NULL:
 * it says yes again. store_insert goes on: what was acknowledged is taken. thread: any */
void store_refuse_input(struct store *s, const char *why);

/* Rows of otel_metrics and otel_metric_targets, as far as this process knows, which is the only one
 * that can change what the embedded engine has. */
struct store_window {
    int64_t end_ms;     /* end_ms - 5 min < timestamp <= end_ms */
    uint64_t change;    /* another number after each insert for it */
    int64_t touched_ms; /* the last of them */
};
struct store_changes {
    uint64_t epoch;   /* another one in each process, and after all that changes samples but by
                         inserting them: DELETE, DROP, new views, and by inserts of the HTTP door */
    int64_t epoch_ms; /* since when */
    uint64_t series;  /* another one after each insert into the catalogues of series */
    const struct store_window *windows; /* in the arena, ascending; written to in this epoch */
    uint32_t n;
};
enum store_known {
    STORE_KNOWN,
    STORE_UNSETTLED, /* a statement is changing them, or what it began goes on */
    STORE_UNKNOWN    /* others may have: a server, or views of others that write to the tables */
};
/* Who reads this and then samples of [from_ms, to_ms] has all those of inserts that were confirmed
 * before; and when it reads the same once more, none were added or taken away since, but by an
 * insert that is not confirmed yet or by a TTL. Microseconds, but after a statement that may go on
 * in the background: then the engine is asked, once a second at most. */
enum store_known store_changes(struct store *s, struct arena *a, int64_t from_ms, int64_t to_ms,
                               struct store_changes *ret);

/* The engine's version, "26.7.2.1"; empty when it was away at open. */
const char *store_version(const struct store *s);

/* Does it answer now? */
[[nodiscard]] status store_ping(struct store *s, struct err *err);

/* ClickHouse's error code in an error text ("Code: 60. ..."), or 0. */
int store_error_code(str message);
