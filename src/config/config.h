/* config: the options of options.def from their defaults, a YAML file, the environment and flags,
 * the later winning.
 *
 * thread: main, at start. The config is read-only afterwards and may be read from any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "base/tree.h"
#include "config/overrides.h"

#define CONFIG_TEXT str
#define CONFIG_FLAG bool
#define CONFIG_COUNT uint64_t
#define CONFIG_SIZE uint64_t
#define CONFIG_TIME nanos
#define CONFIG_CHOICE(list) uint32_t /* index in the list */

struct config {
    struct arena *arena; /* of the texts; borrowed */
    /* The file's root when it has one of the Collector's sections (receivers, processors,
     * exporters, extensions, connectors, service); else NULL. In the arena. */
    const struct tree *sections;
    struct retention_override *overrides; /* of the file only; in the arena */
    size_t n_overrides;
#define X(ident, type, name, def, help) CONFIG_##type ident;
#include "config/options.def"
#undef X
};

/* Fills in the defaults. Texts lie in `arena`, which outlives the config. */
void config_defaults(struct config *c, struct arena *arena);

/* YAML: nested maps are dotted names; the Collector's sections are kept in `sections`, and what the
 * otlp receiver, its authenticator, the memory_limiter and service.telemetry say becomes weir's
 * options. ${env:NAME:-default} is replaced in all values. ST_INVALID: malformed, an unknown key
 * (the nearest valid name is told), a value of the wrong type; the message begins with
 * "file:line:column: ". `file` is for messages and is borrowed as long as `sections`. */
[[nodiscard]] status config_read_yaml(struct config *c, str text, const char *file,
                                      struct err *err);

/* Reads the file and then as above. ST_NOT_FOUND: it cannot be read. */
[[nodiscard]] status config_read_file(struct config *c, const char *path, struct err *err);

/* WEIR_* variables. Unknown ones are ST_INVALID with the nearest name, but for those other parts of
 * weir read (WEIR_LIBCHDB, WEIR_CACHE, WEIR_CONFORMANCE, WEIR_BUILD). `env` is like environ. */
[[nodiscard]] status config_read_env(struct config *c, char **env, struct err *err);

/* One option by its dotted name. ST_NOT_FOUND: no such option; the nearest name is told. */
[[nodiscard]] status config_set(struct config *c, str name, str value, struct err *err);

/* Defaults, then the file (when `--config FILE` is among the flags, or $WEIR_CONFIG), environment,
 * flags. Flags: --config FILE,
 * --data DIR (short for --data.dir), --store URL (for --store.url), --dotted.name VALUE or
 * --dotted.name=VALUE. ST_NOT_FOUND with an empty message: --help was asked. */
[[nodiscard]] status config_load(struct config *c, struct arena *arena, int argc, char **argv,
                                 char **env, struct err *err);

/* Options below `prefix` ("retention.") become those of `from`, whose texts are borrowed. */
void config_take(struct config *to, const struct config *from, str prefix);

/* Calls `each` with the names of the options in which the two differ. */
void config_compare(const struct config *a, const struct config *b,
                    void (*each)(void *ctx, str name), void *ctx);

/* The configuration in force as YAML; secrets masked. */
void config_print(const struct config *c, struct buf *out);

/* A table of all options: Markdown (docs/configuration.md) or plain text for --help. */
void config_print_reference(struct buf *out, bool markdown);

/* "host:port", "[::1]:port" or ":port" (all addresses). ST_INVALID with `name` of the option.
 * `host` lies in the arena, NUL-terminated. */
[[nodiscard]] status config_endpoint(const struct config *c, str endpoint, const char *name,
                                     const char **ret_host, uint16_t *ret_port, struct err *err);
