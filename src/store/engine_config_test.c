#include "store/engine_config.h"

#include "testing/test.h"

static const char *text_of(const struct engine_config *c)
{
    static struct buf out;
    buf_done(&out);
    buf_init(&out, 1 << 16);
    engine_config_write(c, &out);
    buf_char(&out, 0);
    return out.ptr;
}

TEST(without_cold_storage_no_part_fits_into_the_cold_volume)
{
    const char *text =
        text_of(&(struct engine_config){.memory_bytes = 800, .no_cold_path = S("/d/none/")});
    CHECK(strstr(text, "<max_server_memory_usage>800<"));
    CHECK(strstr(text, "<mark_cache_size>100<"));
    CHECK(strstr(text, "<path>/d/none/</path>"));
    CHECK(strstr(text, "<cold><disk>cold</disk><max_data_part_size_bytes>1<"));
    CHECK(!strstr(text, "backups"));
}

TEST(blocks_are_kept_in_a_share_of_the_memory)
{
    CHECK(strstr(text_of(&(struct engine_config){.memory_bytes = 800}),
                 "<uncompressed_cache_size>100<"));
    const char *most = "<uncompressed_cache_size>67108864<";
    CHECK(strstr(text_of(&(struct engine_config){.memory_bytes = 8ull << 30}), most));
    CHECK(strstr(text_of(&(struct engine_config){}), most));
}

TEST(a_second_path_is_a_volume_of_the_policy_that_every_table_has)
{
    struct engine_config c = {.cold_path = S("/mnt/a<&b/"), .backup_path = S("/b/")};
    const char *text = text_of(&c);
    CHECK(strstr(text, "<cold><type>local</type>\n<path>/mnt/a&lt;&amp;b/</path>"));
    CHECK(strstr(text, "<policies><default><volumes>"));
    CHECK(strstr(text, "<cold><disk>cold</disk><perform_ttl_move_on_insert>0<"));
    CHECK(strstr(text, "<allowed_path>/b/</allowed_path>"));
}

TEST(an_object_store_is_read_through_a_cache_unless_that_is_off)
{
    struct engine_config c = {
        .cold_endpoint = S("http://h/b/"), .cold_region = S("r"), .cold_cache_bytes = 77};
    const char *text = text_of(&c);
    CHECK(strstr(text, "<endpoint>http://h/b/</endpoint>\n<region>r</region>"));
    CHECK(strstr(text, "<use_environment_credentials>1<"));
    CHECK(strstr(text, "<max_size>77<"));
    CHECK(strstr(text, "<cold><disk>cold</disk>"));
    c.cold_cache_bytes = 0;
    text = text_of(&c);
    CHECK(!strstr(text, "<type>cache<"));
    CHECK(strstr(text, "<cold><disk>cold_bucket</disk>"));
}
