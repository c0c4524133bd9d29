/* world: what tests of detectors share: a tree of files, an environment, a metadata server on
 * loopback, and one run. */
#pragma once

#include "ingest/detect/detection.h"

/* A fresh tree and environment. */
void world_begin(void);
void world_end(void); /* removes the tree, stops the server */
void world_file(const char *path, const char *text);
void world_link(const char *path, const char *to);
void world_env(const char *assignment);

/* An HTTP server that answers what was told; 404 for the rest. `request` begins a request's first
 * line ("GET /a "), `header` must be among its lines (NULL: any), `more` are lines of the answer's
 * head ("" or "A: b\r\n"). Returns its base URL at the first call, and its port's text. */
const char *world_server(void);
void world_answer(const char *request, const char *header, const char *more, const char *body);
const char *world_mute(void); /* base URL of one that accepts and never answers */

/* Runs detection with options as YAML; %s in it is `url`. */
status world_detect(const char *yaml, const char *url, struct detected *ret, struct err *err);

/* The text of an attribute; "-": it is not there. Lists as "[a,b]", numbers as digits. */
str world_value(const struct detected *d, const char *key);
