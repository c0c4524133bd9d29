/* detected_level: from labels and fields that name a level, else the severity number, else the
 * line's own JSON or logfmt field, else the first word in it that is a level's name. */
#include "base/json_in.h"
#include "query/ir/loki_labels.h"

const str loki_level_names[] = {
    S("level"),    S("LEVEL"),         S("Level"),         S("log_level"),     S("severity"),
    S("SEVERITY"), S("Severity"),      S("SeverityText"),  S("lvl"),           S("LVL"),
    S("Lvl"),      S("severity_text"), S("Severity_Text"), S("SEVERITY_TEXT"), {0},
};

/* The level that a word means; empty when it means none. */
static str level_of(str word)
{
    static const struct {
        const char *word;
        str level;
    } words[] = {
        {"trace", S("trace")},       {"trc", S("trace")},     {"debug", S("debug")},
        {"dbg", S("debug")},         {"info", S("info")},     {"inf", S("info")},
        {"information", S("info")},  {"warn", S("warn")},     {"wrn", S("warn")},
        {"warning", S("warn")},      {"error", S("error")},   {"err", S("error")},
        {"critical", S("critical")}, {"crit", S("critical")}, {"fatal", S("fatal")},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_fold(word, str_of(words[i].word))) return words[i].level;
    return (str){0};
}

static bool is_level_name(str key)
{
    for (const str *n = loki_level_names; n->len; n++)
        if (str_eq(*n, key)) return true;
    return str_eq(key, S("log.level"));
}

static str from_labels(const struct loki_labels *l)
{
    for (const str *n = loki_level_names; n->len; n++) {
        str level = level_of(loki_labels_get(l, *n));
        if (level.len) return level;
    }
    return (str){0};
}

static str from_severity(uint8_t n)
{
    static const str levels[] = {S("trace"), S("debug"), S("info"),
                                 S("warn"),  S("error"), S("fatal")};
    return n >= 1 && n <= 24 ? levels[(n - 1) / 4] : (str){0};
}

static str from_json(struct arena *a, str line)
{
    struct json_in j = json_read(line, a);
    if (json_next(&j) != JSON_OBJECT) return (str){0};
    while (json_next(&j) == JSON_KEY) {
        bool hit = is_level_name(j.text);
        json_next(&j);
        if (hit && j.token == JSON_STRING) {
            str level = level_of(j.text);
            if (level.len) return level;
        }
        json_skip(&j);
    }
    return (str){0};
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* level=warn, and failing that the first word that is a level. Levels stand early in a line. */
static str from_text(str line)
{
    enum { LOOK_AT = 1024 };
    if (line.len > LOOK_AT) line.len = LOOK_AT;
    str first = {0};
    for (size_t i = 0; i < line.len;) {
        size_t n = 0;
        while (i + n < line.len && is_word(line.ptr[i + n])) n++;
        if (!n) {
            i++;
            continue;
        }
        str word = {line.ptr + i, n};
        i += n;
        if (i < line.len && line.ptr[i] == '=' && is_level_name(word)) {
            size_t from = i + 1 + (i + 1 < line.len && line.ptr[i + 1] == '"');
            for (n = 0; from + n < line.len && is_word(line.ptr[from + n]);) n++;
            str level = level_of((str){line.ptr + from, n});
            if (level.len) return level;
        }
        if (!first.len) first = level_of(word);
    }
    return first;
}

str loki_detected_level(struct arena *a, const struct loki_labels *stream,
                        const struct loki_labels *metadata, uint8_t severity_number, str line)
{
    str level = from_labels(stream);
    if (!level.len) level = from_labels(metadata);
    if (!level.len) level = from_severity(severity_number);
    if (!level.len && line.len && line.ptr[0] == '{') level = from_json(a, line);
    if (!level.len) level = from_text(line);
    return level.len ? level : S("unknown");
}
