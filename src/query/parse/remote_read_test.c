#include "query/parse/remote_read.h"

#include "base/pb_out.h"
#include "testing/test.h"

static struct arena arena;
static struct buf body;
static struct pb_out out;
static struct remote_read got;
static struct err err;

static void begin(void)
{
    arena_init(&arena, 1 << 20);
    buf_init(&body, 1 << 20);
    out = pb_begin_in(&body);
    err = (struct err){0};
}

static void matcher(uint64_t type, str name, str value)
{
    pb_begin(&out, 3);
    pb_put_varint(&out, 1, type);
    pb_put_str(&out, 2, name);
    pb_put_str(&out, 3, value);
    pb_end(&out);
}

static void check_parse(status want)
{
    char *copy = arena_alloc(&arena, body.len + 64, 1);
    if (body.len) memcpy(copy, body.ptr, body.len);
    CHECK_INT(remote_read_parse(&arena, (str){copy, body.len}, &got, &err), want);
}

static void done(void)
{
    buf_done(&body);
    arena_done(&arena);
}

TEST(queries_have_their_time_and_matchers)
{
    begin();
    pb_begin(&out, 1);
    pb_put_varint(&out, 1, (uint64_t)-5);
    pb_put_varint(&out, 2, 1000);
    matcher(0, S("__name__"), S("up"));
    matcher(3, S("job"), S("a.*"));
    pb_begin(&out, 4), pb_put_varint(&out, 1, 15000), pb_end(&out); /* hints */
    pb_end(&out);
    pb_begin(&out, 1), pb_end(&out);
    check_parse(ST_OK);
    CHECK_INT(got.n_queries, 2);
    CHECK(!got.chunks);
    const struct remote_read_query *q = &got.queries[0];
    CHECK_INT(q->from_ms, -5);
    CHECK_INT(q->to_ms, 1000);
    CHECK_INT(q->n_matchers, 2);
    CHECK(matcher_accepts(&q->matchers[0], S("up")) && !matcher_accepts(&q->matchers[0], S("u")));
    CHECK(matcher_accepts(&q->matchers[1], S("ba")) && !matcher_accepts(&q->matchers[1], S("ab")));
    CHECK_INT(got.queries[1].n_matchers, 0);
    done();
}

TEST(the_first_form_of_answer_that_is_known_is_taken)
{
    begin();
    pb_begin(&out, 2), pb_raw_varint(&out, 7), pb_raw_varint(&out, 1), pb_raw_varint(&out, 0);
    pb_end(&out);
    check_parse(ST_OK);
    CHECK(got.chunks);
    done();
    begin();
    pb_put_varint(&out, 2, 0), pb_put_varint(&out, 2, 1);
    check_parse(ST_OK);
    CHECK(!got.chunks);
    done();
    begin();
    pb_put_varint(&out, 2, 7);
    check_parse(ST_INVALID);
    done();
}

TEST(what_cannot_be_asked_is_told)
{
    begin();
    pb_begin(&out, 1), matcher(4, S("a"), S("b")), pb_end(&out);
    check_parse(ST_INVALID);
    CHECK(strstr(err.msg, "unknown type 4"));
    done();
    begin();
    pb_begin(&out, 1), matcher(2, S("a"), S("(")), pb_end(&out);
    check_parse(ST_INVALID);
    CHECK(strstr(err.msg, "missing closing"));
    done();
    begin();
    buf_add(&body, S("\x0a\x7f"));
    check_parse(ST_INVALID);
    CHECK(strstr(err.msg, "malformed ReadRequest at byte"));
    done();
    begin();
    for (int i = 0; i <= REMOTE_READ_QUERIES_MAX; i++) pb_begin(&out, 1), pb_end(&out);
    check_parse(ST_INVALID);
    CHECK(strstr(err.msg, "limit 1000"));
    done();
}
