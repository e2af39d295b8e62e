/* SPDX-License-Identifier: BSD-2-Clause */
/* none.c - in place of what needs OpenSSL where that is not there; see
 * context.h, session.h.  A listener with TLS is refused, so that none of this
 * but the first two is called, and core/conn/tls_none.c has no session. */
#include "base/err.h"
#include "tls/cert_self.h"
#include "tls/context.h"
#include "tls/session.h"

int
context_is_built(void)
{
    return 0;
}

void
context_init(void)
{
}

struct context *
context_new(const struct context_spec *spec, struct diag *d)
{
    diag_error(d, &spec->pairs[0].at, "this server is built without TLS");
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

enum context_ktls
context_ktls(const struct context *c)
{
    (void)c;
    return CONTEXT_KTLS_OFF;
}

const char *
context_ktls_text(enum context_ktls ktls)
{
    (void)ktls;
    return "off";
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

et_str
session_name(const struct session *s)
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
session_serves(const struct session *s, et_str host)
{
    (void)s;
    (void)host;
    return 1;
}
