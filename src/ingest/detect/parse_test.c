#include "ingest/detect/parse.h"

#include <stdio.h>

#include "testing/test.h"

static struct arena arena;

static void begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
}

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void refused(const char *text)
{
    struct parse_pair *pairs;
    size_t n;
    struct err err = {0};
    begin();
    CHECK_INT(parse_attributes(&arena, str_of(text), &pairs, &n, &err), ST_INVALID);
    CHECK(err.msg[0] != 0);
}

TEST(attributes_are_pairs_with_percent_encoded_values)
{
    struct parse_pair *pairs;
    size_t n = 9;
    begin();
    CHECK_INT(parse_attributes(&arena, S(""), &pairs, &n, NULL), ST_OK);
    CHECK_INT(n, 0);
    CHECK_INT(
        parse_attributes(&arena, S("a=b, service.name=caf%C3%A9%20x ,e=,f=g=h,"), &pairs, &n, NULL),
        ST_OK);
    CHECK_INT(n, 4);
    CHECK_STR(pairs[0].key, S("a"));
    CHECK_STR(pairs[0].value, S("b"));
    CHECK_STR(pairs[1].value, S("caf\xc3\xa9 x"));
    CHECK_STR(pairs[2].value, S(""));
    CHECK_STR(pairs[3].value, S("g=h"));
}

TEST(attributes_with_one_malformed_pair_count_for_nothing)
{
    refused("a=b,c");
    refused("=v");
    refused("a=b,,c=d");
    refused("a=%4");
    refused("a=%zz");
    refused("a=b c");
    refused("a=\"b\"");
    refused("a=caf\xc3\xa9");
}

TEST(os_release_is_read_like_a_shell_does)
{
    begin();
    str text = S("# x\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\nBUILD_ID=a\\ b\n"
                 "PRETTY_NAME=\"a \\\"q\\\" b\"\nID=");
    CHECK_STR(parse_os_release(&arena, text, S("NAME")), S("Debian GNU/Linux"));
    CHECK_STR(parse_os_release(&arena, text, S("VERSION_ID")), S("12"));
    CHECK_STR(parse_os_release(&arena, text, S("BUILD_ID")), S("a b"));
    CHECK_STR(parse_os_release(&arena, text, S("PRETTY_NAME")), S("a \"q\" b"));
    CHECK_STR(parse_os_release(&arena, text, S("ID")), S(""));
    CHECK_STR(parse_os_release(&arena, text, S("AME")), S(""));
}

TEST(cpuinfo_is_that_of_the_first_processor)
{
    str text = S("processor\t: 0\nmodel\t\t: 85\nmodel name\t: A (R) @ 2: x\n\nmodel\t: 99\n");
    CHECK_STR(parse_cpuinfo(text, S("model")), S("85"));
    CHECK_STR(parse_cpuinfo(text, S("model name")), S("A (R) @ 2: x"));
    CHECK_STR(parse_cpuinfo(text, S("stepping")), S(""));
}

TEST(hosts_give_the_qualified_name_of_a_host)
{
    str text = S("127.0.0.1 localhost localhost.localdomain\n# 1.1.1.1 box.no.example box\n"
                 "10.0.0.7\tbox.example.org box alias # more\n");
    CHECK_STR(parse_hosts(text, S("box")), S("box.example.org"));
    CHECK_STR(parse_hosts(text, S("alias")), S("box.example.org"));
    CHECK_STR(parse_hosts(text, S("10.0.0.7")), S(""));
    CHECK_STR(parse_hosts(text, S("more")), S(""));
}

TEST(container_ids_are_found_in_every_form_of_cgroup)
{
    static const char *const lines[] = {
        "0::/\n13:cpu:/docker/" ID64 "\n",
        "1:name=systemd:/system.slice/docker-" ID64 ".scope",
        "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID64 ".scope\n",
        "0::/kubepods/besteffort/pod1/" ID64,
        "0::/kubepods/x:cri-containerd:" ID64,
    };
    str id;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        CHECK(parse_cgroup_container(str_of(lines[i]), &id));
        CHECK_STR(id, S(ID64));
    }
    CHECK(parse_cgroup_container(
        S("9:perf_event:/ecs/a/0123456789abcdef0123456789abcdef-1234567890\n"), &id));
    CHECK_STR(id, S("0123456789abcdef0123456789abcdef-1234567890"));
    CHECK(!parse_cgroup_container(S("0::/user.slice/session-1.scope\n0::\n:::\n\n"), &id));
    CHECK(!parse_cgroup_container(S("0::/docker/0" ID64), &id));
}

TEST(container_ids_are_found_in_mountinfo)
{
    str id;
    CHECK(parse_mountinfo_container(S("1 2 0:3 / / rw - overlay overlay rw\n"
                                      "5 2 8:1 /var/lib/docker/containers/" ID64
                                      "/hostname /etc/hostname rw - ext4 /dev/x\n"),
                                    &id));
    CHECK_STR(id, S(ID64));
    CHECK(parse_mountinfo_container(
        S("5 2 8:1 /containers/storage/overlay-containers/" ID64 "/userdata/hosts /etc/hosts"),
        &id));
    CHECK(!parse_mountinfo_container(S("5 2 8:1 /containers/" ID64), &id));
    CHECK(!parse_mountinfo_container(S("5 2 8:1 /containers/containers/"), &id));
}

TEST(json_scalars_are_found_by_their_path)
{
    begin();
    str text = S("{\"x\":{\"id\":\"no\"},\"list\":[{\"id\":1}],\"a\":{\"b\":\"t\\u0041\",\"n\":12,"
                 "\"yes\":true,\"nil\":null},\"id\":\"i-1\"}");
    CHECK_STR(parse_json(&arena, text, "id"), S("i-1"));
    CHECK_STR(parse_json(&arena, text, "a/b"), S("tA"));
    CHECK_STR(parse_json(&arena, text, "a/n"), S("12"));
    CHECK_STR(parse_json(&arena, text, "a/yes"), S("true"));
    CHECK_STR(parse_json(&arena, text, "a/nil"), S(""));
    CHECK_STR(parse_json(&arena, text, "a/id"), S(""));
    CHECK_STR(parse_json(&arena, text, "a"), S(""));
    CHECK_STR(parse_json(&arena, text, "id/b"), S(""));
    CHECK_STR(parse_json(&arena, S("{\"id\":\"x"), "id"), S(""));
    CHECK_STR(parse_json(&arena, S("<html>"), "id"), S(""));
    CHECK_STR(parse_json(&arena, S(""), "id"), S(""));
}

TEST(parts_are_counted_from_the_beginning)
{
    CHECK_STR(parse_part(S("arn:aws:ecs:eu:1"), ':', 3), S("eu"));
    CHECK_STR(parse_part(S("a:b"), ':', 7), S(""));
    CHECK_STR(parse_last_part(S("a/b/c"), '/'), S("c"));
    CHECK_STR(parse_last_part(S("abc"), '/'), S("abc"));
    CHECK_STR(parse_last_part(S("a/"), '/'), S(""));
}
