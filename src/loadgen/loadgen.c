#include "loadgen/loadgen.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/pb_out.h"
#include "loadgen/generate.h"
#include "loadgen/latency.h"
#include "loadgen/link.h"
#include "loadgen/template.h"

enum { EVENTS_AT_ONCE = 256 };
enum { CONNECTIONS_MAX = 4096, GRACE_END_S = 10, GRACE_STOP_S = 3, CONNECT_S = 5 };

/* The requests of one signal. */
struct source {
    struct load_templates *templates;
    uint64_t turns, items;
    struct latency latency;
};

struct run {
    const struct load_options *opt;
    struct load_report *report;
    struct source sources[SIGNAL_COUNT];
    struct link *links;
    struct slot *slots;
    int epoll;
    uint32_t n_slots, next_signal, next_link;
    uint32_t n_waiting; /* slots that are to be tried again */
    uint64_t next_number;
    nanos start;
    bool stopping, log_dirty;
    char authority[300];
};

static nanos backoff(const struct slot *s)
{
    nanos ms = 100ll << (s->tries < 7 ? s->tries - 1 : 6);
    if (ms > 5000) ms = 5000;
    ms = ms * 3 / 4 + (nanos)(mix64(s->number * 64 + s->tries) % (uint64_t)(ms / 2));
    return (s->retry_after_ms > ms ? s->retry_after_ms : ms) * NANOS_MS;
}

static void note_error(struct run *r, const struct slot *s, const char *what)
{
    if (r->report->first_error[0]) return;
    snprintf(r->report->first_error, sizeof r->report->first_error,
             "%s, %s: HTTP %d, gRPC %d%s%.100s", signal_name(s->signal), what, s->http_status,
             s->grpc_status, s->message[0] ? ", " : "", s->message);
}

static void accepted(struct run *r, struct slot *s)
{
    struct load_signal_report *to = &r->report->signals[s->signal];
    str body = {s->body, s->body_len};
    uint64_t rejected =
        slot_rejected(s, r->opt->protocol == LOAD_GRPC ? str_drop(body, GRPC_PREFIX) : body);
    if (rejected > s->items) rejected = s->items;
    if (rejected) note_error(r, s, "items rejected");
    to->acknowledged.requests++;
    to->acknowledged.items += s->items - rejected;
    to->rejected += rejected;
    latency_add(&r->sources[s->signal].latency, clock_monotonic() - s->began);
    if (r->opt->ack_log) {
        fprintf(r->opt->ack_log, "%s %" PRIu64 " %" PRIu64 "\n", signal_name(s->signal), s->number,
                s->items - rejected);
        r->log_dirty = true;
    }
    s->state = SLOT_IDLE;
}

static void over(void *owner, struct slot *s, enum outcome how)
{
    struct run *r = owner;
    struct load_signal_report *to = &r->report->signals[s->signal];
    assert(s->state == SLOT_OPEN);
    switch (how) {
    case OUTCOME_ACCEPTED: accepted(r, s); return;
    case OUTCOME_RETRY:
        note_error(r, s, "to be tried again");
        s->state = SLOT_WAITING;
        r->n_waiting++;
        s->next_try = clock_monotonic() + backoff(s);
        return;
    case OUTCOME_FAILED:
        note_error(r, s, "failed");
        to->failed.requests++;
        to->failed.items += s->items;
        break;
    case OUTCOME_UNKNOWN:
        note_error(r, s, "no answer");
        to->unanswered.requests++;
        to->unanswered.items += s->items;
        break;
    }
    s->state = SLOT_IDLE;
}

/* When the next request of the signal is due. */
static nanos due(const struct run *r, int signal)
{
    if (!r->opt->signals[signal]) return INT64_MAX;
    if (r->opt->rate <= 0) return r->start;
    return r->start + (nanos)((double)r->sources[signal].items / r->opt->rate * 1e9);
}

/* Is a request of any signal due? If not, *io_next: the earliest time one will be. */
static bool is_due(const struct run *r, nanos now, nanos *io_next)
{
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        nanos at = due(r, signal);
        if (at <= now) return true;
        if (at < *io_next) *io_next = at;
    }
    return false;
}

/* The signal whose turn it is, or -1; *io_next: the earliest time one will be due. */
static int choose(struct run *r, nanos now, nanos *io_next)
{
    for (uint32_t k = 0; k < SIGNAL_COUNT; k++) {
        int signal = (int)((r->next_signal + k) % SIGNAL_COUNT);
        nanos at = due(r, signal);
        if (at <= now) {
            r->next_signal = (uint32_t)signal + 1;
            return signal;
        }
        if (at < *io_next) *io_next = at;
    }
    return -1;
}

