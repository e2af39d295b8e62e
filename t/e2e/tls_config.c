/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_config.c - TLS in a configuration: what is wrong with it, word by word;
 * what a reload changes and what it leaves; the way from http to https; what is
 * said of certificates.
 * tags: epoll asan plain */
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn/h2.h"
#include "t/lib/client.h"
#include "t/lib/pki.h"
#include "t/lib/secure.h"
#include "t/lib/server.h"
#include "t/lib/web.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a.test\r\n\r\n"

/* Two lines; what a test adds to [server] begins in line 3. */
#define SERVER "[server]\nmodules = modules\n"
/* Lines 3 and 4. */
#define LISTEN "[listen s]\naddress = 127.0.0.1:0\n"
#define SECURE LISTEN "tls.certificate = a.pem\ntls.key = a.key\n"
#define BAD "etude.ini: not usable\n"

/* ---- files ---------------------------------------------------------------*/

static char *
path_of(const struct server *s, const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return path;
}

static void
set_mode(const struct server *s, const char *name, mode_t mode)
{
    ck_assert_int_eq(chmod(path_of(s, name), mode), 0);
}

/* Put the file from in the place of to. */
static void
take(const struct server *s, const char *from, const char *to)
{
    char old[PATH_MAX];

    snprintf(old, sizeof old, "%s/%s", s->dir, from);
    ck_assert_int_eq(rename(old, path_of(s, to)), 0);
}

/* a: good; b: good, of RSA; old, soon, early: by their dates. */
static void
prepare(struct server *s, const char *ini)
{
    server_prepare(s, ini);
    pki_make(s, &(struct pki){.file = "a", .names = "a.test,*.a.test"});
    pki_make(s, &(struct pki){.file = "b", .names = "b.test", .is_rsa = 1});
}

static void
serve(struct server *s, const char *ini)
{
    prepare(s, ini);
    server_serve(s);
}

/* ---- what is wrong -------------------------------------------------------*/

/* Run -t on exactly this ini; what it says, without the folder's name. */
static const char *
said_about(struct server *s, const char *ini, int code)
{
    static const char *const check_only[] = {"-t", NULL};
    static char out[16384], text[16384];
    char dir[80], *at = out, *next, *to = text;
    size_t n = (size_t)snprintf(dir, sizeof dir, "%s/", s->dir);
    int got;

    server_file(s, "etude.ini", ini);
    got = server_run(s, check_only, out, sizeof out);
    for (; (next = strstr(at, dir)) != NULL; at = next + n) {
        memcpy(to, at, (size_t)(next - at));
        to += next - at;
    }
    strcpy(to, at);
    ck_assert_msg(got == code, "%d, not %d:\n%s\n%s", got, code, ini, text);
    return text;
}

