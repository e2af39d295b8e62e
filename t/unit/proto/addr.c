/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses against inet_pton and inet_ntop, CIDR lists, listen specs, and the
 * walk through X-Forwarded-For, Forwarded and X-Real-IP. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/err.h"
#include "proto/addr.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static et_str
guarded(const char *text)
{
    size_t n = strlen(text);

    return (et_str){guard_end(text, n), n};
}

static const char *
text_of(const struct addr *a)
{
    static char out[ADDR_TEXT_MAX + 1];

    out[addr_format(a, out)] = '\0';
    return out;
}

static struct addr
addr_of(const char *text)
{
    struct addr a;

    if (strcmp(text, "unix:") == 0)
        return (struct addr){.kind = ADDR_UNIX};
    ck_assert_int_eq(addr_parse_port(guarded(text), &a), 0);
    return a;
}

START_TEST(addresses_are_read_and_written)
{
    static const char *const rows[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"192.0.2.1", "192.0.2.1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"0:0:1:0:0:0:1:1", "0:0:1::1:1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"fe80::1", "fe80::1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr a;
        ck_assert_msg(addr_parse(guarded(rows[i][0]), &a) == 0, "%s",
                      rows[i][0]);
        ck_assert_str_eq(text_of(&a), rows[i][1]);
    }
    ck_assert_str_eq(text_of(&(struct addr){.kind = ADDR_NONE}), "-");
    ck_assert_str_eq(text_of(&(struct addr){.kind = ADDR_UNIX}), "unix:");
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const rows[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.-4",
        "+1.2.3.4",
        "0x1.2.3.4",
        "1.2.3.4:5",
        ":",
        ":::",
        "1:",
        ":1",
        "1::2::3",
        "1:2:3",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "g::",
        "::1%eth0",
        "[::1]",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "::1.2.3.4:5",
        "1.2.3.4::",
        "::1 ",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "localhost",
    };
    struct addr a;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(addr_parse(guarded(rows[i]), &a) == ERR_INVALID, "%s",
                      rows[i]);
}
END_TEST

static uint32_t
next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

START_TEST(texts_are_those_of_inet_ntop)
{
    uint32_t seed = 7;

    for (int round = 0; round < 50000; round++) {
        struct addr a = {.kind = ADDR_IP}, back;
        char wanted[INET6_ADDRSTRLEN];

        for (int i = 0; i < 16; i++)
            a.ip[i] = next_random(&seed) % 3 ? 0 : (uint8_t)next_random(&seed);
        a.ip[0] |= 0x20; /* not a form inet_ntop ends in dotted decimals */
        inet_ntop(AF_INET6, a.ip, wanted, sizeof(wanted));
        ck_assert_str_eq(text_of(&a), wanted);
        ck_assert_int_eq(addr_parse(guarded(wanted), &back), 0);
        ck_assert_mem_eq(back.ip, a.ip, 16);
    }
}
END_TEST

START_TEST(ports_may_follow)
{
    struct addr a;

    ck_assert_int_eq(addr_parse_port(guarded("1.2.3.4:80"), &a), 0);
    ck_assert_uint_eq(a.port, 80);
    ck_assert_int_eq(addr_parse_port(guarded("[::1]:65535"), &a), 0);
    ck_assert_uint_eq(a.port, 65535);
    ck_assert_int_eq(addr_parse_port(guarded("[::1]"), &a), 0);
    ck_assert_uint_eq(a.port, 0);
    ck_assert_int_eq(addr_parse_port(guarded("::1"), &a), 0);
    ck_assert_int_lt(addr_parse_port(guarded("1.2.3.4:"), &a), 0);
    ck_assert_int_lt(addr_parse_port(guarded("1.2.3.4:65536"), &a), 0);
    ck_assert_int_lt(addr_parse_port(guarded("[::1]80"), &a), 0);
    ck_assert_int_lt(addr_parse_port(guarded("[::1"), &a), 0);
    ck_assert_int_lt(addr_parse_port(guarded("[1.2.3.4]:80"), &a), 0);
    ck_assert_int_lt(addr_parse_port(guarded("[]"), &a), 0);
}
END_TEST

