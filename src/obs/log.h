/* log: weir's own log, one line an event, to standard error. logfmt or JSON. thread: any.
 *
 *   log_warn("journal", "segment damaged", LOG_STR("file", name), LOG_INT("bytes", n));
 *
 * Log once, at the edge, with what a person needs. The pure middle never logs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE } kind;
    str s;
    int64_t i;
    double d;
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .s = (v)})
#define LOG_CSTR(k, v) \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .s = {(v), strlen(v)}})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .i = (int64_t)(v)})
#define LOG_DOUBLE(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_DOUBLE, .d = (v)})

void log_setup(enum log_level least, enum log_format format); /* once, at start */
void log_write(enum log_level level, const char *module, const char *msg,
               const struct log_field *fields, size_t n);

#define LOG_WRITE(level, module, msg, ...)                                            \
    log_write((level), (module), (msg), (struct log_field[]){{0}, ##__VA_ARGS__} + 1, \
              sizeof((struct log_field[]){{0}, ##__VA_ARGS__}) / sizeof(struct log_field) - 1)
#define log_debug(module, msg, ...) LOG_WRITE(LOG_LEVEL_DEBUG, module, msg, ##__VA_ARGS__)
#define log_info(module, msg, ...) LOG_WRITE(LOG_LEVEL_INFO, module, msg, ##__VA_ARGS__)
#define log_warn(module, msg, ...) LOG_WRITE(LOG_LEVEL_WARN, module, msg, ##__VA_ARGS__)
#define log_error(module, msg, ...) LOG_WRITE(LOG_LEVEL_ERROR, module, msg, ##__VA_ARGS__)
