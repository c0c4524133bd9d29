/* Runs a statement and cuts its stream of bytes into Native blocks. Pieces may end inside a block:
 * the rest waits. */
#include "query/fetch/fetch.h"

#include <stdio.h>

#include "base/num.h"
#include "query/fetch/kept.h"
#include "store/store.h"

/* All results of a job, streamed: more than this for each byte of its memory budget is not a query
 * but an export. */
enum { RESULT_BYTES_PER_BUDGET = 4 };

/* The engine's working memory for a statement: sorting and grouping need some however little the
 * job may hold. */
static const uint64_t engine_memory_least = 256 << 20;

struct stream {
    struct store_fetcher *f;
    status (*block)(void *ctx, const struct native_block *b, struct err *err);
    void *ctx;
    struct buf pending; /* bytes from the store that are not read yet */
    size_t wait;        /* reading is tried again at this many pending bytes */
    struct arena arena; /* of one block */
    status st;
    bool enough; /* `block` asked for the end */
    struct err *err;
    struct buf *copy; /* of all bytes; NULL: none is made */
};

static status take_block(struct stream *s, const struct native_block *b)
{
    struct store_fetcher *f = s->f;
    f->rows += b->rows;
    if (f->rows > f->job->limits->max_rows)
        return err_set(s->err, ST_EXECUTION, ERR_NOPOS,
                       "the query reads more than its limit of %llu rows: narrow it",
                       (unsigned long long)f->job->limits->max_rows);
    if (arena_over(&s->arena))
        return err_set(s->err, ST_EXECUTION, ERR_NOPOS,
                       "a block of the result needs more than the query's memory limit");
    status st = s->block(s->ctx, b, s->err);
    if (st == ST_CANCELLED) s->enough = true;
    if (st != ST_OK) return st;
    return job_check(f->job, s->err);
}

/* Reads the whole blocks at the front of *rest. */
static status read_blocks_of(struct stream *s, bool last, str *rest)
{
    while (rest->len > 0) {
        struct native_block b;
        struct arena_mark mark = arena_mark(&s->arena);
        status st = native_read_block(&s->arena, rest, &b, s->err);
        bool whole = st == ST_OK, cut = st == ST_LIMIT;
        if (whole && b.rows > 0) st = take_block(s, &b);
        arena_rewind(&s->arena, mark);
        if (cut && !last) return ST_OK;
        if (!whole) return err_wrap(s->err, ST_INTERNAL, "the store's answer");
        if (st != ST_OK) return st;
    }
    return ST_OK;
}

/* Reads all whole blocks of `pending`. A block that is not whole is tried again when twice as much
 * is there, so that a large block in many small pieces is not read over and over. */
static status read_blocks(struct stream *s, bool last)
{
    str rest = buf_str(&s->pending);
    TRY(read_blocks_of(s, last, &rest));
    if (rest.len && rest.ptr != s->pending.ptr) memmove(s->pending.ptr, rest.ptr, rest.len);
    s->pending.len = rest.len;
    s->wait = rest.len * 2;
    return ST_OK;
}

static bool on_chunk(void *ctx, str piece)
{
    struct stream *s = ctx;
    struct query_job *j = s->f->job;
    s->f->bytes += piece.len;
    if (s->copy) buf_add(s->copy, piece);
    bool first = s->pending.len == 0; /* mostly a piece is whole blocks: they are read in place */
    s->st = first ? read_blocks_of(s, false, &piece) : ST_OK;
    if (s->st != ST_OK) return false;
    if (first) s->wait = piece.len * 2;
    buf_add(&s->pending, piece);
    if (s->pending.over || s->f->bytes > j->limits->max_bytes * RESULT_BYTES_PER_BUDGET)
        s->st = err_set(s->err, ST_EXECUTION, ERR_NOPOS,
                        "the query's result is larger than its limit of %llu bytes: narrow it",
                        (unsigned long long)j->limits->max_bytes);
    else
        s->st = job_check(j, s->err);
    if (s->st == ST_OK && s->pending.len >= s->wait) s->st = read_blocks(s, false);
    return s->st == ST_OK;
}

