/* SPDX-License-Identifier: BSD-2-Clause */
/* Listen addresses, networks and host names by their shape. */
#include "conf/address.h"

#include "base/err.h"
#include "help.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static void
listens(const char *text, const char *host, int64_t port)
{
    struct address a;

    ck_assert_int_eq(address_listen(str_from_z(text), &a), 0);
    ck_assert(str_eq(a.host, str_from_z(host)));
    ck_assert_int_eq(a.port, port);
    ck_assert_ptr_null(a.path.p);
}

START_TEST(listen_addresses)
{
    struct address a;

    listens("127.0.0.1:8080", "127.0.0.1", 8080);
    listens("localhost:0", "localhost", 0);
    listens("a-b.example.com:65535", "a-b.example.com", 65535);
    listens(":80", NULL, 80);
    listens("*:80", NULL, 80);
    listens("[::]:80", "::", 80);
    listens("[fe80::1%eth0]:443", "fe80::1%eth0", 443);
    ck_assert_int_eq(address_listen(str_from_z("unix:/run/x.sock"), &a), 0);
    ck_assert(str_eq(a.path, str_from_z("/run/x.sock")));
    ck_assert_int_eq(a.port, -1);
}
END_TEST

START_TEST(malformed_listen_addresses)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "80",
                                      "host",
                                      "host:",
                                      ":65536",
                                      ":123456",
                                      ":-1",
                                      ":8o",
                                      "::1:80",
                                      "[::1]",
                                      "[::1:80",
                                      "[]:80",
                                      "[x]:80",
                                      "[::1]80",
                                      "1.2.3:80",
                                      "1.2.3.4.5:80",
                                      "256.1.1.1:80",
                                      "a..b:80",
                                      ".a:80",
                                      "a b:80",
                                      "a/b:80",
                                      "unix:",
                                      "http://a:80",
                                      "[fe80::1%]:1",
                                      "[::1%a b]:1"};
    char text[160] = "unix:/";
    struct address a;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(address_listen(str_from_z(bad[i]), &a) == ERR_INVALID,
                      "%s", bad[i]);
    memset(text + 6, 'x', ADDRESS_MAX_UNIX_PATH - 1);
    ck_assert_int_eq(address_listen(str_from_z(text), &a), 0);
    text[strlen(text)] = 'x';
    ck_assert_int_eq(address_listen(str_from_z(text), &a), ERR_INVALID);
}
END_TEST

START_TEST(networks)
{
    static const char *const good[] = {"10.0.0.0/8", "192.0.2.1", "0.0.0.0/0",
                                       "1.2.3.4/32", "::1",       "fd00::/8",
                                       "::/0",       "::1/128"};
    static const char *const bad[] = {
        "",       "/8",          "10.0.0.0/",    "10.0.0.0/33", "10.0.0/8",
        "::/129", "example.com", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0 /8"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(address_net(str_from_z(good[i])) == 0, "%s", good[i]);
    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(address_net(str_from_z(bad[i])) == ERR_INVALID, "%s",
                      bad[i]);
}
END_TEST

START_TEST(host_names)
{
    static const char *const rows[][2] = {
        {"Example.COM", "example.com"},     {"a.b.", "a.b"},
        {"*.Example.com", "*.example.com"}, {"localhost", "localhost"},
        {"127.0.0.1", "127.0.0.1"},         {"[::1]", "[::1]"},
        {"[FD00::A]", "[fd00::a]"},         {"x_y.z", "x_y.z"}};
    static const char *const bad[] = {"",      ".",    "*",          "*.",
                                      "a.*.b", "**.a", "a:80",       "[::1]:80",
                                      "[x]",   "a..b", "a b",        "1.2.3",
                                      "*.*.a", "a/b",  "\xc3\xbc.de"};
    char out[ADDRESS_MAX_HOST + 1], label[80];
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(address_host(str_from_z(rows[i][0]), out),
                         (int)strlen(rows[i][1]));
        ck_assert_str_eq(out, rows[i][1]);
    }
    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(address_host(str_from_z(bad[i]), out) == ERR_INVALID,
                      "%s", bad[i]);
    memset(label, 'l', 64);
    label[64] = '\0';
    ck_assert_int_eq(address_host(str_from_z(label), out), ERR_INVALID);
    label[63] = '\0';
    ck_assert_int_eq(address_host(str_from_z(label), out), 63);
}
END_TEST

START_TEST(no_parser_reads_past_its_text)
{
    static const char *const texts[] = {"[fe80::1%eth0]:443", "unix:/run/x",
                                        "*.example.com.", "fd00::/8",
                                        "127.0.0.1:80"};
    char out[ADDRESS_MAX_HOST + 1];
    struct address a;
    size_t i, n;

    for (i = 0; i < ARRAY_LEN(texts); i++)
        for (n = 0; n <= strlen(texts[i]); n++) {
            et_str s = {guard_end(texts[i], n), n};

            ck_assert_int_le(address_listen(s, &a), 0);
            ck_assert_int_le(address_net(s), 0);
            ck_assert_int_lt(address_host(s, out), 64);
        }
}
END_TEST

UNIT_MAIN(address, listen_addresses, malformed_listen_addresses, networks,
          host_names, no_parser_reads_past_its_text)
