/* door_request: what a request to ClickHouse's HTTP interface asks for, apart from its body. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/compression.h"
#include "net/http.h"
#include "store/store.h"

enum { DOOR_FIELDS_MAX = 1000 };

struct door_request {
    bool get;       /* GET or HEAD: reads only */
    bool has_query; /* ?query= is there, maybe empty */
    str query;      /* decoded */
    str database, format, query_id;
    bool read_only;
    bool whole; /* wait_end_of_query: no byte of an answer before the last */
    enum payload_compression encoding;
    struct store_param *params;
    size_t n_params;
    struct store_setting *settings;
    size_t n_settings;
};

/* Strings borrow from `req` and `a`. *ret_code is ClickHouse's error code when it fails: a
 * parameter that is not possible here, more than DOOR_FIELDS_MAX of them, an unknown
 * Content-Encoding. */
[[nodiscard]] status door_request_read(struct arena *a, const struct http_request *req,
                                       struct door_request *ret, int *ret_code, struct err *err);
