#include "lifecycle/backup_place.h"

#include "testing/test.h"

static str sql(const char *place)
{
    static struct buf out;
    struct err err;
    buf_done(&out);
    buf_init(&out, 1 << 15);
    if (backup_place_sql(str_of(place), S("r-1"), &out, &err) != ST_OK) return S("refused");
    return buf_str(&out);
}

TEST(a_path_is_a_file_and_an_address_is_an_object_store)
{
    CHECK_STR(sql("/b/monday"), S("File('/b/monday')"));
    CHECK_STR(sql("/b/monday//"), S("File('/b/monday')"));
    CHECK_STR(sql("/b/it's\\.tar.zst"), S("File('/b/it\\'s\\\\.tar.zst')"));
    CHECK_STR(sql("s3://b/p/"), S("S3('https://b.s3.r-1.amazonaws.com/p')"));
    CHECK_STR(sql("http://127.0.0.1:9000/b/p"), S("S3('http://127.0.0.1:9000/b/p')"));
}

TEST(what_is_neither_is_refused)
{
    const char *const bad[] = {"", "monday", "./x", "ftp://h/b", "s3://b/x')", "https://u:p@h/b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_STR(sql(bad[i]), S("refused"));
}
