/* SPDX-License-Identifier: BSD-2-Clause */
/* pairs.c - tests of conf/pairs.h. */
/* tags: asan */
#include "conf/pairs.h"

#include "help.h"
#include "t/lib/unit.h"

#define KEY "-----BEGIN PRIVATE KEY-----\n"

/* Certificates without and with keys; c.pem's may be read by everybody. */
static void
enter(void)
{
    static const char *const files[][3] = {
        {"a.pem", "certificate", "0644"}, {"a.key", KEY, "0600"},
        {"b.pem", "x\n" KEY, "0640"},     {"c.pem", "x\n" KEY, "0644"},
        {"c.key", KEY, "0604"},           {"d.key", KEY, "0602"},
        {"ca.pem", "authority", "0644"},  {"a.der", "response", "0644"},
        {"keys", "tickets", "0600"},
    };

    help_enter();
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        fixture_file(files[i][0], files[i][1]);
        ck_assert_int_eq(
            chmod(files[i][0], (mode_t)strtoul(files[i][2], NULL, 8)), 0);
    }
}

static struct conf *
parse(const char *text, struct diag *d)
{
    struct bundle *b;
    struct conf *c;

    fixture_file("a.ini", text);
    b = bundle_from_files("a.ini", NULL, d);
    ck_assert_ptr_nonnull(b);
    c = conf_parse(b, d);
    bundle_free(b);
    return c;
}

static struct conf *
parses(const char *text, const char *said)
{
    struct diag d;
    struct conf *c;

    diag_init(&d);
    c = parse(text, &d);
    help_expect(&d, said);
    ck_assert_ptr_nonnull(c);
    diag_fini(&d);
    return c;
}

/* $ stands for the folder. */
static void
fails(const char *text, const char *expected)
{
    char said[4096], folder[4096];
    size_t n = 0;
    struct diag d;

    diag_init(&d);
    ck_assert_ptr_null(parse(text, &d));
    ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
    for (; *expected && n + sizeof(folder) < sizeof(said) * 2; expected++) {
        if (*expected == '$')
            n += (size_t)snprintf(said + n, sizeof(said) - n, "%s", folder);
        else
            said[n++] = *expected;
    }
    said[n] = '\0';
    help_expect(&d, said);
    diag_fini(&d);
}

#define LISTEN "[listen s]\naddress = :443\n"

static int
ends(et_str path, const char *name)
{
    size_t n = strlen(name);

    return path.n > n && strcmp(path.p + path.n - n, name) == 0;
}

START_TEST(keys_belong_to_certificates_in_their_order)
{
    struct conf *c = parses(LISTEN "tls.certificate = a.pem\n"
                                   "tls.certificate = b.pem\n"
                                   "tls.key = a.key\n"
                                   "tls.ocsp = none\n"
                                   "tls.ocsp = a.der\n",
                            "");
    const struct conf_listen *l = &c->listens[0];

    ck_assert(conf_listen_is_secure(l));
    ck_assert_uint_eq(l->n_pairs, 2);
    ck_assert(ends(l->pairs[0].certificate, "/a.pem"));
    ck_assert(ends(l->pairs[0].key, "/a.key"));
    ck_assert_uint_eq(l->pairs[0].ocsp.n, 0);
    ck_assert_uint_eq(l->pairs[0].at.line, 3);
    ck_assert_uint_eq(l->pairs[0].key_at.line, 5);
    ck_assert(ends(l->pairs[1].certificate, "/b.pem"));
    ck_assert(ends(l->pairs[1].key, "/b.pem"));
    ck_assert(ends(l->pairs[1].ocsp, "/a.der"));
    ck_assert_uint_eq(l->pairs[1].ocsp_at.line, 7);
    conf_free(c);
}
END_TEST

