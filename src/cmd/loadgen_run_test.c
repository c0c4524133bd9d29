/* load_run against a server of our own that refuses, rejects and hangs up by plan: the accounts
 * agree. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "loadgen/loadgen.h"
#include "net/http.h"
#include "testing/test.h"

enum mood { TAKES_ALL, REFUSES_SOME, REJECTS_SOME, FAILS_SOME, HANGS_UP_ON_SOME };

struct server {
    struct loop *loop;
    struct http_listener *listener;
    enum mood mood;
    _Atomic uint64_t asked, taken, turned_away;
    char peers[8][64]; /* those that asked; thread: loop */
    size_t n_peers;
};

static void note_peer(struct server *s, str peer)
{
    for (size_t i = 0; i < s->n_peers; i++)
        if (str_eq(peer, (str){s->peers[i], strlen(s->peers[i])})) return;
    if (s->n_peers == sizeof s->peers / sizeof *s->peers) return;
    snprintf(s->peers[s->n_peers++], sizeof *s->peers, STR_FMT, STR_ARG(peer));
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *req)
{
    note_peer(ctx, req->peer);
    bool *grpc = malloc(sizeof *grpc);
    if (!grpc) abort();
    *grpc = req->http2;
    http_set_user(x, grpc);
}

static void on_data(void *, struct http_exchange *x, str bytes) { http_consume(x, bytes.len); }

static void on_close(void *, struct http_exchange *x) { free(http_user(x)); }

/* message ExportTraceServiceResponse { partial_success { rejected 3, error_message "no" } } */
#define PARTIAL "\x0a\x06\x08\x03\x12\x02no"

static void answer_grpc(struct http_exchange *x, const char *grpc_status, str body)
{
    struct http_header type = {S("content-type"), S("application/grpc")};
    struct http_header trailer = {S("grpc-status"), {grpc_status, strlen(grpc_status)}};
    http_respond(x, &(struct http_answer){.status = 200,
                                          .headers = &type,
                                          .n_headers = 1,
                                          .body = body,
                                          .trailers = &trailer,
                                          .n_trailers = 1});
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct server *s = ctx;
    bool grpc = *(bool *)http_user(x), third = s->asked++ % 3 == 2;
    if (third && s->mood == HANGS_UP_ON_SOME) {
        s->turned_away++;
        http_respond_begin(x, &(struct http_answer){.status = 200});
        http_respond_abort(x);
    } else if (third && s->mood == REFUSES_SOME) {
        s->turned_away++;
        grpc ? answer_grpc(x, "14", S("")) : http_respond(x, &(struct http_answer){.status = 503});
    } else if (third && s->mood == FAILS_SOME) {
        s->turned_away++;
        grpc ? answer_grpc(x, "3", S("")) : http_respond(x, &(struct http_answer){.status = 400});
    } else if (third && s->mood == REJECTS_SOME) {
        s->turned_away += 3;
        s->taken++;
        grpc ? answer_grpc(x, "0", S("\0\0\0\0\x08" PARTIAL))
             : http_respond(x, &(struct http_answer){.status = 200, .body = S(PARTIAL)});
    } else {
        s->taken++;
        grpc ? answer_grpc(x, "0", S("\0\0\0\0\0"))
             : http_respond(x, &(struct http_answer){.status = 200});
    }
}

static void server_start(struct server *s, enum mood mood, char port[8])
{
    static const struct http_limits limits;
    struct err err;
    *s = (struct server){.mood = mood};
    struct http_service service = {s, on_request, on_data, on_end, on_close, NULL};
    CHECK_INT(loop_new("server", &s->loop, &err), ST_OK);
    CHECK_INT(http_listen(s->loop, "127.0.0.1", 0, &service, &limits, &s->listener, &err), ST_OK);
    snprintf(port, 8, "%u", http_listener_port(s->listener));
    CHECK_INT(loop_start(s->loop, &err), ST_OK);
}

static void server_end(struct server *s)
{
    loop_stop(s->loop);
    loop_join(s->loop);
    loop_free(s->loop);
}

static const struct load_options small = {
    .host = "127.0.0.1",
    .signals = {true, true, true},
    .duration_s = 0.3,
    .seed = 1,
    .services = 3,
    .batch = 20,
    .series = 50,
    .connections = 2,
    .streams = 3,
};

static struct load_report run(struct server *s, enum mood mood, enum load_protocol protocol,
                              double rate)
{
    static const volatile bool never;
    char port[8];
    server_start(s, mood, port);
    struct load_options opt = small;
    struct load_report report;
    struct err err;
    opt.port = port;
    opt.protocol = protocol;
    opt.rate = rate;
    status st = load_run(&opt, &never, &report, &err);
    if (st != ST_OK) fprintf(stderr, "%s\n", err.msg);
    CHECK_INT(st, ST_OK);
    server_end(s);
    return report;
}