/* clang-format off */
static const struct {
    const char *ini, *said;
} golden[] = {
    {SERVER LISTEN "tls.certificate = no.pem\ntls.key = no.key\n"
            "tls.client = required\ntls.client_ca = no.ca\ntls.ocsp = no.der\n",
     "etude.ini:5: [listen s] tls.certificate: cannot read no.pem: No such file or directory\n"
     "etude.ini:6: [listen s] tls.key: cannot read no.key: No such file or directory\n"
     "etude.ini:9: [listen s] tls.ocsp: cannot read no.der: No such file or directory\n"
     "etude.ini:8: [listen s] tls.client_ca: cannot read no.ca: No such file or directory\n"},
    {SERVER LISTEN "tls.certificate = a.pem\n",
     "etude.ini:5: [listen s] tls.certificate: there is no key in a.pem, nor a tls.key for it\n"},
    {SERVER LISTEN "tls.certificate = a.pem\ntls.key = b.key\n",
     "etude.ini:5: b.key: this is not the key of a.pem\n"},
    /* With what else is wrong; b's key is in its place. */
    {SERVER "colour = red\n" LISTEN "tls.certificate = a.pem\ntls.certificate = b.pem\n"
            "tls.key = b.key\ntls.key = b.key\n[plugin helo]\n",
     "etude.ini:3: [server] colour: unknown key\n"
     "etude.ini:6: b.key: this is not the key of a.pem\n"
     "etude.ini:10: [plugin helo] there is no modules/helo.so; did you mean \"hello\"?\n"},
    {SERVER LISTEN "tls.certificate = text\ntls.key = a.key\n",
     "etude.ini:5: text: there is no certificate in PEM\n"},
    {SERVER LISTEN "tls.certificate = open.pem\ntls.key = open.key\n",
     "etude.ini:6: [listen s] tls.key: everybody may read open.key (mode 0644): chmod 0600\n"},
    {SERVER "tls.ticket_keys = text\n" SECURE,
     "etude.ini:3: text: 5 bytes are no ticket keys: 1 to 16 times 80 bytes (openssl rand 80 > FILE)\n"},
    {SERVER "tls.certificate = a.pem\n",
     "etude.ini:3: [server] tls.certificate: it belongs to a [listen NAME]: what listen of [server] names is plain HTTP\n"},
    {SERVER SECURE "tls.profile = old\ntls.hsts = 1y\ntls.early_data = perhaps\n",
     "etude.ini:7: [listen s] tls.profile: expected intermediate or modern, found \"old\"\n"
     "etude.ini:8: [listen s] tls.hsts: expected a time such as 250ms, 10s, 5m, 2h or 1d, at most 3650d, found \"1y\"\n"
     "etude.ini:9: [listen s] tls.early_data: expected yes or no, found \"perhaps\"\n"},
    {SERVER SECURE "tls.self_signed = dev\nredirect = https\nredirect_port = 0\n",
     "etude.ini:9: [listen s] redirect_port: expected a whole number, from 1 to 65535, found \"0\"\n"
     "etude.ini:8: [listen s] redirect: this listener speaks TLS itself\n"
     "etude.ini:7: [listen s] tls.self_signed: there is a tls.certificate\n"},
};
/* clang-format on */

START_TEST(every_mistake_has_its_place_and_its_words)
{
    struct server s;

    prepare(&s, SERVER);
    server_bring(&s, "hello");
    pki_make(&s, &(struct pki){.file = "open", .names = "a.test"});
    set_mode(&s, "open.key", 0644);
    server_file(&s, "text", "text\n");
    set_mode(&s, "text", 0600);
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        const char *said = said_about(&s, golden[i].ini, 78);
        char want[4096];
        snprintf(want, sizeof want, "%s" BAD, golden[i].said);
        ck_assert_msg(strcmp(said, want) == 0, "%s\nsays\n%s\nnot\n%s",
                      golden[i].ini, said, want);
    }
    server_clean(&s);
}
END_TEST

START_TEST(certificates_end)
{
    struct server s;
    const char *said;

    prepare(&s, SERVER);
    pki_make(&s, &(struct pki){.file = "old",
                               .names = "a.test",
                               .begins_days = -30,
                               .ends_days = -2});
    pki_make(&s, &(struct pki){
                     .file = "early", .names = "a.test", .begins_days = 2});
    pki_make(&s,
             &(struct pki){.file = "soon", .names = "a.test", .ends_days = 3});
    said = said_about(&s,
                      SERVER LISTEN "tls.certificate = old.pem\n"
                                    "tls.key = old.key\n"
                                    "tls.certificate = early.pem\n"
                                    "tls.key = early.key\n",
                      78);
    unit_has(said, "etude.ini:5: old.pem: certificate 1 expired on ");
    unit_has(said, "etude.ini:7: early.pem: certificate 1 is not valid before");
    said = said_about(&s,
                      SERVER LISTEN "tls.certificate = soon.pem\n"
                                    "tls.key = soon.key\n",
                      0);
    unit_has(said, "warning: etude.ini:5: [listen s] tls.certificate: soon.pem "
                   "(a.test) ends in ");
    unit_has(said, " days, on 2");
    server_clean(&s);
}
END_TEST

/* Of two that a client could be shown for the same the first counts; the other
 * may be there for when the first is taken away. */
