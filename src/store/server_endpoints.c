#include "store/server_endpoints.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "obs/log.h"
#include "store/server_url.h"

#define REST_LEAST NANOS_S
#define REST_MOST (30 * NANOS_S)

struct endpoint {
    char *url;
    unsigned failures; /* in a row */
    bool probing;      /* picked since the last failure */
    nanos rest_until;
};

struct server_endpoints {
    pthread_mutex_t lock;
    bool round_robin;
    unsigned n, next;
    struct endpoint all[SERVER_ENDPOINTS_MAX];
};

static str trim(str s)
{
    while (s.len && s.ptr[0] == ' ') s = str_drop(s, 1);
    while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
    return s;
}

static status add(struct server_endpoints *e, str url, struct err *err)
{
    TRY(server_url_check(url, err));
    while (url.ptr[url.len - 1] == '/') url.len--;
    if (e->n == SERVER_ENDPOINTS_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS, "more than %d store URLs", SERVER_ENDPOINTS_MAX);
    for (unsigned i = 0; i < e->n; i++)
        if (str_eq(url, str_of(e->all[i].url)))
            return err_set(err, ST_INVALID, ERR_NOPOS, "store URL " STR_FMT " is there twice",
                           STR_ARG(url));
    char *copy = strndup(url.ptr, url.len);
    if (!copy) abort();
    e->all[e->n++].url = copy;
    return ST_OK;
}

status server_endpoints_new(str urls, bool round_robin, struct server_endpoints **ret,
                            struct err *err)
{
    struct server_endpoints *e = calloc(1, sizeof *e);
    if (!e) abort();
    pthread_mutex_init(&e->lock, NULL);
    e->round_robin = round_robin;
    status s;
    for (bool more = true; more;) {
        const char *comma = urls.len ? memchr(urls.ptr, ',', urls.len) : NULL;
        more = comma != NULL;
        str url = {urls.ptr, comma ? (size_t)(comma - urls.ptr) : urls.len};
        s = add(e, trim(url), err);
        if (s != ST_OK) {
            server_endpoints_free(e);
            return s;
        }
        urls = str_drop(urls, url.len + 1);
    }
    *ret = e;
    return ST_OK;
}

void server_endpoints_free(struct server_endpoints *e)
{
    if (!e) return;
    for (unsigned i = 0; i < e->n; i++) free(e->all[i].url);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

unsigned server_endpoints_count(const struct server_endpoints *e) { return e->n; }

const char *server_endpoints_url(const struct server_endpoints *e, unsigned i)
{
    return e->all[i].url;
}

bool server_endpoints_loopback(const struct server_endpoints *e)
{
    for (unsigned i = 0; i < e->n; i++)
        if (!server_url_is_loopback(str_of(e->all[i].url))) return false;
    return true;
}

static nanos rest_of(const struct endpoint *p)
{
    nanos rest = REST_LEAST;
    for (unsigned i = 1; i < p->failures && rest < REST_MOST; i++) rest *= 2;
    return rest < REST_MOST ? rest : REST_MOST;
}

int server_endpoints_pick(struct server_endpoints *e, uint32_t tried, nanos now)
{
    int best = -1;
    pthread_mutex_lock(&e->lock);
    unsigned from = e->round_robin ? e->next++ % e->n : 0;
    for (unsigned k = 0; k < e->n; k++) {
        unsigned i = (from + k) % e->n;
        if (tried & 1u << i) continue;
        bool well = e->all[i].rest_until <= now;
        if (well || best < 0 || e->all[i].rest_until < e->all[best].rest_until) best = (int)i;
        if (well) break;
    }
    if (best >= 0 && e->all[best].failures) {
        e->all[best].probing = true;
        e->all[best].rest_until = now + rest_of(&e->all[best]);
    }
    pthread_mutex_unlock(&e->lock);
    return best;
}

void server_endpoints_worked(struct server_endpoints *e, unsigned i)
{
    struct endpoint *p = &e->all[i];
    pthread_mutex_lock(&e->lock);
    unsigned failures = p->failures;
    p->failures = 0;
    p->probing = false;
    p->rest_until = 0;
    pthread_mutex_unlock(&e->lock);
    if (failures && e->n > 1)
        log_info("store", "an address of the store works again", LOG_CSTR("url", p->url),
                 LOG_INT("failures", failures));
}

/* Those that were under way when it failed first say nothing new. */
void server_endpoints_failed(struct server_endpoints *e, unsigned i, nanos now, const char *why)
{
    struct endpoint *p = &e->all[i];
    pthread_mutex_lock(&e->lock);
    bool first = p->failures == 0;
    if (first || p->probing) {
        p->failures++;
        p->probing = false;
        p->rest_until = now + rest_of(p);
    }
    pthread_mutex_unlock(&e->lock);
    if (first && e->n > 1)
        log_warn("store", "an address of the store fails, others are asked",
                 LOG_CSTR("url", p->url), LOG_CSTR("why", why));
}