START_TEST(what_else_there_is)
{
    struct conf *c = parses("[server]\ntls.ticket_keys = keys\n" LISTEN
                            "tls.certificate = b.pem\n"
                            "tls.profile = modern\n"
                            "tls.client = optional\n"
                            "tls.client_ca = ca.pem\n"
                            "tls.early_data = yes\n"
                            "tls.offload = rsa\n"
                            "tls.hsts = 1d\n"
                            "[listen p]\naddress = :80\nredirect = https\n"
                            "redirect_port = 8443\n"
                            "[listen d]\naddress = :444\n"
                            "tls.self_signed = dev\n",
                            "");
    const struct conf_listen *l = c->listens;

    ck_assert_int_eq(l[0].tls_profile, 1);
    ck_assert_int_eq(l[0].tls_client, 1);
    ck_assert(ends(l[0].tls_client_ca, "/ca.pem"));
    ck_assert_uint_eq(l[0].client_ca_at.line, 8);
    ck_assert_int_eq(l[0].tls_early_data, 1);
    ck_assert_int_eq(l[0].tls_offload, CONF_OFFLOAD_RSA);
    ck_assert_int_eq(l[2].tls_offload, CONF_OFFLOAD_OFF);
    ck_assert_int_eq(l[0].tls_hsts, 86400000);
    ck_assert_int_eq(l[0].redirect, CONF_REDIRECT_NO);
    ck_assert(!conf_listen_is_secure(&l[1]));
    ck_assert_int_eq(l[1].redirect, CONF_REDIRECT_HTTPS);
    ck_assert_int_eq(l[1].redirect_port, 8443);
    ck_assert(conf_listen_is_secure(&l[2]));
    ck_assert_uint_eq(l[2].n_pairs, 0);
    ck_assert_uint_eq(l[2].self_signed_at.line, 18);
    ck_assert(ends(c->server.tls_ticket_keys, "/keys"));
    conf_free(c);
}
END_TEST

START_TEST(files_that_are_not_there)
{
    fails("[server]\ntls.ticket_keys = x\n" LISTEN "tls.certificate = x.pem\n"
          "tls.certificate = a.pem\ntls.certificate = a.pem\n"
          "tls.certificate = .\n"
          "tls.key = x.key\ntls.key = a.key\n"
          "tls.ocsp = x.der\n"
          "tls.client = required\ntls.client_ca = x.ca\n",
          "a.ini:2: [server] tls.ticket_keys: cannot read $/x: No such file or "
          "directory\n"
          "a.ini:5: [listen s] tls.certificate: cannot read $/x.pem: No such "
          "file or directory\n"
          "a.ini:9: [listen s] tls.key: cannot read $/x.key: No such file or "
          "directory\n"
          "a.ini:11: [listen s] tls.ocsp: cannot read $/x.der: No such file or "
          "directory\n"
          "a.ini:7: [listen s] tls.certificate: there is no key in $/a.pem, "
          "nor a tls.key for it\n"
          "a.ini:8: [listen s] tls.certificate: cannot read $/.: Is a "
          "directory\n"
          "a.ini:13: [listen s] tls.client_ca: cannot read $/x.ca: No such "
          "file or directory\n");
}
END_TEST

START_TEST(keys_that_everybody_may_read)
{
    static const char text[] =
        "[server]\nmodule_owner = %s\n" LISTEN "tls.certificate = a.pem\n"
        "tls.certificate = a.pem\n"
        "tls.certificate = c.pem\n"
        "tls.key = c.key\ntls.key = d.key\n";
    char ini[512], said[4096];
    struct diag d;

    snprintf(ini, sizeof(ini), text, "strict");
    fails(ini,
          "a.ini:8: [listen s] tls.key: everybody may read $/c.key (mode "
          "0604): chmod 0600\n"
          "a.ini:9: [listen s] tls.key: everybody may write to $/d.key (mode "
          "0602): chmod 0600\n"
          "a.ini:7: [listen s] tls.certificate: everybody may read $/c.pem "
          "(mode 0644): chmod 0600\n");
    snprintf(ini, sizeof(ini), text, "any");
    diag_init(&d);
    conf_free(parse(ini, &d));
    snprintf(said, sizeof(said), "%s", help_messages(&d));
    ck_assert_uint_eq(d.n_errors, 0);
    ck_assert_uint_eq(d.n_warnings, 3);
    unit_has(said, "warning: a.ini:8: [listen s] tls.key: everybody may read");
    diag_fini(&d);
}
END_TEST

