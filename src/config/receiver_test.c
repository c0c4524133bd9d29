#include "config/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/test.h"

static struct arena arena;
static struct config fresh(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    struct config c;
    config_defaults(&c, &arena);
    return c;
}

static str refusal(str text)
{
    static struct err err;
    err = (struct err){};
    struct config c = fresh();
    CHECK_INT(config_read_yaml(&c, text, "w.yaml", &err), ST_INVALID);
    return str_of(err.msg);
}

TEST(receiver_of_the_collectors_shape_sets_weirs_options)
{
    struct config c = fresh();
    struct err err = {};
    status s = config_read_yaml(&c,
                                S("receivers:\n"
                                  "  otlp/in:\n"
                                  "    protocols:\n"
                                  "      grpc: {endpoint: '0.0.0.0:1', max_recv_msg_size_mib: 16,"
                                  " include_metadata: false}\n"
                                  "      http: {endpoint: 'localhost:2'}\n"
                                  "service: {telemetry: {logs: {level: WARN, encoding: json}}}\n"),
                                "w.yaml", &err);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
    CHECK_STR(c.grpc_endpoint, S("0.0.0.0:1"));
    CHECK_STR(c.http_endpoint, S("localhost:2"));
    CHECK_INT(c.max_body, 16 << 20);
    CHECK_INT(c.max_decompressed, 16 << 20);
    CHECK_INT(c.log_level, 2);
    CHECK_INT(c.log_format, 1);
    CHECK(c.sections && tree_get(c.sections, S("service")));
}

TEST(receiver_without_options_changes_nothing)
{
    struct config c = fresh();
    struct err err = {};
    CHECK_INT(
        config_read_yaml(&c, S("receivers: {otlp: {protocols: {grpc: , http: }}}"), "w", &err),
        ST_OK);
    CHECK_STR(c.grpc_endpoint, S("127.0.0.1:4317"));
    CHECK_INT(config_read_yaml(&c, S("receivers: {otlp: }"), "w", &err), ST_OK);
}

TEST(receiver_with_one_protocol_listens_at_one_port)
{
    struct config c = fresh();
    struct err err = {};
    CHECK_INT(config_read_yaml(&c, S("receivers: {otlp: {protocols: {grpc: }}}"), "w", &err),
              ST_OK);
    CHECK_STR(c.grpc_endpoint, S("127.0.0.1:4317"));
    CHECK_STR(c.http_endpoint, S(""));
    CHECK_STR(refusal(S("receivers: {otlp: {protocols: {}}}")),
              S("w.yaml:1:20: receivers.otlp.protocols: neither grpc nor http"));
}

TEST(receiver_yields_to_weirs_own_options_in_the_same_file)
{
    struct config c = fresh();
    struct err err = {};
    CHECK_INT(config_read_yaml(&c,
                               S("receive.grpc.endpoint: ':7'\n"
                                 "receivers: {otlp: {protocols: {grpc: {endpoint: ':8'}}}}\n"),
                               "w", &err),
              ST_OK);
    CHECK_STR(c.grpc_endpoint, S(":7"));
}

