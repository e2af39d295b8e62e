/* SPDX-License-Identifier: BSD-2-Clause */
/* listeners.c - IPv4, IPv6, Unix sockets, several at once; who the client is:
 * PROXY protocol, trusted proxies; accept = reuseport; what cannot be bound.
 * tags: epoll asan */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* The port of the nth (from 0) line "listening on". */
static uint16_t
nth_port(struct server *s, int nth)
{
    static char text[65536];
    FILE *f = fopen(s->log_path, "re");
    const char *at = text, *colon;
    size_t n = fread(text, 1, sizeof text - 1, f);

    text[n] = '\0';
    fclose(f);
    for (; nth >= 0; nth--)
        ck_assert_ptr_nonnull(at = strstr(at + 1, "listening on "));
    at = strchr(at, '\n');
    for (colon = at; *colon != ':'; colon--)
        continue;
    return (uint16_t)atoi(colon + 1);
}

START_TEST(several_listeners_serve_at_once)
{
    struct server s;
    struct client c;
    struct stat st;
    char path[128];

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nlisten = [::1]:0\n"
                     "listen = unix:$DIR/sock\n[plugin answers]\n"
                     "[listen private]\naddress = unix:$DIR/private\n"
                     "mode = 0600\n");
    client_once(&s, GET("/peer"), 200, "127.0.0.1 127.0.0.1");
    c = client_v6(nth_port(&s, 1));
    client_expect(&c, GET("/peer"), 200, "::1 ::1");
    client_close(&c);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    c = client_unix(path);
    client_expect(&c, GET("/peer"), 200, "unix: unix:");
    client_close(&c);
    snprintf(path, sizeof path, "%s/private", s.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    c = client_unix(path);
    client_expect(&c, GET("/none"), 200, "");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(names_are_resolved)
{
    struct server s;

    server_start(&s, "[server]\nlisten = localhost:0\n[plugin answers]\n");
    client_once(&s, GET("/none"), 200, "");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The server does not start; it says why and ends with code. */
static void
refuses(const char *listen, int code, const char *why)
{
    struct server s;
    char ini[256];

    snprintf(ini, sizeof ini, "[server]\nlisten = %s\n[plugin answers]\n",
             listen);
    server_prepare(&s, ini);
    ck_assert_int_eq(server_launch(&s), code);
    ck_assert_msg(server_has_log(&s, why), "%s: no \"%s\"", listen, why);
    server_clean(&s);
}

START_TEST(what_cannot_be_bound_is_said)
{
    struct server s;
    char listen[64];

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin answers]\n");
    snprintf(listen, sizeof listen, "127.0.0.1:%u", s.port);
    refuses(listen, 70, "in use");
    refuses("no.such.host.invalid:80", 70, "no.such.host.invalid");
    refuses("192.0.2.1:0", 70, "no interface has this address");
    refuses("unix:/nowhere/at/all", 78, "/nowhere/at/all");
    client_once(&s, GET("/none"), 200, "");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(each_worker_may_accept_for_itself)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 3\n"
                     "accept = reuseport\n[plugin answers]\n");
    for (int i = 0; i < 60; i++)
        client_once(&s, GET("/none"), 200, "");
    ck_assert(server_reload(&s));
    for (int i = 0; i < 60; i++)
        client_once(&s, GET("/none"), 200, "");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- PROXY protocol -----------------------------------------------------*/

static void
start_proxied(struct server *s, const char *version)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nheader_timeout = 500ms\n[plugin answers]\n"
             "[listen front]\naddress = 127.0.0.1:0\nproxy_protocol = %s\n",
             version);
    server_start(s, ini);
}

static void
proxied(struct server *s, const char *head, size_t n, const char *peer)
{
    struct client c;

    for (size_t cut = 0; cut <= n; cut += n) { /* whole, then dripped */
        c = client_dial(s->port);
        for (size_t i = 0; i < n; i += cut ? 1 : n)
            client_try_send(&c, head + i, cut ? 1 : n);
        client_enter(&c);
        if (peer) {
            client_expect(&c, GET("/peer"), 200, peer);
            client_expect(&c, GET("/peer"), 200, peer);
        } else {
            client_try_send(&c, GET("/peer"), strlen(GET("/peer")));
            ck_assert_uint_eq(client_read_all(&c), 0);
        }
        client_close(&c);
    }
}

