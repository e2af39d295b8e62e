/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole configurations: the design's example, defaults, every error at once,
 * what a reload may change, where the file is looked for. */
#include "conf/conf.h"

#include "base/err.h"
#include "conf/directive.h"
#include "config.h"
#include "help.h"
#include "t/lib/unit.h"

/* Parse a text that must be right. */
static struct conf *
parses(const char *text, char *const *env)
{
    struct diag d;
    struct conf *c;

    diag_init(&d);
    c = help_conf(text, env, &d);
    help_expect(&d, "");
    ck_assert_ptr_nonnull(c);
    return c;
}

static void
fails(const char *text, const char *expected)
{
    struct diag d;

    diag_init(&d);
    ck_assert_ptr_null(help_conf(text, NULL, &d));
    help_expect(&d, expected);
    diag_fini(&d);
}

START_TEST(the_example_of_the_design_parses)
{
    struct conf *c = parses(
        "[server]\n"
        "listen  = 127.0.0.1:8080\n"
        "workers = auto\n"
        "include = conf.d/*.ini\n"
        "\n"
        "[listen secure]                     ; further listeners\n"
        "address         = 0.0.0.0:8443\n"
        "proxy_protocol  = auto\n"
        "\n"
        "[plugin limit]                      ; an instance named \"limit\" of "
        "modules/ratelimit.so\n"
        "module = ratelimit\n"
        "rate   = 100/s\n"
        "\n"
        "[route users]\n"
        "match      = GET /users/:id\n"
        "host       = api.example.com\n"
        "use        = request-id, limit, jwt ; outermost first\n"
        "handler    = users\n"
        "limit.rate = 10/s                   ; this route's own value for one "
        "option of one instance\n"
        "\n"
        "[scope api]                         ; middleware for every route "
        "below a path\n"
        "match = /api/*\n"
        "use   = cors\n"
        "[plugin request-id]\n[plugin jwt]\n[plugin users]\n[plugin cors]\n",
        NULL);

    ck_assert_uint_eq(c->n_listens, 2);
    ck_assert_str_eq(c->listens[0].host.p, "127.0.0.1");
    ck_assert_int_eq(c->listens[0].port, 8080);
    ck_assert_str_eq(c->listens[1].name.p, "secure");
    ck_assert_int_eq(c->listens[1].proxy_protocol, CONF_PROXY_AUTO);
    ck_assert_str_eq(c->plugins[0].module.p, "ratelimit");
    ck_assert_str_eq(c->plugins[1].module.p, "request-id");
    ck_assert_str_eq(c->routes[0].host.v[0].p, "api.example.com");
    ck_assert_uint_eq(c->routes[0].use.n, 3);
    ck_assert_str_eq(c->routes[0].use.v[1].p, "limit");
    ck_assert_uint_eq(c->routes[0].at.line, 14);
    ck_assert_str_eq(c->routes[0].at.file, "a.ini");
    ck_assert_str_eq(c->scopes[0].use.v[0].p, "cors");
    ck_assert_ptr_eq(conf_find_plugin(c, str_from_z("limit")), &c->plugins[0]);
    ck_assert_ptr_null(conf_find_plugin(c, str_from_z("limi")));
    conf_free(c);
}
END_TEST

