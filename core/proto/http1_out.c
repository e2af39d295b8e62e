/* SPDX-License-Identifier: BSD-2-Clause */
/* http1_out.c - see http1_out.h: what is done once a second, not per answer. */
#include "proto/http1_out.h"

void
http1_common_init(struct http1_common *c, et_str server, const char date[29])
{
    struct http1_out o = {c->text, 0, sizeof(c->text)};
    static const et_str name = {"Server", 6};

    CHECK(server.n <= HTTP1_OUT_SERVER_MAX);
    if (server.n > 0)
        http1_out_field(&o, name, server);
    http1_out_lit(&o, "Date: ");
    c->date_off = (uint8_t)o.n;
    http1_out_put(&o, date, 29);
    http1_out_lit(&o, "\r\n");
    CHECK(http1_out_fits(&o));
    c->len = (uint8_t)o.n;
}
