/* Everything but the traces themselves: envelope, lists, errors, indentation. */
#include "query/render/jaeger_json.h"

#include "base/json_out.h"
#include "query/render/jaeger_envelope.h"

struct json_out jaeger_begin(struct buf *out)
{
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("data"));
    return j;
}

void jaeger_end_with_errors(struct json_out *j, uint64_t total)
{
    json_key(j, S("total"));
    json_u64(j, total);
    json_key(j, S("limit"));
    json_u64(j, 0);
    json_key(j, S("offset"));
    json_u64(j, 0);
    json_key(j, S("errors"));
}

void jaeger_end(struct json_out *j, uint64_t total)
{
    jaeger_end_with_errors(j, total);
    json_null(j);
    json_end(j);
}

void jaeger_render_names(struct buf *out, const str *names, size_t n)
{
    struct json_out j = jaeger_begin(out);
    json_array(&j);
    for (size_t i = 0; i < n; i++) json_str(&j, names[i]);
    json_end(&j);
    jaeger_end(&j, n);
}

void jaeger_render_operations(struct buf *out, const struct trace_operation *ops, size_t n)
{
    struct json_out j = jaeger_begin(out);
    json_array(&j);
    for (size_t i = 0; i < n; i++) {
        json_object(&j);
        json_key(&j, S("name"));
        json_str(&j, ops[i].name);
        json_key(&j, S("spanKind"));
        json_str(&j, span_kind_name(ops[i].kind));
        json_end(&j);
    }
    json_end(&j);
    jaeger_end(&j, n);
}

void jaeger_render_dependencies(struct buf *out, const struct trace_dependency *deps, size_t n)
{
    struct json_out j = jaeger_begin(out);
    json_array(&j);
    for (size_t i = 0; i < n; i++) {
        json_object(&j);
        json_key(&j, S("parent"));
        json_str(&j, deps[i].parent);
        json_key(&j, S("child"));
        json_str(&j, deps[i].child);
        json_key(&j, S("callCount"));
        json_u64(&j, deps[i].calls);
        json_end(&j);
    }
    json_end(&j);
    jaeger_end(&j, 0);
}

void jaeger_render_error(struct buf *out, unsigned http_status, str msg)
{
    struct json_out j = jaeger_begin(out);
    json_null(&j);
    jaeger_end_with_errors(&j, 0);
    json_array(&j);
    json_object(&j);
    json_key(&j, S("code"));
    json_u64(&j, http_status);
    json_key(&j, S("msg"));
    json_str(&j, msg);
    json_end(&j);
    json_end(&j);
    json_end(&j);
    buf_char(out, '\n');
}

static void new_line(struct buf *out, unsigned depth)
{
    buf_char(out, '\n');
    for (unsigned i = 0; i < depth; i++) buf_add(out, S("    "));
}

void jaeger_pretty(struct buf *out, str json)
{
    unsigned depth = 0;
    for (size_t i = 0; i < json.len && !out->over; i++) {
        char c = json.ptr[i];
        switch (c) {
        case '"': {
            size_t from = i++;
            while (i < json.len && json.ptr[i] != '"') i += json.ptr[i] == '\\' ? 2 : 1;
            size_t to = i < json.len ? i + 1 : json.len;
            buf_add(out, (str){json.ptr + from, to - from});
            break;
        }
        case '{':
        case '[':
            buf_char(out, c);
            if (i + 1 < json.len && (json.ptr[i + 1] == '}' || json.ptr[i + 1] == ']'))
                buf_char(out, json.ptr[++i]);
            else
                new_line(out, ++depth);
            break;
        case '}':
        case ']':
            new_line(out, depth ? --depth : 0);
            buf_char(out, c);
            break;
        case ',':
            buf_char(out, c);
            new_line(out, depth);
            break;
        case ':': buf_add(out, S(": ")); break;
        default: buf_char(out, c);
        }
    }
}
