#include "query/parse/remote_read.h"

#include "base/pb_reader.h"

enum { TYPE_SAMPLES, TYPE_CHUNKS };

struct asked {
    struct arena *arena;
    str body;
    struct err *err;
    uint64_t types, known; /* how many were named, and whether one was taken */
};

static status malformed(const struct asked *q, const struct pb_reader *r, const char *what)
{
    size_t at = (size_t)((const char *)r->bad - q->body.ptr);
    return err_set(q->err, ST_INVALID, (uint32_t)at, "malformed %s at byte %zu", what, at);
}

/* message LabelMatcher { Type type = 1; string name = 2; string value = 3; } */
static status matcher(struct asked *q, str msg, struct label_matcher *m)
{
    static const enum label_match ops[] = {MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX,
                                           MATCH_NOT_REGEX};
    struct pb_reader r = pb_read(msg);
    uint64_t type = 0;
    *m = (struct label_matcher){.name = S(""), .value = S("")};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_VARINT): type = pb_varint(&r); break;
        case PB_TAG(2, PB_BYTES): m->name = pb_bytes(&r); break;
        case PB_TAG(3, PB_BYTES): m->value = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return malformed(q, &r, "LabelMatcher");
    if (type >= sizeof ops / sizeof *ops)
        return err_set(q->err, ST_INVALID, 0, "matcher of an unknown type %llu, known are 0 to 3",
                       (unsigned long long)type);
    m->op = ops[type];
    if (m->op < MATCH_REGEX) return ST_OK;
    return regex_new(q->arena, m->value, REGEX_WHOLE, &m->regex, q->err);
}

/* message Query { int64 start_timestamp_ms = 1; int64 end_timestamp_ms = 2; repeated LabelMatcher
 * matchers = 3; ReadHints hints = 4; } */
static status query(struct asked *q, str msg, struct remote_read_query *ret)
{
    uint32_t n = 0;
    struct pb_reader r = pb_read(msg);
    *ret = (struct remote_read_query){0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        n += tag == PB_TAG(3, PB_BYTES);
        pb_skip(&r, tag);
    }
    if (n > REMOTE_READ_MATCHERS_MAX)
        return err_set(q->err, ST_INVALID, 0, "a query of %u matchers, limit %d", n,
                       REMOTE_READ_MATCHERS_MAX);
    struct label_matcher *list = arena_array(q->arena, struct label_matcher, n + 1);
    r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_VARINT): ret->from_ms = (int64_t)pb_varint(&r); break;
        case PB_TAG(2, PB_VARINT): ret->to_ms = (int64_t)pb_varint(&r); break;
        case PB_TAG(3, PB_BYTES): TRY(matcher(q, pb_bytes(&r), &list[ret->n_matchers++])); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return malformed(q, &r, "Query");
    ret->matchers = list;
    return ST_OK;
}

/* The first that is known. */
static void take_type(struct asked *q, struct remote_read *ret, uint64_t type)
{
    q->types++;
    if (q->known || type > TYPE_CHUNKS) return;
    q->known = 1;
    ret->chunks = type == TYPE_CHUNKS;
}

/* message ReadRequest { repeated Query queries = 1; repeated ResponseType accepted_response_types =
 * 2; } */
status remote_read_parse(struct arena *a, str body, struct remote_read *ret, struct err *err)
{
    struct asked q = {.arena = a, .body = body, .err = err};
    uint32_t n = 0;
    struct pb_reader r = pb_read(body);
    *ret = (struct remote_read){0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        n += tag == PB_TAG(1, PB_BYTES);
        pb_skip(&r, tag);
    }
    if (n > REMOTE_READ_QUERIES_MAX)
        return err_set(err, ST_INVALID, 0, "%u queries in a request, limit %d", n,
                       REMOTE_READ_QUERIES_MAX);
    struct remote_read_query *list = arena_array(a, struct remote_read_query, n + 1);
    r = pb_read(body);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(1, PB_BYTES)) {
            TRY(query(&q, pb_bytes(&r), &list[ret->n_queries++]));
        } else if (tag == PB_TAG(2, PB_VARINT)) {
            take_type(&q, ret, pb_varint(&r));
        } else if (tag == PB_TAG(2, PB_BYTES)) {
            struct pb_reader packed = pb_read(pb_bytes(&r));
            while (packed.at < packed.end && !packed.bad) take_type(&q, ret, pb_varint(&packed));
            if (packed.bad) return malformed(&q, &packed, "ReadRequest");
        } else {
            pb_skip(&r, tag);
        }
    }
    if (r.bad) return malformed(&q, &r, "ReadRequest");
    if (q.types && !q.known)
        return err_set(
            err, ST_INVALID, 0,
            "none of the accepted response types is known: 0 (samples) and 1 (chunks) are");
    ret->queries = list;
    return ST_OK;
}
