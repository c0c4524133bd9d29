/* chdb: the part of libchdb's C interface that is used here. The package comes without a header, so
 * this is our own declaration; the library is loaded with dlopen and never linked.
 *
 * A connection runs one statement at a time. Results are freed with destroy_query_result; a
 * stream's handle is a result too. Parameter values are in ClickHouse's escaped text form. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct chdb_connection_state;
typedef struct chdb_connection_ {
    struct chdb_connection_state *state;
} * chdb_connection;
struct chdb_result;
typedef struct chdb_insert_stream_ *chdb_insert_stream;

/* X(return type, name after "chdb_", parameters) */
#define CHDB_FUNCTIONS                                                                             \
    X(chdb_connection *, connect, (int argc, char **argv))                                         \
    X(void, close_conn, (chdb_connection * c))                                                     \
    X(struct chdb_result *, query_with_params_n,                                                   \
      (chdb_connection c, const char *sql, size_t sql_len, const char *format, size_t format_len,  \
       const char *const *names, const size_t *name_lens, const char *const *values,               \
       const size_t *value_lens, size_t n))                                                        \
    X(struct chdb_result *, stream_query_with_params_n,                                            \
      (chdb_connection c, const char *sql, size_t sql_len, const char *format, size_t format_len,  \
       const char *const *names, const size_t *name_lens, const char *const *values,               \
       const size_t *value_lens, size_t n))                                                        \
    X(struct chdb_result *, stream_fetch_result, (chdb_connection c, struct chdb_result * stream)) \
    X(void, stream_cancel_query, (chdb_connection c, struct chdb_result * stream))                 \
    X(void, destroy_query_result, (struct chdb_result * r))                                        \
    X(chdb_insert_stream, stream_insert_n,                                                         \
      (chdb_connection c, const char *sql, size_t sql_len, const char *format, size_t format_len)) \
    X(const char *, stream_insert_error, (chdb_insert_stream s))                                   \
    X(int, stream_append, (chdb_insert_stream s, const char *data, size_t len))                    \
    X(struct chdb_result *, stream_done, (chdb_insert_stream s))                                   \
    X(void, stream_cancel_insert, (chdb_insert_stream s))                                          \
    X(void, destroy_insert_stream, (chdb_insert_stream s))                                         \
    X(char *, result_buffer, (struct chdb_result * r))                                             \
    X(size_t, result_length, (struct chdb_result * r))                                             \
    X(const char *, result_error, (struct chdb_result * r))                                        \
    X(uint64_t, result_storage_rows_read, (struct chdb_result * r))                                \
    X(uint64_t, result_storage_bytes_read, (struct chdb_result * r))                               \
    X(uint64_t, result_rows_written, (struct chdb_result * r))                                     \
    X(void, set_signal_handlers_enabled, (int enabled))

struct chdb {
#define X(type, name, params) type(*name) params;
    CHDB_FUNCTIONS
#undef X
};

/* Loads the library (once for the process) from `path`, or, when that is empty, from $WEIR_LIBCHDB,
 * beside the binary (libchdb.so, ../lib/weir/libchdb.so), or the newest in the cache
 * ($XDG_CACHE_HOME or ~/.cache)/weir/libchdb-*. ST_UNAVAILABLE: not found, or not loadable; the
 * message names the places. */
[[nodiscard]] status chdb_load(str path, const struct chdb **ret, struct err *err);
