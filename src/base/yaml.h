/* yaml: a YAML text to a tree, by libyaml. Pure; thread: any.
 *
 * Scalars may hold references, as in the OpenTelemetry Collector: ${env:NAME}, ${env:NAME:-default}
 * and, short,
 * ${NAME}; $$ is a dollar. They are replaced in values, not in keys. A name that is not set and has
 * no default is an error with its place. Anchors and aliases are refused; so is a second key of one
 * name in a map. */
#pragma once

#include "base/tree.h"

/* The value of an environment variable; false when it is not set. */
typedef bool (*yaml_env_fn)(void *ctx, str name, str *ret);

/* Deepest nesting read. */
enum { YAML_DEPTH_MAX = 64 };

/* Everything lies in `a`, texts copied; `file` (for messages) is borrowed. An empty text is
 * TREE_NULL. `env` NULL: no variable is set. ST_INVALID: "file:line:column: why". ST_LIMIT: the
 * arena's budget. */
[[nodiscard]] status yaml_parse(struct arena *a, str text, const char *file, yaml_env_fn env,
                                void *ctx, const struct tree **ret, struct err *err);

/* getenv, as a yaml_env_fn. */
bool yaml_environment(void *ctx, str name, str *ret);
