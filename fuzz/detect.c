/* Any bytes as what resource detection reads: the first byte says as what. What is found lies in
 * the text, or is no longer than it. */
#include <assert.h>
#include <stdint.h>

#include "ingest/detect/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(str found, str text)
{
    assert(found.len == 0 ||
           (found.ptr >= text.ptr && found.ptr + found.len <= text.ptr + text.len));
}

static void attributes(struct arena *a, str text)
{
    struct parse_pair *pairs;
    size_t n = 0, bytes = 0;
    struct err err = {0};
    if (parse_attributes(a, text, &pairs, &n, &err) != ST_OK) {
        assert(err.msg[0] && err.pos <= text.len);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        assert(pairs[i].key.len > 0);
        bytes += pairs[i].key.len + pairs[i].value.len;
    }
    assert(bytes <= text.len);
}

static void containers(str text)
{
    str id = {0};
    if (parse_cgroup_container(text, &id)) {
        check_inside(id, text);
        assert(id.len >= 34);
    }
    if (parse_mountinfo_container(text, &id)) {
        check_inside(id, text);
        assert(id.len == 64);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct arena a;
    arena_init(&a, 64 << 20);
    str text = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'a': attributes(&a, text); break;
    case 'c': containers(text); break;
    case 'o': assert(parse_os_release(&a, text, S("NAME")).len <= text.len); break;
    case 'p': check_inside(parse_cpuinfo(text, S("model")), text); break;
    case 'h': check_inside(parse_hosts(text, S("box")), text); break;
    default:
        assert(parse_json(&a, text, "a").len <= text.len);
        assert(parse_json(&a, text, "a/b/c").len <= text.len);
        check_inside(parse_part(text, ':', 3), text);
        check_inside(parse_last_part(text, '/'), text);
    }
    arena_done(&a);
    return 0;
}
