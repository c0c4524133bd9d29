/* Any bytes as a URL's query, as credentials and as the beginning of a body: parameters stay inside
 * their limits, and what an INSERT is taken for does not depend on how much of it is there. */
#include <assert.h>
#include <stdint.h>

#include "store/door_request.h"
#include "store/door_sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cut_anywhere(str text)
{
    struct door_sql known = {}, sql = {};
    size_t step = text.len / 64 + 1;
    for (size_t n = 0; n <= text.len; n += step) {
        if (door_sql_read((str){text.ptr, n}, false, &sql, NULL) != ST_OK) return;
        if (known.kind == DOOR_SQL_INSERT) {
            assert(sql.kind == DOOR_SQL_INSERT);
            assert(str_eq(sql.statement, known.statement) && str_eq(sql.format, known.format));
        }
        if (sql.kind == DOOR_SQL_INSERT) assert(sql.data <= n && sql.statement.len <= n);
        known = sql;
    }
    if (door_sql_read(text, true, &sql, NULL) == ST_OK) assert(sql.kind != DOOR_SQL_MORE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 1 << 24);
    struct http_header h[] = {{S("authorization"), text}, {S("accept-encoding"), text}};
    struct http_request req = {
        .method = S("POST"), .path = S("/"), .query = text, .headers = h, .n_headers = 1};
    struct door_request r = {};
    int code = 0;
    if (door_request_read(&a, &req, &r, &code, NULL) == ST_OK)
        assert(r.user.len + r.password.len <= size || str_eq(r.user, S("default")));
    req.headers = h + 1;
    code = 0;
    if (door_request_read(&a, &req, &r, &code, NULL) == ST_OK) {
        assert(r.n_params + r.n_settings <= DOOR_FIELDS_MAX);
        cut_anywhere(r.query);
    }
    cut_anywhere(text);
    static const char *const names[] = {"max_memory_usage"};
    size_t which = 0;
    str id = {0};
    bool wait = false;
    if (door_sql_sets(text, names, 1, &which)) assert(which == 0);
    if (door_sql_kill(text, &id, &wait)) assert(id.len < size);
    arena_done(&a);
    return 0;
}
