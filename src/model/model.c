#include <stdlib.h>

#include "base/hex.h"
#include "base/num.h"
#include "model/attr.h"
#include "model/batch.h"

str attr_text(const struct attr_value *v, char tmp[ATTR_SCALAR_MAX])
{
    switch (v->type) {
    case ATTR_INT: return (str){tmp, num_format_i64(v->i, tmp)};
    case ATTR_DOUBLE: {
        char wide[NUM_MAX];
        size_t n = num_format_json(v->d, wide);
        if (n > ATTR_SCALAR_MAX) n = ATTR_SCALAR_MAX; /* not reached: the e-form is at most 24 */
        memcpy(tmp, wide, n);
        return (str){tmp, n};
    }
    case ATTR_BOOL: return v->i ? S("true") : S("false");
    case ATTR_EMPTY: return (str){0};
    default: return v->text;
    }
}

str attr_stored_text(struct arena *a, const struct attr_value *v)
{
    if (v->type == ATTR_BYTES) {
        char *text = arena_alloc(a, base64_size(v->text.len) + 1, 1);
        return (str){text, base64_encode(v->text, text)};
    }
    char tmp[ATTR_SCALAR_MAX];
    str text = attr_text(v, tmp);
    return text.ptr == tmp ? arena_str(a, text) : text;
}

const char *reject_reason_name(enum reject_reason r)
{
    static const char *const names[] = {
        "bad_id", "too_old", "in_future", "bad_buckets", "too_many_attributes", "bad_labels"};
    return names[r];
}

uint32_t telemetry_batch_rejected(const struct telemetry_batch *b)
{
    uint32_t n = 0;
    for (int i = 0; i < REJECT_REASONS; i++) n += b->rejected[i];
    return n;
}

void telemetry_batch_free(struct telemetry_batch *b)
{
    if (!b) return;
    struct arena *a = b->arena; /* the batch itself lies in it */
    arena_done(a);
    free(a);
}
