/* SPDX-License-Identifier: BSD-2-Clause */
/* static.c - the plugin static in a server: bytes of every size on the wire,
 * paths that no client library sends, files that change while they are sent,
 * clients that take their time.
 * tags: epoll asan tsan */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/curler.h"
#include "t/lib/server.h"
#include "t/lib/slowfs.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define LARGE ((size_t)5 << 20)

static struct server s;
static char *bytes; /* LARGE of them */

/* ---- the server ----------------------------------------------------------*/

static const char *
at(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/www/%s", s.dir, name);
    return path;
}

static void
put(const char *name, const char *p, size_t n)
{
    const int fd =
        open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
    close(fd);
}

static void
start_with(const char *options)
{
    char ini[1024];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "[plugin static]\nroot = www\n%s\n"
             "[route site]\nmatch = GET /*path\nhandler = static\n"
             "[route other]\nmatch = * /any/*path\nhandler = static\n",
             options);
    server_prepare(&s, ini);
    ck_assert_int_eq(mkdir(at(""), 0755), 0);
    bytes = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)('a' + i % 23 + i / 1000003 % 3);
    put("index.html", "home", 4);
    put("large", bytes, LARGE);
    server_serve(&s);
}

static void
start(void)
{
    start_with("");
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    free(bytes);
}

/* ---- clients -------------------------------------------------------------*/

static struct answer
ask(struct client *c, const char *path, const char *fields)
{
    client_printf(c, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, fields);
    return client_answer(c, 0);
}

static void
check(struct client *c, const char *path, size_t n)
{
    struct answer a = ask(c, path, "");

    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    ck_assert_int_eq(memcmp(a.body, bytes, n), 0);
    answer_free(&a);
}

/* One that takes little at a time: its kernel keeps n bytes for it. */
static struct client
slow_client(const char *path, int n)
{
    struct client c = client_open(&s);

    ck_assert_int_eq(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof n), 0);
    client_printf(&c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    client_gather(&c, 1);
    return c;
}

/* Others are served: many answers, one after the other. */
static void
ask_often(struct client *c)
{
    for (int i = 0; i < 1000; i++)
        client_expect(c, GET("/"), 200, "home");
}

/* ---- tests ---------------------------------------------------------------*/

START_TEST(every_size_comes_whole)
{
    static const size_t sizes[] = {0,     1,      2047,   2048,   2049,
                                   8000,  16383,  16384,  16385,  65536,
                                   65537, 300000, 524288, 524289, 1500000};
    struct client c;

    start();
    c = client_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "/f%zu", sizes[i]);
        put(path + 1, bytes, sizes[i]);
        check(&c, path, sizes[i]);
        check(&c, path, sizes[i]); /* from the cache */
    }
    check(&c, "/large", LARGE);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    struct client c;

    start();
    put("small", bytes, 100);
    c = client_open(&s);
    client_puts(&c, GET("/small") GET("/large") GET("/small") GET("/nothing")
                        GET("/large"));
    for (int i = 0; i < 5; i++) {
        struct answer a = client_answer(&c, 0);
        const size_t n = i % 2 ? LARGE : 100;
        if (i == 3) {
            ck_assert_int_eq(a.status, 404);
            answer_free(&a);
            continue;
        }
        ck_assert_uint_eq(a.n, i == 4 ? LARGE : n);
        ck_assert_int_eq(memcmp(a.body, bytes, a.n), 0);
        answer_free(&a);
    }
    client_close(&c);
    stop();
}
END_TEST

