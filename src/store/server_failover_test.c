/* The server driver in front of two addresses, and what goes over the wire. */
#include <stdio.h>

#include "net/compress.h"
#include "store/fake_server_test.h"
#include "store/server_decode.h"
#include "store/store.h"
#include "testing/test.h"

#define OK_EMPTY S("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
#define OK_ONE S("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n1\n")
#define BROKEN S("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n1\n")
#define LEAVING                                                                     \
    S("HTTP/1.1 500 E\r\nConnection: close\r\nX-ClickHouse-Exception-Code: 242\r\n" \
      "\r\nCode: 242. DB::Exception: readonly")
#define BAD_QUERY                                                                  \
    S("HTTP/1.1 400 E\r\nConnection: close\r\nX-ClickHouse-Exception-Code: 62\r\n" \
      "\r\nCode: 62. DB::Exception: syntax")
#define NO_TABLE                                                                   \
    S("HTTP/1.1 404 E\r\nConnection: close\r\nX-ClickHouse-Exception-Code: 60\r\n" \
      "\r\nCode: 60. DB::Exception: Table is not there.")

static struct fake_server first, second;

/* A store whose addresses are both; what its opening asked is forgotten. */
static struct store *open_both(str answer_first, str answer_second, struct store_options opt)
{
    static char urls[160];
    fake_server_start(&first, OK_ONE);
    fake_server_start(&second, OK_ONE);
    snprintf(urls, sizeof urls, "%s,%s", first.url, second.url);
    opt.driver = STORE_SERVER;
    opt.url = str_of(urls);
    struct store *s = NULL;
    struct err err = {};
    CHECK_INT(store_open(&opt, &s, &err), ST_OK);
    struct fake_server *both[] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        for (unsigned k = 0; k < FAKE_REQUESTS; k++) {
            buf_clear(&both[i]->requests[k].head);
            buf_clear(&both[i]->requests[k].body);
        }
        atomic_store(&both[i]->n, 0);
    }
    fake_server_say(&first, answer_first);
    fake_server_say(&second, answer_second);
    return s;
}

static void done(struct store *s)
{
    store_close(s);
    fake_server_free(&first);
    fake_server_free(&second);
}

static status insert(struct store *s, struct err *err)
{
    const str body[] = {S("rows of "), S("a block")};
    return store_insert(s, S("otel_logs"), S("token-7"), body, 2, err);
}

static status select_one(struct store *s, struct buf *out, struct err *err)
{
    buf_init(out, 1000);
    struct store_query q = {.sql = S("SELECT 1"), .format = S("TSV")};
    return store_query_buf(s, &q, out, err);
}

TEST(an_insert_of_which_nothing_was_sent_goes_to_the_other_address_at_once)
{
    struct store *s = open_both(OK_EMPTY, OK_EMPTY, (struct store_options){});
    struct err err = {};
    fake_server_stop(&first); /* refused from here on */
    CHECK_INT(insert(s, &err), ST_OK);
    CHECK_INT(insert(s, &err), ST_OK);
    CHECK_INT(second.n, 2);
    fake_server_stop(&second);
    CHECK_INT(insert(s, &err), ST_UNAVAILABLE);
    done(s);
}

TEST(an_insert_whose_answer_is_lost_is_left_to_the_caller_who_finds_the_other_address)
{
    struct store *s = open_both((str){0}, OK_EMPTY, (struct store_options){});
    struct err err = {};
    CHECK_INT(insert(s, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, first.url) != NULL);
    CHECK_INT(second.n, 0);
    CHECK_INT(insert(s, &err), ST_OK);
    CHECK_INT(first.n, 1);
    CHECK_INT(second.n, 1);
    fake_server_stop(&first);
    fake_server_stop(&second);
    /* The same bytes under the same token. */
    CHECK_STR(buf_str(&first.requests[0].body), S("rows of a block"));
    CHECK_STR(buf_str(&second.requests[0].body), S("rows of a block"));
    CHECK(fake_has(&first.requests[0], "insert_deduplication_token%3D%27token-7%27"));
    CHECK(fake_has(&second.requests[0], "insert_deduplication_token%3D%27token-7%27"));
    done(s);
}