START_TEST(socket_addresses_are_taken_over)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    struct addr a;

    inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
    addr_from_sockaddr((const void *)&in, &a);
    ck_assert_str_eq(text_of(&a), "192.0.2.1");
    ck_assert_uint_eq(a.port, 80);
    inet_pton(AF_INET6, "::ffff:192.0.2.2", &in6.sin6_addr);
    addr_from_sockaddr((const void *)&in6, &a);
    ck_assert_str_eq(text_of(&a), "192.0.2.2");
    ck_assert(addr_is_v4(&a));
    ck_assert_uint_eq(a.port, 81);
    addr_from_sockaddr((const void *)&un, &a);
    ck_assert_int_eq(a.kind, ADDR_UNIX);
    addr_from_sockaddr(&none, &a);
    ck_assert_int_eq(a.kind, ADDR_NONE);
}
END_TEST

START_TEST(blocks_hold_what_they_should)
{
    static const struct {
        const char *block, *addr;
        int holds;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", 1},
        {"10.0.0.0/8", "11.0.0.1", 0},
        {"10.1.2.3/8", "10.9.9.9", 1},
        {"192.0.2.1", "192.0.2.1", 1},
        {"192.0.2.1", "192.0.2.2", 0},
        {"192.0.2.128/25", "192.0.2.129", 1},
        {"192.0.2.128/25", "192.0.2.127", 0},
        {"192.0.2.2/31", "192.0.2.3", 1},
        {"192.0.2.2/31", "192.0.2.4", 0},
        {"0.0.0.0/0", "1.2.3.4", 1},
        {"0.0.0.0/0", "::1", 0},
        {"::/0", "::1", 1},
        {"::/0", "1.2.3.4", 0},
        {"::ffff:10.0.0.0/104", "10.1.1.1", 1},
        {"2001:db8::/32", "2001:db8:1::1", 1},
        {"2001:db8::/33", "2001:db8:8000::1", 0},
        {"2001:db8::/127", "2001:db8::1", 1},
        {"unix:", "unix:", 1},
        {"unix:", "1.2.3.4", 0},
        {"0.0.0.0/0", "unix:", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr a = addr_of(rows[i].addr);
        struct addr_cidr c;

        ck_assert_int_eq(addr_cidr_parse(guarded(rows[i].block), &c), 0);
        ck_assert_msg(addr_cidr_has(&c, 1, &a) == rows[i].holds, "%s in %s",
                      rows[i].addr, rows[i].block);
    }
}
END_TEST

START_TEST(malformed_blocks_are_refused)
{
    static const char *const rows[] = {
        "",     "/8",          "10.0.0.0/",   "10.0.0.0/33",  "10.0.0.0/-1",
        "10/8", "::/129",      "10.0.0.0/8/", "unix",         "unix:/a",
        "host", "10.0.0.0/8 ", "::/",         "10.0.0.0/0x8",
    };
    struct addr_cidr c;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(addr_cidr_parse(guarded(rows[i]), &c) == ERR_INVALID,
                      "%s", rows[i]);
}
END_TEST

START_TEST(listen_specs_are_read)
{
    static const struct {
        const char *spec;
        enum addr_listen_kind kind;
        const char *text;
        int port;
    } rows[] = {
        {":80", ADDR_LISTEN_ANY, "", 80},
        {"*:80", ADDR_LISTEN_ANY, "*", 80},
        {"0.0.0.0:0", ADDR_LISTEN_IP, "0.0.0.0", 0},
        {"127.0.0.1:8080", ADDR_LISTEN_IP, "127.0.0.1", 8080},
        {"[::]:80", ADDR_LISTEN_IP, "::", 80},
        {"[::1]:65535", ADDR_LISTEN_IP, "::1", 65535},
        {"localhost:80", ADDR_LISTEN_NAME, "localhost", 80},
        {"a-b_c.example:80", ADDR_LISTEN_NAME, "a-b_c.example", 80},
        {"unix:/run/a.sock", ADDR_LISTEN_UNIX, "/run/a.sock", 0},
        {"unix:/a:b", ADDR_LISTEN_UNIX, "/a:b", 0},
        {"unix:80", ADDR_LISTEN_NAME, NULL, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr_listen l;
        int rc = addr_listen_parse(guarded(rows[i].spec), &l);

        if (rows[i].text == NULL) {
            ck_assert_int_eq(rc, ERR_INVALID);
            continue;
        }
        ck_assert_msg(rc == 0, "%s", rows[i].spec);
        ck_assert_int_eq(l.kind, rows[i].kind);
        ck_assert_int_eq(l.port, rows[i].port);
        ck_assert_uint_eq(l.text.n, strlen(rows[i].text));
        ck_assert_mem_eq(l.text.p, rows[i].text, l.text.n);
        if (l.kind == ADDR_LISTEN_IP)
            ck_assert_str_eq(text_of(&l.addr), rows[i].text);
    }
}
END_TEST

START_TEST(malformed_listen_specs_are_refused)
{
    static const char *const rows[] = {
        "",        "80",     "localhost", "localhost:",   ":",
        ":65536",  ":-1",    ":80a",      "[::1]",        "[::1]:",
        "[::1]80", "::1:80", "1.2.3.4",   "1.2.3:80",     "1.2.3.256:80",
        "a b:80",  "-a:80",  ".a:80",     "a/b:80",       "unix:",
        "unix:a",  "unix:/", "**:80",     "[1.2.3.4]:80", "[a]:80",
        "a:80:81", "a: 80",
    };
    static const char with_nul[] = "unix:/a\0b";
    char path[128] = "unix:/";
    struct addr_listen l;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(addr_listen_parse(guarded(rows[i]), &l) == ERR_INVALID,
                      "%s", rows[i]);
    ck_assert_int_eq(addr_listen_parse((et_str){with_nul, 9}, &l), ERR_INVALID);
    memset(path + 6, 'a', sizeof(path) - 6);
    ck_assert_int_eq(addr_listen_parse((et_str){path, 5 + 107}, &l), 0);
    ck_assert_int_eq(addr_listen_parse((et_str){path, 5 + 108}, &l),
                     ERR_INVALID);
}
END_TEST

struct walk {
    uint8_t source;
    const char *peer, *values[3], *client, *proto;
};

static void
check_walk(const struct walk *w)
{
    struct addr_cidr trusted[3];
    struct addr_trust trust = {trusted, 3, w->source};
    struct addr peer = addr_of(w->peer), client;
    et_str values[3], proto;
    size_t n = 0;

    ck_assert_int_eq(addr_cidr_parse(guarded("10.0.0.0/8"), &trusted[0]), 0);
    ck_assert_int_eq(addr_cidr_parse(guarded("fd00::/8"), &trusted[1]), 0);
    ck_assert_int_eq(addr_cidr_parse(guarded("unix:"), &trusted[2]), 0);
    for (; n < 3 && w->values[n] != NULL; n++)
        values[n] = (et_str){w->values[n], strlen(w->values[n])};
    addr_client(&trust, &peer, values, n, &client, &proto);
    ck_assert_msg(strcmp(text_of(&client), w->client) == 0, "%s, %s: %s not %s",
                  w->peer, w->values[0], text_of(&client), w->client);
    ck_assert_uint_eq(proto.n, w->proto == NULL ? 0 : strlen(w->proto));
    if (w->proto != NULL)
        ck_assert_mem_eq(proto.p, w->proto, proto.n);
}

START_TEST(x_forwarded_for_is_walked_from_the_right)
{
    static const struct walk rows[] = {
        {0, "9.9.9.9", {"1.1.1.1"}, "9.9.9.9", NULL},
        {0, "10.0.0.1", {NULL}, "10.0.0.1", NULL},
        {0, "10.0.0.1", {""}, "10.0.0.1", NULL},
        {0, "10.0.0.1", {"1.1.1.1"}, "1.1.1.1", NULL},
        {0, "unix:", {"1.1.1.1"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"6.6.6.6, 1.1.1.1"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"6.6.6.6, 1.1.1.1, 10.2.2.2"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"6.6.6.6", "1.1.1.1,10.2.2.2"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"1.1.1.1", "10.2.2.2", ","}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"10.3.3.3, 10.2.2.2"}, "10.3.3.3", NULL},
        {0, "10.0.0.1", {"6.6.6.6, unknown"}, "10.0.0.1", NULL},
        {0, "10.0.0.1", {"6.6.6.6, nonsense, 10.2.2.2"}, "10.2.2.2", NULL},
        {0, "10.0.0.1", {"nonsense, 1.1.1.1"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"\"6.6.6.6, 1.1.1.1"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"1.1.1.1:4711"}, "1.1.1.1", NULL},
        {0, "10.0.0.1", {"2001:db8::1"}, "2001:db8::1", NULL},
        {0, "10.0.0.1", {"[2001:db8::1]:4711"}, "2001:db8::1", NULL},
        {0, "fd00::1", {"::ffff:1.1.1.1"}, "1.1.1.1", NULL},
        {0, "::ffff:10.0.0.1", {"1.1.1.1"}, "1.1.1.1", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_walk(&rows[i]);
}
END_TEST

#define F ADDR_FORWARDED

START_TEST(forwarded_is_walked_from_the_right)
{
    static const struct walk rows[] = {
        {F, "9.9.9.9", {"for=1.1.1.1;proto=https"}, "9.9.9.9", NULL},
        {F, "10.0.0.1", {"for=1.1.1.1"}, "1.1.1.1", NULL},
        {F, "10.0.0.1", {"For=1.1.1.1; Proto=https;by=_x"}, "1.1.1.1", "https"},
        {F,
         "10.0.0.1",
         {"for=6.6.6.6;proto=http, for=\"[2001:db8::1]:47\";proto=https, "
          "for=10.2.2.2;proto=http"},
         "2001:db8::1",
         "https"},
        {F, "10.0.0.1", {"for=\"1.1.1.1:80\""}, "1.1.1.1", NULL},
        {F, "10.0.0.1", {"for=unknown"}, "10.0.0.1", NULL},
        {F, "10.0.0.1", {"for=_hidden, for=10.2.2.2"}, "10.2.2.2", NULL},
        {F, "10.0.0.1", {"proto=https"}, "10.0.0.1", NULL},
        {F, "10.0.0.1", {"for"}, "10.0.0.1", NULL},
        {F, "10.0.0.1", {"for=\"1.1.1.1"}, "10.0.0.1", NULL},
        {F, "10.0.0.1", {"for=\"x, for=1.1.1.1"}, "1.1.1.1", NULL},
        {F,
         "10.0.0.1",
         {"for=11111111111111111111111111111111111111111111111111111111111111"
          "11111111111111111111111111111"},
         "10.0.0.1",
         NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_walk(&rows[i]);
}
END_TEST

START_TEST(x_real_ip_names_one_address)
{
    static const struct walk rows[] = {
        {ADDR_X_REAL_IP, "10.0.0.1", {"1.1.1.1"}, "1.1.1.1", NULL},
        {ADDR_X_REAL_IP, "9.9.9.9", {"1.1.1.1"}, "9.9.9.9", NULL},
        {ADDR_X_REAL_IP, "10.0.0.1", {"6.6.6.6", "1.1.1.1"}, "1.1.1.1", NULL},
    };
    struct addr_trust nobody = {NULL, 0, ADDR_X_REAL_IP};
    struct addr peer = addr_of("10.0.0.1"), client;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_walk(&rows[i]);
    addr_client(&nobody, &peer, &(et_str){"1.1.1.1", 7}, 1, &client, NULL);
    ck_assert_str_eq(text_of(&client), "10.0.0.1");
}
END_TEST

UNIT_MAIN(addr, addresses_are_read_and_written, what_is_no_address_is_refused,
          texts_are_those_of_inet_ntop, ports_may_follow,
          socket_addresses_are_taken_over, blocks_hold_what_they_should,
          malformed_blocks_are_refused, listen_specs_are_read,
          malformed_listen_specs_are_refused,
          x_forwarded_for_is_walked_from_the_right,
          forwarded_is_walked_from_the_right, x_real_ip_names_one_address)