START_TEST(head_and_other_methods)
{
    struct client c;
    struct answer a;

    start();
    c = client_open(&s);
    client_puts(&c, "HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "5242880");
    answer_free(&a);
    client_puts(&c, "DELETE /large HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(answer_field(&a, "Allow", 0), "GET, HEAD, OPTIONS");
    answer_free(&a);
    client_puts(&c, "PUT /any/large HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 2\r\n\r\nab");
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(answer_field(&a, "Allow", 0), "GET, HEAD, OPTIONS");
    answer_free(&a);
    check(&c, "/any/large", LARGE);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(no_path_leads_out)
{
    static const char *const bad[] = {"/../etude.ini",
                                      "/%2e%2e/etude.ini",
                                      "/.%2e/etude.ini",
                                      "/a/../../etude.ini",
                                      "/..%2fetude.ini",
                                      "/..%252fetude.ini",
                                      "/..%5cetude.ini",
                                      "/%c0%ae%c0%ae/etude.ini",
                                      "/%e0%80%ae%e0%80%ae/x",
                                      "//etude.ini",
                                      "/out",
                                      "/outside/etude.ini",
                                      "/.git/config",
                                      "/index.html%00.png",
                                      "/index.html%0d%0aX:y",
                                      "/index.html/",
                                      "/index.html/../../etude.ini",
                                      "/./../etude.ini",
                                      "http://x/../etude.ini",
                                      "/%2E%2E%2Fetude.ini",
                                      "/....//etude.ini",
                                      "/..;/etude.ini"};
    struct client c;

    start();
    ck_assert_int_eq(symlink("../etude.ini", at("out")), 0);
    ck_assert_int_eq(symlink("..", at("outside")), 0);
    ck_assert_int_eq(mkdir(at(".git"), 0755), 0);
    put(".git/config", "secret", 6);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct answer a;
        c = client_open(&s);
        a = ask(&c, bad[i], "");
        ck_assert_msg(a.status == 404 || a.status == 400, "%s: %d", bad[i],
                      a.status);
        ck_assert_ptr_null(strstr(a.body, "[plugin"));
        ck_assert_ptr_null(strstr(a.body, "secret"));
        answer_free(&a);
        client_close(&c);
    }
    c = client_open(&s); /* what leads back in is that file */
    check(&c, "/sub/../large", LARGE);
    check(&c, "/sub/%2e%2E/large", LARGE);
    check(&c, "/./%2e/large", LARGE);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(parts_of_a_large_file)
{
    struct client c;
    struct answer a;

    start();
    c = client_open(&s);
    a = ask(&c, "/large", "Range: bytes=1000000-3999999\r\n");
    ck_assert_int_eq(a.status, 206);
    ck_assert_uint_eq(a.n, 3000000);
    ck_assert_int_eq(memcmp(a.body, bytes + 1000000, a.n), 0);
    ck_assert_str_eq(answer_field(&a, "Content-Range", 0),
                     "bytes 1000000-3999999/5242880");
    answer_free(&a);
    a = ask(&c, "/large", "Range: bytes=3000000-3999999,0-99999,-5\r\n");
    ck_assert_int_eq(a.status, 206);
    ck_assert_ptr_nonnull(memmem(a.body, a.n, bytes + 3000000, 1000000));
    ck_assert_ptr_nonnull(memmem(a.body, a.n, bytes, 100000));
    ck_assert_ptr_nonnull(
        strstr(a.body, "Content-Range: bytes 5242875-5242879/5242880"));
    answer_free(&a);
    a = ask(&c, "/large", "Range: bytes=5242880-\r\n");
    ck_assert_int_eq(a.status, 416);
    ck_assert_str_eq(answer_field(&a, "Content-Range", 0), "bytes */5242880");
    answer_free(&a);
    client_close(&c);
    stop();
}
END_TEST

/* Thousands of ranges, fields that are too many: all of the file, or 431. */
START_TEST(abusive_ranges_cost_nothing)
{
    struct client c;
    char fields[8192] = "Range: bytes=";
    struct answer a;

    start();
    for (int i = 0; i < 1000; i++)
        sprintf(fields + strlen(fields), "%d-,", i);
    strcat(fields, "0-\r\n");
    c = client_open(&s);
    a = ask(&c, "/large", fields);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, LARGE);
    answer_free(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(a_file_that_is_cut_short_ends_the_connection)
{
    struct client c, other;
    size_t n;

    start();
    c = slow_client("/large", 65536);
    ck_assert_int_eq(truncate(at("large"), 1000), 0);
    n = client_read_all(&c);
    ck_assert_uint_lt(n, LARGE);
    client_close(&c);
    other = client_open(&s);
    client_expect(&other, GET("/"), 200, "home");
    client_close(&other);
    stop();
}
END_TEST

START_TEST(a_file_that_is_replaced_goes_on_as_it_was)
{
    struct client c;
    struct answer a;
    char old[512];

    start_with("revalidate = 0\n");
    c = slow_client("/large", 65536);
    put("new", "new", 3);
    snprintf(old, sizeof old, "%s", at("new"));
    ck_assert_int_eq(rename(old, at("large")), 0);
    client_once(&s, GET("/large"), 200, "new");
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, LARGE);
    ck_assert_int_eq(memcmp(a.body, bytes, LARGE), 0);
    answer_free(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(a_reload_while_it_is_sent)
{
    struct client c;
    struct answer a;
    char ini[512];

    start();
    c = slow_client("/large", 65536);
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "[plugin static]\nroot = www/sub\n"
             "[route site]\nmatch = GET /*path\nhandler = static\n");
    ck_assert_int_eq(mkdir(at("sub"), 0755), 0);
    put("sub/index.html", "sub", 3);
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/"), 200, "sub");
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, LARGE);
    ck_assert_int_eq(memcmp(a.body, bytes, LARGE), 0);
    answer_free(&a);
    client_expect(&c, GET("/large"), 404, NULL);
    client_close(&c);
    stop();
}
END_TEST

/* ---- the page of the demo site -------------------------------------------*/

struct page {
    char p[16384];
    size_t n;
};

static size_t
on_page(char *p, size_t size, size_t n, void *arg)
{
    struct page *page = arg;

    ck_assert_uint_lt(page->n + size * n, sizeof page->p);
    memcpy(page->p + page->n, p, size * n);
    page->n += size * n;
    return size * n;
}

static size_t
on_field(char *p, size_t size, size_t n, void *arg)
{
    static const char name[] = "Content-Encoding: ";
    char *coding = arg;

    if (size * n > sizeof name && !strncasecmp(p, name, sizeof name - 1))
        sscanf(p + sizeof name - 1, "%15s", coding);
    return size * n;
}

/* What it is, decoded, for who takes that coding; how it was sent. */
static struct page
page_by(const char *coding, char sent[16])
{
    struct page page = {.n = 0};
    CURL *c = curler_new();

    sent[0] = '\0';
    curler_target(c, s.port, "/");
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, coding);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_page);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &page);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_field);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, sent);
    ck_assert_int_eq(curl_easy_perform(c), CURLE_OK);
    curl_easy_cleanup(c);
    return page;
}