TEST(a_replica_that_lost_its_keeper_rests_and_a_bad_statement_rests_nobody)
{
    struct store *s = open_both(LEAVING, OK_EMPTY, (struct store_options){});
    struct err err = {};
    CHECK_INT(insert(s, &err), ST_UNAVAILABLE);
    CHECK_INT(insert(s, &err), ST_OK);
    CHECK_INT(first.n, 1);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);

    s = open_both(BAD_QUERY, OK_EMPTY, (struct store_options){});
    for (int i = 0; i < 3; i++) CHECK_INT(insert(s, &err), ST_INVALID);
    CHECK_INT(first.n, 3);
    CHECK_INT(second.n, 0);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);
}

TEST(a_select_without_an_answer_is_asked_elsewhere_and_a_statement_that_writes_is_not)
{
    struct store *s = open_both((str){0}, OK_ONE, (struct store_options){});
    struct err err = {};
    struct buf out;
    CHECK_INT(select_one(s, &out, &err), ST_OK);
    CHECK_STR(buf_str(&out), S("1\n"));
    buf_done(&out);
    CHECK_INT(first.n, 1);
    CHECK_INT(second.n, 1);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);

    s = open_both((str){0}, OK_ONE, (struct store_options){});
    CHECK_INT(store_exec(s, S("ALTER TABLE t DELETE WHERE 1"), &err), ST_UNAVAILABLE);
    CHECK_INT(second.n, 0);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);
}

TEST(a_select_that_breaks_off_in_its_answer_is_an_error_and_no_second_answer)
{
    struct store *s = open_both(BROKEN, OK_ONE, (struct store_options){});
    struct err err = {};
    struct buf out;
    CHECK_INT(select_one(s, &out, &err), ST_UNAVAILABLE);
    buf_done(&out);
    CHECK_INT(second.n, 0);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);
}

TEST(round_robin_asks_both_in_turn)
{
    struct store *s = open_both(OK_EMPTY, OK_EMPTY, (struct store_options){.round_robin = true});
    struct err err = {};
    for (int i = 0; i < 6; i++) CHECK_INT(insert(s, &err), ST_OK);
    CHECK_INT(first.n, 3);
    CHECK_INT(second.n, 3);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);
}

static bool keep(void *ctx, str piece)
{
    buf_add(ctx, piece);
    return true;
}

static void check_packed(enum store_compression c, enum server_encoding e, const char *header)
{
    struct store *s = open_both(OK_EMPTY, OK_EMPTY, (struct store_options){.compression = c});
    struct err err = {};
    struct buf out;
    CHECK_INT(insert(s, &err), ST_OK);
    CHECK_INT(select_one(s, &out, &err), ST_OK);
    buf_done(&out);
    fake_server_stop(&first);
    fake_server_stop(&second);
    CHECK(fake_has(&first.requests[0], header));
    struct server_decoder *d = server_decoder_new(e);
    buf_init(&out, 1000);
    CHECK_INT(server_decode(d, buf_str(&first.requests[0].body), keep, &out, &err), ST_OK);
    CHECK(server_decoder_at_end(d));
    CHECK_STR(buf_str(&out), S("rows of a block"));
    server_decoder_free(d);
    buf_done(&out);
    CHECK(fake_has(&first.requests[1], header + strlen("Content"))); /* Accept-Encoding */
    CHECK(fake_has(&first.requests[1], "enable_http_compression=1"));
    CHECK_STR(buf_str(&first.requests[1].body), S("SELECT 1"));
    done(s);
}

TEST(inserts_are_compressed_as_configured_and_answers_asked_for_so)
{
    check_packed(STORE_COMPRESS_ZSTD, SERVER_ZSTD, "Content-Encoding: zstd\r\n");
    check_packed(STORE_COMPRESS_LZ4, SERVER_LZ4, "Content-Encoding: lz4\r\n");
}

/* An answer in this encoding, `cut` bytes short. */
static status ask_packed(const char *encoding, str wire, size_t cut, struct buf *out,
                         struct err *err)
{
    struct buf answer;
    buf_init(&answer, 1 << 16);
    buf_printf(&answer,
               "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: %s\r\n"
               "Content-Length: %zu\r\n\r\n",
               encoding, wire.len - cut);
    buf_add(&answer, (str){wire.ptr, wire.len - cut});
    struct store *s = open_both(buf_str(&answer), OK_ONE, (struct store_options){});
    status st = select_one(s, out, err);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);
    buf_done(&answer);
    return st;
}

