#include "cmd/backup_job.h"

#include "base/json_out.h"
#include "cmd/retention_of.h"
#include "lifecycle/backup.h"

status backup_job_start(const struct config *c, struct store *s, str to, str base, str journal,
                        struct buf *out, struct err *err)
{
    struct schema_settings set = settings_of(c);
    struct backup_places places = {.place = to, .base = base, .region = c->cold_region};
    char id[BACKUP_ID_MAX];
    TRY(backup_start(s, &set, &places, id, err));
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("id")), json_str(&j, str_of(id));
    json_key(&j, S("journal")), json_str(&j, journal);
    json_end(&j);
    buf_char(out, '\n');
    return ST_OK;
}

status backup_job_state(struct store *s, str id, struct buf *out, struct err *err)
{
    struct backup_state b;
    TRY(backup_ask(s, id, &b, err));
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("running")), json_bool(&j, b.running);
    json_key(&j, S("files")), json_u64(&j, b.files);
    json_key(&j, S("bytes")), json_u64(&j, b.bytes);
    json_key(&j, S("new_files")), json_u64(&j, b.new_files);
    json_key(&j, S("new_bytes")), json_u64(&j, b.new_bytes);
    json_end(&j);
    buf_char(out, '\n');
    return ST_OK;
}