static struct load_signal_report sum(const struct load_report *r)
{
    struct load_signal_report all = {0};
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        const struct load_signal_report *s = &r->signals[i];
        all.sent.requests += s->sent.requests;
        all.sent.items += s->sent.items;
        all.acknowledged.requests += s->acknowledged.requests;
        all.acknowledged.items += s->acknowledged.items;
        all.rejected += s->rejected;
        all.failed.requests += s->failed.requests;
        all.failed.items += s->failed.items;
        all.refused.requests += s->refused.requests;
        all.unanswered.requests += s->unanswered.requests;
        all.retries += s->retries;
        CHECK_INT(s->sent.items, s->acknowledged.items + s->rejected + s->failed.items +
                                     s->refused.items + s->unanswered.items);
        CHECK(s->acknowledged.requests == 0 || s->latency.max_ms > 0);
    }
    return all;
}

TEST(loadgen_over_each_protocol_is_acknowledged_in_full)
{
    for (int p = LOAD_GRPC; p <= LOAD_HTTP; p++) {
        struct server s;
        struct load_report r = run(&s, TAKES_ALL, (enum load_protocol)p, 0);
        struct load_signal_report all = sum(&r);
        CHECK(all.sent.requests > 20);
        CHECK_INT(all.acknowledged.requests, all.sent.requests);
        CHECK_INT(all.acknowledged.items, all.sent.items);
        CHECK_INT(s.taken, all.sent.requests);
        CHECK_INT(r.first_error[0], 0);
    }
}

TEST(loadgen_tries_again_what_is_refused_for_now)
{
    for (int p = LOAD_GRPC; p <= LOAD_HTTP; p++) {
        struct server s;
        struct load_report r = run(&s, REFUSES_SOME, (enum load_protocol)p, 400);
        struct load_signal_report all = sum(&r);
        CHECK_INT(all.acknowledged.requests, all.sent.requests);
        CHECK_INT(s.taken, all.sent.requests); /* each once */
        CHECK(all.retries > 0);
        CHECK_INT(all.retries, s.turned_away);
    }
}

TEST(loadgen_counts_what_is_rejected_and_what_fails)
{
    for (int p = LOAD_GRPC; p <= LOAD_HTTP; p++) {
        struct server s;
        struct load_report r = run(&s, REJECTS_SOME, (enum load_protocol)p, 400);
        struct load_signal_report all = sum(&r);
        CHECK(all.rejected > 0);
        CHECK_INT(all.rejected, s.turned_away);
        CHECK_INT(all.acknowledged.requests, s.taken);
        CHECK(strstr(r.first_error, "no") != NULL);
        r = run(&s, FAILS_SOME, (enum load_protocol)p, 400);
        all = sum(&r);
        CHECK(all.failed.requests > 0);
        CHECK_INT(all.failed.requests, s.turned_away);
        CHECK_INT(all.retries, 0);
    }
}

TEST(loadgen_keeps_to_its_rate)
{
    struct server s;
    struct load_report r = run(&s, TAKES_ALL, LOAD_GRPC, 1000);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        CHECK(r.signals[i].sent.items >= 200); /* 1,000 a second for 0.3 s, by 20 */
        CHECK(r.signals[i].sent.items <= 340);
    }
}

TEST(loadgen_spreads_few_requests_over_all_connections)
{
    static const volatile bool never;
    for (int p = LOAD_GRPC; p <= LOAD_HTTP; p++) {
        struct server s;
        char port[8];
        server_start(&s, TAKES_ALL, port);
        struct load_options opt = small;
        struct load_report r;
        struct err err;
        opt.port = port;
        opt.protocol = (enum load_protocol)p;
        opt.connections = 4;
        opt.rate = 400;
        CHECK_INT(load_run(&opt, &never, &r, &err), ST_OK);
        server_end(&s);
        CHECK_INT(sum(&r).acknowledged.requests, s.asked);
        CHECK_INT(s.n_peers, 4);
    }
}

TEST(loadgen_does_not_repeat_what_stays_without_an_answer)
{
    for (int p = LOAD_GRPC; p <= LOAD_HTTP; p++) {
        struct server s;
        struct load_report r = run(&s, HANGS_UP_ON_SOME, (enum load_protocol)p, 400);
        struct load_signal_report all = sum(&r);
        CHECK(all.unanswered.requests > 0);
        CHECK_INT(all.unanswered.requests, s.turned_away);
        CHECK_INT(all.acknowledged.requests, s.taken);
        CHECK_INT(s.asked, all.sent.requests + all.retries);
    }
}

TEST(loadgen_that_is_stopped_ends_at_once)
{
    static const volatile bool now = true;
    struct server s;
    char port[8];
    server_start(&s, TAKES_ALL, port);
    struct load_options opt = small;
    struct load_report r;
    struct err err;
    opt.port = port;
    CHECK_INT(load_run(&opt, &now, &r, &err), ST_OK);
    CHECK_INT(sum(&r).sent.requests, 0);
    server_end(&s);
}

TEST(loadgen_without_a_server_says_so)
{
    static const volatile bool now = true;
    struct load_options opt = small;
    struct load_report r;
    struct err err;
    opt.port = "no-such-port";
    CHECK_INT(load_run(&opt, &now, &r, &err), ST_UNAVAILABLE);
    static const volatile bool never;
    opt.port = "1"; /* where nobody listens */
    opt.duration_s = 0.2;
    CHECK_INT(load_run(&opt, &never, &r, &err), ST_UNAVAILABLE);
    opt.batch = 0;
    CHECK_INT(load_run(&opt, &now, &r, &err), ST_INVALID);
}