START_TEST(a_certificate_that_is_not_shown_is_remarked_on)
{
    struct server s;

    prepare(&s, SERVER);
    pki_make(&s, &(struct pki){.file = "c", .names = "*.a.test,a.test"});
    pki_make(&s, &(struct pki){
                     .file = "d", .names = "a.test,*.a.test", .is_rsa = 1});
    ck_assert_str_eq(
        said_about(&s,
                   SERVER SECURE "tls.certificate = c.pem\ntls.key = c.key\n"
                                 "tls.certificate = d.pem\ntls.key = d.key\n",
                   0),
        "warning: etude.ini:7: c.pem: no client is shown this certificate: one "
        "with a key of the same kind stands before it for each of its names "
        "(*.a.test: a.pem)\netude.ini: good\n");
    server_clean(&s);
}
END_TEST

START_TEST(keys_are_for_their_owner)
{
    struct server s;

    prepare(&s, SERVER SECURE "[server]\n");
    set_mode(&s, "a.key", 0604);
    unit_has(said_about(&s, SERVER "module_owner = any\n" SECURE, 0),
             "warning: etude.ini:7: [listen s] tls.key: everybody may read "
             "a.key (mode 0604): chmod 0600\n");
    set_mode(&s, "a.key", 0640);
    ck_assert_str_eq(said_about(&s, SERVER SECURE, 0), "etude.ini: good\n");
    /* One that is handed over to a group; others that may read it are not. */
    set_mode(&s, "a.key", 0644);
    (void)said_about(&s, SERVER SECURE, 78);
    server_clean(&s);
}
END_TEST

/* ---- reload --------------------------------------------------------------*/

/* Until another answer comes: whose certificate it is, and that it is good. */
static void
expect_shown(const struct server *s, const char *subject)
{
    struct secure how = {
        .port = s->port, .sni = subject, .authority = pki_authority(s)};
    struct client c = secure_connect(&how);

    ck_assert_str_eq(how.subject, subject);
    client_printf(&c, "GET /life HTTP/1.1\r\nHost: %s\r\n\r\n", subject);
    client_take(&c, 0, 200, "life");
    client_close(&c);
}

/* The process that serves, pid, dies, and another one is there. */
static void
kill_server(const struct server *s, pid_t pid)
{
    int n = server_count_log(s, " serves: ");

    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    while (server_count_log(s, " serves: ") == n)
        usleep(1000);
}

