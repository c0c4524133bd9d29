/* The rules are those of Prometheus' OTLP translator, for its four strategies. */
#include "model/prometheus_name.h"

#include "base/utf8.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool in_token(char c) { return is_digit(c) || is_letter(c) || c == ':'; }

struct unit_name {
    str otel, name;
};

static const struct unit_name units[] = {
    {S("d"), S("days")},
    {S("h"), S("hours")},
    {S("min"), S("minutes")},
    {S("s"), S("seconds")},
    {S("ms"), S("milliseconds")},
    {S("us"), S("microseconds")},
    {S("ns"), S("nanoseconds")},
    {S("By"), S("bytes")},
    {S("KiBy"), S("kibibytes")},
    {S("MiBy"), S("mebibytes")},
    {S("GiBy"), S("gibibytes")},
    {S("TiBy"), S("tibibytes")},
    {S("KBy"), S("kilobytes")},
    {S("MBy"), S("megabytes")},
    {S("GBy"), S("gigabytes")},
    {S("TBy"), S("terabytes")},
    {S("m"), S("meters")},
    {S("V"), S("volts")},
    {S("A"), S("amperes")},
    {S("J"), S("joules")},
    {S("W"), S("watts")},
    {S("g"), S("grams")},
    {S("Cel"), S("celsius")},
    {S("Hz"), S("hertz")},
    {S("1"), S("")},
    {S("%"), S("percent")},
};

static const struct unit_name per_units[] = {
    {S("s"), S("second")}, {S("m"), S("minute")}, {S("h"), S("hour")}, {S("d"), S("day")},
    {S("w"), S("week")},   {S("mo"), S("month")}, {S("y"), S("year")},
};

