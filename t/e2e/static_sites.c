/* SPDX-License-Identifier: BSD-2-Clause */
/* static_sites.c - two sites of the plugin static that share what descriptors
 * their worker has.
 * tags: epoll asan tsan */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/slowfs.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define FILES 400
#define TEXT "of some length"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* "full" keeps all that it opens, "idle" nothing: it has none to close. */
#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmax_files = 300\n"           \
    "slab_capacity = 16\n"
#define FULL                                                                   \
    "[plugin full]\nmodule = static\nroot = www\n"                             \
    "cache_file = 0\ncache_files = 100000\nrevalidate = 1h\n"                  \
    "[route full]\nmatch = GET /full/*path\nhandler = full\n"
#define IDLE                                                                   \
    "[plugin idle]\nmodule = static\nroot = www\nlist = yes\n"                 \
    "cache_file = 0\ncache_files = 0\n"                                        \
    "[route idle]\nmatch = GET /idle/*path\nhandler = idle\n"

/* What stands elsewhere is the pool's to open. */
#define FAR                                                                    \
    "[plugin far]\nmodule = static\nroot = %s\ncache_entries = 0\n"            \
    "[route far]\nmatch = GET /far/*path\nhandler = far\n"
#define CLIENTS 8

static struct server s;

static void
put(int i)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/www/f%d", s.dir, i);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, TEXT, strlen(TEXT)), (ssize_t)strlen(TEXT));
    close(fd);
}

static void
start(const char *ini)
{
    char path[128];

    server_prepare(&s, ini);
    snprintf(path, sizeof path, "%s/www", s.dir);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    for (int i = 0; i < FILES; i++)
        put(i);
    server_serve(&s);
}

static void
get_full(struct client *c, int i)
{
    char request[128];

    snprintf(request, sizeof request, GET("/full/f%d"), i);
    client_expect(c, request, 200, TEXT);
}

/* So many files that one of them is the last there is a descriptor for, and
 * somebody else's turn behind each. */
static void
fill_up(struct client *c)
{
    for (int i = 0; i < FILES; i++) {
        get_full(c, i);
        client_expect(c, GET("/idle/f0"), 200, TEXT);
    }
}

START_TEST(a_site_that_has_many_open_makes_room_for_another)
{
    struct client c;

    start(SERVER FULL IDLE);
    c = client_open(&s);
    fill_up(&c);
    client_close(&c);
    ck_assert(server_has_log(&s, "may keep 4096 files open, more than half"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_site_that_has_come_and_gone_is_asked_no_more)
{
    struct client c;

    start(SERVER IDLE);
    server_write(&s, SERVER IDLE FULL);
    ck_assert_int_eq(server_reload(&s), 1);
    c = client_open(&s);
    for (int i = 0; i < 10; i++)
        get_full(&c, i);
    server_write(&s, SERVER IDLE);
    ck_assert_int_eq(server_reload(&s), 1);
    server_write(&s, SERVER IDLE FULL);
    ck_assert_int_eq(server_reload(&s), 1);
    fill_up(&c);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
wait_opening(const struct slowfs *fs)
{
    for (int i = 0; i < 5000 && fs->n_opening < SLOWFS_THREADS; i++)
        usleep(1000);
    ck_assert_int_eq(fs->n_opening, SLOWFS_THREADS);
}

/* As many at once as the pool has threads: some of them take the last ones. */
START_TEST(what_the_pool_opens_at_the_second_try_is_served)
{
    char ini[2048];
    struct slowfs fs;
    struct client c, far[CLIENTS];

    if (!slowfs_mount(&fs, 0))
        return;
    snprintf(ini, sizeof ini, SERVER FULL FAR, fs.dir);
    start(ini);
    c = client_open(&s);
    for (int k = 0; k < CLIENTS; k++)
        far[k] = client_open(&s);
    for (int i = 0; i < FILES; i++) {
        get_full(&c, i);
        fs.is_shut = 1;
        for (int k = 0; k < CLIENTS; k++)
            client_puts(&far[k], GET("/far/small"));
        wait_opening(&fs);
        fs.is_shut = 0;
        for (int k = 0; k < CLIENTS; k++)
            client_take(&far[k], 0, 200, NULL);
    }
    for (int k = 0; k < CLIENTS; k++)
        client_close(&far[k]);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    slowfs_unmount(&fs);
}
END_TEST

UNIT_MAIN(static_sites, a_site_that_has_many_open_makes_room_for_another,
          a_site_that_has_come_and_gone_is_asked_no_more,
          what_the_pool_opens_at_the_second_try_is_served)
