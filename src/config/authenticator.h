/* authenticator: the extension that the otlp receiver names, as receive.auth.*. */
#pragma once

#include "config/config.h"

/* `grpc` and `http` are the receiver's protocols; NULL when not defined. */
[[nodiscard]] status authenticator_options(struct config *c, const struct tree *root,
                                           const struct tree *grpc, const struct tree *http,
                                           struct err *err);
