/* SPDX-License-Identifier: BSD-2-Clause */
/* upload.c - the plugin upload: bodies that become files, whole or not at all.
 * tags: epoll asan tsan */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/preload.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 110
#include "t/lib/unit.h"

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define ANSWER(name)                                                           \
    "{\"name\":\"" name "\",\"bytes\":5,\"sha256\":\"" HELLO "\"}\n"
#define PUT(path, fields) "PUT " path " HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define WAIT_MS 20000

static struct server s;
static char folder[] = "/tmp/etude-upload-XXXXXX";

/* ---- the server ----------------------------------------------------------*/

/* Without libcrypto it is not built. */
static int
has_plugin(void)
{
    return module_is_built("upload");
}

static const char *
ini(const char *server, const char *more)
{
    static char text[1024];

    snprintf(text, sizeof text,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmax_body = 1g\n"
             "%s\n[plugin upload]\nfolder = %s\n%s\n",
             server, folder, more);
    return text;
}

static void
start(const char *server, const char *more)
{
    server_start(&s, ini(server, more));
}

/* With a disk of that kind, in environment variables of preload/disk.c. */
static void
start_on(const char *name, const char *value, const char *server)
{
    server_prepare(&s, ini(server, ""));
    ck_assert_int_eq(setenv(name, value, 1), 0);
    preload_begin("disk");
    server_serve(&s);
    preload_end();
}

static void
make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
    char command[sizeof folder + 16];

    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* ---- the folder ----------------------------------------------------------*/

static int
count_files(void)
{
    DIR *dir = opendir(folder);
    int n = -2; /* . and .. */

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* How many descriptors the server has there: files that have no name, too. */
static int
count_open(void)
{
    char path[64], link[PATH_MAX], to[PATH_MAX];
    const struct dirent *e;
    DIR *dir;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)server_pid(&s));
    dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir))) {
        snprintf(link, sizeof link, "%s/%s", path, e->d_name);
        ssize_t len = readlink(link, to, sizeof to - 1);
        n += len > 0 && strncmp(to, folder, strlen(folder)) == 0;
    }
    closedir(dir);
    return n;
}

static void
wait_open(int is_open)
{
    for (int i = 0; i < WAIT_MS / 5; i++) {
        if ((count_open() > 0) == is_open)
            return;
        usleep(5000);
    }
    ck_abort_msg("%d are open there", count_open());
}

