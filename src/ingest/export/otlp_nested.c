#include "ingest/export/otlp_nested.h"

#include "base/num.h"

enum nested_number nested_number(str text, int64_t *ret_int, double *ret_double)
{
    bool whole = !str_eq(text, S("-0"));
    for (size_t i = 0; i < text.len && whole; i++)
        whole = text.ptr[i] != '.' && text.ptr[i] != 'e' && text.ptr[i] != 'E';
    if (whole && num_parse_i64(text, ret_int)) return NESTED_INT;
    return num_parse_f64(text, ret_double) ? NESTED_DOUBLE : NESTED_NO_NUMBER;
}

bool nested_is_sound(struct arena *scratch, str text)
{
    struct arena_mark mark = arena_mark(scratch);
    struct json_in j = json_read(text, scratch);
    bool sound = true;
    while (json_next(&j) != JSON_END && sound) sound = j.depth <= NESTED_DEPTH_MAX;
    arena_rewind(scratch, mark);
    return sound && !j.bad;
}