START_TEST(an_empty_configuration_has_the_defaults)
{
    struct conf *c = parses("", NULL);
    struct conf_server *s = &c->server;

    ck_assert_uint_eq(c->n_listens, 1);
    ck_assert_str_eq(c->listens[0].address.p, "127.0.0.1:8080");
    ck_assert_int_eq(s->workers, CONF_AUTO);
    ck_assert_int_eq(s->slab_capacity, CONF_AUTO);
    ck_assert_int_eq(s->body_memory_total, CONF_AUTO);
    ck_assert_int_eq(s->event, CONF_EVENT_AUTO);
    ck_assert_int_eq(s->accept, CONF_ACCEPT_PIPE);
    ck_assert_int_eq(s->slash, CONF_SLASH_REDIRECT);
    ck_assert_int_eq(s->log_level, CONF_LOG_INFO);
    ck_assert_int_eq(s->max_body, 1 << 20);
    ck_assert_int_eq(s->header_timeout, 10000);
    ck_assert_int_eq(s->keepalive_timeout, 65000);
    ck_assert_int_eq(s->drain_timeout, 20000);
    ck_assert_int_eq(s->shutdown_delay, 0);
    ck_assert_int_eq(s->server_header, 1);
    ck_assert_int_eq(s->defer_accept, 0);
    ck_assert_uint_eq(
        s->log.n + s->pid_file.n + s->health.n + s->ready.n + s->metrics.n, 0);
    ck_assert_uint_eq(s->runtime_dir.n + s->use.n + s->trusted_proxies.n, 0);
    ck_assert_str_eq(s->modules.p, directive_modules_dir());
    ck_assert_ptr_null(conf_place(c, &s->max_body).file);
    conf_free(c);
}
END_TEST

START_TEST(values_have_their_place)
{
    char *const env[] = {"ETUDE_WORKERS=2", NULL};
    struct conf *c = parses("[server]\n\nmax_body = 2m\n", env);
    struct place at = conf_place(c, &c->server.max_body);

    ck_assert_str_eq(at.file, "a.ini");
    ck_assert_uint_eq(at.line, 3);
    at = conf_place(c, &c->server.workers);
    ck_assert_str_eq(at.file, "environment variable ETUDE_WORKERS");
    ck_assert_uint_eq(at.line, 0);
    conf_free(c);
}
END_TEST

START_TEST(listeners_of_all_kinds)
{
    struct conf *c =
        parses("[server]\nlisten = :80, [::1]:81\nlisten = unix:run/s\n"
               "backlog = 7\ndefer_accept = on\n"
               "[listen b]\naddress = *:90, host:0\naddress = host:0\n"
               "backlog = 9\nproxy_protocol = v2\n"
               "[listen c]\naddress = unix:/run/c\nmode = 0660\n"
               "owner = www:adm\ndefer_accept = off\n",
               NULL);

    ck_assert_uint_eq(c->n_listens, 7);
    ck_assert(c->listens[0].host.p == NULL && c->listens[0].port == 80);
    ck_assert_str_eq(c->listens[1].host.p, "::1");
    ck_assert_str_eq(c->listens[2].path.p, "/etc/x/run/s");
    ck_assert_str_eq(c->listens[2].address.p, "unix:/etc/x/run/s");
    ck_assert_int_eq(c->listens[2].port, -1);
    ck_assert_int_eq(c->listens[2].mode, CONF_AUTO);
    ck_assert_int_eq(c->listens[0].backlog, 7);
    ck_assert_int_eq(c->listens[0].defer_accept, 1);
    ck_assert_uint_eq(c->listens[1].at.line, 2);
    ck_assert_uint_eq(c->listens[2].at.line, 3);
    ck_assert_uint_eq(c->listens[5].at.line, 8);
    ck_assert_int_eq(c->listens[3].backlog, 9);
    ck_assert_int_eq(c->listens[3].proxy_protocol, CONF_PROXY_V2);
    ck_assert_int_eq(c->listens[4].port, 0);
    ck_assert_str_eq(c->listens[5].name.p, "b");
    ck_assert_int_eq(c->listens[6].backlog, 7);
    ck_assert_int_eq(c->listens[6].defer_accept, 0);
    ck_assert_int_eq(c->listens[6].mode, 0660);
    ck_assert_str_eq(c->listens[6].owner.p, "www:adm");
    conf_free(c);
}
END_TEST

START_TEST(listeners_that_cannot_be)
{
    fails("[server]\nlisten = :80\n[listen b]\naddress = :81, :80\n"
          "tls.key = k\n",
          "a.ini:5: [listen b] tls.key: there is no tls.certificate\n"
          "a.ini:4: :80 is listened on already, by a.ini:2\n");
    fails("[server]\nlisten = 8080, x\n",
          "a.ini:2: [server] listen: expected host:port, [v6]:port, :port, "
          "*:port or unix:/path, found \"8080, x\"\n");
}
END_TEST

