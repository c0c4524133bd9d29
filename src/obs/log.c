#include "obs/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_out.h"

static atomic_int least_level = LOG_LEVEL_INFO;
static atomic_int line_format = LOG_FORMAT_LOGFMT;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, enum log_format format)
{
    atomic_store(&least_level, least);
    atomic_store(&line_format, format);
}

static void timestamp(char out[32])
{
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03ldZ", t.tv_nsec / 1000000);
}

static void logfmt_value(struct buf *b, str s)
{
    bool bare = s.len > 0;
    for (size_t i = 0; i < s.len && bare; i++)
        bare = s.ptr[i] > ' ' && s.ptr[i] != '"' && s.ptr[i] != '=' && s.ptr[i] != '\\' &&
               s.ptr[i] != 0x7f;
    if (bare)
        buf_add(b, s);
    else
        json_quote(b, s);
}

static void write_logfmt(struct buf *b, const char *when, const char *level, const char *module,
                         const char *msg, const struct log_field *f, size_t n)
{
    buf_printf(b, "time=%s level=%s module=%s msg=", when, level, module);
    logfmt_value(b, (str){msg, strlen(msg)});
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, " %s=", f[i].key);
        switch (f[i].kind) {
        case LOG_FIELD_STR: logfmt_value(b, f[i].s); break;
        case LOG_FIELD_INT: buf_printf(b, "%lld", (long long)f[i].i); break;
        case LOG_FIELD_DOUBLE: buf_printf(b, "%.6g", f[i].d); break;
        }
    }
    buf_char(b, '\n');
}

static void write_json(struct buf *b, const char *when, const char *level, const char *module,
                       const char *msg, const struct log_field *f, size_t n)
{
    struct json_out j = json_begin(b);
    json_object(&j);
    const char *const head[][2] = {
        {"time", when}, {"level", level}, {"module", module}, {"msg", msg}};
    for (size_t i = 0; i < 4; i++) {
        json_key(&j, (str){head[i][0], strlen(head[i][0])});
        json_str(&j, (str){head[i][1], strlen(head[i][1])});
    }
    for (size_t i = 0; i < n; i++) {
        json_key(&j, (str){f[i].key, strlen(f[i].key)});
        switch (f[i].kind) {
        case LOG_FIELD_STR: json_str(&j, f[i].s); break;
        case LOG_FIELD_INT: json_i64(&j, f[i].i); break;
        case LOG_FIELD_DOUBLE: json_f64(&j, f[i].d); break;
        }
    }
    json_end(&j);
    buf_char(b, '\n');
}

void log_write(enum log_level level, const char *module, const char *msg,
               const struct log_field *fields, size_t n)
{
    if ((int)level < atomic_load(&least_level)) return;
    char when[32];
    timestamp(when);
    struct buf b;
    buf_init(&b, 65536);
    if (atomic_load(&line_format) == LOG_FORMAT_JSON)
        write_json(&b, when, level_names[level], module, msg, fields, n);
    else
        write_logfmt(&b, when, level_names[level], module, msg, fields, n);
    ssize_t ignored = write(STDERR_FILENO, b.ptr, b.len); /* one write: lines do not mix */
    (void)ignored;
    buf_done(&b);
}