static void
holds(const char *name, const char *text)
{
    char path[PATH_MAX], got[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    fclose(f);
    ck_assert_str_eq(got, text);
}

/* ---- a client ------------------------------------------------------------*/

static struct client
begin(const char *path, size_t n)
{
    struct client c = client_open(&s);

    client_printf(&c,
                  "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                  path, n);
    return c;
}

/* One that has begun, of which some has come. */
static struct client
half(void)
{
    struct client c = begin("/upload/half", 5);

    client_puts(&c, "he");
    wait_open(1);
    return c;
}

START_TEST(it_is_stored_and_answered)
{
    struct client c;

    if (!has_plugin())
        return;
    start("", "max = 20");
    c = client_open(&s);
    client_puts(&c, PUT("/upload", "Content-Length: 5\r\n") "hello");
    client_take(&c, 0, 201, ANSWER(HELLO));
    client_puts(&c, PUT("/upload", "Transfer-Encoding: chunked\r\n"));
    client_drip(&c, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 20);
    client_take(&c, 0, 200, ANSWER(HELLO));
    client_puts(&c, PUT("/upload/a.txt", "Content-Length: 5\r\n"
                                         "Expect: 100-continue\r\n"));
    client_take(&c, 0, 100, NULL);
    client_puts(&c, "hello");
    client_take(&c, 0, 201, ANSWER("a.txt"));
    holds(HELLO, "hello");
    holds("a.txt", "hello");
    client_close(&c);
    client_once(&s, "GET /upload HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    wait_open(0);
    ck_assert_int_eq(count_files(), 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_refused_leaves_nothing)
{
    static const struct {
        const char *request;
        int status;
    } of[] = {
        {PUT("/upload/..%2fx", "Content-Length: 5\r\n") "hello", 400},
        {PUT("/upload/.x", "Content-Length: 5\r\n") "hello", 400},
        {PUT("/upload/../../x", "Content-Length: 5\r\n") "hello", 404},
        {PUT("/upload/x", "Content-Length: 21\r\n"), 413},
        {PUT("/upload/x", "Transfer-Encoding: chunked\r\n") "15\r\n"
                                                            "012345678901234567"
                                                            "890\r\n",
         413},
        {PUT("/upload/x", "Transfer-Encoding: chunked\r\n") "2\r\nheXX", 400},
        {PUT("/upload/x", "Content-Length: 5\r\n") "he", 408},
        {PUT("/upload/x",
             "Content-Length: 5\r\nRepr-Digest: sha-256=:\r\n") "hello",
         400},
        {PUT("/upload/x",
             "Content-Length: 5\r\nOrigin: http://evil.example\r\n") "hello",
         403},
        {PUT("/upload/x",
             "Content-Length: 5\r\nSec-Fetch-Site: same-site\r\n") "hello",
         403},
        {PUT("/upload/x",
             "Content-Length: 5\r\nRepr-Digest: "
             "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:\r\n") "hel"
                                                                           "lo",
         422},
    };

    if (transport_here()->is_h2) /* chunks */
        return;
    if (!has_plugin())
        return;
    start("body_timeout = 100ms", "max = 20");
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        client_once(&s, of[i].request, of[i].status, NULL);
    wait_open(0);
    ck_assert_int_eq(count_files(), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_goes_leaves_nothing)
{
    struct client c;

    if (!has_plugin())
        return;
    start("", "");
    for (int i = 0; i < 3; i++) {
        c = half();
        client_close(&c);
        wait_open(0);
        ck_assert_int_eq(count_files(), 0);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_leaves_nothing)
{
    struct client c;

    if (!has_plugin())
        return;
    start("drain_timeout = 200ms", "");
    c = half();
    server_signal(&s, SIGTERM);
    client_take(&c, 0, 503, NULL);
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
    ck_assert_int_eq(count_files(), 0);
}
END_TEST

/* What has a name while it is written is swept away by the next process. */
START_TEST(a_crash_leaves_nothing)
{
    char stale[PATH_MAX];
    struct client c;
    FILE *f;

    if (!has_plugin())
        return;
    start("supervise = yes", "");
    c = half();
    snprintf(stale, sizeof stale, "%s/.upload-0123456789abcdef", folder);
    f = fopen(stale, "we");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    server_wait_log(&s, " serves: ");
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, " serves: ");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(count_files(), 0);
    c = begin("/upload/a", 5);
    client_puts(&c, "hello");
    client_take(&c, 0, 201, ANSWER("a"));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_lets_it_come_to_its_end)
{
    struct client c;

    if (!has_plugin())
        return;
    start("", "");
    c = half();
    server_write(&s, ini("", "max = 3"));
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, PUT("/upload/x", "Content-Length: 5\r\n") "hello", 413,
                NULL);
    client_puts(&c, "llo");
    client_take(&c, 0, 201, ANSWER("half"));
    client_close(&c);
    holds("half", "hello");
    wait_open(0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- disks ---------------------------------------------------------------*/

/* A library without a sanitizer does not go in front of one. */
static int
can_preload(void)
{
    return has_plugin() && !server_is_sanitized();
}

START_TEST(a_full_disk_is_said_and_left_as_it_was)
{
    static char body[300000];
    struct client c;

    if (!can_preload())
        return;
    start_on("T_DISK_BYTES", "100000", "");
    c = begin("/upload", sizeof body);
    client_try_send(&c, body, sizeof body);
    client_take(&c, 0, 507, NULL);
    client_close(&c);
    server_wait_log(&s, "No space left on device");
    wait_open(0);
    ck_assert_int_eq(count_files(), 0);
    client_once(&s, PUT("/upload", "Content-Length: 5\r\n") "hello", 201,
                ANSWER(HELLO));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Of the process that serves, in KiB. */
static long
status_of(const char *key)
{
    char path[64], line[128];
    long kib = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server_pid(&s));
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (kib < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = atol(line + strlen(key));
    fclose(f);
    ck_assert_int_gt(kib, 0);
    return kib;
}

static void
set_gate(const char *gate, int is_shut)
{
    FILE *f;

    if (!is_shut) {
        ck_assert_int_eq(unlink(gate), 0);
        return;
    }
    f = fopen(gate, "we");
    ck_assert_ptr_nonnull(f);
    fclose(f);
}

/* The disk takes nothing for a while: the client is held back, the one worker
 * serves others, and what is on its way is never more than a buffer. */
START_TEST(a_slow_disk_holds_the_client_back)
{
    enum { BYTES = 100 << 20, PIECE = 1 << 20, MORE_KIB = 4096 };
    char gate[sizeof folder + 8], *piece = calloc(1, PIECE);
    struct client c;
    size_t sent = 0, k = PIECE;
    long before;

    if (!can_preload())
        return;
    snprintf(gate, sizeof gate, "%s.gate", folder);
    start_on("T_DISK_GATE", gate, "body_timeout = 60s");
    client_once(&s, PUT("/upload", "Content-Length: 5\r\n") "hello", 201, NULL);
    before = status_of("VmHWM:");
    set_gate(gate, 1);
    c = begin("/upload/large", BYTES);
    for (; sent < BYTES && k == PIECE; sent += k)
        k = client_pour(&c, piece, PIECE, 200);
    ck_assert_uint_lt(sent, BYTES);
    client_once(&s, "GET /upload HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    ck_assert_int_lt(status_of("VmHWM:"), before + MORE_KIB);
    set_gate(gate, 0);
    for (; sent < BYTES; sent += k) {
        k = BYTES - sent < PIECE ? BYTES - sent : PIECE;
        client_send(&c, piece, k);
    }
    client_take(&c, 0, 201,
                "{\"name\":\"large\",\"bytes\":104857600,\"sha256\":\""
                "20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109"
                "e0e\"}\n");
    client_close(&c);
    ck_assert_int_lt(status_of("VmHWM:"), before + MORE_KIB);
    ck_assert_int_eq(server_stop(&s), 0);
    free(piece);
}
END_TEST

UNIT_MAIN_IN(make_folder, remove_folder, upload, it_is_stored_and_answered,
             what_is_refused_leaves_nothing, a_client_that_goes_leaves_nothing,
             a_stop_leaves_nothing, a_crash_leaves_nothing,
             a_reload_lets_it_come_to_its_end,
             a_full_disk_is_said_and_left_as_it_was,
             a_slow_disk_holds_the_client_back)
