#include "cmd/store_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testing/test.h"

static struct arena arena;

static struct config with(const char *text)
{
    struct config c;
    struct err err = {};
    arena_done(&arena);
    arena_init(&arena, 1 << 22);
    config_defaults(&c, &arena);
    CHECK_INT(config_read_yaml(&c, str_of(text), "w.yaml", &err), ST_OK);
    return c;
}

TEST(store_options_of_the_defaults_are_the_embedded_engine)
{
    struct config c = with("");
    struct store_options o;
    struct err err = {};
    CHECK_INT(store_options_of(&c, &o, &err), ST_OK);
    CHECK_INT(o.driver, STORE_EMBEDDED);
    CHECK_INT(o.connections, 6);
    CHECK_INT(store_check(&o, &err), ST_OK);
}

TEST(store_options_of_a_server_have_all_that_is_configured)
{
    struct config c = with("store: {url: 'http://a:1,http://b:2', balance: round_robin, user: u,\n"
                           "  password: p, compression: lz4, timeout: 7s, connect_timeout: 50ms,\n"
                           "  tls: {insecure_skip_verify: true}}\n");
    struct store_options o;
    struct err err = {};
    CHECK_INT(store_options_of(&c, &o, &err), ST_OK);
    CHECK_INT(o.driver, STORE_SERVER);
    CHECK_STR(o.url, S("http://a:1,http://b:2"));
    CHECK(o.round_robin && o.tls.insecure_skip_verify);
    CHECK_INT(o.connections, 8);
    CHECK_INT(o.compression, STORE_COMPRESS_LZ4);
    CHECK_INT(o.request_timeout_ms, 7000);
    CHECK_INT(o.connect_timeout_ms, 50);
    CHECK_STR(o.password, S("p"));
    CHECK_INT(store_check(&o, &err), ST_OK);

    c = with("store: {url: 'http://a:1,b:2'}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_OK);
    CHECK_INT(store_check(&o, &err), ST_INVALID);
}

TEST(store_options_of_a_cluster_want_a_server_and_a_name_that_can_stand_in_statements)
{
    struct config c = with("store: {url: 'http://a:1', cluster: '{cluster}'}\n");
    struct store_options o;
    struct err err = {};
    CHECK_INT(store_options_of(&c, &o, &err), ST_OK);
    CHECK(o.is_cluster);
    c = with("store.cluster: c\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_INVALID);
    CHECK(strstr(err.msg, "store.url") != NULL);
    c = with("store: {url: 'http://a:1', cluster: \"c' x\"}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_INVALID);
}

static status password_of(const char *content, struct store_options *ret, struct err *err)
{
    char path[] = "/tmp/weir-password-XXXXXX", text[100];
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    snprintf(text, sizeof text, "store.password_file: %s\n", path);
    struct config c = with(text);
    status s = store_options_of(&c, ret, err);
    unlink(path);
    return s;
}

TEST(store_options_take_the_password_from_the_first_line_of_its_file)
{
    struct store_options o;
    struct err err = {};
    CHECK_INT(password_of("hush hush\r\nmore\n", &o, &err), ST_OK);
    CHECK_STR(o.password, S("hush hush"));
    CHECK_INT(password_of("hush", &o, &err), ST_OK);
    CHECK_STR(o.password, S("hush"));
    CHECK_INT(password_of("\nhush", &o, &err), ST_INVALID);
    CHECK(strstr(err.msg, "hush") == NULL);

    struct config c = with("store: {password: a, password_file: /no/such}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_INVALID);
    c = with("store: {password_file: /no/such}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_UNAVAILABLE);
    CHECK_STR(str_of(err.msg),
              S("store.password_file: /no/such cannot be read: No such file or directory"));
}

TEST(the_views_have_a_database_of_their_own)
{
    struct store_options o;
    struct err err = {};
    struct config c = with("store: {views_database: weir}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_INVALID);
    CHECK(strstr(err.msg, "the views have the tables' names"));
    c = with("store: {views_database: \"a`b\"}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_INVALID);
    CHECK(strstr(err.msg, "\"a`b\" is no name"));
    c = with("store: {views_database: \"\"}\n");
    CHECK_INT(store_options_of(&c, &o, &err), ST_OK);
}
