/* SPDX-License-Identifier: BSD-2-Clause */
/* none.c - a build without TLS: there are no contexts, and so no sessions;
 * whoever asks for one is told why. */
#include "config.h"

#ifndef ETUDE_TLS
#include <errno.h>

#include "base/err.h"
#include "tls/cert_self.h"
#include "tls/context.h"
#include "tls/session.h"

void
context_init(void)
{
}

struct context *
context_new(const struct context_spec *spec, struct diag *d)
{
    diag_error(d, &spec->pairs[0].at,
               "this server was built without TLS (configure --without-tls)");
    return NULL;
}

struct context *
context_hold(struct context *c)
{
    return c;
}

void
context_drop(struct context *c)
{
    (void)c;
}

uint32_t
context_certs(const struct context *c, struct context_cert *out, uint32_t cap)
{
    (void)c;
    (void)out;
    (void)cap;
    return 0;
}

int
cert_self_signed(const char *const *names, size_t n,
                 struct cert_self_texts *out)
{
    (void)names;
    (void)n;
    (void)out;
    return ERR_INVALID;
}

int
session_init(struct session *s, struct context *c, struct blocks *blocks)
{
    (void)s;
    (void)c;
    (void)blocks;
    return ERR_NOMEM;
}

/* Nobody has one. */
void
session_fini(struct session *s)
{
    (void)s;
}

ssize_t
session_early(struct session *s, char *p, size_t n)
{
    (void)s;
    (void)p;
    (void)n;
    return 0;
}

enum session_step
session_shake(struct session *s)
{
    (void)s;
    return SESSION_FAILED;
}

const char *
session_why(void)
{
    return "";
}

ssize_t
session_read(struct session *s, char *p, size_t n)
{
    (void)s;
    (void)p;
    (void)n;
    return -EPROTO;
}

ssize_t
session_write(struct session *s, const struct iovec *iov, uint32_t n_iov,
              uint64_t now_ms)
{
    (void)s;
    (void)iov;
    (void)n_iov;
    (void)now_ms;
    return -EPROTO;
}

void
session_close(struct session *s)
{
    (void)s;
}

et_str
session_name(const struct session *s)
{
    (void)s;
    return (et_str){NULL, 0};
}

et_str
session_protocol(const struct session *s)
{
    (void)s;
    return (et_str){NULL, 0};
}

et_str
session_version(const struct session *s)
{
    (void)s;
    return (et_str){NULL, 0};
}

et_str
session_cipher(const struct session *s)
{
    (void)s;
    return (et_str){NULL, 0};
}

int
session_is_resumed(const struct session *s)
{
    (void)s;
    return 0;
}

int
session_serves(const struct session *s, et_str host)
{
    (void)s;
    (void)host;
    return 1;
}

#endif
