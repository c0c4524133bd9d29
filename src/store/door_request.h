/* door_request: what a request to ClickHouse's HTTP interface asks for, apart from its body. Pure.
 */
#pragma once

#include "base/arena.h"
#include "net/http.h"
#include "store/door_decode.h"
#include "store/store.h"

enum { DOOR_FIELDS_MAX = 1000 };

struct door_request {
    bool get;       /* GET or HEAD: reads only */
    bool has_query; /* ?query= is there, maybe empty */
    str query;      /* decoded */
    str database, format, query_id;
    str user, password; /* who asks: one of three ways; without any, `default` and nothing */
    bool read_only;
    bool whole;                       /* wait_end_of_query: no byte of an answer before the last */
    bool progress;                    /* send_progress_in_http_headers */
    uint64_t buffer_size;             /* of an answer: so many bytes before the first is sent */
    uint64_t revision;                /* client_protocol_version; 0: not stated */
    enum door_coding encoding;        /* Content-Encoding */
    enum door_coding answer_encoding; /* that the client accepts, when it has asked for any */
    bool frames_in, frames_out;       /* decompress=1, compress=1: inside those encodings */
    struct store_param *params;
    size_t n_params;
    struct store_setting *settings;
    size_t n_settings;
};

/* Strings borrow from `req` and `a`. *ret_code is ClickHouse's error code when it fails: a
 * parameter that is not possible here, more than DOOR_FIELDS_MAX of them, an unknown
 * Content-Encoding, several kinds of credentials. */
[[nodiscard]] status door_request_read(struct arena *a, const struct http_request *req,
                                       struct door_request *ret, int *ret_code, struct err *err);
