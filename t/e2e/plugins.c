/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins.c - every shipped plugin through the real server; plugins dropped in,
 * replaced and refused while it serves.
 * tags: epoll asan */
#include <elf.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* The value of a field of the answer to request, which must have status. */
static const char *
field_of(struct client *c, const char *request, int status, const char *name)
{
    static char value[512];
    struct answer a;
    const char *found;

    client_puts(c, request);
    a = client_answer(c, strncmp(request, "HEAD", 4) == 0);
    ck_assert_int_eq(a.status, status);
    found = answer_field(&a, name, 0);
    if (found)
        snprintf(value, sizeof value, "%s", found);
    answer_free(&a);
    return found ? value : NULL;
}

/* ---- the shipped ones -----------------------------------------------------*/

START_TEST(echo_sends_back_the_body_or_the_request)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* a request has another form */
        return;
    server_start(&s, SERVER "[plugin echo]\n"
                            "[route body]\nmatch = * /body\nhandler = echo\n"
                            "[route show]\nmatch = * /show/*rest\n"
                            "handler = echo\necho.show = request\n");
    c = client_open(&s);
    client_expect(&c,
                  "POST /body HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 5\r\n\r\nhello",
                  200, "hello");
    client_expect(&c,
                  "PURGE /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                  200, "abcde");
    client_expect(&c, GET("/body"), 200, "");
    client_expect(&c,
                  "GET /show/a%20b?c HTTP/1.1\r\nHost: x\r\nX-A:  b \r\n"
                  "\r\n",
                  200, "GET /show/a%20b?c HTTP/1.1\nHost: x\nX-A: b\n");
    ck_assert_str_eq(
        field_of(&c,
                 "POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\n"
                 "Content-Length: 1\r\n\r\nx",
                 200, "content-type"),
        "a/b");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(respond_gives_the_answer_of_the_ini)
{
    struct server s;
    struct client c;
    struct answer a;

    server_start(&s, SERVER
                 "[plugin gone]\nmodule = respond\nstatus = 410\n"
                 "type = text/html\nheader = X-One: 1\nheader = X-Two: 2\n"
                 "body = \"<p>gone; for ever\"\n"
                 "[route gone]\nmatch = GET /gone\nhandler = gone\n"
                 "[plugin none]\nmodule = respond\nstatus = 204\n"
                 "[route none]\nmatch = GET /none\nhandler = none\n");
    c = client_open(&s);
    client_puts(&c, GET("/gone"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 410);
    ck_assert_str_eq(a.body, "<p>gone; for ever");
    ck_assert_str_eq(answer_field(&a, "content-type", 0), "text/html");
    ck_assert_str_eq(answer_field(&a, "x-one", 0), "1");
    ck_assert_str_eq(answer_field(&a, "x-two", 0), "2");
    answer_free(&a);
    ck_assert_str_eq(field_of(&c, "HEAD /gone HTTP/1.1\r\nHost: x\r\n\r\n", 410,
                              "content-length"),
                     "17");
    client_puts(&c, GET("/none"));
    a = client_answer(&c, 1);
    ck_assert_int_eq(a.status, 204);
    ck_assert_ptr_null(answer_field(&a, "content-length", 0));
    answer_free(&a);
    client_expect(&c, GET("/gone"), 410, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(request_id_is_taken_or_made)
{
    struct server s;
    struct client c;
    char first[512];

    server_start(&s, SERVER "use = request-id\n[plugin request-id]\n"
                            "[plugin hello]\n");
    c = client_open(&s);
    snprintf(first, sizeof first, "%s",
             field_of(&c, GET("/hello/a"), 200, "x-request-id"));
    ck_assert_uint_eq(strlen(first), 32);
    ck_assert_str_ne(first, field_of(&c, GET("/no"), 404, "x-request-id"));
    ck_assert_str_eq(field_of(&c,
                              "GET /hello/a HTTP/1.1\r\nHost: x\r\n"
                              "X-Request-Id: mine-1\r\n\r\n",
                              200, "x-request-id"),
                     "mine-1");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(headers_are_set_added_and_removed)
{
    struct server s;
    struct client c;
    struct answer a;

    server_start(&s, SERVER "use = headers\n[plugin headers]\nset = X-Set: 1\n"
                            "add = Vary: Accept\nremove = X-Old\n"
                            "[plugin r]\nmodule = respond\nheader = X-Old: 1\n"
                            "header = X-Set: 0\nheader = Vary: Origin\n"
                            "[route r]\nmatch = GET /r\nhandler = r\n");
    c = client_open(&s);
    client_puts(&c, GET("/r"));
    a = client_answer(&c, 0);
    ck_assert_str_eq(answer_field(&a, "x-set", 0), "1");
    ck_assert_ptr_null(answer_field(&a, "x-set", 1));
    ck_assert_ptr_null(answer_field(&a, "x-old", 0));
    ck_assert_str_eq(answer_field(&a, "vary", 0), "Origin");
    ck_assert_str_eq(answer_field(&a, "vary", 1), "Accept");
    answer_free(&a);
    ck_assert_str_eq(field_of(&c, GET("/no"), 404, "x-set"), "1");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(limit_body_refuses_unread)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER
                 "[plugin echo]\n[plugin limit-body]\nmax = 10\n"
                 "[route e]\nmatch = * /e\nuse = limit-body\nhandler = echo\n"
                 "[route f]\nmatch = * /f\nuse = limit-body\nhandler = echo\n"
                 "limit-body.max = 20\nlimit-body.chunked = allow\n");
    c = client_open(&s);
    client_expect(&c,
                  "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
                  "\r\n0123456789",
                  200, "0123456789");
    client_expect(&c,
                  "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n"
                  "\r\n01234567890",
                  413, NULL);
    client_expect(&c,
                  "POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\n",
                  411, NULL);
    client_expect(&c,
                  "POST /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                  200, "a");
    client_expect(&c,
                  "POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n"
                  "\r\n01234567890",
                  200, "01234567890");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- the access log -------------------------------------------------------*/

/* Wait until dir/name has text; the whole file, in a static buffer. */
static const char *
wait_file(struct server *s, const char *name, const char *text)
{
    static char all[65536];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    for (int i = 0; i < 2000; i++) {
        FILE *f = fopen(path, "re");
        size_t n = f ? fread(all, 1, sizeof all - 1, f) : 0;
        all[n] = '\0';
        if (f)
            fclose(f);
        if (strstr(all, text))
            return all;
        usleep(5000);
    }
    ck_abort_msg("%s never had \"%s\", but: %s", name, text, all);
    return NULL;
}

START_TEST(access_log_writes_files_that_can_be_rotated)
{
    struct server s;
    char from[128], to[128];
    const char *text;

    if (transport_here()->is_h2) /* bad heads of HTTP/1 are logged */
        return;
    server_start(&s, SERVER
                 "use = common, json\n[plugin hello]\n"
                 "[plugin common]\nmodule = access-log\npath = $DIR/common\n"
                 "[plugin json]\nmodule = access-log\nformat = json\n"
                 "path = $DIR/json\n");
    client_once(&s, GET("/hello/first"), 200, NULL);
    client_once(&s, "GET /no\\\"?\x7f HTTP/1.1\r\nHost: x\r\n\r\n", 400, NULL);
    client_once(&s,
                "GET /no%22 HTTP/1.1\r\nHost: x\r\n"
                "User-Agent: a\"b\\c\r\n\r\n",
                404, NULL);
    text = wait_file(&s, "common", "/no%22");
    ck_assert_ptr_nonnull(strstr(text, "127.0.0.1 - - ["));
    ck_assert_ptr_nonnull(
        strstr(text, "\"GET /hello/first HTTP/1.1\" 200 14\n"));
    text = wait_file(&s, "json", "/no%22");
    ck_assert_ptr_nonnull(strstr(text, "\"status\":404"));
    ck_assert_ptr_nonnull(strstr(text, "a\\\"b\\\\c"));
    snprintf(from, sizeof from, "%s/common", s.dir);
    snprintf(to, sizeof to, "%s/common.1", s.dir);
    ck_assert_int_eq(rename(from, to), 0);
    client_once(&s, GET("/hello/still-old"), 200, NULL);
    wait_file(&s, "common.1", "still-old");
    server_signal(&s, SIGUSR1);
    server_wait_log(&s, "log files reopened, 0 failed");
    client_once(&s, GET("/hello/rotated"), 200, NULL);
    text = wait_file(&s, "common", "rotated");
    ck_assert_ptr_null(strstr(text, "still-old"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- images ---------------------------------------------------------------*/

/* Damages an image of n bytes; returns the new length. */
typedef size_t damage(char *p, size_t n);

static size_t
cut(char *p, size_t n)
{
    (void)p;
    return n / 2;
}

static size_t
empty(char *p, size_t n)
{
    (void)p;
    (void)n;
    return 0;
}

static size_t
text(char *p, size_t n)
{
    (void)n;
    strcpy(p, "#!/bin/sh\n");
    return strlen(p);
}

static size_t
for_another_machine(char *p, size_t n)
{
    ((Elf64_Ehdr *)(void *)p)->e_machine = EM_S390;
    return n;
}

static size_t
an_executable(char *p, size_t n)
{
    ((Elf64_Ehdr *)(void *)p)->e_type = ET_EXEC;
    return n;
}

static size_t
without_note(char *p, size_t n)
{
    for (size_t i = 0; i + 5 < n; i++) {
        if (memcmp(p + i, "Etude", 6) == 0)
            p[i] = 'X';
    }
    return n;
}

static size_t
whole(char *p, size_t n)
{
    (void)p;
    return n;
}

static const struct {
    const char *what;
    damage *damage;
    mode_t mode;
    const char *said;
} refused[] = {
    {"cut", cut, 0755, "truncated"},
    {"empty", empty, 0755, "is empty"},
    {"text", text, 0755, "not an ELF shared object"},
    {"machine", for_another_machine, 0755, "s390"},
    {"type", an_executable, 0755, "plugin "},
    {"note", without_note, 0755, "plugin "},
    {"writable", whole, 0777, "writable by everybody"},
};

START_TEST(images_that_are_not_right_are_refused)
{
    struct server s;
    char out[8192];
    const char *check[] = {"-t", NULL};

    server_start(&s, SERVER "[plugin hello]\n");
    server_write(&s, SERVER "[plugin hello]\n[plugin odd]\n");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        size_t n;
        char *image = module_read(&s, "hello", &n);
        n = refused[i].damage(image, n);
        module_write(&s, "odd", image, n, refused[i].mode);
        free(image);
        ck_assert_int_eq(server_run(&s, check, out, sizeof out), 78);
        ck_assert_msg(strstr(out, refused[i].said) && strstr(out, "odd.so") &&
                          strstr(out, "etude.ini:8: "),
                      "%s: %s", refused[i].what, out);
        ck_assert_msg(server_reload(&s) == 0, "%s", refused[i].what);
        client_once(&s, GET("/hello/a"), 200, "Hello, a!\n");
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- dropped in, enabled, replaced ----------------------------------------*/

static const char source[] =
    "#include <etude.h>\n"
    "ET_GET(\"/drop\", drop) { return et_text(r, 200, \"%s\", TEXT); }\n"
    "ET_POST(\"/drop\", late) { return et_text(r, 200, \"%s %u\", TEXT,"
    " (unsigned)et_body(r).n); }\n"
    "ET_PLUGIN(\"org.example.drop\", \"1.0.0\");\n";

/* Compile the plugin with nothing but the public header, move it in. */
static void
drop_in(struct server *s, const char *says)
{
    const char *cc = getenv("CC"), *tree = getenv("T_SOURCE");
    char command[4 * PATH_MAX];

    server_file(s, "drop.c", source);
    snprintf(command, sizeof command,
             "cd %s && %s -shared -fPIC -DTEXT='\"%s\"' -I %s/core/abi drop.c "
             "-o drop.so && chmod 755 drop.so && mv drop.so modules/drop.so",
             s->dir, cc && *cc ? cc : "cc", says, tree && *tree ? tree : ".");
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_plugin_is_dropped_in_enabled_and_replaced)
{
    struct server s;
    struct client c, half;
    char *image, here[PATH_MAX];
    size_t n;

    if (!getenv("T_SOURCE") && getcwd(here, sizeof here))
        setenv("T_SOURCE", here, 1);
    server_start(&s, SERVER "[plugin hello]\n");
    c = client_open(&s);
    half = client_open(&s);
    client_expect(&c, GET("/drop"), 404, NULL);
    drop_in(&s, "first");
    server_write(&s, SERVER "[plugin hello]\n[plugin drop]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/drop"), 200, "first");
    client_puts(&half, "POST /drop HTTP/1.1\r\nHost: x\r\nExpect: "
                       "100-continue\r\nContent-Length: 3\r\n\r\n");
    client_take(&half, 0, 100, NULL);
    /* A new build: old requests end in old code, new ones in new code. */
    drop_in(&s, "second");
    client_expect(&c, GET("/drop"), 200, "first");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/drop"), 200, "second");
    client_puts(&half, "abc");
    client_take(&half, 0, 200, "first 3");
    client_expect(&half, GET("/drop"), 200, "second");
    /* Half a file: what serves goes on. */
    image = module_read(&s, "drop", &n);
    module_write(&s, "drop", image, n / 2, 0755);
    ck_assert_int_eq(server_reload(&s), 0);
    client_expect(&c, GET("/drop"), 200, "second");
    /* Overwritten in place, which no dlopen-ed file would survive. */
    module_write(&s, "drop", image, n, 0755);
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/drop"), 200, "second");
    ck_assert_int_eq(truncate(module_path(&s, "drop"), 0), 0);
    client_expect(&c, GET("/drop"), 200, "second");
    free(image);
    /* And away with it. */
    ck_assert_int_eq(unlink(module_path(&s, "drop")), 0);
    ck_assert_int_eq(server_reload(&s), 0);
    server_write(&s, SERVER "[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/drop"), 404, NULL);
    client_expect(&half, GET("/hello/a"), 200, "Hello, a!\n");
    client_close(&c);
    client_close(&half);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(two_builds_of_one_id_are_refused)
{
    struct server s;
    char command[4 * PATH_MAX], out[4096];
    const char *check[] = {"-t", NULL};

    server_prepare(&s, SERVER "[plugin hello]\n[plugin other]\nmount = /o\n");
    snprintf(command, sizeof command,
             "cp %s/hello.so %s/other.so && printf x >>%s/other.so", s.modules,
             s.modules, s.modules);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 78);
    ck_assert_msg(strstr(out, "already provided by"), "%s", out);
    /* The same file under two names of sections is one build. */
    server_write(&s, SERVER "[plugin hello]\n"
                            "[plugin more]\nmodule = hello\nmount = /more\n");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 0);
    server_clean(&s);
}
END_TEST

/* Build t/fixtures/split with these flags only, as any author would. */
static void
build_split(const struct server *s, const char *flags)
{
    const char *cc = getenv("CC"), *tree = getenv("T_SOURCE");
    char command[4 * PATH_MAX];

    snprintf(command, sizeof command,
             "cd %s/t/fixtures/split && %s -shared -fPIC -I../../../core/abi "
             "%s a.c b.c -o %s/split.so",
             tree && *tree ? tree : ".", cc && *cc ? cc : "cc", flags,
             s->modules);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(functions_that_libc_has_too_are_warned_of)
{
    static const char *const cures[] = {"-fvisibility=hidden",
                                        "-Wl,-Bsymbolic"};
    const char *check[] = {"-t", NULL};
    char out[4096];
    struct server s;

    server_start(&s, SERVER "[plugin split]\n");
    client_once(&s, GET("/split"), 200, "4321");
    build_split(&s, "");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 0);
    ck_assert_msg(strstr(out, "warning: ") && strstr(out, "/split.so: exports "
                                                          "4 name(s) that "),
                  "%s", out);
    for (size_t i = 0; i < sizeof cures / sizeof cures[0]; i++) {
        build_split(&s, cures[i]);
        ck_assert_int_eq(server_run(&s, check, out, sizeof out), 0);
        ck_assert_msg(!strstr(out, "warning: "), "%s", out);
        ck_assert_int_eq(server_reload(&s), 1);
        client_once(&s, GET("/split"), 200, "4321");
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What the fixtures of other tests are, a server takes too. */
START_TEST(plugins_in_every_style_load)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER "[plugin full]\nother-key = 3\nlist = a\nlist = b\n"
                            "headers = A: b\n[plugin pair]\n[plugin raw]\n");
    c = client_open(&s);
    client_expect(&c, GET("/get/you"), 200, "you");
    client_expect(&c, GET("/also/a/b"), 200, NULL);
    client_expect(&c,
                  "POST /post?q=a%22 HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  "application/x-www-form-urlencoded\r\nContent-Length: 3"
                  "\r\n\r\nn=7",
                  200, "{\"n\":7,\"q\":\"a\\\"\"}");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(plugins, echo_sends_back_the_body_or_the_request,
          respond_gives_the_answer_of_the_ini, request_id_is_taken_or_made,
          headers_are_set_added_and_removed, limit_body_refuses_unread,
          access_log_writes_files_that_can_be_rotated,
          images_that_are_not_right_are_refused,
          a_plugin_is_dropped_in_enabled_and_replaced,
          two_builds_of_one_id_are_refused,
          functions_that_libc_has_too_are_warned_of,
          plugins_in_every_style_load)