START_TEST(what_makes_no_sense)
{
    fails(LISTEN "tls.key = a.key\ntls.ocsp = a.der\ntls.profile = modern\n"
                 "tls.client = off\ntls.client_ca = ca.pem\n"
                 "tls.early_data = no\ntls.hsts = 0\ntls.offload = rsa\n",
          "a.ini:3: [listen s] tls.key: there is no tls.certificate\n"
          "a.ini:4: [listen s] tls.ocsp: there is no tls.certificate\n"
          "a.ini:6: [listen s] tls.client: there is no tls.certificate\n"
          "a.ini:7: [listen s] tls.client_ca: there is no tls.certificate\n"
          "a.ini:9: [listen s] tls.hsts: there is no tls.certificate\n"
          "a.ini:8: [listen s] tls.early_data: there is no tls.certificate\n"
          "a.ini:5: [listen s] tls.profile: there is no tls.certificate\n"
          "a.ini:10: [listen s] tls.offload: there is no tls.certificate\n");
    fails(LISTEN "tls.certificate = b.pem\ntls.key = a.key\ntls.key = a.key\n"
                 "tls.ocsp = none\ntls.ocsp = none\n",
          "a.ini:5: [listen s] tls.key: there is no tls.certificate that it "
          "belongs to\n"
          "a.ini:7: [listen s] tls.ocsp: there is no tls.certificate that it "
          "belongs to\n");
    fails(LISTEN "tls.certificate = b.pem\ntls.client = required\n"
                 "redirect = https\ntls.self_signed = dev\n",
          "a.ini:4: [listen s] tls.client: without tls.client_ca nobody's "
          "certificate is a good one\n"
          "a.ini:5: [listen s] redirect: this listener speaks TLS itself\n"
          "a.ini:6: [listen s] tls.self_signed: there is a tls.certificate\n");
    fails(LISTEN "tls.certificate = b.pem\ntls.client_ca = ca.pem\n",
          "a.ini:4: [listen s] tls.client_ca: nobody is asked for a "
          "certificate: tls.client = optional or required\n");
    fails(LISTEN "tls.self_signed = dev\ntls.key = a.key\n",
          "a.ini:4: [listen s] tls.key: there is no tls.certificate\n");
    fails(LISTEN "redirect_port = 8443\n",
          "a.ini:3: [listen s] redirect_port: there is no redirect = https\n");
}
END_TEST

START_TEST(server_listens_in_the_clear)
{
    fails("[server]\nlisten = :80\ntls.certificate = b.pem\n"
          "redirect = https\ntls.ticket_key = keys\n",
          "a.ini:3: [server] tls.certificate: it belongs to a [listen NAME]: "
          "what listen of [server] names is plain HTTP\n"
          "a.ini:4: [server] redirect: it belongs to a [listen NAME]: what "
          "listen of [server] names is plain HTTP\n"
          "a.ini:5: [server] tls.ticket_key: unknown key; did you mean "
          "\"tls.ticket_keys\"?\n");
    fails(LISTEN "tls.certificat = b.pem\n",
          "a.ini:3: [listen s] tls.certificat: unknown key; did you mean "
          "\"tls.certificate\"?\n");
    fails(LISTEN "tls.self_signed = yes\n",
          "a.ini:3: [listen s] tls.self_signed: expected no or dev, found "
          "\"yes\"\n");
}
END_TEST

/* Files that an overlay's take the place of are not missed, and each is found
 * from where it is named. */
START_TEST(files_of_an_overlay_and_of_an_include)
{
    static char *env[] = {"ETUDE_ENV=live", NULL};
    struct bundle *b;
    struct conf *c;
    struct diag d;

    fixture_file("a.ini", "[server]\ninclude = in/*.ini\n" LISTEN
                          "tls.certificate = none.pem\n");
    fixture_file("a.live.ini", "[listen s]\ntls.certificate = b.pem\n"
                               "[server]\ninclude = in/*.ini\n");
    fixture_file("in/i.ini", "[listen i]\naddress = :444\n"
                             "tls.certificate = own.pem\n");
    fixture_file("in/own.pem", KEY);
    ck_assert_int_eq(chmod("in/own.pem", 0600), 0);
    diag_init(&d);
    b = bundle_from_files("a.ini", env, &d);
    ck_assert_ptr_nonnull(b);
    c = conf_parse(b, &d);
    help_expect(&d, "");
    ck_assert_uint_eq(c->n_listens, 2);
    ck_assert(ends(c->listens[0].pairs[0].key, "/b.pem"));
    ck_assert(ends(c->listens[1].pairs[0].key, "/in/own.pem"));
    conf_free(c);
    bundle_free(b);
    diag_fini(&d);
}
END_TEST

UNIT_MAIN_IN(enter, help_leave, pairs,
             keys_belong_to_certificates_in_their_order, what_else_there_is,
             files_that_are_not_there, keys_that_everybody_may_read,
             what_makes_no_sense, server_listens_in_the_clear,
             files_of_an_overlay_and_of_an_include)