TEST(receiver_refuses_with_the_place_what_weir_has_no_option_for)
{
    CHECK_STR(refusal(S("receivers:\n  jaeger: {}\n")),
              S("w.yaml:2:3: receivers.jaeger: no such receiver: weir receives OTLP, by an "
                "\"otlp\""));
    CHECK_STR(refusal(S("receivers:\n  otlp: {protocols: {grpc: }}\n  otlp/2: {}\n")),
              S("w.yaml:3:3: receivers.otlp/2: a second otlp receiver; weir has one, with a port "
                "for grpc and one for http, and both take every protocol"));
    CHECK_STR(refusal(S("receivers:\n  otlp:\n    protocols:\n      grcp:\n")),
              S("w.yaml:4:7: receivers.otlp.protocols.grcp: no such option; did you mean "
                "\"grpc\"?"));
    CHECK_STR(refusal(S("receivers: {otlp: {protocols: {grpc: {keepalive: {}}}}}")),
              S("w.yaml:1:39: receivers.otlp.protocols.grpc.keepalive: weir answers every ping and "
                "closes connections idle for two minutes; leave it out"));
    CHECK_STR(refusal(S("receivers: {otlp: {protocols: {http: {traces_url_path: /x}}}}")),
              S("w.yaml:1:39: receivers.otlp.protocols.http.traces_url_path: weir takes traces at "
                "/v1/traces"));
    CHECK_STR(refusal(S("receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 4}, http: "
                        "{max_request_body_size: 5}}}}")),
              S("w.yaml:1:96: receivers.otlp.protocols.http.max_request_body_size: grpc and http "
                "say different limits; weir has one for both: receive.max_body"));
    CHECK_STR(refusal(S("service: {telemetry: {metrics: {level: none}}}")),
              S("w.yaml:1:23: service.telemetry.metrics: weir's own metrics are at admin.endpoint, "
                "/metrics; leave it out"));
    CHECK_STR(refusal(S("service: {telemetry: {logs: {level: loud}}}")),
              S("w.yaml:1:37: service.telemetry.logs.level: \"loud\" is not one of "
                "debug|info|warn|error"));
}

TEST(config_yaml_replaces_references_to_the_environment)
{
    struct config c = fresh();
    struct err err = {};
    setenv("W_TEST_DIR", "/srv", 1);
    unsetenv("W_TEST_NONE");
    CHECK_INT(config_read_yaml(&c,
                               S("data.dir: ${env:W_TEST_DIR}/weir\n"
                                 "batch: {timeout: '${env:W_TEST_NONE:-3s}'}\n"
                                 "store.password: a$$b\n"),
                               "w.yaml", &err),
              ST_OK);
    CHECK_STR(c.data_dir, S("/srv/weir"));
    CHECK_INT(c.batch_timeout, 3 * NANOS_S);
    CHECK_STR(c.store_password, S("a$b"));
    CHECK_STR(refusal(S("a: 1\nb: ${env:W_TEST_NONE}\n")),
              S("w.yaml:2:4: the environment variable W_TEST_NONE is not set, and no default is "
                "given (${env:W_TEST_NONE:-default})"));
}

TEST(config_yaml_tells_the_nearest_section)
{
    CHECK_STR(refusal(S("recievers: {otlp: {}}\n")),
              S("w.yaml:1:1: no option \"recievers\"; did you mean \"receivers\"?"));
    CHECK_STR(refusal(S("recieve: {grpc: {endpoint: ':1'}}\n")),
              S("w.yaml:1:1: no option \"recieve\"; did you mean \"receive\"?"));
    CHECK_STR(refusal(S("receive: {grcp: {endpoint: ':1'}}\n")),
              S("w.yaml:1:11: no option \"receive.grcp\"; did you mean \"receive.grpc\"?"));
    CHECK_STR(refusal(S("batch: {timeout: [1s]}\n")),
              S("w.yaml:1:18: a list where one value or a map of options is expected"));
}

TEST(config_yaml_takes_a_key_with_nothing_below_it_as_absent)
{
    struct config c = fresh();
    struct err err = {};
    CHECK_INT(config_read_yaml(&c, S("batch:\n  timeout:\nstore:\n"), "w", &err), ST_OK);
    CHECK_INT(c.batch_timeout, 10 * NANOS_S);
    CHECK_STR(refusal(S("bacth:\n")),
              S("w.yaml:1:1: no option \"bacth\"; did you mean \"batch\"?"));
}

static const char auth_file[] = "receivers:\n"
                                "  otlp:\n"
                                "    protocols:\n"
                                "      grpc: {auth: {authenticator: %s}}\n"
                                "      http: {auth: {authenticator: %s}}\n"
                                "extensions:\n"
                                "  bearer_token_auth/a: {token: abc}\n"
                                "  basicauth: {htpasswd: {file: /etc/users}}\n"
                                "  basicauth/none: {htpasswd: {}}\n"
                                "  basicauth/client: {client_auth: {username: u}}\n"
                                "  bearertokenauth/many: {tokens: [a, b]}\n"
                                "service: {extensions: [%s]}\n";

