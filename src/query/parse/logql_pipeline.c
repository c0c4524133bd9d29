/* {app="x", env!~"y"} and the stages behind it: |= "a", | level="error", | drop x. */
#include <string.h>

#include "base/regex.h"
#include "query/parse/logql_parser.h"

static bool comparison(enum logql_token t, enum logql_cmp *ret)
{
    switch (t) {
    case LOGQL_T_EQ:
    case LOGQL_T_CMP_EQ: *ret = LOGQL_EQ; return true;
    case LOGQL_T_NEQ: *ret = LOGQL_NEQ; return true;
    case LOGQL_T_RE: *ret = LOGQL_RE; return true;
    case LOGQL_T_NRE: *ret = LOGQL_NRE; return true;
    case LOGQL_T_GT: *ret = LOGQL_GT; return true;
    case LOGQL_T_GTE: *ret = LOGQL_GTE; return true;
    case LOGQL_T_LT: *ret = LOGQL_LT; return true;
    case LOGQL_T_LTE: *ret = LOGQL_LTE; return true;
    default: return false;
    }
}

/* A pattern must compile before the query runs; the error stands at the pattern. */
static status check_regex(struct logql_parser *p, str pattern, enum regex_mode mode,
                          struct err *err)
{
    uint32_t pos = p->lex.pos;
    struct regex *r;
    status s = regex_new(p->arena, pattern, mode, &r, err);
    if (s == ST_OK) return s;
    err->pos = pos;
    return logql_at(p, s, err);
}

/* matcher = name ("=" | "!=" | "=~" | "!~") string */
static status parse_matcher(struct logql_parser *p, struct logql_matcher *m, struct err *err)
{
    if (!logql_is(p, LOGQL_T_IDENTIFIER) && !logql_token_is_word(p->lex.token))
        return logql_unexpected(p, "IDENTIFIER", err);
    TRY(logql_label_name(p, &m->name, err));
    if (logql_is(p, LOGQL_T_CMP_EQ) || !comparison(p->lex.token, &m->op) || m->op > LOGQL_NRE)
        return logql_unexpected(p, NULL, err);
    TRY(logql_advance(p, err));
    if (!logql_is(p, LOGQL_T_STRING)) return logql_unexpected(p, "STRING", err);
    m->value = p->lex.text;
    if (m->op >= LOGQL_RE) TRY(check_regex(p, m->value, REGEX_WHOLE, err));
    return logql_advance(p, err);
}

/* selector = "{" [ matcher { "," matcher } ] "}" */
status logql_parse_selector(struct logql_parser *p, struct logql_matchers *ret, struct err *err)
{
    TRY(logql_expect(p, LOGQL_T_OPEN_BRACE, err));
    while (!logql_is(p, LOGQL_T_CLOSE_BRACE)) {
        struct logql_matcher m = {};
        TRY(parse_matcher(p, &m, err));
        LOGQL_PUSH(p->arena, ret->v, ret->n) = m;
        if (logql_is(p, LOGQL_T_CLOSE_BRACE)) break;
        if (!logql_is(p, LOGQL_T_COMMA)) return logql_unexpected(p, "} or ,", err);
        TRY(logql_advance(p, err));
    }
    return logql_advance(p, err);
}

/* One matcher at least must need a label to be there: else the query would read everything. */
status logql_check_selector(struct logql_parser *p, const struct logql_matchers *m, struct err *err)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct regex *r;
        if (m->v[i].op == LOGQL_EQ && m->v[i].value.len) return ST_OK;
        if (m->v[i].op == LOGQL_NEQ && !m->v[i].value.len) return ST_OK;
        if (m->v[i].op < LOGQL_RE) continue;
        TRY(regex_new(p->arena, m->v[i].value, REGEX_WHOLE, &r, err));
        if (regex_match(r, (str){0}) != (m->v[i].op == LOGQL_RE)) return ST_OK;
    }
    return err_set(
        err, ST_INVALID, ERR_NOPOS,
        "parse error : queries require at least one regexp or equality matcher that does not "
        "have an empty-compatible value. For instance, app=~\".*\" does not meet this "
        "requirement, but app=~\".+\" will");
}

