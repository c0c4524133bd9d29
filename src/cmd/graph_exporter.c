/* Exporters: what all have (retry_on_failure, sending_queue), and all of `clickhouse`. */
#include "cmd/graph_parts.h"

status graph_refuse(const struct tree *map, const struct graph_refusal *all, size_t n,
                    struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct tree *t = tree_get(map, all[i].key);
        if (t) return tree_fail_key(t, err, "%s", all[i].why);
    }
    return ST_OK;
}

/* Of sending_queue. The rest is read by export_common_read. */
static const struct graph_refusal of_queue[] = {
    {S("wait_for_result"), "journal.ack says what an answer waits for; leave it out"},
};

static const struct graph_refusal of_clickhouse[] = {
    {S("ttl"), "retention.traces, retention.logs and retention.metrics say how long rows are kept"},
    {S("logs_table_name"), "weir's tables have fixed names (docs/schema.md)"},
    {S("traces_table_name"), "weir's tables have fixed names (docs/schema.md)"},
    {S("profiles_table_name"), "weir takes traces, metrics and logs, not profiles"},
    {S("metrics_table_name"), "weir's tables have fixed names (docs/schema.md)"},
    {S("metrics_tables"), "weir's tables have fixed names (docs/schema.md)"},
    {S("cluster_name"), "weir makes its tables on one server, and none by this exporter"},
    {S("table_engine"), "weir's tables have engines of their own (docs/schema.md)"},
    {S("create_schema"), "weir migrate, and a weir storage-writer, make the tables; leave it out"},
    {S("async_insert"), "weir inserts whole blocks and never asynchronously; leave it out"},
    {S("connection_params"), "weir sets what its inserts need; leave it out"},
    {S("json"), "weir's tables have map columns (docs/schema.md); leave it out"},
    {S("db"), "write database"},
    {S("dsn"), "write endpoint: http://host:8123, and username and password apart"},
};

static bool begins(str s, str with)
{
    return s.len >= with.len && memcmp(s.ptr, with.ptr, with.len) == 0;
}

/* "tcp://host:9000?x=y" -> "host": to show what to write instead. */
static str host_of(str url)
{
    for (size_t i = 0; i + 2 < url.len; i++)
        if (memcmp(url.ptr + i, "://", 3) == 0) {
            url = str_drop(url, i + 3);
            break;
        }
    for (size_t i = 0; i < url.len; i++)
        if (memchr("/?,", url.ptr[i], 3)) url.len = i;
    const char *at = url.len ? memrchr(url.ptr, '@', url.len) : NULL;
    if (at) url = str_drop(url, (size_t)(at - url.ptr) + 1);
    const char *colon = url.len ? memrchr(url.ptr, ':', url.len) : NULL;
    if (colon && !memchr(colon, ']', (size_t)(url.ptr + url.len - colon)))
        url.len = (size_t)(colon - url.ptr);
    return url;
}

static str trim(str s)
{
    while (s.len && s.ptr[0] == ' ') s = str_drop(s, 1);
    while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
    return s;
}

static status one_endpoint(const struct tree *t, str url, struct err *err)
{
    str host = host_of(url);
    bool https = begins(url, S("https://"));
    if (begins(url, S("tcp://")) || begins(url, S("clickhouse://")))
        return tree_fail(t, err,
                         "weir speaks ClickHouse's HTTP interface: write http://" STR_FMT ":8123",
                         STR_ARG(host));
    if (!https && !begins(url, S("http://")))
        return tree_fail(t, err, "\"" STR_FMT "\" is not http://host:8123 or https://host:8443",
                         STR_ARG(url));
    if (memchr(url.ptr, '@', url.len))
        return tree_fail(t, err, "write username and password apart, not in the endpoint");
    if (memchr(url.ptr, '?', url.len))
        return tree_fail(t, err,
                         "no parameters in the endpoint: write database, username, password "
                         "and timeout apart");
    if (!host.len) return tree_fail(t, err, "no host");
    return ST_OK;
}