START_TEST(modules_and_mounts)
{
    struct conf *c = parses("[plugin a]\nmodule = b.so\nmount = /v1/\n"
                            "[plugin c]\nmodule = ./d.so\nmount = /\n"
                            "[plugin e]\nmodule = /x/f.so\npriority = -3\n"
                            "host = A.example, b.example\n",
                            NULL);

    ck_assert_str_eq(c->plugins[0].module.p, "b");
    ck_assert_str_eq(c->plugins[0].mount.p, "/v1");
    ck_assert_str_eq(c->plugins[1].module.p, "/etc/x/./d.so");
    ck_assert_str_eq(c->plugins[1].mount.p, "");
    ck_assert_str_eq(c->plugins[2].module.p, "/x/f.so");
    ck_assert_int_eq(c->plugins[2].priority, -3);
    ck_assert_str_eq(c->plugins[2].host.v[0].p, "a.example");
    ck_assert_str_eq(c->plugins[2].mount.p, "");
    ck_assert_str_eq(c->plugins[0].dir, "/etc/x");
    conf_free(c);
    fails("[plugin a]\nmodule = .hidden\n[plugin b]\nmount = v1\n",
          "a.ini:2: [plugin a] module: expected the name of a file in the "
          "modules folder or a path, found \".hidden\"\n"
          "a.ini:4: [plugin b] mount: expected a request path such as "
          "/healthz, found \"v1\"\n");
}
END_TEST

START_TEST(routes_inherit_limits_unless_they_set_them)
{
    struct conf *c = parses("[plugin h]\n[route a]\nmatch = GET /a\n"
                            "handler = h\n[route b]\nmatch = GET /b\n"
                            "handler = h\nmax_body = 0\nbody_timeout = 0\n"
                            "write_timeout = 5m\n",
                            NULL);

    ck_assert_int_eq(c->routes[0].max_body, CONF_INHERIT);
    ck_assert_int_eq(c->routes[0].body_timeout, CONF_INHERIT);
    ck_assert_int_eq(c->routes[0].write_timeout, CONF_INHERIT);
    ck_assert_int_eq(c->routes[1].max_body, 0);
    ck_assert_int_eq(c->routes[1].body_timeout, 0);
    ck_assert_int_eq(c->routes[1].write_timeout, 300000);
    conf_free(c);
}
END_TEST

START_TEST(all_errors_are_reported)
{
    fails("listen = :80\n"
          "[server]\n"
          "workers = 0\n"
          "worker = 2\n"
          "max_body = 1mb\n"
          "header_timeout = 10\n"
          "balance = random\n"
          "trusted_proxies = 10.0.0.0/33\n"
          "pin = maybe\n"
          "[plugin h]\n"
          "[route r]\n"
          "match = GET users\n"
          "handler = hh\n"
          "host = example.com:80\n"
          "max_body = big\n"
          "[rout x]\n",
          "a.ini:1: a key outside a section\n"
          "a.ini:16: [rout x]: expected [server], [listen NAME], [route NAME], "
          "[scope NAME] or [plugin NAME]; did you mean \"route\"?\n"
          "a.ini:3: [server] workers: expected auto or a whole number, from 1 "
          "to 1024, found \"0\"\n"
          "a.ini:4: [server] worker: unknown key; did you mean \"workers\"?\n"
          "a.ini:5: [server] max_body: expected a size such as 4096, 64k or "
          "1MiB, at most 1024g, found \"1mb\"\n"
          "a.ini:6: [server] header_timeout: expected a time such as 250ms, "
          "10s, 5m, 2h or 1d, from 100ms to 1h, found \"10\"\n"
          "a.ini:7: [server] balance: expected round-robin, least-connections "
          "or hash, found \"random\"\n"
          "a.ini:8: [server] trusted_proxies: expected networks such as "
          "10.0.0.0/8 or fd00::/8, found \"10.0.0.0/33\"\n"
          "a.ini:9: [server] pin: expected auto, yes or no, found \"maybe\"\n"
          "a.ini:12: [route r] match: expected METHOD /path, GET,POST /path or "
          "* /path, found \"GET users\"\n"
          "a.ini:14: [route r] host: expected host names such as example.com "
          "or *.example.com, without port, found \"example.com:80\"\n"
          "a.ini:15: [route r] max_body: expected inherit or a size such as "
          "4096, 64k or 1MiB, at most 1024g, found \"big\"\n"
          "a.ini:13: [route r] handler: there is no [plugin hh]; did you mean "
          "\"h\"?\n");
}
END_TEST