static str unit_lookup(const struct unit_name *list, size_t n, str unit)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].otel, unit)) return list[i].name;
    return unit;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static str trim(str s)
{
    while (s.len && is_space(*s.ptr)) s = str_drop(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
    return s;
}

/* A text as tokens joined with "_". */
struct joined {
    char *ptr;
    size_t len;
};

static struct joined joined_new(struct arena *a, size_t room)
{
    return (struct joined){arena_alloc(a, room + 1, 1), 0};
}

static void join(struct joined *j, str token)
{
    if (token.len == 0) return;
    if (j->len) j->ptr[j->len++] = '_';
    memcpy(j->ptr + j->len, token.ptr, token.len);
    j->len += token.len;
}

/* The next run of token characters of *s; with `underscores`, "_" is one of them. */
static str next_token(str *s, bool underscores)
{
    size_t i = 0, from;
    while (i < s->len && !in_token(s->ptr[i]) && !(underscores && s->ptr[i] == '_')) i++;
    from = i;
    while (i < s->len && (in_token(s->ptr[i]) || (underscores && s->ptr[i] == '_'))) i++;
    str token = {s->ptr + from, i - from};
    *s = str_drop(*s, i);
    return token;
}

static bool has_braces(str s)
{
    return s.len && (memchr(s.ptr, '{', s.len) || memchr(s.ptr, '}', s.len));
}

/* The two halves of a unit, "bytes" and "second" of "By/s", in our words but otherwise as they
 * came. */
static void unit_split(str unit, str *ret_main, str *ret_per)
{
    const char *slash = unit.len ? memchr(unit.ptr, '/', unit.len) : NULL;
    str main = trim((str){unit.ptr, slash ? (size_t)(slash - unit.ptr) : unit.len});
    str per = slash ? trim(str_drop(unit, (size_t)(slash - unit.ptr) + 1)) : (str){0};
    *ret_main =
        has_braces(main) ? (str){0} : unit_lookup(units, sizeof units / sizeof *units, main);
    *ret_per = has_braces(per) ? (str){0}
                               : unit_lookup(per_units, sizeof per_units / sizeof *per_units, per);
}

/* A unit's half as a part of a name: runs of other characters become one "_", none in front. */
static str unit_clean(struct arena *a, str half, bool per)
{
    struct joined j = joined_new(a, half.len + 5);
    if (per && half.len) join(&j, S("per"));
    bool trailing = half.len && !in_token(half.ptr[half.len - 1]);
    for (str token; (token = next_token(&half, false)).len;) join(&j, token);
    if (trailing && j.len && !per) j.ptr[j.len++] = '_';
    return (str){j.ptr, j.len};
}

str prometheus_unit_name(struct arena *a, str unit)
{
    str main, per;
    unit_split(unit, &main, &per);
    struct joined j = joined_new(a, main.len + per.len + 10);
    join(&j, unit_clean(a, main, false));
    join(&j, unit_clean(a, per, true));
    return (str){j.ptr, j.len};
}

static bool among_tokens(str name, str word)
{
    for (str token; (token = next_token(&name, false)).len;)
        if (str_eq(token, word)) return true;
    return false;
}

static void join_tokens(struct joined *j, str text, str but)
{
    for (str token; (token = next_token(&text, false)).len;)
        if (!str_eq(token, but)) join(j, token);
}

/* The word that a kind ends with. */
static str kind_suffix(enum prometheus_kind kind, str unit)
{
    if (kind == PROMETHEUS_COUNTER) return S("total");
    return kind == PROMETHEUS_GAUGE && str_eq(unit, S("1")) ? S("ratio") : (str){0};
}

static str with_suffixes(struct arena *a, str prefix, str name, str unit, str suffix)
{
    str main, per;
    unit_split(unit, &main, &per);
    main = unit_clean(a, main, false);
    per = unit_clean(a, per, true);
    struct joined j = joined_new(a, prefix.len + name.len + main.len + per.len + suffix.len + 8);
    join_tokens(&j, prefix, (str){0});
    join_tokens(&j, name, suffix);
    if (!among_tokens(name, main) && !str_eq(main, suffix)) join_tokens(&j, main, (str){0});
    if (!among_tokens(name, per)) join_tokens(&j, per, (str){0});
    join(&j, suffix);
    return (str){j.ptr, j.len};
}

static str without_suffixes(struct arena *a, str prefix, str name)
{
    struct joined j = joined_new(a, prefix.len + name.len + 2);
    for (str token; (token = next_token(&prefix, true)).len;) join(&j, token);
    for (str token; (token = next_token(&name, true)).len;) join(&j, token);
    return (str){j.ptr, j.len};
}

/* Takes "_word" off the end of `name`. */
static str without_word(str name, str word)
{
    if (word.len == 0 || name.len <= word.len + 1) return name;
    const char *tail = name.ptr + name.len - word.len;
    if (memcmp(tail, word.ptr, word.len) != 0 || tail[-1] != '_') return name;
    return (str){name.ptr, name.len - word.len - 1};
}

static str utf8_with_suffixes(struct arena *a, str prefix, str name, str unit, str suffix)
{
    str main, per;
    unit_split(unit, &main, &per);
    main = unit_clean(a, main, false);
    per = unit_clean(a, per, true);
    name = without_word(without_word(without_word(name, suffix), per), main);
    struct joined j = joined_new(a, prefix.len + name.len + main.len + per.len + suffix.len + 8);
    join(&j, prefix);
    join(&j, name);
    join(&j, main);
    join(&j, per);
    join(&j, suffix);
    return (str){j.ptr, j.len};
}

static str untranslated(struct arena *a, str prefix, str name)
{
    struct joined j = joined_new(a, prefix.len + name.len + 2);
    join(&j, prefix);
    join(&j, name);
    return (str){j.ptr, j.len};
}

static str prepend(struct arena *a, str front, str s)
{
    char *out = arena_alloc(a, front.len + s.len, 1);
    memcpy(out, front.ptr, front.len);
    memcpy(out + front.len, s.ptr, s.len);
    return (str){out, front.len + s.len};
}

status prometheus_metric_name(struct arena *a, const struct prometheus_namer *n, str name, str unit,
                              enum prometheus_kind kind, str *ret, struct err *err)
{
    bool utf8 =
        n->strategy == PROMETHEUS_UTF8_WITH_SUFFIXES || n->strategy == PROMETHEUS_UNTRANSLATED;
    str suffix = kind_suffix(kind, unit), made;
    switch (n->strategy) {
    case PROMETHEUS_UNDERSCORES_WITH_SUFFIXES:
        made = with_suffixes(a, n->prefix, name, unit, suffix);
        break;
    case PROMETHEUS_UNDERSCORES_WITHOUT_SUFFIXES:
        made = without_suffixes(a, n->prefix, name);
        break;
    case PROMETHEUS_UTF8_WITH_SUFFIXES:
        made = utf8_with_suffixes(a, n->prefix, name, unit, suffix);
        break;
    default: made = untranslated(a, n->prefix, name);
    }
    if (made.len == 0)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "normalization for metric \"%.*s\" resulted in empty name",
                       name.len < 100 ? (int)name.len : 100, name.ptr);
    *ret = !utf8 && is_digit(*made.ptr) ? prepend(a, S("_"), made) : made;
    return ST_OK;
}

