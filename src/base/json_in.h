/* json_in: a pull tokenizer over one JSON text. Strict RFC 8259; depth bounded; sticky.
 *
 * It hands out one token at a time. A string token borrows from the input unless it has escapes;
 * then its text is unescaped into the arena. Numbers are handed out as their text. Validates UTF-8
 * of strings. Used by OTLP/JSON and LogQL's `| json`. Pure.
 *
 *   struct json_in j = json_read(text, &arena);
 *   while (json_next(&j) != JSON_END) ...
 *   if (j.bad) -> j.why, at byte j.at */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum json_token {
    JSON_END, /* the text ended, or it is malformed (see .bad) */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY, /* .text */
    JSON_STRING,
    JSON_NUMBER, /* .text, as written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

enum { JSON_DEPTH_MAX = 128 };

struct json_in {
    str in;
    size_t at; /* byte offset of the next unread byte; of the error when bad */
    struct arena *arena;
    enum json_token token;
    str text;
    bool bad;
    const char *why; /* static text */
    unsigned depth;
    uint8_t state; /* what may come next; private */
    uint64_t array[JSON_DEPTH_MAX / 64];
};

struct json_in json_read(str in, struct arena *a);

/* The next token, also in .token. After the top-level value: JSON_END, and bad when anything but
 * space follows. */
enum json_token json_next(struct json_in *j);

/* Steps over the value that begins with the current token: to the end of the object or array it
 * opened; nothing for a scalar. After JSON_KEY: reads and steps over the key's value. */
void json_skip(struct json_in *j);
