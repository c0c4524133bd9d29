#include <inttypes.h>

#include "base/json_out.h"
#include "loadgen/loadgen.h"

void load_report_text(const struct load_options *opt, const struct load_report *r, FILE *to)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        const struct load_signal_report *s = &r->signals[i];
        if (!opt->signals[i]) continue;
        double seconds = r->seconds > 0 ? r->seconds : 1;
        fprintf(to, "%s\n", signal_name((enum signal_kind)i));
        fprintf(to, "  sent          %12" PRIu64 " items in %" PRIu64 " requests, %.0f items/s\n",
                s->sent.items, s->sent.requests, (double)s->sent.items / seconds);
        fprintf(to, "  acknowledged  %12" PRIu64 " items in %" PRIu64 " requests\n",
                s->acknowledged.items, s->acknowledged.requests);
        fprintf(to, "  rejected      %12" PRIu64 " items\n", s->rejected);
        fprintf(to, "  failed        %12" PRIu64 " items in %" PRIu64 " requests\n",
                s->failed.items, s->failed.requests);
        fprintf(to, "  refused       %12" PRIu64 " items in %" PRIu64 " requests\n",
                s->refused.items, s->refused.requests);
        fprintf(to, "  unanswered    %12" PRIu64 " items in %" PRIu64 " requests\n",
                s->unanswered.items, s->unanswered.requests);
        fprintf(to, "  retried       %12" PRIu64 " times\n", s->retries);
        fprintf(to, "  latency       p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms\n",
                s->latency.p50_ms, s->latency.p90_ms, s->latency.p99_ms, s->latency.max_ms);
    }
    fprintf(to, "%.1f s, %" PRIu64 " reconnects\n", r->seconds, r->reconnects);
    if (r->first_error[0]) fprintf(to, "first trouble: %s\n", r->first_error);
}

static void count(struct json_out *j, const char *name, const struct load_count *c)
{
    json_key(j, (str){name, strlen(name)});
    json_object(j);
    json_key(j, S("items"));
    json_u64(j, c->items);
    json_key(j, S("requests"));
    json_u64(j, c->requests);
    json_end(j);
}

static void number(struct json_out *j, str name, double v)
{
    json_key(j, name);
    json_f64(j, v);
}

static void signal_json(struct json_out *j, const struct load_signal_report *s)
{
    json_object(j);
    count(j, "sent", &s->sent);
    count(j, "acknowledged", &s->acknowledged);
    json_key(j, S("rejected"));
    json_u64(j, s->rejected);
    count(j, "failed", &s->failed);
    count(j, "refused", &s->refused);
    count(j, "unanswered", &s->unanswered);
    json_key(j, S("retries"));
    json_u64(j, s->retries);
    json_key(j, S("latency_ms"));
    json_object(j);
    number(j, S("p50"), s->latency.p50_ms);
    number(j, S("p90"), s->latency.p90_ms);
    number(j, S("p99"), s->latency.p99_ms);
    number(j, S("max"), s->latency.max_ms);
    json_end(j);
    json_end(j);
}

void load_report_json(const struct load_options *opt, const struct load_report *r, FILE *to)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    struct json_out j = json_begin(&text);
    json_object(&j);
    number(&j, S("seconds"), r->seconds);
    json_key(&j, S("reconnects"));
    json_u64(&j, r->reconnects);
    json_key(&j, S("first_error"));
    json_str(&j, (str){r->first_error, strlen(r->first_error)});
    json_key(&j, S("signals"));
    json_object(&j);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        const char *name = signal_name((enum signal_kind)i);
        if (!opt->signals[i]) continue;
        json_key(&j, (str){name, strlen(name)});
        signal_json(&j, &r->signals[i]);
    }
    json_end(&j);
    json_end(&j);
    fprintf(to, STR_FMT "\n", STR_ARG(buf_str(&text)));
    buf_done(&text);
}