static const char v1_4[] = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n";
static const char v1_6[] = "PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n";
static const char v1_unknown[] = "PROXY UNKNOWN\r\n";
static const char v1_bad[] = "PROXY TCP4 203.0.113.777 192.0.2.1 4711 80\r\n";
static const char v2_4[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
                           "\xcb\0\x71\x08\xc0\0\x02\x01\x12\x67\0\x50";
static const char v2_local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

#define PROXIED(s, head, peer) proxied(s, head, sizeof head - 1, peer)

START_TEST(a_proxy_header_names_the_client)
{
    struct server s;

    start_proxied(&s, "auto");
    PROXIED(&s, v1_4, "203.0.113.7 203.0.113.7");
    PROXIED(&s, v1_6, "2001:db8::7 2001:db8::7");
    PROXIED(&s, v1_unknown, "127.0.0.1 127.0.0.1");
    PROXIED(&s, v2_4, "203.0.113.8 203.0.113.8");
    PROXIED(&s, v2_local, "127.0.0.1 127.0.0.1");
    PROXIED(&s, v1_bad, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_connection_without_its_proxy_header_is_closed)
{
    struct server s;
    struct client c;

    start_proxied(&s, "v1");
    PROXIED(&s, v1_4, "203.0.113.7 203.0.113.7");
    PROXIED(&s, v2_4, NULL);
    c = client_open(&s);
    client_puts(&c, GET("/peer"));
    ck_assert_uint_eq(client_read_all(&c), 0);
    client_close(&c);
    c = client_dial(s.port); /* it never comes */
    client_puts(&c, "PROXY TC");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    start_proxied(&s, "v2");
    PROXIED(&s, v1_4, NULL);
    PROXIED(&s, v2_4, "203.0.113.8 203.0.113.8");
    ck_assert_int_eq(server_stop(&s), 0);
    start_proxied(&s, "off");
    c = client_dial(s.port); /* off: it is neither a request nor TLS */
    client_puts(&c, v1_4);
    if (transport_here()->is_plain)
        client_take(&c, 0, 400, NULL);
    else
        (void)client_read_all(&c);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- trusted proxies ----------------------------------------------------*/

static void
peer_with(struct server *s, const char *fields, const char *peer)
{
    struct client c = client_open(s);
    char want[128];

    client_printf(&c, "GET /peer HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    snprintf(want, sizeof want, "%s 127.0.0.1", peer);
    client_take(&c, 0, 200, want);
    client_close(&c);
}

START_TEST(only_trusted_proxies_are_believed)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin answers]\n");
    peer_with(&s, "X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1");
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "trusted_proxies = 127.0.0.0/8, 10.0.0.0/8, fd00::/8\n"
                     "[plugin answers]\n");
    peer_with(&s, "", "127.0.0.1");
    peer_with(&s, "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7");
    peer_with(&s, "X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.2.3\r\n",
              "203.0.113.7");
    peer_with(&s,
              "X-Forwarded-For: 6.6.6.6\r\n"
              "X-Forwarded-For: 203.0.113.7, fd00::1\r\n",
              "203.0.113.7");
    peer_with(&s, "X-Forwarded-For: 10.0.0.1\r\n", "10.0.0.1");
    peer_with(&s, "X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n",
              "127.0.0.1");
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "trusted_proxies = 127.0.0.1\n"
                     "client_address = forwarded\n[plugin answers]\n");
    peer_with(&s,
              "Forwarded: for=6.6.6.6, For=\"[2001:db8::7]:1\";proto=http"
              "\r\nX-Forwarded-For: 6.6.6.6\r\n",
              "2001:db8::7");
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "trusted_proxies = 127.0.0.1\n"
                     "client_address = x-real-ip\n[plugin answers]\n");
    peer_with(&s, "X-Real-IP: 203.0.113.7\r\nX-Forwarded-For: 6.6.6.6\r\n",
              "203.0.113.7");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
scheme_with(struct server *s, const char *fields, const char *scheme)
{
    struct client c = client_open(s);

    client_printf(&c, "GET /scheme HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    client_take(&c, 0, 200, scheme);
    client_close(&c);
}

#define HTTP "X-Forwarded-Proto: http\r\n"
#define HTTPS "X-Forwarded-Proto: https\r\n"

/* The nearest proxy says last what it was asked over. */
START_TEST(the_scheme_is_what_a_trusted_proxy_says)
{
    const char *own = transport_here()->scheme;
    int is_tls = transport_here()->is_tls;
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin answers]\n");
    scheme_with(&s, "X-Forwarded-Proto: gopher\r\n", own);
    scheme_with(&s, is_tls ? HTTP : HTTPS, own);
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "trusted_proxies = 127.0.0.1\n[plugin answers]\n");
    scheme_with(&s, "", own);
    scheme_with(&s, "X-Forwarded-Proto: HTTPS\r\n", "https");
    scheme_with(&s, "X-Forwarded-Proto: http, https\r\n", "https");
    scheme_with(&s, "X-Forwarded-Proto: https, http\r\n", "http");
    scheme_with(&s, "X-Forwarded-Proto: gopher\r\n", "http");
    scheme_with(&s, "Forwarded: for=203.0.113.7;proto=https\r\n", own);
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "trusted_proxies = 127.0.0.1\n"
                     "client_address = forwarded\n[plugin answers]\n");
    scheme_with(&s, "Forwarded: for=203.0.113.7;proto=https\r\n", "https");
    scheme_with(&s, is_tls ? HTTP : HTTPS, own);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(health_and_readiness_have_paths)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nhealth = /healthz\n"
                     "ready = /readyz\nuse = deny\n[plugin deny]\n");
    client_once(&s, GET("/healthz"), 200, NULL);
    client_once(&s, GET("/readyz"), 200, NULL);
    client_once(&s, GET("/other"), 401, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(listeners, several_listeners_serve_at_once, names_are_resolved,
          what_cannot_be_bound_is_said, each_worker_may_accept_for_itself,
          a_proxy_header_names_the_client,
          a_connection_without_its_proxy_header_is_closed,
          only_trusted_proxies_are_believed,
          the_scheme_is_what_a_trusted_proxy_says,
          health_and_readiness_have_paths)