static void send_slot(struct run *r, struct link *l, struct slot *s)
{
    r->n_waiting -= s->state == SLOT_WAITING;
    l->stirred = true;
    s->tries++;
    if (s->tries > 1) r->report->signals[s->signal].retries++;
    s->state = SLOT_OPEN;
    if (l->wire.ops->send(&l->wire, s)) return;
    s->sent = 0;
    over(r, s, OUTCOME_RETRY);
}

static void begin_slot(struct run *r, struct link *l, struct slot *s, int signal, nanos now)
{
    struct source *from = &r->sources[signal];
    s->signal = (enum signal_kind)signal;
    s->number = r->next_number++;
    s->len = load_request(from->templates, s->number, from->turns++, clock_now(),
                          s->bytes + GRPC_PREFIX, &s->items);
    s->tries = 0;
    s->began = now;
    from->items += s->items;
    r->report->signals[signal].sent.requests++;
    r->report->signals[signal].sent.items += s->items;
    send_slot(r, l, s);
}

/* The slots of a link that is up. */
static void drive_link(struct run *r, uint32_t c, nanos now, nanos *io_next)
{
    struct link *l = &r->links[c];
    for (uint32_t i = 0; i < l->n_slots && l->state == LINK_UP && !l->wire.finished; i++) {
        struct slot *s = &l->slots[i];
        if (s->state == SLOT_WAITING && s->next_try <= now) send_slot(r, l, s);
        if (s->state == SLOT_WAITING && s->next_try < *io_next) *io_next = s->next_try;
        if (s->state != SLOT_IDLE || r->stopping) continue;
        int signal = choose(r, now, io_next);
        if (signal < 0) continue;
        begin_slot(r, l, s, signal, now);
        r->next_link = (c + 1) % r->opt->connections;
    }
}

/* What the link waits for, told to epoll when it is another thing than before. A socket that is
 * closed is forgotten there. */
static void watch(struct run *r, uint32_t c)
{
    struct link *l = &r->links[c];
    uint32_t events = l->state == LINK_DOWN ? 0 : link_events(l);
    if (events == l->watched) return;
    struct epoll_event e = {.events = events, .data.u32 = c};
    if (epoll_ctl(r->epoll, l->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, l->fd, &e)) abort();
    l->watched = events;
}

/* Gives every free slot something to do, the connections in turn: few requests are spread over all.
 * Slots and protocols are looked at only where there is a reason to: there may be a thousand.
 * Returns when there is something to do next. */
static nanos drive(struct run *r, const struct addrinfo *to, nanos now)
{
    nanos next = INT64_MAX;
    uint32_t first = r->next_link;
    for (uint32_t k = 0; k < r->opt->connections; k++) {
        uint32_t c = (first + k) % r->opt->connections;
        struct link *l = &r->links[c];
        if (l->state == LINK_DOWN && l->next_try <= now) link_connect(l, to, now);
        if (l->state == LINK_DOWN && l->next_try < next) next = l->next_try;
        bool wanted = !r->stopping && is_due(r, now, &next);
        if (l->state == LINK_UP && (wanted || r->n_waiting > 0)) drive_link(r, c, now, &next);
        if (l->state == LINK_UP && l->stirred) link_flush(l, now);
        watch(r, c);
    }
    return next;
}

static void wait_for(struct run *r, nanos until)
{
    nanos left = until - clock_monotonic();
    if (left < 0) left = 0;
    if (left > 100 * NANOS_MS) left = 100 * NANOS_MS; /* *stop is looked at this often */
    struct timespec ts = {left / NANOS_S, left % NANOS_S};
    struct pollfd any = {.fd = r->epoll, .events = POLLIN};
    if (ppoll(&any, 1, &ts, NULL) <= 0) return; /* to the nanosecond, which epoll_wait is not */
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(r->epoll, events, EVENTS_AT_ONCE, 0);
    nanos now = clock_monotonic();
    for (int i = 0; i < n; i++) link_ready(&r->links[events[i].data.u32], events[i].events, now);
}

static bool busy(const struct run *r)
{
    for (uint32_t i = 0; i < r->n_slots; i++)
        if (r->slots[i].state != SLOT_IDLE) return true;
    return false;
}

static uint64_t connects(const struct run *r)
{
    uint64_t n = 0;
    for (uint32_t c = 0; c < r->opt->connections; c++) n += r->links[c].connects;
    return n;
}

static status unreachable(const struct run *r, struct err *err)
{
    return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no connection to %s", r->authority);
}

