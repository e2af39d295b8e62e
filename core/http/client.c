/* SPDX-License-Identifier: BSD-2-Clause */
/* client.c - who asks, behind proxies; see client.h. */
#include "http/client.h"

#include "base/str.h"
#include "http/gen.h"
#include "http/req.h"
#include "proto/field.h"

#define HOPS_MAX 16 /* fields of hops that are looked at */

static const et_str http = {"http", 4}, https = {"https", 5};

/* The fields that name the hops. */
static size_t
read_hops(const struct req *r, uint8_t source, et_str values[HOPS_MAX])
{
    static const uint8_t ids[] = {
        [ADDR_X_FORWARDED_FOR] = HTTP1_F_X_FORWARDED_FOR,
        [ADDR_FORWARDED] = HTTP1_F_FORWARDED,
        [ADDR_X_REAL_IP] = HTTP1_F_X_REAL_IP,
    };
    et_str name = http1_field_name(ids[source]);
    size_t n = 0;

    while (n < HOPS_MAX &&
           (values[n] = req_field(r, name, (uint32_t)n)).p != NULL)
        n++;
    return n;
}

/* What X-Forwarded-Proto says last: the nearest proxy's word. */
static et_str
forwarded_proto(const struct req *r)
{
    static const et_str name = {"x-forwarded-proto", 17};
    et_str list = req_field(r, name, 0), item = {NULL, 0}, last = {NULL, 0};

    while (list.p && field_list_next(&list, &item) == 1)
        last = item;
    return last;
}

int
client_find(struct req *r, struct client *out)
{
    const struct addr_trust *trust = &r->gen->gen->trust;
    et_str values[HOPS_MAX], proto = {NULL, 0};
    struct addr peer;
    int rc = r->sink->peer(r, &peer);

    if (rc < 0)
        return rc;
    out->addr = peer;
    out->scheme = r->session ? https : http;
    if (trust->n == 0 || !addr_cidr_has(trust->v, trust->n, &peer))
        return 0;
    addr_client(trust, &peer, values, read_hops(r, trust->source, values),
                &out->addr, &proto);
    if (trust->source != ADDR_FORWARDED)
        proto = forwarded_proto(r);
    if (proto.n > 0)
        out->scheme = str_eq_nocase(proto, https) ? https : http;
    return 0;
}