START_TEST(errors_of_several_files_name_them)
{
    struct bundle_file files[2] = {
        {.name = "etude.ini",
         .dir = "/x",
         .text = str_from_z("[server]\nworkers = x\n")},
        {.name = "conf.d/a.ini",
         .dir = "/x/conf.d",
         .text = str_from_z("\n[plugin a]\nuse = b\n")}};
    struct diag d;
    struct bundle *b;

    diag_init(&d);
    b = bundle_from_memory(files, 2, NULL, &d);
    ck_assert_ptr_null(conf_parse(b, &d));
    help_expect(&d, "etude.ini:2: [server] workers: expected auto or a whole "
                    "number, from 1 to 1024, found \"x\"\n"
                    "conf.d/a.ini:3: [plugin a] use: there is no [plugin b]; "
                    "did you mean \"a\"?\n");
    bundle_free(b);
    diag_fini(&d);
}
END_TEST

START_TEST(secrets_are_not_printed)
{
    struct diag d;

    help_enter();
    fixture_file("key", "hunter2\n");
    fixture_file("a.ini", "[server]\nworkers = ${file:key}\n"
                          "[plugin h]\n[route r]\nmatch = ${file:key}\n"
                          "handler = h\n");
    diag_init(&d);
    {
        struct bundle *b = bundle_from_files("a.ini", NULL, &d);

        ck_assert_ptr_null(conf_parse(b, &d));
        bundle_free(b);
    }
    ck_assert_uint_eq(d.n_errors, 2);
    ck_assert_ptr_null(strstr(help_messages(&d), "hunter2"));
    ck_assert_ptr_nonnull(strstr(help_messages(&d), "(secret)"));
    diag_fini(&d);
    help_leave();
}
END_TEST

START_TEST(the_runtime_folder_of_systemd_is_taken)
{
    char *const env[] = {"RUNTIME_DIRECTORY=/run/etude:/run/more", NULL};
    struct conf *c = parses("", env);

    ck_assert_str_eq(c->server.runtime_dir.p, "/run/etude");
    conf_free(c);
    c = parses("[server]\nruntime_dir = here\n", env);
    ck_assert_str_eq(c->server.runtime_dir.p, "/etc/x/here");
    conf_free(c);
}
END_TEST

START_TEST(a_running_process_cannot_change_some_keys)
{
    struct conf *a = parses("[server]\nworkers = 2\nlisten = :1\n"
                            "slab_capacity = 512\n",
                            NULL);
    struct conf *b = parses("[server]\nmax_body = 3m\nlisten = :2\n"
                            "event = epoll\nworkers = 4\n",
                            NULL);
    struct diag d;

    diag_init(&d);
    ck_assert_uint_eq(conf_needs_restart(a, a, 0, &d), 0);
    ck_assert_uint_eq(conf_needs_restart(a, b, 0, &d), 3);
    help_expect(&d, "a.ini:5: [server] workers: changed: needs a restart\n"
                    "a.ini:4: [server] event: changed: needs a restart\n"
                    "a.ini:4: [server] slab_capacity: changed: needs a "
                    "restart\n");
    diag_fini(&d);
    conf_free(a);
    conf_free(b);
}
END_TEST

