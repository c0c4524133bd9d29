/* params: from the bytes of a request to decoded parameters. Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "query/ir/job.h"

enum { PARAMS_MAX = 20000 };

struct param_list {
    struct query_param *v;
    size_t n, cap;
};

/* Appends the pairs of `text` ("a=1&b=2", percent-encoded, + is a space), in order.
 * ST_INVALID: more than PARAMS_MAX. */
[[nodiscard]] status params_add(struct param_list *l, struct arena *a, str text, struct err *err);

/* Is it a form, by its Content-Type ("application/x-www-form-urlencoded; charset=...")? */
bool params_is_form(str content_type);
