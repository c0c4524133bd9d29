/* weir promql: a PromQL query at the shell. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "cmd/http_ask.h"
#include "cmd/promql_print.h"
#include "query/parse/parse.h"

static const char help[] =
    "usage: weir promql [OPTION ...] EXPRESSION\n"
    "\n"
    "Asks the Prometheus API of a weir (or of a Prometheus).\n"
    "\n"
    "  --url URL       where it is (default http://127.0.0.1:8080)\n"
    "  --time TIME     an instant query, at this time (default now)\n"
    "  --start TIME    a range query, from here\n"
    "  --end TIME      to here (default now)\n"
    "  --step SPAN     in steps of this (default: a 240th of the range, at least 1s)\n"
    "  --output FORM   table, csv, json (the answer as it is) or plot (default table)\n"
    "  --explain       and what was read of the store, how, and from which resolution (to "
    "standard\n"
    "                  error)\n"
    "  --timeout SPAN  longest wait for the answer (default 60s)\n"
    "\n"
    "TIME is seconds since 1970, RFC 3339 (2026-11-23T07:00:00Z), now, or -SPAN: so long ago. "
    "SPAN\n"
    "is 30s, 5m, 1h30m, ... Times are printed in UTC; warnings go to standard error.\n"
    "\n"
    "Exit code: 0, 1 no answer or the query failed, 2 the command line is wrong.\n";

enum form { FORM_TABLE, FORM_CSV, FORM_JSON, FORM_PLOT };

struct request {
    const char *url, *expression;
    const char *time, *start, *end, *step, *timeout, *output;
    enum form form;
    bool explain;
};

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "weir promql: %s%s%s (weir promql --help)\n", why, *what ? ": " : "", what);
    return 2;
}

/* 0 to go on, else the exit code plus one. */
static int read_arguments(int argc, char **argv, struct request *r)
{
    const struct {
        const char *name, **to;
    } options[] = {{"--url", &r->url},        {"--time", &r->time}, {"--start", &r->start},
                   {"--end", &r->end},        {"--step", &r->step}, {"--output", &r->output},
                   {"--timeout", &r->timeout}};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 1;
        }
        if (strcmp(argv[i], "--explain") == 0) {
            r->explain = true;
            continue;
        }
        size_t k = 0, n = sizeof options / sizeof *options, len = 0;
        for (; k < n; k++) {
            len = strlen(options[k].name);
            if (strncmp(argv[i], options[k].name, len) == 0 &&
                (!argv[i][len] || argv[i][len] == '='))
                break;
        }
        if (k < n && argv[i][len] == '=')
            *options[k].to = argv[i] + len + 1;
        else if (k < n && i + 1 < argc)
            *options[k].to = argv[++i];
        else if (k < n)
            return usage("no value for", argv[i]) + 1;
        else if (strncmp(argv[i], "--", 2) == 0)
            return usage("no such option", argv[i]) + 1;
        else if (r->expression)
            return usage("one expression at a time, in quotes; too much", argv[i]) + 1;
        else
            r->expression = argv[i];
    }
    if (!r->expression) return usage("no expression", "") + 1;
    if (r->time && r->start) return usage("--time and --start", "one or the other") + 1;
    if (r->end && !r->start) return usage("--end needs --start", "") + 1;
    if (r->step && !r->start) return usage("--step needs --start", "") + 1;
    return 0;
}

static bool read_form(struct request *r)
{
    static const char *const forms[] = {"table", "csv", "json", "plot"};
    for (int i = 0; i < 4; i++)
        if (strcmp(r->output, forms[i]) == 0) {
            r->form = (enum form)i;
            return true;
        }
    return false;
}

static status read_time(const char *text, int64_t now_ms, int64_t *ret, struct err *err)
{
    *ret = now_ms;
    if (!text || strcmp(text, "now") == 0) return ST_OK;
    int64_t ago;
    if (*text == '-' && promql_parse_span(str_of(text + 1), &ago, err) == ST_OK) {
        *ret = now_ms - ago;
        return ST_OK;
    }
    return promql_parse_time(str_of(text), ret, err);
}

