/* otlp_pb_parts: the pieces of OTLP messages that all signals share, for the otlp_pb_*.c. */
#pragma once

#include "base/pb_out.h"
#include "model/batch.h"

/* A batch on its way out: the message under construction and where in it the rows are. */
struct pb_batch {
    struct pb_out p;
    const struct telemetry_batch *b;
    struct arena *scratch;
    uint32_t resource, scope; /* of the open group */
    bool open;
};

/* Opens the ResourceX and ScopeX that rows of this resource and scope belong in, closing others. */
void pb_group(struct pb_batch *w, uint32_t resource, uint32_t scope);
void pb_group_end(struct pb_batch *w); /* closes what is open */

void pb_attributes(struct pb_batch *w, uint32_t field, struct attr_range r);

/* `field` as an AnyValue. */
void pb_any(struct pb_batch *w, uint32_t field, const struct attr_value *v);

/* The same as pb_put_*, but nothing for proto3's default. */
static inline void pb_some_varint(struct pb_out *p, uint32_t field, uint64_t v)
{
    if (v) pb_put_varint(p, field, v);
}
static inline void pb_some_fixed64(struct pb_out *p, uint32_t field, uint64_t v)
{
    if (v) pb_put_fixed64(p, field, v);
}
static inline void pb_some_fixed32(struct pb_out *p, uint32_t field, uint32_t v)
{
    if (v) pb_put_fixed32(p, field, v);
}
static inline void pb_some_str(struct pb_out *p, uint32_t field, str s)
{
    if (s.len) pb_put_str(p, field, s);
}
void pb_some_double(struct pb_out *p, uint32_t field, double v); /* by its bits: -0 is not 0 */
void pb_some_id(struct pb_out *p, uint32_t field, const uint8_t *id, size_t n); /* not of zeros */

void otlp_pb_spans(struct pb_batch *w);
void otlp_pb_logs(struct pb_batch *w);
void otlp_pb_metrics(struct pb_batch *w);
