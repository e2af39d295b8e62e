/* SPDX-License-Identifier: BSD-2-Clause */
/* origin.c - see origin.h.
 *
 * No page can write Sec-Fetch-Site, so where it says same-origin a proxy that
 * changes Host does no harm.  The scheme is not compared: in front of this
 * server there may be one that has the TLS. */
#define _GNU_SOURCE
#include "origin.h"

/* Host and port, but for a port that its scheme has anyway. */
static et_str
without_port(et_str authority, et_str scheme)
{
    const et_str usual =
        et_eq_nocase(scheme, et_s("https")) ? et_s(":443") : et_s(":80");
    if (authority.n > usual.n &&
        memcmp(authority.p + authority.n - usual.n, usual.p, usual.n) == 0)
        authority.n -= usual.n;
    return authority;
}

/* Whether origin is scheme://host. */
static int
is_of_host(et_str origin, et_str host)
{
    const char *mark = origin.n > 0
                           ? (const char *)memmem(origin.p, origin.n, "://", 3)
                           : NULL;
    et_str scheme, authority;
    if (!mark || !host.p)
        return 0;
    scheme = et_sn(origin.p, (size_t)(mark - origin.p));
    authority = et_sn(mark + 3, origin.n - scheme.n - 3);
    return et_eq_nocase(without_port(authority, scheme),
                        without_port(host, scheme));
}

static int
is_one_of(et_str origin, const et_list *others)
{
    size_t i;
    for (i = 0; i < others->n; i++)
        if (et_eq(others->v[i], et_s("*")) ||
            et_eq_nocase(others->v[i], origin))
            return 1;
    return 0;
}

int
origin_may_come(const et_req *r, const et_list *others)
{
    const et_str origin = et_header(r, "Origin");
    const et_str site = et_header(r, "Sec-Fetch-Site");
    if (r->http->header(r, et_s("Origin"), 1).p)
        return 0;
    if (et_eq(site, et_s("same-origin")) ||
        (origin.p && is_one_of(origin, others)))
        return 1;
    if (!origin.p) /* "none": its user has typed the address */
        return !site.p || et_eq(site, et_s("none"));
    return is_of_host(origin, et_header(r, "Host"));
}