START_TEST(new_connections_are_shown_the_new_certificate)
{
    struct server s;
    struct secure before, after;
    struct client old, new;

    serve(&s, SERVER SECURE "[plugin life]\n");
    before = after = (struct secure){.port = s.port, .sni = "a.test"};
    old = secure_connect(&before);
    client_expect(&old, GET("/life"), 200, NULL);
    pki_make(&s, &(struct pki){.file = "a", .names = "a.test"});
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(server_has_log(&s, "listeners 1 changed"), 1);
    new = secure_connect(&after);
    ck_assert_str_ne(before.sha256, after.sha256);
    client_expect(&new, GET("/life"), 200, NULL);
    client_expect(&old, GET("/life"), 200, NULL);
    s.log_seen = 0;
    unit_has(server_wait_log(&s, before.sha256), " shows a certificate for "
                                                 "a.test, *.a.test, P-256, "
                                                 "until 2");
    unit_has(server_wait_log(&s, after.sha256),
             " shows a certificate for a.test, P-256, until 2");
    client_close(&old);
    client_close(&new);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_that_changes_nothing_says_so)
{
    struct server s;
    struct client c;

    serve(&s, SERVER SECURE "[plugin life]\n");
    c = secure_open(&s, NULL);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(server_count_log(&s, "shows a certificate"), 1);
    ck_assert_int_eq(server_count_log(&s, "listeners 1 changed"), 0);
    client_expect(&c, GET("/life"), 200, NULL);
    client_close(&c);
    expect_shown(&s, "a.test");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Whatever is wrong with the pair. */
START_TEST(a_broken_pair_leaves_what_serves)
{
    struct server s;
    struct client c;

    serve(&s, SERVER SECURE "[plugin life]\n");
    c = secure_open(&s, "a.test");
    pki_make(&s, &(struct pki){.file = "x", .names = "a.test"});
    take(&s, "x.key", "a.key");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert_int_eq(server_has_log(&s, "a.key: this is not the key of "), 1);
    expect_shown(&s, "a.test");
    server_file(&s, "a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert_int_eq(unlink(path_of(&s, "a.pem")), 0);
    ck_assert_int_eq(server_reload(&s), 0);
    expect_shown(&s, "a.test");
    client_expect(&c, GET("/life"), 200, NULL);
    take(&s, "x.pem", "a.pem");
    ck_assert_int_eq(server_reload(&s), 1);
    expect_shown(&s, "a.test");
    client_expect(&c, GET("/life"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A process that takes the place of one that died reads no file. */
START_TEST(a_successor_shows_what_was_shown)
{
    struct server s;

    serve(&s, SERVER SECURE "[plugin life]\n");
    expect_shown(&s, "a.test");
    ck_assert_int_eq(unlink(path_of(&s, "a.pem")), 0);
    ck_assert_int_eq(unlink(path_of(&s, "a.key")), 0);
    kill_server(&s, server_pid(&s));
    expect_shown(&s, "a.test");
    (void)server_upgrade(&s);
    expect_shown(&s, "a.test");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Without a supervisor it is one process that reads files, and does the rest.
 */
START_TEST(so_does_a_process_alone)
{
    struct server s;
    struct client c;

    serve(&s, SERVER "supervise = no\n" SECURE "[plugin life]\n");
    c = secure_open(&s, "a.test");
    expect_shown(&s, "a.test");
    take(&s, "b.pem", "a.pem");
    ck_assert_int_eq(server_reload(&s), 0);
    expect_shown(&s, "a.test");
    take(&s, "b.key", "a.key");
    ck_assert_int_eq(server_reload(&s), 1);
    expect_shown(&s, "b.test");
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_listener_learns_and_forgets_tls)
{
    struct server s;
    struct client plain;

    prepare(&s, SERVER LISTEN "[plugin life]\n");
    server_serve(&s);
    plain = client_open(&s);
    client_expect(&plain, GET("/life"), 200, NULL);
    server_write(&s, SERVER SECURE "[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    expect_shown(&s, "a.test");
    /* One that is there goes on as it has begun. */
    client_expect(&plain, GET("/life"), 200, "life");
    client_close(&plain);
    server_write(&s, SERVER LISTEN "[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    plain = client_open(&s);
    client_expect(&plain, GET("/life"), 200, NULL);
    client_close(&plain);
    ck_assert_int_eq(server_has_log(&s, "speaks no TLS any more"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What belongs to root only is read by who is root, at each reload. */
START_TEST(a_key_of_root_s_is_rotated)
{
    struct server s;

    if (geteuid() != 0) {
        fprintf(stderr, "skipped: not root\n");
        return;
    }
    prepare(&s, SERVER "user = nobody\n" SECURE "[plugin life]\n");
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    set_mode(&s, "a.key", 0600);
    server_serve(&s);
    expect_shown(&s, "a.test");
    take(&s, "b.pem", "a.pem");
    take(&s, "b.key", "a.key");
    set_mode(&s, "a.key", 0400);
    ck_assert_int_eq(server_reload(&s), 1);
    expect_shown(&s, "b.test");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The text of a key is nowhere in the process that serves, nor in its log. */
START_TEST(the_text_of_a_key_is_gone)
{
    char line[256], maps[64], text[4096] = "", *bytes, *key;
    struct server s;
    size_t n = 0;
    FILE *f, *mem;

    serve(&s, SERVER SECURE "[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    f = fopen(path_of(&s, "a.key"), "re");
    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    key = strchr(text, '\n') + 1; /* behind the first line, the key itself */
    snprintf(maps, sizeof maps, "/proc/%d/maps", (int)server_pid(&s));
    f = fopen(maps, "re");
    snprintf(maps, sizeof maps, "/proc/%d/mem", (int)server_pid(&s));
    mem = fopen(maps, "re");
    ck_assert(f && mem && n > 100);
    while (fgets(line, sizeof line, f)) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 ||
            rights[1] != 'w' || to - from > 1ul << 30)
            continue;
        bytes = malloc(to - from);
        if (fseek(mem, (long)from, SEEK_SET) == 0 &&
            fread(bytes, 1, to - from, mem) == to - from)
            ck_assert_msg(!memmem(bytes, to - from, key, 64), "in %s", line);
        free(bytes);
    }
    fclose(f);
    fclose(mem);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- from http to https --------------------------------------------------*/

static void
expect_location(struct client *c, const char *request, const char *location)
{
    struct answer a;

    client_puts(c, request);
    a = client_answer(c, 0);
    ck_assert_msg(a.status == 308, "%s: %s", request, a.head);
    ck_assert_str_eq(answer_field(&a, "location", 0), location);
    answer_free(&a);
}

#define PLAIN                                                                  \
    "[listen p]\naddress = 127.0.0.1:0\nredirect = https\nredirect_port = "    \
    "8443\n[listen s]\naddress = unix:$DIR/s.sock\ntls.certificate = a.pem\n"  \
    "tls.key = a.key\n"

START_TEST(a_plain_listener_leads_to_the_other)
{
    struct server s;
    struct client c;

    serve(&s, SERVER "health = /healthz\nuse = headers\n" PLAIN
                     "[plugin headers]\nset = X-Seen: yes\n[plugin life]\n"
                     "[plugin respond]\n[route acme]\n"
                     "match = GET /.well-known/acme-challenge/:token\n"
                     "handler = respond\nrespond.body = proof\n");
    c = client_open(&s);
    expect_location(&c, GET("/life?a=%20b"), "https://a.test:8443/life?a=%20b");
    expect_location(&c, "GET /a%2fb/../c HTTP/1.1\r\nHost: A.Test:8080\r\n\r\n",
                    "https://a.test:8443/a%2fb/../c");
    expect_location(&c, "GET http://x.test HTTP/1.1\r\nHost: a.test\r\n\r\n",
                    "https://x.test:8443/");
    expect_location(&c, "GET //evil.test/ HTTP/1.1\r\nHost: [::1]\r\n\r\n",
                    "https://[::1]:8443//evil.test/");
    /* The body is not wanted, and the connection goes on. */
    expect_location(&c,
                    "POST /life HTTP/1.1\r\nHost: a.test\r\n"
                    "Content-Length: 5\r\n\r\n12345",
                    "https://a.test:8443/life");
    expect_location(&c, GET("/nowhere"), "https://a.test:8443/nowhere");
    expect_location(&c, GET("/.well-known/acme-challenge/a/b"),
                    "https://a.test:8443/.well-known/acme-challenge/a/b");
    /* Those are answered as ever. */
    client_expect(&c, GET("/.well-known/acme-challenge/abc"), 200, "proof");
    client_expect(&c, GET("/healthz"), 200, "ok\n");
    client_expect(&c, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", 204, "");
    client_expect(&c, "GET /x HTTP/1.0\r\n\r\n", 400, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(no_middleware_sees_what_is_led_away)
{
    struct server s;
    struct client c;
    struct answer a;

    serve(&s, SERVER "use = headers\n[listen p]\naddress = 127.0.0.1:0\n"
                     "redirect = https\n"
                     "[plugin headers]\nset = X-Seen: yes\n[plugin life]\n");
    c = client_open(&s);
    client_puts(&c, GET("/life"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 308);
    ck_assert_ptr_null(answer_field(&a, "x-seen", 0));
    ck_assert_str_eq(answer_field(&a, "location", 0), "https://a.test/life");
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_came_by_tls_to_a_proxy_is_not_led_away)
{
    struct server s;
    struct client c;

    serve(&s, SERVER "trusted_proxies = 127.0.0.1\n[listen p]\n"
                     "address = 127.0.0.1:0\nredirect = https\n"
                     "[plugin life]\n");
    c = client_open(&s);
    client_expect(&c,
                  "GET /life HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: "
                  "192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n",
                  200, NULL);
    expect_location(&c,
                    "GET /life HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: "
                    "192.0.2.1\r\nX-Forwarded-Proto: http\r\n\r\n",
                    "https://a.test/life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The nth (from 0) Strict-Transport-Security of the answer to a request. */
static void
expect_hsts(struct client *c, const char *request, const char *value)
{
    struct answer a;
    const char *got;

    client_puts(c, request);
    a = client_answer(c, 0);
    got = answer_field(&a, "strict-transport-security", 0);
    if (value) {
        ck_assert_msg(got != NULL, "%s", a.head);
        ck_assert_str_eq(got, value);
    } else {
        ck_assert_msg(got == NULL, "%s", a.head);
    }
    ck_assert_ptr_null(answer_field(&a, "strict-transport-security", 1));
    answer_free(&a);
}

START_TEST(browsers_are_told_to_come_by_tls)
{
    struct server s;
    struct client c;
    struct secure how = {.sni = "a.test"};

    serve(&s, SERVER "[listen p]\naddress = 127.0.0.1:0\n"
                     "[listen s]\naddress = unix:$DIR/s.sock\n"
                     "tls.certificate = a.pem\ntls.key = a.key\n"
                     "tls.hsts = 365d\n"
                     "[plugin life]\n[plugin headers]\n"
                     "set = Strict-Transport-Security: max-age=1; preload\n"
                     "[plugin respond]\n[route own]\nmatch = GET /own\n"
                     "handler = respond\nuse = headers\n");
    how.unix_path = path_of(&s, "s.sock");
    c = secure_connect(&how);
    expect_hsts(&c, GET("/life"), "max-age=31536000");
    expect_hsts(&c, GET("/nowhere"), "max-age=31536000");
    expect_hsts(&c, GET("/own"), "max-age=1; preload");
    client_close(&c);
    c = client_open(&s);
    expect_hsts(&c, GET("/life"), NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The same of HTTP/2: by TLS, and, led away, in the clear. */
START_TEST(so_are_those_of_http_2)
{
    struct curl_slist *host;
    struct server s;
    struct web w;

    if (!h2_is_built()) {
        fprintf(stderr, "skipped: built without HTTP/2\n");
        return;
    }
    host = curl_slist_append(NULL, "Host: a.test");
    serve(&s,
          SERVER SECURE "tls.hsts = 365d\n"
                        "[plugin life]\n[plugin headers]\n"
                        "set = Strict-Transport-Security: max-age=1; preload\n"
                        "[plugin respond]\n[route own]\nmatch = GET /own\n"
                        "handler = respond\nuse = headers\n");
    w = web_open_secure(&s);
    curl_easy_setopt(w.curl, CURLOPT_HTTPHEADER, host);
    web_get(&w, 200, "/life");
    unit_has(w.head.p, "\nstrict-transport-security: max-age=31536000\r\n");
    web_get(&w, 404, "/nowhere");
    unit_has(w.head.p, "\nstrict-transport-security: max-age=31536000\r\n");
    web_get(&w, 200, "/own");
    unit_has(w.head.p, "\nstrict-transport-security: max-age=1; preload\r\n");
    ck_assert_ptr_null(strstr(w.head.p, "max-age=31536000"));
    web_close(&w);
    ck_assert_int_eq(server_stop(&s), 0);

    serve(&s, SERVER "[listen p]\naddress = 127.0.0.1:0\nh2c = yes\n"
                     "redirect = https\n[plugin life]\n");
    w = web_open(&s);
    curl_easy_setopt(w.curl, CURLOPT_HTTPHEADER, host);
    web_get(&w, 308, "/life?x");
    unit_has(w.head.p, "\nlocation: https://a.test/life?x\r\n");
    ck_assert_ptr_null(strstr(w.head.p, "strict-transport-security"));
    web_close(&w);
    curl_slist_free_all(host);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what is told --------------------------------------------------------*/

START_TEST(status_and_figures_know_certificates)
{
    static const char *const as_text[] = {"status", NULL};
    static const char *const as_json[] = {"status", "--json", NULL};
    static char out[65536];
    struct secure how = {.sni = "b.test", .asks_ocsp = 1};
    struct server s;
    struct client c;
    struct answer a;

    prepare(&s, SERVER "admin = admin.sock\nmetrics = /metrics\n"
                       "[listen p]\naddress = 127.0.0.1:0\n"
                       "[listen s]\naddress = unix:$DIR/s.sock\n"
                       "tls.certificate = a.pem\ntls.key = a.key\n"
                       "tls.certificate = b.pem\ntls.key = b.key\n"
                       "tls.ocsp = none\ntls.ocsp = der\n");
    pki_make(&s,
             &(struct pki){
                 .file = "b", .names = "b.test", .is_rsa = 1, .has_issuer = 1});
    pki_ocsp(&s, "b", "der", 0);
    server_serve(&s);
    how.unix_path = path_of(&s, "s.sock");
    c = secure_connect(&how);
    client_close(&c);
    ck_assert_int_gt(how.n_ocsp, 100);
    ck_assert_int_eq(server_run(&s, as_json, out, sizeof out), 0);
    unit_has(out, "\"tls\":false,\"certificates\":[]");
    unit_has(out, "\"tls\":true,\"certificates\":[{\"names\":\"a.test, "
                  "*.a.test\",\"kind\":\"P-256\",\"not_before\":\"2");
    unit_has(out, "{\"names\":\"b.test\",\"kind\":\"RSA 2048\"");
    unit_has(out, how.sha256);
    unit_has(out, "\"days_left\":");
    unit_has(out, ",\"ocsp\":false},{\"names\":\"b.test");
    unit_has(out, ",\"ocsp\":true}]}]");
    ck_assert_int_eq(server_run(&s, as_text, out, sizeof out), 0);
    unit_has(out, "LISTENER");
    unit_has(out, "b.test");
    c = client_open(&s);
    client_puts(&c, GET("/metrics"));
    a = client_answer(&c, 0);
    unit_has(a.body, "# TYPE etude_tls_certificate_not_after_seconds gauge\n"
                     "etude_tls_certificate_not_after_seconds{listen=\"s\","
                     "names=\"a.test, *.a.test\",kind=\"P-256\",sha256=\"");
    unit_has(a.body, how.sha256);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What the issuer has not signed is a mistake, at a start and at a reload. */
START_TEST(the_word_of_a_stranger_is_not_shown)
{
    static const char ini[] = SERVER SECURE "tls.ocsp = der\n";
    static const char bad[] = "etude.ini:5: der: this OCSP response is not the "
                              "word of the issuer in a.pem (";
    struct secure how = {.sni = "a.test", .asks_ocsp = 1};
    struct server s;
    struct client c;

    prepare(&s, SERVER);
    pki_ocsp(&s, "a", "der", 1);
    ck_assert_str_eq(
        said_about(&s, ini, 0),
        "warning: etude.ini:5: der: whose word this is cannot be verified: the "
        "issuer's certificate is not in a.pem\netude.ini: good\n");
    pki_make(&s,
             &(struct pki){.file = "a", .names = "a.test", .has_issuer = 1});
    pki_ocsp(&s, "a", "der", 1);
    unit_has(said_about(&s, ini, 78), bad);
    pki_ocsp(&s, "a", "der", 0);
    ck_assert_str_eq(said_about(&s, ini, 0), "etude.ini: good\n");
    server_serve(&s);
    how.port = s.port;
    for (int i = 0; i < 2; i++) {
        c = secure_connect(&how);
        client_close(&c);
        ck_assert_int_gt(how.n_ocsp, 100);
        pki_ocsp(&s, "a", "der", 1);
        ck_assert_int_eq(server_reload(&s), 0);
    }
    ck_assert_int_eq(server_has_log(&s, "is not the word of the issuer in"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_to_develop_with)
{
    struct secure first, again, other;
    struct server s;
    struct client c;

    server_start(&s, SERVER LISTEN "tls.self_signed = dev\n[plugin life]\n");
    first = again = other = (struct secure){.port = s.port, .sni = "localhost"};
    c = secure_connect(&first);
    ck_assert_str_eq(first.subject, "localhost");
    client_expect(&c, "GET /life HTTP/1.1\r\nHost: localhost:8443\r\n\r\n", 200,
                  NULL);
    client_expect(&c, GET("/life"), 421, NULL);
    client_close(&c);
    ck_assert_int_eq(server_has_log(&s, first.sha256), 1);
    ck_assert_int_eq(server_reload(&s), 1);
    c = secure_connect(&again);
    ck_assert_str_eq(first.sha256, again.sha256);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, SERVER LISTEN "tls.self_signed = dev\n[plugin life]\n");
    other.port = s.port;
    c = secure_connect(&other);
    ck_assert_str_ne(first.sha256, other.sha256);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- sessions ------------------------------------------------------------*/

/* A session of s, once something was answered on it. */
static void *
session_of(const struct server *s, int max)
{
    struct secure how = {.port = s->port, .sni = "a.test", .max = max};
    struct client c = secure_connect(&how);
    void *session;

    client_expect(&c, GET("/life"), 200, NULL);
    session = secure_session(&c, 5000);
    ck_assert_ptr_nonnull(session);
    client_close(&c);
    return session;
}

static int
resumes(const struct server *s, void *session, int max)
{
    struct secure how = {
        .port = s->port, .sni = "a.test", .max = max, .session = session};
    struct client c = secure_connect(&how);

    client_expect(&c, GET("/life"), 200, NULL);
    client_close(&c);
    return how.is_resumed;
}

static void
outlive(int max)
{
    struct server s;
    void *session;
    pid_t pid;

    serve(&s, SERVER SECURE "[plugin life]\n");
    session = session_of(&s, max);
    ck_assert_int_eq(resumes(&s, session, max), 1);
    secure_forget(session);
    session = session_of(&s, max);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(resumes(&s, session, max), 1);
    secure_forget(session);
    session = session_of(&s, max);
    kill_server(&s, server_pid(&s));
    ck_assert_int_eq(resumes(&s, session, max), 1);
    secure_forget(session);
    session = session_of(&s, max);
    pid = server_upgrade(&s);
    ck_assert_int_eq(resumes(&s, session, max), 1);
    secure_forget(session);
    /* The supervisor is another program now, and still has them. */
    session = session_of(&s, max);
    kill_server(&s, pid);
    ck_assert_int_eq(resumes(&s, session, max), 1);
    secure_forget(session);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(sessions_outlive_reloads_processes_and_upgrades)
{
    outlive(0x0304);
}
END_TEST

/* TLS 1.2 */
START_TEST(so_do_older_ones)
{
    outlive(0x0303);
}
END_TEST

static void
write_ticket_keys(struct server *s, const char *first, const char *second)
{
    FILE *f = fopen(path_of(s, "keys"), "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
    for (int i = 0; i < 80 / 8; i++)
        fputs(first, f);
    for (int i = 0; second && i < 80 / 8; i++)
        fputs(second, f);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(machines_share_keys_of_a_file)
{
    static const char ini[] =
        SERVER "tls.ticket_keys = keys\n" SECURE "[plugin life]\n";
    struct server one, other;
    void *session;

    prepare(&one, ini);
    prepare(&other, ini);
    write_ticket_keys(&one, "abcdefgh", NULL);
    write_ticket_keys(&other, "abcdefgh", NULL);
    server_serve(&one);
    server_serve(&other);
    session = session_of(&one, 0);
    ck_assert_int_eq(resumes(&other, session, 0), 1);
    secure_forget(session);
    session = session_of(&one, 0);
    write_ticket_keys(&other, "ABCDEFGH", "abcdefgh");
    ck_assert_int_eq(server_reload(&other), 1);
    ck_assert_int_eq(resumes(&other, session, 0), 1);
    secure_forget(session);
    session = session_of(&one, 0);
    write_ticket_keys(&other, "ABCDEFGH", NULL);
    ck_assert_int_eq(server_reload(&other), 1);
    ck_assert_int_eq(resumes(&other, session, 0), 0);
    secure_forget(session);
    server_file(&other, "keys", "short");
    ck_assert_int_eq(server_reload(&other), 0);
    expect_shown(&other, "a.test");
    ck_assert_int_eq(server_stop(&one), 0);
    ck_assert_int_eq(server_stop(&other), 0);
}
END_TEST

UNIT_MAIN(tls_config, every_mistake_has_its_place_and_its_words,
          certificates_end, a_certificate_that_is_not_shown_is_remarked_on,
          keys_are_for_their_owner,
          new_connections_are_shown_the_new_certificate,
          a_reload_that_changes_nothing_says_so,
          a_broken_pair_leaves_what_serves, a_successor_shows_what_was_shown,
          so_does_a_process_alone, a_listener_learns_and_forgets_tls,
          a_key_of_root_s_is_rotated, the_text_of_a_key_is_gone,
          a_plain_listener_leads_to_the_other,
          no_middleware_sees_what_is_led_away,
          what_came_by_tls_to_a_proxy_is_not_led_away,
          browsers_are_told_to_come_by_tls, so_are_those_of_http_2,
          status_and_figures_know_certificates,
          the_word_of_a_stranger_is_not_shown, one_to_develop_with,
          sessions_outlive_reloads_processes_and_upgrades, so_do_older_ones,
          machines_share_keys_of_a_file)