/* What the engine is told about a statement of ours, beside its time (timeout_ms). The same for
 * all statements: the driver sets them once on a connection. */
static size_t settings(const struct query_job *j, struct store_setting out[4], char text[32])
{
    size_t n = 0;
    uint64_t memory = j->limits->max_bytes * 2;
    if (memory < engine_memory_least) memory = engine_memory_least;
    int len = snprintf(text, 32, "%llu", (unsigned long long)memory);
    out[n++] = (struct store_setting){S("max_memory_usage"), {text, (size_t)len}};
    out[n++] = (struct store_setting){S("max_threads"), S("2")};
    out[n++] = (struct store_setting){S("readonly"), S("2")};
    return n;
}

/* How long the engine may compute. A driver that sets this on a connection does so anew whenever it
 * is another number than before, so that while there is much left it is rounded up: a statement
 * that gives no rows can take five seconds more than the job has. */
static uint32_t time_left_ms(const struct query_job *j)
{
    int64_t left = (j->deadline - clock_monotonic()) / NANOS_MS, much = 10'000;
    if (left > much) left = (left + much / 2 - 1) / (much / 2) * (much / 2);
    return left < 1 ? 1 : left > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)left;
}

/* Errors of the store that are the query's own become EXECUTION: nobody asked the store, they asked
 * us. */
static status translate(struct store_fetcher *f, status st, struct err *err)
{
    if (st == ST_CANCELLED || st == ST_TIMEOUT) TRY(job_check(f->job, err));
    if (st == ST_LIMIT) return err_wrap(err, ST_EXECUTION, "the query is too large for the store");
    if (st == ST_INVALID || st == ST_NOT_FOUND) return err_wrap(err, ST_INTERNAL, "store");
    return st;
}

static void note_statement(struct query_job *j, const struct sql *q, uint64_t rows,
                           uint64_t rows_read, nanos took)
{
    struct query_statement *s = arena_new(j->arena, struct query_statement);
    struct sql_param *params = arena_array(j->arena, struct sql_param, q->n_params + 1);
    for (uint32_t i = 0; i < q->n_params; i++) /* q may lie in an arena that goes sooner */
        params[i] = (struct sql_param){arena_str(j->arena, q->params[i].name),
                                       arena_str(j->arena, q->params[i].value)};
    *s = (struct query_statement){.sql = arena_str(j->arena, buf_str(&q->text)),
                                  .params = params,
                                  .n_params = q->n_params,
                                  .rows = rows,
                                  .rows_read = rows_read,
                                  .took = took};
    *j->trace->last_statement = s;
    j->trace->last_statement = &s->next;
}

/* --- answers that are given again */

struct keeping {
    bool may;
    str question;
    struct kept_mark mark;
    struct buf copy;
};

/* What the answer would hold for is known before the store is asked. */
static void begin_keeping(struct store_fetcher *f, const struct sql *q, struct keeping *k)
{
    struct store_changes now;
    *k = (struct keeping){.may = false};
    buf_init(&k->copy, f->kept ? kept_most_of_one(f->kept) : 0);
    if (!f->kept || q->keep == SQL_ASKED_ANEW ||
        store_changes(f->store, f->job->arena, 1, 0, &now) != STORE_KNOWN)
        return;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, buf_str(&q->text));
    for (uint32_t i = 0; i < q->n_params; i++) {
        buf_char(&b, '\0');
        buf_add(&b, q->params[i].value);
    }
    k->may = !b.over;
    k->question = arena_str(f->job->arena, buf_str(&b));
    buf_done(&b);
    k->mark.epoch = now.epoch;
    if (q->keep == SQL_OF_SERIES)
        k->mark.series = now.series;
    else
        k->mark.until = clock_monotonic() + 60 * NANOS_S;
}

static void end_keeping(struct store_fetcher *f, struct keeping *k, status st)
{
    if (k->may && st == ST_OK && !k->copy.over)
        kept_put(f->kept, k->question, k->mark, buf_str(&k->copy));
    buf_done(&k->copy);
}