/* lineFilter = ("|=" | "!=" | "|~" | "!~") string { "or" string } */
static status parse_line_filter(struct logql_parser *p, struct logql_log *log, struct err *err)
{
    struct logql_line_filter f = {};
    switch (p->lex.token) {
    case LOGQL_T_PIPE_EXACT: f.op = LOGQL_EQ; break;
    case LOGQL_T_PIPE_MATCH: f.op = LOGQL_RE; break;
    case LOGQL_T_NEQ: f.op = LOGQL_NEQ; break;
    case LOGQL_T_NRE: f.op = LOGQL_NRE; break;
    default: return logql_unsupported(p, p->lex.pos, "the pattern line filter", err);
    }
    bool negative = f.op == LOGQL_NEQ || f.op == LOGQL_NRE;
    do {
        TRY(logql_advance(p, err));
        if (logql_is(p, LOGQL_T_IP))
            return logql_unsupported(p, p->lex.pos, "the line filter ip()", err);
        if (!logql_is(p, LOGQL_T_STRING)) return logql_unexpected(p, "STRING", err);
        if (f.op >= LOGQL_RE) TRY(check_regex(p, p->lex.text, REGEX_SEARCH, err));
        if (negative) { /* neither of them: each a filter of its own */
            f.values = NULL;
            f.n = 0;
        }
        LOGQL_PUSH(p->arena, f.values, f.n) = p->lex.text;
        if (negative)
            LOGQL_PUSH(p->arena, log->stages, log->n_stages) =
                (struct logql_stage){.kind = LOGQL_STAGE_LINE, .line = f};
        TRY(logql_advance(p, err));
    } while (logql_is(p, LOGQL_T_OR));
    if (!negative)
        LOGQL_PUSH(p->arena, log->stages, log->n_stages) =
            (struct logql_stage){.kind = LOGQL_STAGE_LINE, .line = f};
    return ST_OK;
}

/* comparison = name op (string | [sign] number | duration | bytes) */
static status parse_comparison(struct logql_parser *p, struct logql_filter *f, struct err *err)
{
    TRY(logql_label_name(p, &f->match.name, err));
    bool numeric = logql_is(p, LOGQL_T_CMP_EQ);
    if (!comparison(p->lex.token, &f->match.op)) return logql_unexpected(p, NULL, err);
    TRY(logql_advance(p, err));
    if (logql_is(p, LOGQL_T_IP)) {
        if (f->match.op >= LOGQL_GT) return logql_unexpected(p, NULL, err);
        return logql_unsupported(p, p->lex.pos, "the label filter ip()", err);
    }
    bool regex = f->match.op == LOGQL_RE || f->match.op == LOGQL_NRE;
    double sign = 1;
    if (!regex && (logql_is(p, LOGQL_T_SUB) || logql_is(p, LOGQL_T_ADD))) {
        sign = logql_is(p, LOGQL_T_SUB) ? -1 : 1;
        TRY(logql_advance(p, err));
        if (!logql_is(p, LOGQL_T_NUMBER)) return logql_unexpected(p, "NUMBER", err);
    }
    f->literal = p->lex.text;
    if (logql_is(p, LOGQL_T_STRING) && !numeric && f->match.op <= LOGQL_NRE) {
        f->kind = LOGQL_FILTER_TEXT;
        f->match.value = p->lex.text;
        if (regex) TRY(check_regex(p, p->lex.text, REGEX_WHOLE, err));
    } else if (logql_is(p, LOGQL_T_NUMBER) && !regex) {
        TRY(logql_check_number(p, err));
        f->kind = LOGQL_FILTER_NUMBER;
        f->number = sign * p->lex.number;
    } else if (logql_is(p, LOGQL_T_DURATION) && !regex) {
        f->kind = LOGQL_FILTER_DURATION;
        f->number = (double)p->lex.duration;
    } else if (logql_is(p, LOGQL_T_BYTES) && !regex) {
        f->kind = LOGQL_FILTER_BYTES;
        f->number = p->lex.number;
    } else {
        return logql_unexpected(p, NULL, err);
    }
    return logql_advance(p, err);
}

static struct logql_filter *join(struct logql_parser *p, enum logql_filter_kind kind,
                                 struct logql_filter *l, struct logql_filter *r)
{
    struct logql_filter *f = arena_new(p->arena, struct logql_filter);
    *f = (struct logql_filter){.kind = kind, .left = l, .right = r};
    return f;
}

static status parse_or(struct logql_parser *p, struct logql_filter **ret, struct err *err);

/* unit = "(" filter ")" | comparison */
static status parse_unit(struct logql_parser *p, struct logql_filter **ret, struct err *err)
{
    if (!logql_is(p, LOGQL_T_OPEN_PARENTHESIS)) {
        struct logql_filter *f = arena_new(p->arena, struct logql_filter);
        *ret = f;
        return parse_comparison(p, f, err);
    }
    TRY(logql_enter(p, err));
    TRY(logql_advance(p, err));
    TRY(parse_or(p, ret, err));
    p->depth--;
    return logql_expect(p, LOGQL_T_CLOSE_PARENTHESIS, err);
}

