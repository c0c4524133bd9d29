/* cors: which pages a browser lets send here (fetch.spec.whatwg.org, "CORS protocol"). Pure. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Is `origin` one of `list`: patterns between commas, where `*` stands for any characters? Case is
 * ignored. */
bool cors_allows(str list, str origin);

/* Is `name` a member of the list itself? ("*": all) */
bool cors_names(str list, str name);