static bool only_underscores(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '_') return false;
    return true;
}

/* Every character that is not a letter, digit or "_" becomes "_". */
static str underscored(struct arena *a, str name)
{
    char *out = arena_alloc(a, name.len, 1);
    size_t n = 0;
    for (size_t i = 0; i < name.len;) {
        char c = name.ptr[i];
        out[n++] = is_digit(c) || is_letter(c) ? c : '_';
        size_t step = utf8_length(name.ptr + i, name.len - i);
        i += step ? step : 1;
    }
    return (str){out, n};
}

/* Runs of "_" become one; a reserved __name__ keeps its two at both ends. */
static str collapsed(struct arena *a, str name)
{
    bool reserved = name.len > 4 && memcmp(name.ptr, "__", 2) == 0 &&
                    memcmp(name.ptr + name.len - 2, "__", 2) == 0;
    str middle = reserved ? (str){name.ptr + 2, name.len - 4} : name;
    char *out = arena_alloc(a, name.len + 1, 1);
    size_t n = reserved ? 2 : 0;
    memcpy(out, "__", n);
    for (size_t i = 0; i < middle.len; i++)
        if (middle.ptr[i] != '_' || i == 0 || middle.ptr[i - 1] != '_') out[n++] = middle.ptr[i];
    if (reserved) memcpy(out + n, "__", 2);
    return (str){out, n + (reserved ? 2 : 0)};
}

status prometheus_label_name(struct arena *a, str name, unsigned flags, str *ret, struct err *err)
{
    if (name.len == 0) return err_set(err, ST_INVALID, ERR_NOPOS, "label name is empty");
    str made = underscored(a, name);
    if (!(flags & PROMETHEUS_KEEP_UNDERSCORES)) made = collapsed(a, made);
    if (only_underscores(made))
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "normalization for label name \"%.*s\" resulted in invalid name \"%.*s\"",
                       name.len < 80 ? (int)name.len : 80, name.ptr,
                       made.len < 80 ? (int)made.len : 80, made.ptr);
    bool one_underscore = made.ptr[0] == '_' && (made.len < 2 || made.ptr[1] != '_');
    if (is_digit(*made.ptr))
        made = prepend(a, S("key_"), made);
    else if (one_underscore && (flags & PROMETHEUS_KEY_UNDERSCORE))
        made = prepend(a, S("key"), made);
    *ret = made;
    return ST_OK;
}

enum prometheus_kind prometheus_kind_of(const struct metric_desc *d)
{
    if (d->type == METRIC_GAUGE) return PROMETHEUS_GAUGE;
    return d->type == METRIC_SUM && d->monotonic ? PROMETHEUS_COUNTER : PROMETHEUS_OTHER;
}