static void add_ms(struct buf *form, const char *key, int64_t ms)
{
    char text[NUM_MAX];
    http_form_add(form, key, (str){text, num_format_f((double)ms / 1000, text)});
}

static status make_form(const struct request *r, struct buf *form, struct err *err)
{
    int64_t now = clock_now() / NANOS_MS, at, end, step;
    http_form_add(form, "query", str_of(r->expression));
    if (r->timeout) http_form_add(form, "timeout", str_of(r->timeout));
    if (r->explain) http_form_add(form, "explain", S("1"));
    if (!r->start) {
        TRY(read_time(r->time, now, &at, err));
        add_ms(form, "time", at);
        return ST_OK;
    }
    TRY(read_time(r->start, now, &at, err));
    TRY(read_time(r->end, now, &end, err));
    step = (end - at) / 240 / 1000 * 1000;
    if (step < 1000) step = 1000;
    if (r->step) TRY(promql_parse_span(str_of(r->step), &step, err));
    add_ms(form, "start", at);
    add_ms(form, "end", end);
    add_ms(form, "step", step);
    return ST_OK;
}

static unsigned terminal_width(void)
{
    struct winsize w;
    uint64_t n;
    const char *columns = getenv("COLUMNS");
    if (columns && num_parse_u64(str_of(columns), &n) && n < 1000) return (unsigned)n;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static status print(const struct request *r, struct arena *a, str body, struct buf *out,
                    struct err *err)
{
    struct promql_answer answer;
    TRY(promql_answer_read(a, body, &answer, err));
    for (uint32_t i = 0; i < answer.n_notes; i++)
        fprintf(stderr, STR_FMT "\n", STR_ARG(answer.notes[i]));
    fwrite(answer.explained.ptr, 1, answer.explained.len, stderr);
    if (r->form == FORM_CSV)
        promql_print_csv(a, out, &answer);
    else if (r->form == FORM_PLOT)
        promql_print_plot(a, out, &answer, terminal_width(), 16,
                          isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    else
        promql_print_table(out, &answer);
    return ST_OK;
}

static status ask(const struct request *r, struct arena *a, struct buf *form, struct buf *out,
                  struct err *err)
{
    struct buf body, url;
    long code = 0;
    int64_t wait = 60000;
    if (r->timeout) TRY(promql_parse_span(str_of(r->timeout), &wait, err));
    buf_init(&body, 1u << 30);
    buf_init(&url, 4096);
    str base = str_of(r->url);
    while (base.len && base.ptr[base.len - 1] == '/') base.len--;
    buf_printf(&url, STR_FMT "/api/v1/%s", STR_ARG(base), r->start ? "query_range" : "query");
    buf_char(&url, '\0');
    buf_char(form, '\0');
    status s = http_ask(url.ptr, form->ptr, (uint32_t)wait + 5000, &body, &code, err);
    if (s != ST_OK) err_wrap(err, s, "%s", r->url);
    if (s == ST_OK && r->form == FORM_JSON) {
        buf_add(out, buf_str(&body));
        buf_char(out, '\n');
        if (code != 200) s = err_set(err, ST_EXECUTION, ERR_NOPOS, "HTTP %ld", code);
    } else if (s == ST_OK) {
        s = print(r, a, buf_str(&body), out, err);
    }
    buf_done(&body);
    buf_done(&url);
    return s;
}

int cmd_promql(int argc, char **argv)
{
    struct request r = {.url = "http://127.0.0.1:8080", .output = "table"};
    int done = read_arguments(argc, argv, &r);
    if (done) return done - 1;
    if (!read_form(&r)) return usage("--output is not one of table, csv, json, plot", r.output);
    struct arena a;
    struct buf form, out;
    struct err err;
    arena_init(&a, SIZE_MAX);
    buf_init(&form, 16u << 20);
    buf_init(&out, 1u << 30);
    int code = 0;
    if (make_form(&r, &form, &err) != ST_OK)
        code = 2;
    else if (ask(&r, &a, &form, &out, &err) != ST_OK)
        code = 1;
    if (code) fprintf(stderr, "weir promql: %s\n", err.msg);
    fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&form);
    buf_done(&out);
    arena_done(&a);
    return code;
}