static str auth(const char *grpc, const char *http, const char *listed)
{
    static char text[2048];
    snprintf(text, sizeof text, auth_file, grpc, http, listed);
    return str_of(text);
}

TEST(receiver_authenticators_are_options_of_both_ports)
{
    struct config c = fresh();
    struct err err = {};
    str text = auth("bearer_token_auth/a", "bearer_token_auth/a", "bearer_token_auth/a");
    CHECK_INT(config_read_yaml(&c, text, "w.yaml", &err), ST_OK);
    CHECK_STR(c.auth_token, S("abc"));
    c = fresh();
    CHECK_INT(config_read_yaml(&c, auth("basicauth", "basicauth", "basicauth"), "w.yaml", &err),
              ST_OK);
    CHECK_STR(c.auth_basic_file, S("/etc/users"));
}

TEST(receiver_authenticators_that_would_not_do_are_refused)
{
#define AT "receivers.otlp.protocols.grpc.auth.authenticator: "
    CHECK_STR(refusal(auth("basicauth", "bearer_token_auth/a", "basicauth")),
              S("w.yaml:4:36: " AT "weir asks for the same credentials at both ports: name this "
                "authenticator for grpc and for http"));
    CHECK_STR(refusal(auth("basicauth/x", "basicauth/x", "basicauth")),
              S("w.yaml:4:36: " AT "no extension \"basicauth/x\" is defined"));
    CHECK_STR(refusal(auth("basicauth", "basicauth", "")),
              S("w.yaml:4:36: " AT "\"basicauth\" is not among service.extensions"));
    CHECK_STR(refusal(auth("basicauth/none", "basicauth/none", "basicauth/none")),
              S("w.yaml:9:3: extensions.basicauth/none: no htpasswd.file: nobody could send"));
    CHECK_STR(
        refusal(auth("basicauth/client", "basicauth/client", "basicauth/client")),
        S("w.yaml:10:22: extensions.basicauth/client.client_auth: this is for exporters: give "
          "them the header, under headers (authorization: ...)"));
    CHECK_STR(
        refusal(auth("bearertokenauth/many", "bearertokenauth/many", "bearertokenauth/many")),
        S("w.yaml:11:26: extensions.bearertokenauth/many.tokens: of several tokens make a file "
          "with one a line, and name it by filename"));
}

TEST(receiver_tls_and_cors_are_options_of_their_port)
{
    struct config c = fresh();
    struct err err = {};
    CHECK_INT(config_read_yaml(&c,
                               S("receivers:\n"
                                 "  otlp:\n"
                                 "    protocols:\n"
                                 "      grpc: {tls: {cert_file: /c, key_file: /k,"
                                 " client_ca_file: /ca, min_version: '1.3'}}\n"
                                 "      http: {cors: {allowed_origins: ['https://a', 'https://b'],"
                                 " max_age: 600}}\n"),
                               "w.yaml", &err),
              ST_OK);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_STR(c.grpc_tls_cert, S("/c"));
    CHECK_STR(c.grpc_tls_key, S("/k"));
    CHECK_STR(c.grpc_tls_client_ca, S("/ca"));
    CHECK_INT(c.grpc_tls_min, 1);
    CHECK_STR(c.http_tls_cert, S(""));
    CHECK_STR(c.cors_origins, S("https://a,https://b"));
    CHECK_INT(c.cors_max_age, 600 * NANOS_S);
    CHECK_STR(
        refusal(S("receivers: {otlp: {protocols: {http: {tls: {cert_file: /c}}}}}")),
        S("w.yaml:1:39: receivers.otlp.protocols.http.tls: TLS needs cert_file and key_file"));
    CHECK_STR(refusal(S("receivers: {otlp: {protocols: {http: {tls: {cert_pem: x}}}}}")),
              S("w.yaml:1:45: receivers.otlp.protocols.http.tls.cert_pem: write it to a file, and "
                "name it by cert_file"));
}
