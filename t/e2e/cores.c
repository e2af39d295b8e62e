/* SPDX-License-Identifier: BSD-2-Clause */
/* cores.c - a fault that is recovered leaves a core file where that is wanted.
 * tags: epoll */
#include <dirent.h>
#include <elf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/corefile.h"
#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nruntime_dir = $DIR\n"        \
    "crash_limit = 0\n"
#define CORES "core_dir = $DIR/cores\n"
#define BOTH "[plugin life]\n[plugin faulty]\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;
static char cores[128];

static void
prepare(const char *ini)
{
    server_prepare(&s, ini);
    snprintf(cores, sizeof cores, "%s/cores", s.dir);
    ck_assert_int_eq(mkdir(cores, 0700), 0);
}

static void
crash(const char *request)
{
    client_once(&s, request, 500, NULL);
    server_wait_log(&s, " takes over from ");
    server_wait_log(&s, " has left");
}

/* How many entries a folder has; the last one's path. */
static int
count(const char *folder, char last[600])
{
    DIR *d = opendir(folder);
    int n = 0;

    ck_assert_ptr_nonnull(d);
    for (const struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(last, 600, "%s/%s", folder, e->d_name);
        n++;
    }
    closedir(d);
    return n;
}

/* Whether the kernel has begun to write a core there. */
static int
has_core(const char *folder)
{
    char path[600];
    Elf64_Ehdr head = {0};
    FILE *f;
    int is = 0;

    if (count(folder, path) != 1)
        return 0;
    f = fopen(path, "re");
    if (f && fread(&head, sizeof head, 1, f) == 1)
        is = memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
             head.e_type == ET_CORE;
    if (f)
        fclose(f);
    return is;
}

static void
wait_core(const char *folder)
{
    for (int ms = 0; ms < 30000 && !has_core(folder); ms += 10)
        poll(NULL, 0, 10);
    ck_assert_msg(has_core(folder), "no core file in %s", folder);
}

/* The plugin's code, which is in no file, is to be in it. */
static void
check_filter(void)
{
    char path[64], text[32] = "";
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/coredump_filter",
             (int)server_pid(&s));
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    ck_assert_str_eq(text, "00000037\n");
}

START_TEST(one_of_each_place)
{
    char folder[600], why[256];

    prepare(SERVER CORES BOTH);
    server_serve(&s);
    check_filter();
    crash(GET("/faulty/null"));
    ck_assert_int_eq(count(cores, folder), 1);
    if (corefile_trouble(why, sizeof why)) {
        ck_assert(server_has_log(&s, "no core file will be in it"));
        printf("not here: %s\n", why);
    } else {
        wait_core(folder);
    }
    crash(GET("/faulty/null")); /* the same, in another process */
    ck_assert_int_eq(count(cores, folder), 1);
    crash(GET("/faulty/strlen"));
    ck_assert_int_eq(count(cores, folder), 2);
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(none_unless_it_is_wanted)
{
    char folder[600];

    prepare(SERVER BOTH);
    server_serve(&s);
    crash(GET("/faulty/null"));
    ck_assert_int_eq(count(cores, folder), 0);
    ck_assert_int_eq(count(s.dir, folder) > 0, 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_in_the_way_is_said)
{
    char path[600];

    prepare(SERVER CORES BOTH);
    ck_assert_int_eq(rmdir(cores), 0);
    server_serve(&s);
    server_wait_log(&s, "core_dir: ");
    crash(GET("/faulty/null"));
    ck_assert_int_eq(mkdir(cores, 0700), 0);
    for (int i = 0; i < 32; i++) {
        snprintf(path, sizeof path, "%s/%d", cores, i);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "has 32 entries: no more are made"));
    crash(GET("/faulty/null"));
    ck_assert_int_eq(count(cores, path), 32);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN_UNLESS(server_is_sanitized(), "a sanitizer reports faults itself",
                 cores, one_of_each_place, none_unless_it_is_wanted,
                 what_is_in_the_way_is_said)
