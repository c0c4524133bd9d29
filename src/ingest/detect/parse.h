/* parse: texts from outside that detectors read. Pure; any bytes are safe. Private to
 * ingest/detect. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* The next line of *rest, without its newline; false at the end. */
bool parse_line(str *rest, str *ret);
/* The part of *rest before `end`, which is stepped over; all of it when there is none. */
str parse_cut(str *rest, char end);
str parse_trim(str s); /* of white space */

/* OTEL_RESOURCE_ATTRIBUTES: "k=v,k2=v2", values percent-decoded. ST_INVALID: a pair is malformed;
 * then nothing counts. Texts lie in the arena. */
struct parse_pair {
    str key, value;
};
[[nodiscard]] status parse_attributes(struct arena *a, str text, struct parse_pair **ret,
                                      size_t *ret_n, struct err *err);

/* The value of a key in a file of os-release's form; empty when there is none. */
str parse_os_release(struct arena *a, str text, str key);

/* The value of "key : value" in /proc/cpuinfo's first processor. */
str parse_cpuinfo(str text, str key);

/* The container's id in /proc/self/cgroup or /proc/self/mountinfo; false when there is none. */
bool parse_cgroup_container(str text, str *ret);
bool parse_mountinfo_container(str text, str *ret);

/* The scalar at a path of keys ("compute/vmId") in a JSON text: strings unescaped, numbers and
 * booleans as written. Empty when it is not there, null, or the text is not JSON. */
str parse_json(struct arena *a, str text, const char *path);

/* The i-th part of `text` between separators, from 0; empty past the last. */
str parse_part(str text, char separator, unsigned i);
str parse_last_part(str text, char separator);

/* The fully qualified name of `host` in a hosts file; empty when there is none. */
str parse_hosts(str text, str host);
