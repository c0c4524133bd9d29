/* The server driver towards an address where nobody answers. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"
#include "testing/test.h"

/* Bound and not listening: connections are refused until someone calls listen. */
static int quiet_port(char url[64])
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    CHECK_INT(bind(fd, (struct sockaddr *)&a, len), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

static struct store *open_away(const char *url)
{
    struct store *s = NULL;
    struct err err = {};
    struct store_options o = {
        .driver = STORE_SERVER, .url = {url, strlen(url)}, .may_be_away = true};
    CHECK_INT(store_open(&o, &s, &err), ST_OK);
    return s;
}

TEST(a_server_that_is_away_does_not_fail_the_opening_when_it_may_be)
{
    char url[64];
    struct store *s = NULL;
    struct err err = {};
    int fd = quiet_port(url);
    struct store_options o = {.driver = STORE_SERVER, .url = {url, strlen(url)}};
    CHECK_INT(store_open(&o, &s, &err), ST_UNAVAILABLE);
    s = open_away(url);
    CHECK_INT(store_ping(s, &err), ST_UNAVAILABLE);
    CHECK_INT(strlen(store_version(s)), 0);
    store_close(s);
    close(fd);
}

/* Answers every request alike: a server in front of which too much waits. */
static void *answer_overloaded(void *listener)
{
    int fd = *(int *)listener;
    for (int c; (c = accept(fd, NULL, NULL)) >= 0; close(c)) {
        static const char answer[] =
            "HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 252\r\n"
            "Connection: close\r\nContent-Length: 39\r\n\r\n"
            "Code: 252. DB::Exception: Too many part";
        char request[4096];
        if (recv(c, request, sizeof request, 0) > 0) (void)!write(c, answer, sizeof answer - 1);
    }
    return NULL;
}

TEST(a_server_that_is_overloaded_at_the_opening_counts_as_away)
{
    char url[64];
    int fd = quiet_port(url);
    CHECK_INT(listen(fd, 8), 0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, answer_overloaded, &fd), 0);
    struct store *s = open_away(url);
    struct err err = {};
    CHECK_INT(store_ping(s, &err), ST_OVERLOADED);
    store_close(s);
    shutdown(fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(fd);
}

struct insertion {
    struct store *store;
    atomic_bool cancel;
    status result;
};

static void *insert(void *ctx)
{
    struct insertion *i = ctx;
    struct err err = {};
    str body = S("rows");
    i->result = store_insert_unless(i->store, S("t"), S("token"), &body, 1, &i->cancel, &err);
    return NULL;
}

TEST(an_insert_that_nobody_answers_ends_when_it_is_cancelled)
{
    char url[64];
    int fd = quiet_port(url);
    struct insertion i = {.store = open_away(url)};
    CHECK_INT(listen(fd, 8), 0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, insert, &i), 0);
    int peer = accept(fd, NULL, NULL); /* the insert is under way */
    CHECK(peer >= 0);
    nanos from = clock_monotonic();
    atomic_store(&i.cancel, true);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(clock_monotonic() - from < 5 * NANOS_S);
    CHECK_INT(i.result, ST_CANCELLED);
    insert(&i);
    CHECK_INT(i.result, ST_CANCELLED);
    store_close(i.store);
    close(peer);
    close(fd);
}
