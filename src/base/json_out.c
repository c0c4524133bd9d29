#include "base/json_out.h"

#include <assert.h>
#include <math.h>

#include "base/num.h"
#include "base/utf8.h"

static void value(struct json_out *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    uint64_t bit = 1ull << j->depth;
    if (j->comma & bit) buf_char(j->out, ',');
    j->comma |= bit;
}

static void open_level(struct json_out *j, bool array)
{
    value(j);
    assert(j->depth < 63);
    j->depth++;
    uint64_t bit = 1ull << j->depth;
    j->comma &= ~bit;
    j->array = array ? j->array | bit : j->array & ~bit;
    buf_char(j->out, array ? '[' : '{');
}

void json_object(struct json_out *j) { open_level(j, false); }
void json_array(struct json_out *j) { open_level(j, true); }

void json_end(struct json_out *j)
{
    assert(j->depth > 0);
    buf_char(j->out, j->array & 1ull << j->depth ? ']' : '}');
    j->depth--;
}

void json_quote(struct buf *out, str s)
{
    buf_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t n = c < 0x80 ? 1 : utf8_length(s.ptr + i, s.len - i);
        if (n == 1 && c >= 0x20 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        if (n > 1) {
            i += n;
            continue;
        }
        buf_add(out, (str){s.ptr + from, i - from});
        if (n == 0)
            buf_add(out, S("\xef\xbf\xbd"));
        else if (c == '"' || c == '\\')
            buf_add(out, (str){(char[]){'\\', (char)c}, 2});
        else if (c == '\n')
            buf_add(out, S("\\n"));
        else if (c == '\t')
            buf_add(out, S("\\t"));
        else if (c == '\r')
            buf_add(out, S("\\r"));
        else
            buf_printf(out, "\\u%04x", c);
        i++;
        from = i;
    }
    buf_add(out, str_drop(s, from));
    buf_char(out, '"');
}

void json_key(struct json_out *j, str key)
{
    value(j);
    json_quote(j->out, key);
    buf_char(j->out, ':');
    j->after_key = true;
}

void json_str(struct json_out *j, str s)
{
    value(j);
    json_quote(j->out, s);
}

void json_raw(struct json_out *j, str already_json)
{
    value(j);
    buf_add(j->out, already_json);
}

void json_i64(struct json_out *j, int64_t v)
{
    char text[NUM_MAX];
    json_raw(j, (str){text, num_format_i64(v, text)});
}

void json_u64(struct json_out *j, uint64_t v)
{
    char text[NUM_MAX];
    json_raw(j, (str){text, num_format_u64(v, text)});
}

void json_f64(struct json_out *j, double v)
{
    char text[NUM_MAX];
    str s = {text, num_format_json(v, text)};
    if (isfinite(v))
        json_raw(j, s);
    else
        json_str(j, s);
}

void json_bool(struct json_out *j, bool v) { json_raw(j, v ? S("true") : S("false")); }
void json_null(struct json_out *j) { json_raw(j, S("null")); }