static status give_again(struct stream *s, struct keeping *k, bool *ret_given)
{
    struct kept *kept = s->f->kept;
    const struct kept_answer *a = k->may ? kept_find(kept, k->question, k->mark) : NULL;
    *ret_given = a != NULL;
    if (!a) return ST_OK;
    str rest = kept_bytes(a);
    status st = read_blocks_of(s, true, &rest);
    kept_done(kept, a);
    k->may = false;
    return st;
}

static status run(struct fetcher *fetcher, const struct sql *q,
                  status (*block)(void *ctx, const struct native_block *b, struct err *err),
                  void *ctx, struct err *err)
{
    struct store_fetcher *f = (struct store_fetcher *)fetcher;
    struct query_job *j = f->job;
    TRY(job_check(j, err));

    struct stream s = {.f = f, .block = block, .ctx = ctx, .err = err};
    buf_init(&s.pending, j->limits->max_bytes);
    arena_init(&s.arena, j->limits->max_bytes);
    struct store_param *params = arena_array(j->arena, struct store_param, q->n_params + 1);
    for (uint32_t i = 0; i < q->n_params; i++)
        params[i] = (struct store_param){.name = q->params[i].name, .value = q->params[i].value};

    struct store_setting set[4];
    char text[32];
    struct store_query sq = {.sql = buf_str(&q->text),
                             .params = params,
                             .n_params = q->n_params,
                             .settings = set,
                             .n_settings = settings(j, set, text),
                             .timeout_ms = time_left_ms(j),
                             .cancel = &j->cancelled};
    struct store_stats stats = {0};
    uint64_t rows_before = f->rows;
    nanos begun = clock_monotonic();
    struct err store_err = {0};
    struct keeping keeping;
    bool given;
    begin_keeping(f, q, &keeping);
    if (keeping.may) s.copy = &keeping.copy;
    s.st = give_again(&s, &keeping, &given);
    status st = given ? s.st : store_query(f->store, &sq, on_chunk, &s, &stats, &store_err);
    if (s.st != ST_OK)
        st = s.enough ? ST_CANCELLED : s.st; /* ours ended it; *err says why */
    else if (st == ST_OK)
        st = read_blocks(&s, true);
    else {
        if (err) *err = store_err;
        st = translate(f, st, err);
    }
    uint64_t handed_over = f->rows - rows_before; /* a driver may not know what the engine read */
    uint64_t rows_read = stats.rows_read > handed_over ? stats.rows_read : handed_over;
    f->rows_read += rows_read;
    if (j->trace) note_statement(j, q, handed_over, rows_read, clock_monotonic() - begun);
    end_keeping(f, &keeping, s.enough ? ST_CANCELLED : st);
    buf_done(&s.pending);
    arena_done(&s.arena);
    return s.enough ? job_check(j, err)
                    : st; /* a stage that ends because the job should is not content */
}

static enum changes_known changes(struct fetcher *fetcher, int64_t from_ms, int64_t to_ms,
                                  void (*window)(void *ctx, int64_t end_ms, uint64_t change,
                                                 int64_t touched_ms),
                                  void *ctx, struct changes_since *ret)
{
    struct store_fetcher *f = (struct store_fetcher *)fetcher;
    struct store_changes known;
    switch (store_changes(f->store, f->job->arena, from_ms, to_ms, &known)) {
    case STORE_KNOWN: break;
    case STORE_UNSETTLED: return CHANGES_UNSETTLED;
    default: return CHANGES_UNKNOWN;
    }
    for (uint32_t i = 0; i < known.n; i++)
        window(ctx, known.windows[i].end_ms, known.windows[i].change, known.windows[i].touched_ms);
    *ret = (struct changes_since){known.epoch, known.epoch_ms};
    return CHANGES_KNOWN;
}

void store_fetcher_init(struct store_fetcher *f, struct store *store, struct query_job *job)
{
    *f = (struct store_fetcher){
        .fetcher = {.run = run, .changes = changes}, .store = store, .job = job};
    job->fetcher = &f->fetcher;
}