/* and = unit { ("and" | "," | nothing) unit } */
static status parse_and(struct logql_parser *p, struct logql_filter **ret, struct err *err)
{
    TRY(parse_unit(p, ret, err));
    for (;;) {
        bool said = logql_is(p, LOGQL_T_AND) || logql_is(p, LOGQL_T_COMMA);
        if (!said && !logql_is(p, LOGQL_T_IDENTIFIER) && !logql_is(p, LOGQL_T_OPEN_PARENTHESIS))
            return ST_OK;
        TRY(logql_operator(p, err));
        if (said) TRY(logql_advance(p, err));
        struct logql_filter *right;
        TRY(parse_unit(p, &right, err));
        *ret = join(p, LOGQL_FILTER_AND, *ret, right);
    }
}

/* filter = and { "or" and } */
static status parse_or(struct logql_parser *p, struct logql_filter **ret, struct err *err)
{
    TRY(parse_and(p, ret, err));
    while (logql_is(p, LOGQL_T_OR)) {
        TRY(logql_operator(p, err));
        TRY(logql_advance(p, err));
        struct logql_filter *right;
        TRY(parse_and(p, &right, err));
        *ret = join(p, LOGQL_FILTER_OR, *ret, right);
    }
    return ST_OK;
}

/* names = name [op string] { "," name [op string] } */
static status parse_names(struct logql_parser *p, struct logql_stage *s, struct err *err)
{
    for (;;) {
        struct logql_name n = {.bare = true};
        TRY(logql_advance(p, err)); /* past drop, keep or the comma */
        if (!logql_is(p, LOGQL_T_IDENTIFIER) && !logql_token_is_word(p->lex.token))
            return logql_unexpected(p, "IDENTIFIER", err);
        enum logql_token next = logql_peek(p);
        enum logql_cmp op;
        if (next != LOGQL_T_CMP_EQ && comparison(next, &op) && op <= LOGQL_NRE) {
            n.bare = false;
            TRY(parse_matcher(p, &n.match, err));
        } else {
            TRY(logql_label_name(p, &n.match.name, err));
        }
        LOGQL_PUSH(p->arena, s->names, s->n_names) = n;
        if (!logql_is(p, LOGQL_T_COMMA)) return ST_OK;
    }
}

bool logql_at_stage(const struct logql_parser *p)
{
    switch (p->lex.token) {
    case LOGQL_T_PIPE:
    case LOGQL_T_PIPE_EXACT:
    case LOGQL_T_PIPE_MATCH:
    case LOGQL_T_PIPE_PATTERN:
    case LOGQL_T_NRE:
    case LOGQL_T_NPA: return true;
    case LOGQL_T_NEQ: { /* != "x" filters lines, != 5 compares */
        enum logql_token next = logql_peek(p);
        return next == LOGQL_T_STRING || next == LOGQL_T_IP;
    }
    default: return false;
    }
}

/* stage = lineFilter | "|" filter | "|" ("drop" | "keep") names */
status logql_parse_stage(struct logql_parser *p, struct logql_log *log, struct err *err)
{
    if (!logql_is(p, LOGQL_T_PIPE)) return parse_line_filter(p, log, err);
    TRY(logql_advance(p, err));
    struct logql_stage s = {};
    enum logql_token t = p->lex.token;
    enum logql_cmp op;
    bool named = comparison(logql_peek(p), &op); /* | json = "x": a label called json */
    if (named && (logql_is(p, LOGQL_T_IDENTIFIER) || logql_token_is_word(t))) {
        s.kind = LOGQL_STAGE_LABEL;
        TRY(parse_or(p, &s.label, err));
    } else if (t == LOGQL_T_DROP || t == LOGQL_T_KEEP) {
        s.kind = t == LOGQL_T_DROP ? LOGQL_STAGE_DROP : LOGQL_STAGE_KEEP;
        TRY(parse_names(p, &s, err));
    } else if (t == LOGQL_T_OPEN_PARENTHESIS) {
        s.kind = LOGQL_STAGE_LABEL;
        TRY(parse_or(p, &s.label, err));
    } else if (t >= LOGQL_T_JSON && t <= LOGQL_T_DECOLORIZE) {
        char what[40] = "| ";
        strncat(what, logql_token_name(t), sizeof what - 3);
        return logql_unsupported(p, p->lex.pos, what, err);
    } else {
        if (logql_is(p, LOGQL_T_IDENTIFIER)) TRY(logql_advance(p, err));
        return logql_unexpected(p, NULL, err);
    }
    LOGQL_PUSH(p->arena, log->stages, log->n_stages) = s;
    return ST_OK;
}
