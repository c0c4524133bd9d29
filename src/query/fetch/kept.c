#include "query/fetch/kept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { ANSWERS = 128, PART_OF_ALL = 8 };

struct kept_answer {
    uint64_t hash;
    struct kept_mark mark;
    uint64_t used; /* when, in uses */
    unsigned users;
    bool gone; /* from the table: the last user frees it */
    size_t question, bytes;
    char text[]; /* the question, then the answer */
};

struct kept {
    pthread_mutex_t lock;
    size_t most, held;
    uint64_t uses;
    struct kept_answer *answers[ANSWERS];
};

struct kept *kept_new(size_t most_bytes)
{
    struct kept *k = calloc(1, sizeof *k);
    if (!k) abort();
    k->most = most_bytes;
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

void kept_free(struct kept *k)
{
    if (!k) return;
    for (int i = 0; i < ANSWERS; i++) free(k->answers[i]);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

str kept_bytes(const struct kept_answer *a) { return (str){a->text + a->question, a->bytes}; }

size_t kept_most_of_one(const struct kept *k) { return k->most / PART_OF_ALL; }

static void drop(struct kept *k, int i)
{
    struct kept_answer *a = k->answers[i];
    k->answers[i] = NULL;
    k->held -= a->question + a->bytes;
    a->gone = true;
    if (!a->users) free(a);
}

static bool is_of(const struct kept_answer *a, uint64_t hash, str question)
{
    return a && a->hash == hash && str_eq((str){a->text, a->question}, question);
}

static bool holds(const struct kept_answer *a, struct kept_mark now)
{
    return a->mark.epoch == now.epoch && a->mark.series == now.series &&
           (!a->mark.until || clock_monotonic() < a->mark.until);
}

const struct kept_answer *kept_find(struct kept *k, str question, struct kept_mark now)
{
    uint64_t hash = hash_str(question);
    struct kept_answer *found = NULL;
    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < ANSWERS && !found; i++) {
        struct kept_answer *a = k->answers[i];
        if (!is_of(a, hash, question)) continue;
        if (!holds(a, now)) {
            drop(k, i);
            break;
        }
        found = a;
        a->users++;
        a->used = ++k->uses;
    }
    pthread_mutex_unlock(&k->lock);
    return found;
}

void kept_done(struct kept *k, const struct kept_answer *given)
{
    struct kept_answer *a = (struct kept_answer *)given;
    pthread_mutex_lock(&k->lock);
    if (--a->users == 0 && a->gone) free(a);
    pthread_mutex_unlock(&k->lock);
}

/* The place of the same question, or a free one, or that of what was used longest ago. */
static int place_for(const struct kept *k, uint64_t hash, str question)
{
    int best = -1;
    for (int i = 0; i < ANSWERS; i++)
        if (is_of(k->answers[i], hash, question)) return i;
    for (int i = 0; i < ANSWERS; i++) {
        if (!k->answers[i]) return i;
        if (best < 0 || k->answers[i]->used < k->answers[best]->used) best = i;
    }
    return best;
}

static int oldest(const struct kept *k)
{
    int best = -1;
    for (int i = 0; i < ANSWERS; i++)
        if (k->answers[i] && (best < 0 || k->answers[i]->used < k->answers[best]->used)) best = i;
    return best;
}

void kept_put(struct kept *k, str question, struct kept_mark mark, str answer)
{
    size_t size = question.len + answer.len;
    if (size > kept_most_of_one(k)) return;
    struct kept_answer *a = malloc(sizeof *a + size);
    if (!a) abort();
    *a = (struct kept_answer){
        .hash = hash_str(question), .mark = mark, .question = question.len, .bytes = answer.len};
    memcpy(a->text, question.ptr, question.len);
    if (answer.len) memcpy(a->text + question.len, answer.ptr, answer.len);
    pthread_mutex_lock(&k->lock);
    int i = place_for(k, a->hash, question);
    if (k->answers[i]) drop(k, i);
    while (k->held + size > k->most) drop(k, oldest(k));
    a->used = ++k->uses;
    k->answers[i] = a;
    k->held += size;
    pthread_mutex_unlock(&k->lock);
}