static status loop(struct run *r, const struct addrinfo *to, const volatile bool *stop,
                   struct err *err)
{
    const struct load_options *opt = r->opt;
    nanos end = opt->duration_s > 0 ? r->start + (nanos)(opt->duration_s * 1e9) : INT64_MAX;
    nanos give_up = INT64_MAX;
    for (;;) {
        nanos now = clock_monotonic();
        if (!r->stopping && (now >= end || *stop)) {
            r->stopping = true;
            give_up = now + (*stop ? GRACE_STOP_S : GRACE_END_S) * NANOS_S;
            r->report->seconds = (double)(now - r->start) / 1e9;
        }
        if (r->stopping && *stop && give_up > now + GRACE_STOP_S * NANOS_S)
            give_up = now + GRACE_STOP_S * NANOS_S;
        if (r->stopping && (!busy(r) || now >= give_up))
            return connects(r) == 0 && !*stop ? unreachable(r, err) : ST_OK;
        if (connects(r) == 0 && now > r->start + CONNECT_S * NANOS_S) return unreachable(r, err);
        nanos next = drive(r, to, now);
        if (!r->stopping && end < next) next = end;
        wait_for(r, next);
        if (r->log_dirty) fflush(opt->ack_log);
        r->log_dirty = false;
    }
}

static void setup(struct run *r)
{
    const struct load_options *opt = r->opt;
    struct load_shape shape = {
        .seed = opt->seed,
        .services = opt->services,
        .batch = opt->batch,
        .series = opt->series,
        .tag_metrics = opt->ack_log != NULL,
        .start = clock_now(),
    };
    size_t room = 0;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (!opt->signals[i]) continue;
        r->sources[i].templates = load_templates_new((enum signal_kind)i, &shape);
        size_t n = load_request_room(r->sources[i].templates);
        if (n > room) room = n;
    }
    uint32_t streams = opt->protocol == LOAD_HTTP ? 1 : opt->streams;
    r->n_slots = opt->connections * streams;
    r->slots = calloc(r->n_slots, sizeof *r->slots);
    r->links = calloc(opt->connections, sizeof *r->links);
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!r->slots || !r->links || r->epoll < 0) abort();
    for (uint32_t i = 0; i < r->n_slots; i++) {
        r->slots[i].bytes = malloc(GRPC_PREFIX + room);
        if (!r->slots[i].bytes) abort();
    }
    for (uint32_t c = 0; c < opt->connections; c++) {
        struct link *l = &r->links[c];
        *l = (struct link){.fd = -1, .slots = r->slots + c * streams, .n_slots = streams};
        l->wire = (struct wire){
            .ops = opt->protocol == LOAD_GRPC ? &wire_grpc : &wire_http,
            .owner = r,
            .over = over,
            .authority = r->authority,
        };
        buf_init(&l->wire.out, room * 2 + (1 << 20));
    }
}

static void finish(struct run *r)
{
    for (uint32_t i = 0; i < r->n_slots; i++) { /* before the links go: nothing is tried again */
        struct slot *s = &r->slots[i];
        struct load_signal_report *to = &r->report->signals[s->signal];
        struct load_count *count = s->state == SLOT_OPEN ? &to->unanswered : &to->refused;
        if (s->state == SLOT_IDLE) continue;
        count->requests++;
        count->items += s->items;
        s->state = SLOT_IDLE;
    }
    uint64_t n = connects(r);
    r->report->reconnects = n > r->opt->connections ? n - r->opt->connections : 0;
    for (uint32_t c = 0; c < r->opt->connections; c++) {
        link_close(&r->links[c], 0);
        buf_done(&r->links[c].wire.out);
    }
    for (uint32_t i = 0; i < r->n_slots; i++) free(r->slots[i].bytes);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        r->report->signals[i].latency = latency_summary(&r->sources[i].latency);
        load_templates_free(r->sources[i].templates);
    }
    free(r->slots);
    free(r->links);
    close(r->epoll);
}

static status check(const struct load_options *opt, struct err *err)
{
    struct {
        const char *name;
        uint32_t value, max;
    } bounds[] = {
        {"services", opt->services, 10000}, {"batch", opt->batch, 20000},
        {"series", opt->series, 1000000},   {"connections", opt->connections, CONNECTIONS_MAX},
        {"streams", opt->streams, 100},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].value < 1 || bounds[i].value > bounds[i].max)
            return err_set(err, ST_INVALID, ERR_NOPOS, "%s must be 1 to %" PRIu32, bounds[i].name,
                           bounds[i].max);
    return ST_OK;
}

status load_run(const struct load_options *opt, const volatile bool *stop, struct load_report *ret,
                struct err *err)
{
    TRY(check(opt, err));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *to;
    int e = getaddrinfo(opt->host, opt->port, &hints, &to);
    if (e != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s:%s: %s", opt->host, opt->port,
                       gai_strerror(e));

    *ret = (struct load_report){0};
    struct run *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->opt = opt;
    r->report = ret;
    r->next_number = 1;
    snprintf(r->authority, sizeof r->authority, "%s:%s", opt->host, opt->port);
    setup(r);
    r->start = clock_monotonic();
    status s = loop(r, to, stop, err);
    finish(r);
    free(r);
    freeaddrinfo(to);
    return s;
}