START_TEST(the_demo_site_is_the_same_compressed)
{
    static const char *const codings[] = {"gzip", "br", "zstd"};
    static const int known[] = {CURL_VERSION_LIBZ, CURL_VERSION_BROTLI,
                                CURL_VERSION_ZSTD};
    const int features = curl_version_info(CURLVERSION_NOW)->features;
    const char *source = getenv("T_SOURCE");
    struct page plain, page;
    char ini[512], sent[16];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "[plugin static]\nroot = %s/conf/www\nprecompressed = yes\n"
             "[route home]\nmatch = GET /\nhandler = static\n",
             source ? source : ".");
    server_start(&s, ini);
    plain = page_by(NULL, sent);
    ck_assert_str_eq(sent, "");
    ck_assert_ptr_nonnull(memmem(plain.p, plain.n, "<h1>Etude</h1>", 14));
    for (int i = 0; i < 3; i++) {
        if (!(features & known[i]))
            continue;
        page = page_by(codings[i], sent);
        ck_assert_str_eq(sent, codings[i]);
        ck_assert_uint_eq(page.n, plain.n);
        ck_assert_int_eq(memcmp(page.p, plain.p, plain.n), 0);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- many slow clients ---------------------------------------------------*/

#define SLOW 100
#define BLOCK_KIB 32 /* that write_buffer comes to */
#define HUGE ((off_t)1 << 30)

/* KiB that the process which serves has written to: whether what it maps of
 * files is its own is a matter of who else has mapped it. */
static long
private_kib(void)
{
    char path[64], line[256];
    long sum = 0, n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)server_pid(&s));
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "Private_Dirty: %ld", &n) == 1)
            sum += n;
    fclose(f);
    return sum;
}

/* KiB that a client may have on its way.  In the clear the kernel sends the
 * file; HTTP/2 puts pieces of it into the output block, and TLS makes records
 * of what goes. */
static long
on_its_way_kib(void)
{
    const struct transport *t = transport_here();

    return BLOCK_KIB * (t->is_h2 + t->is_tls);
}

