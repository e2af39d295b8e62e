/* SPDX-License-Identifier: BSD-2-Clause */
/* proxied.c - the PROXY protocol in front of a connection; see proxied.h. */
#include "conn/proxied.h"

#include "base/log.h"
#include "conn/census.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/reject.h"
#include "proto/proxy.h"

/* A health check of the proxy's own is nobody's client. */
static int
is_welcome(struct conn *c)
{
    return c->env->limits.trusts_proxies || c->peer.kind == ADDR_NONE ||
           exchange_count_client(&c->x, c->env, census_key(&c->peer)) == 0;
}

size_t
proxied_read(struct conn *c, const char *p, size_t n)
{
    static const uint32_t versions[] = {0, PROXY_V1, PROXY_V2,
                                        PROXY_V1 | PROXY_V2};
    uint32_t allowed = versions[c->env->listeners[c->listener].proxy & 3];
    struct proxy head;
    int rc = proxy_parse(p, n, allowed, 0, &head);

    if (rc == PROXY_MORE)
        return 0;
    if (rc < 0) {
        log_debug("connection closed: no PROXY protocol header");
        conn_close(c);
        return 0;
    }
    if (!head.is_local)
        c->peer = head.src;
    if (!is_welcome(c)) {
        reject_say(c->io.fd,
                   listener_env_rejects(&c->env->listeners[c->listener]));
        conn_close(c);
        return 0;
    }
    c->phase = CONN_IDLE;
    c->since_ms = c->env->clock.mono_ms;
    return head.head_len;
}
