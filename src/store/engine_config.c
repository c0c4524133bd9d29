#include "store/engine_config.h"

#include <inttypes.h>

static void element(struct buf *out, const char *name, str text)
{
    buf_printf(out, "<%s>", name);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '<')
            buf_add(out, S("&lt;"));
        else if (c == '&')
            buf_add(out, S("&amp;"));
        else
            buf_char(out, c);
    }
    buf_printf(out, "</%s>\n", name);
}

/* Reads and writes of one part go through the cache, so what was moved lately, and the heads of all
 * parts while there is room, need no request. */
static void bucket(const struct engine_config *c, struct buf *out)
{
    buf_add(out, S("<" ENGINE_COLD_BUCKET "><type>s3</type>\n"));
    element(out, "endpoint", c->cold_endpoint);
    if (c->cold_region.len) element(out, "region", c->cold_region);
    buf_add(out, S("<use_environment_credentials>1</use_environment_credentials>\n"
                   "<skip_access_check>1</skip_access_check></" ENGINE_COLD_BUCKET ">\n"));
    if (c->cold_cache_bytes)
        buf_printf(out,
                   "<cold><type>cache</type><disk>" ENGINE_COLD_BUCKET "</disk>"
                   "<path>cold/</path><max_size>%" PRIu64 "</max_size>"
                   "<cache_on_write_operations>1</cache_on_write_operations></cold>\n",
                   c->cold_cache_bytes);
}

static void disks(const struct engine_config *c, struct buf *out)
{
    if (c->cold_endpoint.len) {
        bucket(c, out);
        return;
    }
    buf_add(out, S("<cold><type>local</type>\n"));
    element(out, "path", c->cold_path.len ? c->cold_path : c->no_cold_path);
    buf_add(out, S("</cold>\n"));
}

/* The volume is part of the policy that every table has, so that no table's own settings name it. A
 * table whose TTL names a volume does not load without it; so it is always there, and when there is
 * no cold storage no part fits in. Parts go there by TTL only: not when the disk fills, and not
 * while they are inserted. Merges are allowed there, or parts could not expire. */
static void volumes(const struct engine_config *c, struct buf *out)
{
    bool direct = c->cold_endpoint.len && !c->cold_cache_bytes;
    bool none = !c->cold_endpoint.len && !c->cold_path.len;
    buf_add(out, S("<storage_configuration><disks>\n"));
    disks(c, out);
    buf_printf(out,
               "</disks><policies><default><volumes>\n"
               "<default><disk>default</disk></default>\n"
               "<cold><disk>%s</disk>%s"
               "<perform_ttl_move_on_insert>0</perform_ttl_move_on_insert></cold>\n"
               "</volumes><move_factor>0</move_factor></default></policies>"
               "</storage_configuration>\n",
               direct ? ENGINE_COLD_BUCKET : "cold",
               none ? "<max_data_part_size_bytes>1</max_data_part_size_bytes>" : "");
}

/* Of parts' blocks as they are without compression, for the statements that ask for it: those that
 * read the newest samples of metrics (docs/decisions/0040). */
static const uint64_t blocks_most = 64 << 20;

/* Few background threads: the engine shares its cores with ingestion. Merges take many parts at a
 * time, so that a row is merged seldom, and texts have their lengths among them
 * (docs/decisions/0011). Caches take a share of the memory, so that what remains is for statements.
 */
void engine_config_write(const struct engine_config *c, struct buf *out)
{
    buf_add(out, S("<!-- Written by weir at each start. -->\n<clickhouse>\n"
                   "    <background_pool_size>3</background_pool_size>\n"
                   "    <merge_tree>\n"
                   "        <merge_selector_base>16</merge_selector_base>\n"
                   "        <string_serialization_version>single_stream"
                   "</string_serialization_version>\n"
                   "    </merge_tree>\n"));
    buf_printf(out, "    <uncompressed_cache_size>%" PRIu64 "</uncompressed_cache_size>\n",
               c->memory_bytes && c->memory_bytes / 8 < blocks_most ? c->memory_bytes / 8
                                                                    : blocks_most);
    if (c->memory_bytes)
        buf_printf(out,
                   "    <max_server_memory_usage>%" PRIu64 "</max_server_memory_usage>\n"
                   "    <mark_cache_size>%" PRIu64 "</mark_cache_size>\n"
                   "    <index_mark_cache_size>%" PRIu64 "</index_mark_cache_size>\n",
                   c->memory_bytes, c->memory_bytes / 8, c->memory_bytes / 16);
    element(out, "users_config", c->users_file);
    volumes(c, out);
    if (c->backup_path.len) {
        buf_add(out, S("<backups>"));
        element(out, "allowed_path", c->backup_path);
        buf_add(out, S("</backups>\n"));
    }
    buf_add(out, S("</clickhouse>\n"));
}