START_TEST(without_c_the_file_is_searched)
{
    char *const named[] = {"ETUDE_CONF=/x/y.ini", NULL};
    char *const empty[] = {"ETUDE_CONF=", NULL};
    const char *tree = directive_tree();
    char path[512], expected[512];

    ck_assert_int_eq(conf_search(named, path, sizeof(path)), 0);
    ck_assert_str_eq(path, "/x/y.ini");
    ck_assert_int_lt(conf_search(named, path, 8), 0);
    if (tree)
        snprintf(expected, sizeof(expected), "%s/conf/etude.ini", tree);
    else
        snprintf(expected, sizeof(expected), "%s",
                 ETUDE_SYSCONFDIR "/etude.ini");
    ck_assert_int_eq(conf_search(empty, path, sizeof(path)), 0);
    ck_assert_str_eq(path, expected);
}
END_TEST

START_TEST(nothing_points_into_the_bundle)
{
    static const char text[] = "[server]\nlog = ${L}\n[plugin h]\nk = v\n"
                               "[route r]\nmatch = GET /\nhandler = h\n";
    char *const env[] = {"L=/x/log", NULL};
    struct conf *c = parses(text, env); /* help_conf has freed the bundle */

    ck_assert_str_eq(c->server.log.p, "/x/log");
    ck_assert_str_eq(c->plugins[0].options.v[0].value.p, "v");
    ck_assert_str_eq(c->plugins[0].at.file, "a.ini");
    conf_free(c);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWNS_MALLOC 0 /* a sanitizer does */
#elif defined(__has_feature)
#define OWNS_MALLOC                                                            \
    (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define OWNS_MALLOC 1
#endif

#if OWNS_MALLOC
/* The allocation with this number fails; below 0: none does. */
static int fail_at = -1, n_allocations;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);

static int
fails_now(void)
{
    return fail_at >= 0 && n_allocations++ == fail_at;
}

void *
malloc(size_t n)
{
    return fails_now() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(n, size);
}

/* A configuration that needs more than one block of everything. */
static void
write_large(void)
{
    static char text[1u << 16];
    size_t i, n;

    n = (size_t)snprintf(text, sizeof(text),
                         "[server]\ninclude = b.ini\n"
                         "listen = ${A:-:80}\n"
                         "[plugin h]\n");
    for (i = 0; i < 600; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "[route r%zu]\nmatch = GET /%zu\nhost = a.b\n"
                              "handler = h\nh.k = v\n",
                              i, i);
    fixture_file("a.ini", text);
    fixture_file("b.ini", "[scope s]\nmatch = /*\n");
}

START_TEST(memory_that_is_short_at_any_point_is_an_error)
{
    char *const env[] = {"ETUDE_WORKERS=1", NULL};
    int is_done = 0, i;

    help_enter();
    write_large();
    for (i = 0; !is_done; i++) {
        struct bundle *b;
        struct conf *c;
        struct diag d;

        diag_init(&d);
        n_allocations = 0;
        fail_at = i;
        b = bundle_from_files("a.ini", env, &d);
        c = b ? conf_parse(b, &d) : NULL;
        fail_at = -1;
        is_done = n_allocations <= i;
        ck_assert_int_eq(c == NULL, d.n_errors > 0);
        ck_assert(!is_done || c != NULL);
        conf_free(c);
        bundle_free(b);
        diag_fini(&d);
    }
    ck_assert_int_gt(i, 10);
    help_leave();
}
END_TEST
#else
START_TEST(memory_that_is_short_at_any_point_is_an_error)
{
}
END_TEST
#endif

UNIT_MAIN(conf, the_example_of_the_design_parses,
          an_empty_configuration_has_the_defaults, values_have_their_place,
          listeners_of_all_kinds, listeners_that_cannot_be, modules_and_mounts,
          routes_inherit_limits_unless_they_set_them, all_errors_are_reported,
          errors_of_several_files_name_them, secrets_are_not_printed,
          the_runtime_folder_of_systemd_is_taken,
          a_running_process_cannot_change_some_keys,
          without_c_the_file_is_searched, nothing_points_into_the_bundle,
          memory_that_is_short_at_any_point_is_an_error)
