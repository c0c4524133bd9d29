#include "store/s3_url.h"

#include "testing/test.h"

static str endpoint(const char *text, const char *region)
{
    static struct buf out;
    struct err err;
    buf_done(&out);
    buf_init(&out, 1 << 12);
    if (s3_url_endpoint(str_of(text), str_of(region), &out, &err) != ST_OK) return S("refused");
    return buf_str(&out);
}

TEST(a_bucket_of_aws_or_google_becomes_the_address_of_its_server)
{
    CHECK_STR(endpoint("s3://b/a/c", ""), S("https://b.s3.amazonaws.com/a/c/"));
    CHECK_STR(endpoint("s3://b", "eu-central-1"), S("https://b.s3.eu-central-1.amazonaws.com/"));
    CHECK_STR(endpoint("gs://b/x//", ""), S("https://storage.googleapis.com/b/x/"));
}

TEST(any_other_server_is_named_with_its_bucket)
{
    CHECK_STR(endpoint("http://127.0.0.1:9000/b", "r"), S("http://127.0.0.1:9000/b/"));
    CHECK_STR(endpoint("https://b.s3.eu-west-1.amazonaws.com", ""),
              S("https://b.s3.eu-west-1.amazonaws.com/"));
    CHECK_STR(endpoint("https://[::1]:9000/b/p/", ""), S("https://[::1]:9000/b/p/"));
}

TEST(what_is_no_place_in_an_object_store_is_refused)
{
    const char *const bad[] = {
        "",           "/mnt/cold",     "ftp://h/b",     "s3://",          "s3:///x",
        "http://h",   "http:///b",     "s3://b/a?x=1",  "http://h/b#f",   "http://h:1",
        "s3://b/'x'", "http://h/b\n/", "http://h/<b>/", "http://h/a b/c",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STR(endpoint(bad[i], ""), S("refused"));
    CHECK(!s3_url_is(S("/mnt")));
    CHECK(s3_url_is(S("s3://b")));
}

TEST(a_password_in_the_address_is_refused_and_not_repeated)
{
    struct buf out;
    buf_init(&out, 1 << 12);
    struct err err;
    CHECK(s3_url_endpoint(S("https://id:hush@h/b"), (str){0}, &out, &err) == ST_INVALID);
    CHECK(!strstr(err.msg, "hush"));
    CHECK(out.len == 0);
    buf_done(&out);
}
