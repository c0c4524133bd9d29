/* s3_url: how people write a place in an object store, as the engine wants it. Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Is it a place in an object store, and not a path? s3://, gs://, http://, https:// */
bool s3_url_is(str text);

/* s3://bucket/prefix (of AWS; in `region` unless that is empty), gs://bucket/prefix, or
 * http(s)://host:port/bucket/prefix of any server that speaks S3: the https:// or http:// form,
 * ending with one "/", is added to `out`. ST_INVALID: none of these, or with user, password, query
 * or characters that must be percent-encoded; the message does not hold the text, which may hold a
 * secret. */
[[nodiscard]] status s3_url_endpoint(str text, str region, struct buf *out, struct err *err);