/* Several addresses of one store lie between commas. */
static status endpoint(const struct tree *t, str urls, struct err *err)
{
    for (bool more = true; more;) {
        const char *comma = memchr(urls.ptr, ',', urls.len);
        str url = {urls.ptr, comma ? (size_t)(comma - urls.ptr) : urls.len};
        TRY(one_endpoint(t, trim(url), err));
        more = comma != NULL;
        urls = str_drop(urls, url.len + 1);
        if (more && !urls.len) return tree_fail(t, err, "nothing behind the last comma");
    }
    return ST_OK;
}

static status tls(const struct tree *o, struct store_tls *io, struct err *err)
{
    const struct tree *t = tree_get(o, S("tls"));
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(TREE_ONLY(t, err, S("ca_file"), S("cert_file"), S("key_file"), S("insecure_skip_verify")));
    TRY(tree_text(t, S("ca_file"), &io->ca_file, err));
    TRY(tree_text(t, S("cert_file"), &io->cert_file, err));
    TRY(tree_text(t, S("key_file"), &io->key_file, err));
    return tree_flag(t, S("insecure_skip_verify"), &io->insecure_skip_verify, err);
}

static status clickhouse(const struct config *c, struct graph_exporter *e, struct err *err)
{
    const struct tree *o = e->options;
    TRY(GRAPH_REFUSE(o, err, of_clickhouse));
    TRY(TREE_ONLY(o, err, S("endpoint"), S("database"), S("username"), S("password"), S("timeout"),
                  S("compress"), S("tls"), S("retry_on_failure"), S("sending_queue")));
    struct store_options *s = &e->store;
    s->driver = STORE_SERVER;
    s->database = c->store_database;
    s->user = S("default");
    TRY(tree_text(o, S("endpoint"), &s->url, err));
    TRY(tree_text(o, S("database"), &s->database, err));
    TRY(tree_text(o, S("username"), &s->user, err));
    TRY(tree_text(o, S("password"), &s->password, err));
    nanos timeout = 0;
    TRY(tree_time(o, S("timeout"), NANOS_MS, &timeout, err));
    if (timeout > NANOS_DAY) timeout = NANOS_DAY;
    s->request_timeout_ms = (uint32_t)(timeout / NANOS_MS);
    uint32_t compress = s->compression; /* in the order of enum store_compression */
    TRY(tree_choice(o, S("compress"), "auto|zstd|lz4|none", &compress, err));
    s->compression = (enum store_compression)compress;
    TRY(tls(o, &s->tls, err));
    if (s->url.len) return endpoint(tree_get(o, S("endpoint")), s->url, err);
    static const str elsewhere[] = {S("database"), S("username"), S("password"),
                                    S("timeout"),  S("compress"), S("tls")};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        const struct tree *t = tree_get(o, elsewhere[i]);
        if (t && t->kind != TREE_NULL)
            return tree_fail_key(t, err,
                                 "without an endpoint this is weir's own store: store.database, "
                                 "store.user, store.password and store.tls are its options");
    }
    return ST_OK;
}

status graph_read_exporter(const struct config *c, struct graph_exporter *e, struct err *err)
{
    const struct tree *q = tree_get(e->options, S("sending_queue"));
    TRY(GRAPH_REFUSE(q, err, of_queue));
    TRY(export_common_read(e->options, &e->common, err));
    if (!e->is_clickhouse) return ST_OK;
    const struct tree *n = tree_get(q, S("num_consumers"));
    if (!n || n->kind == TREE_NULL) e->common.consumers = (uint32_t)c->store_writers;
    const struct tree *r = tree_get(e->options, S("retry_on_failure"));
    n = tree_get(r, S("max_tries"));
    if (!n || n->kind == TREE_NULL) e->common.retry.max_tries = (uint32_t)c->store_tries;
    return clickhouse(c, e, err);
}
