/* A ClickHouse server as far as inserts go: it counts rows by table, once a token, and answers as
 * it is told. thread: any */
#pragma once

#include <stdint.h>

#include "store/store.h"

enum fake_answer {
    FAKE_OK,
    FAKE_INVALID,    /* the content is wrong: code 16 */
    FAKE_OVERLOADED, /* too many parts: code 252 */
    FAKE_WAIT,       /* no answer until it is told another one, then that */
};

struct fake_store;
struct fake_store *fake_store_new(void); /* connections are refused until it listens */
const char *fake_store_url(const struct fake_store *f);
void fake_store_listen(struct fake_store *f);
void fake_store_answer(struct fake_store *f, enum fake_answer a);
/* An insert whose body holds this text is the process's end. */
void fake_store_poison(struct fake_store *f, const char *text);
uint64_t fake_store_rows(struct fake_store *f, const char *table);
unsigned fake_store_repeats(struct fake_store *f);   /* inserts whose token it knew */
unsigned fake_store_tries(struct fake_store *f);     /* of inserts, refused ones too */
struct store *fake_store_open(struct fake_store *f); /* a store that talks to it */
void fake_store_free(struct fake_store *f);          /* after the store is closed */
