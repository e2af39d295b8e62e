/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.c - text as an address, a block, a listen spec and a list of hops. */
#include "proto/addr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* Written and read again it is the same address. */
static void
check_text(const struct addr *a)
{
    char out[ADDR_TEXT_MAX];
    size_t n = addr_format(a, out);
    struct addr back;

    require(n > 0 && n <= sizeof(out));
    if (a->kind != ADDR_IP)
        return;
    require(addr_parse((et_str){out, n}, &back) == 0);
    require(memcmp(back.ip, a->ip, sizeof(a->ip)) == 0);
}

static void
check_cidr(et_str s)
{
    struct addr_cidr c;
    struct addr a = {.kind = ADDR_IP};

    if (addr_cidr_parse(s, &c) < 0)
        return;
    require(c.bits <= 128);
    memcpy(a.ip, c.ip, sizeof(a.ip));
    a.kind = c.kind;
    /* an IPv6 block can begin at an address that reads as IPv4 */
    require(addr_cidr_has(&c, 1, &a) || (!c.is_v4 && addr_is_v4(&a)));
}

static void
check_hops(et_str s)
{
    const struct addr_cidr all[] = {{.kind = ADDR_IP,
                                     .is_v4 = 1,
                                     .bits = 97,
                                     .ip = {[10] = 0xff, [11] = 0xff}},
                                    {.kind = ADDR_UNIX}};
    const struct addr peer = {.kind = ADDR_UNIX};
    et_str values[2] = {{s.p, s.n / 2}, {s.p + s.n / 2, s.n - s.n / 2}};

    for (uint8_t source = ADDR_X_FORWARDED_FOR; source <= ADDR_X_REAL_IP;
         source++) {
        struct addr_trust trust = {all, 2, source};
        struct addr client;
        et_str proto;
        addr_client(&trust, &peer, values, 2, &client, &proto);
        require(proto.n <= s.n);
        check_text(&client);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    et_str s = {(const char *)data, size};
    struct addr_listen spec;
    struct addr a;

    if (addr_parse(s, &a) == 0)
        check_text(&a);
    if (addr_parse_port(s, &a) == 0)
        check_text(&a);
    if (addr_listen_parse(s, &spec) == 0)
        require(spec.text.n <= size);
    check_cidr(s);
    if (size > 0)
        check_hops(s);
    return 0;
}
