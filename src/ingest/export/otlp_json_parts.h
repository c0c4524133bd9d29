/* otlp_json_parts: the pieces of OTLP messages that all signals share, for the otlp_json_*.c. */
#pragma once

#include "base/json_out.h"
#include "model/batch.h"

/* A batch on its way out. */
struct json_batch {
    struct json_out j;
    const struct telemetry_batch *b;
    struct arena *scratch;
    uint32_t resource, scope; /* of the open group */
    bool open;
};

/* A member's name that needs no escapes: its key with quotes and colon, as it is written. */
#define JSON_FIELD(j, name) json_field((j), S("\"" name "\":"))
static inline void json_field(struct json_out *j, str quoted)
{
    json_raw(j, quoted);
    j->after_key = true;
}

/* Opens the ResourceX and ScopeX that rows of this resource and scope belong in, closing others. */
void json_group(struct json_batch *w, uint32_t resource, uint32_t scope);
void json_group_end(struct json_batch *w); /* closes what is open */

void json_attributes(struct json_batch *w, str quoted_name, struct attr_range r);
void json_any(struct json_batch *w, const struct attr_value *v); /* a value: AnyValue's object */

void json_digits(struct json_out *j, uint64_t v);       /* 64-bit numbers are text */
void json_signed_digits(struct json_out *j, int64_t v); /* the same */
void json_id(struct json_out *j, const uint8_t *id, size_t n);
bool json_id_is_set(const uint8_t *id, size_t n);

/* Members, unless they have proto3's default. */
#define JSON_SOME_DIGITS(j, name, v) \
    ((v) ? (JSON_FIELD((j), name), json_digits((j), (v))) : (void)0)
#define JSON_SOME_U32(j, name, v) ((v) ? (JSON_FIELD((j), name), json_u64((j), (v))) : (void)0)
#define JSON_SOME_STR(j, name, s) ((s).len ? (JSON_FIELD((j), name), json_str((j), (s))) : (void)0)
#define JSON_SOME_ID(j, name, id)                                                               \
    (json_id_is_set((id), sizeof(id)) ? (JSON_FIELD((j), name), json_id((j), (id), sizeof(id))) \
                                      : (void)0)

void json_span(struct json_batch *w, uint32_t row);
void json_record(struct json_batch *w, uint32_t row);
struct exemplar_index;
/* Opens the Metric of the row's desc and its dataPoints; ends them. */
void json_metric_begin(struct json_batch *w, const struct metric_desc *d);
void json_metric_end(struct json_batch *w, const struct metric_desc *d);
void json_point(struct json_batch *w, const struct exemplar_index *x, uint32_t row);
