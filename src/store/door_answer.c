#include "store/door_answer.h"

#include <inttypes.h>

#include "store/engine_codes.h"

static bool starts(str s, str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

str door_content_type(str format)
{
    static const struct {
        str prefix, type;
    } types[] = {
        {S("TabSeparated"), S("text/tab-separated-values; charset=UTF-8")},
        {S("TSV"), S("text/tab-separated-values; charset=UTF-8")},
        {S("CSVWithNames"), S("text/csv; charset=UTF-8; header=present")},
        {S("CSV"), S("text/csv; charset=UTF-8; header=absent")},
        {S("JSONCompactEachRow"), S("application/x-ndjson; charset=UTF-8")},
        {S("JSONEachRow"), S("application/x-ndjson; charset=UTF-8")},
        {S("JSON"), S("application/json; charset=UTF-8")},
        {S("XML"), S("application/xml; charset=UTF-8")},
        {S("Pretty"), S("text/plain; charset=UTF-8")},
        {S("Values"), S("text/plain; charset=UTF-8")},
        {S("Vertical"), S("text/plain; charset=UTF-8")},
        {S("Markdown"), S("text/markdown; charset=UTF-8")},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (starts(format, types[i].prefix)) return types[i].type;
    return S("application/octet-stream");
}

int door_code(status s)
{
    switch (s) {
    case ST_LIMIT: return 396;       /* TOO_MANY_ROWS_OR_BYTES */
    case ST_OVERLOADED: return 202;  /* TOO_MANY_SIMULTANEOUS_QUERIES */
    case ST_TIMEOUT: return 159;     /* TIMEOUT_EXCEEDED */
    case ST_CANCELLED: return 394;   /* QUERY_WAS_CANCELLED */
    case ST_UNAVAILABLE: return 210; /* NETWORK_ERROR */
    case ST_UNSUPPORTED: return 48;  /* NOT_IMPLEMENTED */
    case ST_INVALID: return 36;      /* BAD_ARGUMENTS */
    default: return 49;              /* LOGICAL_ERROR */
    }
}

void door_error_text(struct buf *out, str message, status s, const struct err *err,
                     const char *version, int *ret_code)
{
    str text = message.len ? message : (str){err->msg, strlen(err->msg)};
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ') text.len--;
    int code = store_error_code(text);
    if (!code) {
        code = *ret_code ? *ret_code : door_code(s);
        buf_printf(out, "Code: %d. DB::Exception: " STR_FMT ". (%s)", code, STR_ARG(text),
                   engine_code_name(code));
    } else {
        buf_add(out, text);
    }
    if (!memmem(text.ptr, text.len, "(version ", 9)) buf_printf(out, " (version %s)", version);
    buf_char(out, '\n');
    *ret_code = code;
}

void door_summary(struct buf *out, const struct store_stats *stats, uint64_t elapsed_ns)
{
    buf_printf(
        out,
        "{\"read_rows\":\"%" PRIu64 "\",\"read_bytes\":\"%" PRIu64 "\",\"written_rows\":\"%" PRIu64
        "\",\"result_bytes\":\"%" PRIu64 "\",\"elapsed_ns\":\"%" PRIu64 "\"}",
        stats->rows_read, stats->bytes_read, stats->rows_written, stats->result_bytes, elapsed_ns);
}

enum { EXCEPTION_BYTES = 16000 };

void door_exception_block(struct buf *out, str text, str tag)
{
    if (text.len && text.ptr[text.len - 1] == '\n') text.len--;
    if (text.len > EXCEPTION_BYTES) text.len = EXCEPTION_BYTES;
    buf_printf(out,
               "\r\n__exception__\r\n" STR_FMT "\r\n" STR_FMT "\n%zu " STR_FMT
               "\r\n__exception__\r\n",
               STR_ARG(tag), STR_ARG(text), text.len + 1, STR_ARG(tag));
}