/* Others are served while none of them takes anything. */
START_TEST(many_slow_clients_cost_next_to_nothing)
{
    struct client slow[SLOW], c;
    long before, after;
    static char taken[65536];

    start();
    ck_assert_int_eq(truncate(at("large"), HUGE), 0);
    c = client_open(&s);
    ask_often(&c);
    for (int i = 0; i < SLOW; i++)
        slow[i] = slow_client("/large", 4096);
    before = private_kib();
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < SLOW; i++)
            ck_assert_int_gt(recv(slow[i].fd, taken, sizeof taken, 0), 0);
    ask_often(&c);
    after = private_kib();
    printf("%ld, %ld KiB\n", before, after);
    before += SLOW * on_its_way_kib();
    if (!server_is_sanitized()) /* which keep what was freed for long */
        ck_assert_int_le(after, before + before / 20 + 64);
    for (int i = 0; i < SLOW; i++)
        client_close(&slow[i]);
    client_close(&c);
    stop();
}
END_TEST

/* ---- a file system that takes its time -----------------------------------*/

static struct slowfs fs;

/* Files of it, beside a folder of the disk. */
static int
start_slow_with(const char *options)
{
    char more[256];

    if (!slowfs_mount(&fs, 0))
        return 0;
    snprintf(more, sizeof more,
             "[plugin slow]\nmodule = static\nroot = %s\nlist = yes\n%s"
             "[route slow]\nmatch = GET /slow/*path\nhandler = slow\n",
             fs.dir, options);
    start_with(more);
    return 1;
}

static int
start_slow(void)
{
    return start_slow_with("");
}

/* Somebody waits for it all the time: c does not. */
static void
is_served_beside(struct client *c, const _Atomic int *n_waiting)
{
    for (int i = 0; i < 5000 && *n_waiting == 0; i++)
        usleep(1000);
    ck_assert_int_gt(*n_waiting, 0);
    ask_often(c);
    ck_assert_int_gt(*n_waiting, 0);
}

