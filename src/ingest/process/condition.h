/* condition: the conditions of `filter`, written in the Collector's transformation language (OTTL):
 *
 *   or         = and {"or" and}
 *   and        = not {"and" not}
 *   not        = "not" not | comparison
 *   comparison = sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum]
 *   sum        = product {("+" | "-") product}
 *   product    = value {("*" | "/") value}
 *   value      = literal | enum | path | Function "(" [or {"," or}] ")" | "(" or ")"
 *   path       = name {"." name} {"[" (string | number) "]"}
 *
 * Spec: opentelemetry-collector-contrib, pkg/ottl/LANGUAGE.md. A condition is read-only once made;
 * evaluation is pure. */
#pragma once

#include "base/err.h"
#include "base/regex.h"
#include "model/batch.h"

/* What a condition is about; `scope` and `resource` can be named in all of them. */
enum condition_context { ON_SPAN, ON_EVENT, ON_METRIC, ON_POINT, ON_LOG, ON_RESOURCE, CONTEXTS };

enum { CONDITION_MAX_BYTES = 4096, CONDITION_MAX_DEPTH = 64 };

struct condition;

/* `named`: paths must begin with what they belong to ("span.name"), else they may. Lies in the
 * arena. ST_INVALID: err->pos is the byte in `text`. */
[[nodiscard]] status condition_new(struct arena *a, enum condition_context on, bool named, str text,
                                   const struct condition **ret, struct err *err);

struct condition_row {
    const struct telemetry_batch *batch;
    struct arena *arena;
    struct regex_scratch *regex;
    uint32_t row;   /* span, log record, data point; of metrics ON_POINT only */
    uint32_t event; /* ON_EVENT */
    uint32_t desc;  /* of metrics */
};

bool condition_holds(const struct condition *c, const struct condition_row *row);
