/* SPDX-License-Identifier: BSD-2-Clause */
/* origin.h - whose page a request comes from.
 *
 * A browser sends a body for any page, and what knows a client by his address
 * or his cookies with it; but it says whose page that is (RFC 6454 section 7,
 * and Fetch Metadata).  What is no browser says nothing, and is not meant
 * here. */
#ifndef UPLOAD_ORIGIN_H
#define UPLOAD_ORIGIN_H

#include <etude.h>

/* Whether r comes from a page of this host and port, as its Host names it or
 * the browser (Sec-Fetch-Site: same-origin); from one of others, each
 * "https://example.org" or "*"; or from none. [worker] */
int origin_may_come(const et_req *r, const et_list *others);

#endif