/* Opened, then read. */
static void
others_are_served_while(const char *path, size_t n)
{
    struct client slow, other;
    struct answer a;

    if (!start_slow())
        return;
    fs.is_shut = fs.is_held = 1;
    other = client_open(&s);
    slow = client_open(&s);
    client_printf(&slow, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    is_served_beside(&other, &fs.n_opening);
    fs.is_shut = 0;
    is_served_beside(&other, &fs.n_reading);
    fs.is_held = 0;
    a = client_answer(&slow, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(a.body[i], 'a' + (int)(i % 23));
    answer_free(&a);
    client_close(&slow);
    client_close(&other);
    stop();
    slowfs_unmount(&fs);
}

START_TEST(others_are_served_while_a_small_file_is_opened)
{
    others_are_served_while("/slow/small", 100);
}
END_TEST

START_TEST(others_are_served_while_a_large_file_is_opened)
{
    others_are_served_while("/slow/large", SLOWFS_LARGE);
}
END_TEST

/* A server of files that is in trouble says so: that is not a file that is not
 * there. */
START_TEST(what_cannot_be_opened_is_no_404)
{
    static const int why[] = {ESTALE, ETIMEDOUT, EIO, EDQUOT};

    if (!start_slow())
        return;
    for (size_t i = 0; i < sizeof why / sizeof why[0]; i++) {
        fs.refuses = why[i];
        client_once(&s, GET("/slow/small"), 500, NULL);
        (void)server_wait_log(&s, strerror(why[i]));
    }
    fs.refuses = ENXIO; /* as a socket does */
    client_once(&s, GET("/slow/small"), 404, NULL);
    fs.refuses = 0;
    client_once(&s, GET("/slow/small"), 200, NULL);
    stop();
    slowfs_unmount(&fs);
}
END_TEST

START_TEST(clients_that_go_meanwhile_leave_nothing)
{
    int before;

    if (!start_slow())
        return;
    client_once(&s, GET("/slow/small"), 200, NULL);
    client_once(&s, GET("/slow/nothing"), 404, NULL);
    client_once(&s, GET("/slow/"), 200, NULL);
    before = server_count_fds(server_pid(&s));
    fs.ms = 100;
    for (int i = 0; i < 20; i++) {
        struct client c = client_open(&s);
        client_puts(&c, i % 2 ? GET("/slow/large") : GET("/slow/"));
        client_once(&s, GET("/"), 200, "home"); /* ours is under way */
        client_close(&c);
    }
    fs.ms = 0;
    client_once(&s, GET("/slow/large"), 200, NULL);
    for (int i = 0; i < 500; i++) {
        if (server_count_fds(server_pid(&s)) <= before + 1)
            break;
        usleep(10000);
    }
    ck_assert_int_le(server_count_fds(server_pid(&s)), before + 1);
    stop();
    slowfs_unmount(&fs);
}
END_TEST

/* It is opened, and nothing of it sent: the pool, which closes what it has
 * read, has nothing to do with it. */
static void
head(struct client *c, const char *path)
{
    struct answer a;

    client_printf(c, "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    a = client_answer(c, 1);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
}

static void
wait_closing(int n)
{
    for (int i = 0; i < 5000 && fs.n_closing != n; i++)
        usleep(1000);
    ck_assert_int_eq(fs.n_closing, n);
}

/* Somebody waits for a file to be closed: no client does. */
static void
nobody_waits_for_a_close(struct client *c)
{
    wait_closing(1);
    for (int i = 0; i < 100; i++)
        client_expect(c, GET("/"), 200, "home");
    ck_assert_int_eq(fs.n_closing, 1);
}

static void
stop_keeping(struct client *c)
{
    fs.keeps = 0;
    client_close(c);
    stop();
    wait_closing(0);
    slowfs_unmount(&fs);
}

START_TEST(others_are_served_while_one_is_closed)
{
    struct client c;

    if (!start_slow_with("cache_file = 0\ncache_files = 1\n"))
        return;
    c = client_open(&s);
    head(&c, "/slow/small");
    fs.keeps = 1;
    head(&c, "/slow/large"); /* instead of the small one */
    nobody_waits_for_a_close(&c);
    stop_keeping(&c);
}
END_TEST

START_TEST(others_are_served_while_what_was_not_kept_is_closed)
{
    struct client c;

    if (!start_slow_with("cache_file = 0\ncache_files = 0\n"))
        return;
    fs.keeps = 1;
    c = client_open(&s);
    for (int i = 0; i < 10; i++)
        head(&c, "/slow/small");
    nobody_waits_for_a_close(&c);
    stop_keeping(&c);
}
END_TEST

START_TEST(a_reload_does_not_wait_for_files_to_be_closed)
{
    struct client c;

    if (!start_slow_with("cache_file = 0\n"))
        return;
    c = client_open(&s);
    head(&c, "/slow/small");
    head(&c, "/slow/large");
    fs.keeps = 1;
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin static]\nroot = www\n"
                     "[route site]\nmatch = GET /*path\nhandler = static\n");
    ck_assert_int_eq(server_reload(&s), 1);
    nobody_waits_for_a_close(&c);
    stop_keeping(&c);
}
END_TEST

/* The space that a file has without a name comes back. */
START_TEST(what_has_been_replaced_is_closed)
{
    struct client c;
    char from[512];
    int before;

    start_with("revalidate = 0\ncache_file = 0\n");
    c = client_open(&s);
    check(&c, "/large", LARGE);
    before = server_count_fds(server_pid(&s));
    for (int i = 0; i < 20; i++) {
        put("new", bytes, LARGE - (size_t)i);
        snprintf(from, sizeof from, "%s", at("new"));
        ck_assert_int_eq(rename(from, at("large")), 0);
        check(&c, "/large", LARGE - (size_t)i);
    }
    for (int i = 0; i < 500; i++) {
        if (server_count_fds(server_pid(&s)) <= before)
            break;
        usleep(10000);
    }
    ck_assert_int_le(server_count_fds(server_pid(&s)), before);
    client_close(&c);
    stop();
}
END_TEST

UNIT_MAIN(static, others_are_served_while_a_small_file_is_opened,
          others_are_served_while_a_large_file_is_opened,
          what_cannot_be_opened_is_no_404,
          clients_that_go_meanwhile_leave_nothing,
          others_are_served_while_one_is_closed,
          others_are_served_while_what_was_not_kept_is_closed,
          a_reload_does_not_wait_for_files_to_be_closed,
          what_has_been_replaced_is_closed, every_size_comes_whole,
          pipelined_requests_are_answered_in_order, head_and_other_methods,
          no_path_leads_out, parts_of_a_large_file, abusive_ranges_cost_nothing,
          the_demo_site_is_the_same_compressed,
          a_file_that_is_cut_short_ends_the_connection,
          a_file_that_is_replaced_goes_on_as_it_was, a_reload_while_it_is_sent,
          many_slow_clients_cost_next_to_nothing)
