/* tls: a listener's certificate and a connection's encryption, on OpenSSL, without sockets: what
 * came goes in by tls_feed, what is to be sent comes out by tls_wrap. TLS 1.2 and 1.3; ALPN h2 and
 * http/1.1; no renegotiation, compression or early data. thread: loop (each listener has its own
 * context) */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"

/* ---- of a listener ---- */

struct tls_context;

/* Copies `opt`. ST_INVALID: a file cannot be used; the message names it. */
[[nodiscard]] status tls_context_new(const struct http_tls *opt, struct tls_context **ret,
                                     struct err *err);
void tls_context_free(struct tls_context *t); /* after its sessions; accepts NULL */

/* Looks at most every two seconds whether one of the files is another than before, and then reads
 * all of them again. Files that do not fit together are logged and change nothing: the old ones
 * stay in use until they do. Connections that are open keep what they began with. */
void tls_context_refresh(struct tls_context *t, uint64_t now_ms);

/* ---- of a connection ---- */

struct tls_session;

struct tls_session *tls_session_new(struct tls_context *t);
void tls_session_free(struct tls_session *s); /* accepts NULL */

/* Bytes of the peer, borrowed until tls_read has returned TLS_MORE or an end. */
void tls_feed(struct tls_session *s, str in);

/* Decrypts into `to`: how many bytes, or why there are none. */
enum { TLS_MORE = 0, TLS_ENDED = -1, TLS_FAILED = -2 }; /* `err` says why it failed */
ssize_t tls_read(struct tls_session *s, char *to, size_t room, struct err *err);

/* Is the handshake over? */
bool tls_is_ready(const struct tls_session *s);

/* Replaces the plain bytes in *io by what is to be sent: they, encrypted, behind what TLS itself
 * has to say. Plain bytes only once the handshake is over. False: the session is broken. */
[[nodiscard]] bool tls_wrap(struct tls_session *s, struct buf *io);

void tls_finish(struct tls_session *s); /* says that no more will be sent */
