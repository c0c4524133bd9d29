/* template: one request encoded with gaps, and the list of what goes into them. */
#pragma once

#include "base/pb_out.h"
#include "loadgen/generate.h"

enum patch_kind {
    PATCH_TRACE_ID, /* 16 bytes; arg: trace in the request */
    PATCH_SPAN_ID,  /* 8 bytes; arg: span in the request */
    PATCH_TIME,     /* fixed64; arg: ns before now */
    PATCH_REQUEST,  /* varint of 5 bytes: the request's number */
    PATCH_HEX,      /* 8 hex digits; arg: salt */
    PATCH_COUNTER,  /* fixed64 that rises unevenly, by arg on average for each time sent */
    PATCH_BUCKET,   /* the same; arg: rise, and above its 32 bits what one observation adds to the
                       sum, in thousandths */
    PATCH_COUNT,    /* fixed64: the buckets since the last PATCH_SUM, added up */
    PATCH_SUM,      /* double: their sum */
    PATCH_LEVEL,    /* double that goes up and down; arg: salt << 8 | enum level */
};

/* What numbers a gauge has. */
enum level {
    LEVEL_SHARE, /* 0 to 1 in thousandths */
    LEVEL_FEW,   /* small integers that stay for a while */
    LEVEL_PAGES, /* bytes, multiples of 4096 */
    LEVEL_EXACT, /* 0 to 1 in all digits of a double */
};

struct patch {
    uint32_t at;
    enum patch_kind kind;
    int64_t arg;
};

struct template
{
    struct buf text;
    struct patch *patches;
    uint32_t n_patches, cap, items;
};

/* A template being written. */
struct drawing {
    struct template *t;
    struct pb_out out;
    const struct load_shape *shape;
    uint64_t random;
};

static inline uint64_t mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint32_t draw(struct drawing *d, uint32_t n); /* 0 to n-1 */

void draw_begin(struct drawing *d, uint32_t field);
void draw_end(struct drawing *d); /* instead of pb_end: keeps the places of patches right */

/* A string; "########" in it becomes 8 hex digits of each request. */
void draw_text(struct drawing *d, uint32_t field, const char *text);
void draw_trace_id(struct drawing *d, uint32_t field, uint32_t trace);
void draw_span_id(struct drawing *d, uint32_t field, uint32_t span);
void draw_time(struct drawing *d, uint32_t field, int64_t ns_before);
void draw_fixed(struct drawing *d, uint32_t field, enum patch_kind kind, int64_t arg);
void draw_raw_bucket(struct drawing *d, int64_t arg); /* without a tag, for packed counts */

void draw_attr(struct drawing *d, uint32_t field, const char *key, const char *text);
void draw_attr_int(struct drawing *d, uint32_t field, const char *key, int64_t v);
void draw_attr_bool(struct drawing *d, uint32_t field, const char *key, bool v);
void draw_tags(struct drawing *d, uint32_t field, uint32_t item); /* loadgen.request and .item */

/* Field 1 of a Resource* message: 12 attributes of service `service`. */
void draw_resource(struct drawing *d, uint32_t service);
void draw_scope(struct drawing *d, const char *name);

/* One template of each signal: all items of one request. */
void draw_traces(struct drawing *d, uint32_t index);
void draw_logs(struct drawing *d, uint32_t index);
void draw_metrics(struct drawing *d, uint32_t index);