TEST(answers_are_decoded_and_one_that_is_cut_off_is_not_an_answer)
{
    struct buf zstd, lz4, out;
    struct err err = {};
    buf_init(&zstd, 1 << 16);
    buf_init(&lz4, 1 << 16);
    CHECK_INT(compress_zstd(S("forty-two\n"), 1, &zstd, &err), ST_OK);
    CHECK_INT(compress_lz4(S("forty-two\n"), &lz4, &err), ST_OK);
    CHECK_INT(ask_packed("zstd", buf_str(&zstd), 0, &out, &err), ST_OK);
    CHECK_STR(buf_str(&out), S("forty-two\n"));
    buf_done(&out);
    CHECK_INT(ask_packed("LZ4", buf_str(&lz4), 0, &out, &err), ST_OK);
    CHECK_STR(buf_str(&out), S("forty-two\n"));
    buf_done(&out);
    CHECK_INT(ask_packed("lz4", buf_str(&lz4), 1, &out, &err), ST_UNAVAILABLE);
    buf_done(&out);
    /* Nothing was handed over: the other address answers. */
    CHECK_INT(ask_packed("br", S("forty-two\n"), 0, &out, &err), ST_OK);
    CHECK_STR(buf_str(&out), S("1\n"));
    buf_done(&out);
    buf_done(&zstd);
    buf_done(&lz4);
}

TEST(credentials_go_in_headers_and_into_no_message)
{
    struct store_options opt = {.user = S("ann"), .password = S("pass phrase")};
    struct store *s = open_both(BAD_QUERY, OK_EMPTY, opt);
    struct err err = {};
    CHECK_INT(insert(s, &err), ST_INVALID);
    fake_server_stop(&first);
    fake_server_stop(&second);
    CHECK(fake_has(&first.requests[0], "\r\nX-ClickHouse-User: ann\r\n"));
    CHECK(fake_has(&first.requests[0], "\r\nX-ClickHouse-Key: pass phrase\r\n"));
    CHECK(strstr(err.msg, "pass phrase") == NULL);
    CHECK_INT(insert(s, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "pass phrase") == NULL);
    done(s);
}

TEST(an_insert_into_tables_that_are_not_there_may_be_sent_again_and_says_what_to_do)
{
    struct store *s = open_both(NO_TABLE, OK_EMPTY, (struct store_options){.database = S("db")});
    struct err err = {};
    CHECK_INT(insert(s, &err), ST_UNAVAILABLE);
    char want[200];
    snprintf(want, sizeof want,
             "the tables are not there (`weir migrate --store %s --store.database db` makes them): "
             "Code: 60. ",
             first.url);
    CHECK_INT(strncmp(err.msg, want, strlen(want)), 0);
    fake_server_stop(&first);
    fake_server_stop(&second);
    done(s);
}

TEST(a_server_has_five_to_fifty_connections)
{
    struct store *s = NULL;
    struct err err = {};
    struct store_options opt = {
        .driver = STORE_SERVER, .url = S("http://127.0.0.1:1"), .connections = 51};
    CHECK_INT(store_open(&opt, &s, &err), ST_LIMIT);
    CHECK(strstr(err.msg, "51 connections to a server, limit 50") != NULL);
}

TEST(a_handshake_that_nobody_answers_ends_with_the_connect_timeout)
{
    /* Listens and does not speak: the backlog takes the connection. */
    struct fake_server quiet;
    fake_server_start(&quiet, (str){0});
    struct buf url;
    buf_init(&url, 100);
    buf_printf(&url, "https%s", quiet.url + strlen("http"));
    struct store_options opt = {
        .driver = STORE_SERVER, .url = buf_str(&url), .connect_timeout_ms = 100};
    struct store *s = NULL;
    struct err err = {};
    CHECK_INT(store_open(&opt, &s, &err), ST_TIMEOUT);
    buf_done(&url);
    fake_server_stop(&quiet);
    fake_server_free(&quiet);
}

TEST(files_of_tls_that_cannot_be_read_are_told_at_the_opening)
{
    struct store *s = NULL;
    struct err err = {};
    struct store_options opt = {.driver = STORE_SERVER,
                                .url = S("https://127.0.0.1:1"),
                                .tls = {.ca_file = S("/no/such/ca.pem")}};
    CHECK_INT(store_open(&opt, &s, &err), ST_INVALID);
    CHECK(strstr(err.msg, "tls.ca_file: /no/such/ca.pem cannot be read") != NULL);
    opt.tls = (struct store_tls){.cert_file = S("/dev/null")};
    CHECK_INT(store_open(&opt, &s, &err), ST_INVALID);
    CHECK(strstr(err.msg, "belong together") != NULL);
}
