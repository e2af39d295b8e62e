/* SPDX-License-Identifier: BSD-2-Clause */
/* limit-body.c - a middleware that refuses large request bodies by their
 * declared length, before one byte of them is read.
 *
 * A body sent in chunks, or over HTTP/2 without Content-Length, declares no
 * length: it is refused with 411 unless chunked = allow leaves it to the
 * server's own max_body, which counts what arrives. */
#include <etude.h>

enum chunked { CHUNKED_REFUSE, CHUNKED_ALLOW };

struct options {
    int64_t max;
    int64_t chunked; /* enum chunked */
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_SIZE(max, "64k", 0, INT64_MAX, "largest body let through"),
           ET_OPT_CHOICE(chunked, "refuse", "refuse|allow",
                         "bodies that do not say how long they are"));

ET_REQUEST(limit)
{
    const struct options *o = (const struct options *)self;
    const et_str length = et_header(r, "Content-Length");
    int64_t n;
    if (length.p && et_to_int(length, 0, o->max, &n) < 0)
        return et_error(r, 413, "at most %lld bytes are taken here\n",
                        (long long)o->max);
    if (!length.p && o->chunked == CHUNKED_REFUSE &&
        r->http->number(r, ET_N_BODY_BYTES) < 0)
        return et_error(r, 411, "say how long the body is\n");
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.limit-body", "1.0.0", ET_P_UNMAP_OK,
             "refuses large request bodies unread");
