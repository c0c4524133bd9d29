/* Connections of HTTP/1.1 over real sockets, and listeners. */
#include "net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server_test.h"
#include "testing/test.h"

TEST(http_keep_alive_and_pipelining_over_a_socket)
{
    struct test_server s = {};
    test_server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(fd, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde"));
    hear(fd, &in, S("5 bytes"));
    CHECK(buf_has(&in, "3 bytes"));
    CHECK(buf_has(&in, "date: "));
    buf_clear(&in);
    say(fd, S("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    hear(fd, &in, S(""));
    CHECK(buf_has(&in, "connection: close"));
    CHECK(buf_has(&in, "0 bytes"));
    close(fd);
    test_server_end(&s);
    CHECK_INT(s.closes, 3);
    buf_done(&in);
}

TEST(http_streams_more_than_the_window_to_a_slow_reader)
{
    struct test_server s = {.stream_bytes = 20 << 20, .limits.window_bytes = 100000};
    test_server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 64 << 20);
    say(fd, S("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(fd, &in, S("\r\n0\r\n\r\n"));
    CHECK(in.len > 20 << 20);
    close(fd);
    test_server_end(&s);
    buf_done(&in);
}

TEST(http_early_answer_arrives_though_the_client_goes_on_sending)
{
    struct test_server s = {};
    test_server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(fd, S("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n"));
    static char mega[8000000];
    say(fd, (str){mega, sizeof mega});
    hear(fd, &in, S(""));
    CHECK(buf_has(&in, "413 Payload Too Large"));
    CHECK(buf_has(&in, "early"));
    close(fd);
    test_server_end(&s);
    buf_done(&in);
}

TEST(http_connections_past_the_limit_are_closed)
{
    struct test_server s = {.limits.max_connections = 1};
    test_server_start(&s);
    int one = dial(&s), two = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    hear(two, &in, S(""));
    CHECK_INT(in.len, 0);
    say(one, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(one, &in, S("0 bytes"));
    close(one);
    close(two);
    test_server_end(&s);
    buf_done(&in);
}

TEST(http_slow_and_idle_connections_are_ended)
{
    struct test_server s = {
        .limits = {.header_timeout_ms = 60, .body_timeout_ms = 60, .idle_timeout_ms = 60}};
    test_server_start(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    int fd = dial(&s); /* says nothing */
    hear(fd, &in, S(""));
    CHECK_INT(in.len, 0);
    close(fd);
    fd = dial(&s); /* part of the HTTP/2 preface */
    say(fd, S("PRI * HT"));
    hear(fd, &in, S(""));
    close(fd);
    fd = dial(&s);
    say(fd, S("GET / HTTP/1.1\r\nHos"));
    hear(fd, &in, S(""));
    CHECK(buf_has(&in, "408 Request Timeout"));
    close(fd);
    buf_clear(&in);
    fd = dial(&s);
    say(fd, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"));
    hear(fd, &in, S(""));
    CHECK(buf_has(&in, "408 Request Timeout"));
    close(fd);
    test_server_end(&s);
    buf_done(&in);
}

TEST(http_a_reader_that_reads_nothing_is_ended)
{
    struct test_server s = {.stream_bytes = 64 << 20,
                            .limits = {.write_timeout_ms = 80, .window_bytes = 65536}};
    test_server_start(&s);
    int fd = dial(&s);
    say(fd, S("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"));
    sem_wait(&s.closed);
    close(fd);
    test_server_end(&s);
    CHECK_INT(s.closes, 1);
}

TEST(http_half_closed_client_gets_its_answer)
{
    struct test_server s = {};
    test_server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(fd, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    hear(fd, &in, S(""));
    CHECK(buf_has(&in, "0 bytes"));
    close(fd);
    test_server_end(&s);
    buf_done(&in);
}

TEST(http_half_close_ends_a_query_when_the_service_wants_that)
{
    struct test_server s = {.limits.half_close_ends = true};
    test_server_start(&s);
    int fd = dial(&s);
    say(fd, S("GET /never HTTP/1.1\r\nHost: h\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    sem_wait(&s.closed);
    close(fd);
    test_server_end(&s);
}

TEST(http_the_end_of_the_loop_closes_what_is_open)
{
    struct test_server s = {};
    test_server_start(&s);
    int fd = dial(&s);
    say(fd, S("GET /never HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n"));
    struct buf in;
    buf_init(&in, 1000);
    int other = dial(&s); /* accepted after the first was read, since both are in one queue */
    say(other, S("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    buf_done(&in);
    buf_init(&in, 1 << 20);
    hear(other, &in, S(""));
    test_server_end(&s);
    CHECK_INT(s.closes, 2);
    close(fd);
    close(other);
    buf_done(&in);
}

TEST(http_drain_closes_idle_connections_and_lets_open_ones_finish)
{
    struct test_server s = {};
    test_server_start(&s);
    int idle = dial(&s), busy = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(idle, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(idle, &in, S("0 bytes"));
    buf_clear(&in);
    say(busy, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
    hear(busy, &in, S("Continue\r\n\r\n")); /* it has been read */
    buf_clear(&in);
    CHECK(loop_post(s.loop, test_server_drain, &s));
    hear(idle, &in, S(""));
    CHECK_INT(in.len, 0);
    say(busy, S("abc"));
    hear(busy, &in, S(""));
    CHECK(buf_has(&in, "3 bytes"));
    CHECK(buf_has(&in, "connection: close"));
    close(idle);
    close(busy);
    test_server_end(&s);
    buf_done(&in);
}

TEST(http_listen_shares_a_port_only_when_asked_to)
{
    struct test_server s = {};
    test_server_start(&s);
    struct err err;
    struct loop *l;
    struct http_listener *other;
    struct http_service none = {};
    CHECK_INT(loop_new("x", &l, &err), ST_OK);
    uint16_t port = http_listener_port(s.listener);
    CHECK_INT(http_listen(l, "127.0.0.1", port, &none, NULL, &other, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "address already in use"));
    struct http_limits shares = {.shares_port = true};
    CHECK_INT(http_listen(l, "127.0.0.1", port, &none, &shares, &other, &err), ST_OK);
    CHECK_INT(http_listener_port(other), port);
    loop_free(l);
    test_server_end(&s);
}

TEST(http_listen_names_an_address_that_is_not_ours)
{
    struct err err;
    struct loop *l;
    struct http_listener *listener;
    struct http_service none = {};
    CHECK_INT(loop_new("x", &l, &err), ST_OK);
    CHECK_INT(http_listen(l, "192.0.2.1", 4317, &none, NULL, &listener, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "192.0.2.1 port 4317"));
    loop_free(l);
}
