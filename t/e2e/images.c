/* SPDX-License-Identifier: BSD-2-Clause */
/* images.c - the file of a plugin is replaced in every way files are replaced,
 * overwritten while it serves, cut wherever it can be cut, or not written to
 * its end; and what a plugin leaves behind in the process still finds its code.
 * tags: epoll asan */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;

/* The build that answers on c, which must be 200. */
static int
build_of(struct client *c)
{
    struct answer a = client_answer(c, 0);
    int worker, build = -1;

    ck_assert_msg(a.status == 200, "%d: %s", a.status, a.body);
    ck_assert_int_eq(sscanf(a.body, "%d %d", &worker, &build), 2);
    answer_free(&a);
    return build;
}

static int
ask(struct client *c)
{
    client_puts(c, GET("/stamp"));
    return build_of(c);
}

/* ---- replaced -------------------------------------------------------------*/

/* From next.so to stamp.so, in modules/. */
static const char *const ways[] = {
    "mv next.so stamp.so",
    "cp next.so stamp.so",
    "install next.so stamp.so",
    "ln -f next.so stamp.so",
    "cp --remove-destination next.so stamp.so",
    "rm stamp.so && cp next.so stamp.so",
    "cat next.so >stamp.so",
    "ln -sf next.so stamp.so",
};

START_TEST(each_way_to_replace_the_file_changes_the_answer)
{
    struct client c;
    char command[PATH_MAX];

    server_start(&s, SERVER "[plugin stamp]\n");
    c = client_open(&s);
    for (int i = 0; i < (int)(sizeof ways / sizeof ways[0]); i++) {
        module_stamp_as(&s, "stamp", "next", i + 1);
        snprintf(command, sizeof command, "cd %s && %s", s.modules, ways[i]);
        ck_assert_msg(system(command) == 0, "%s", ways[i]);
        ck_assert_msg(ask(&c) == i, "%s: before the signal", ways[i]);
        ck_assert_int_eq(server_reload(&s), 1);
        ck_assert_msg(ask(&c) == i + 1, "%s", ways[i]);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_compiler_may_write_the_file)
{
    const char *cc = getenv("CC"), *tree = getenv("T_SOURCE");
    struct client c;
    char command[PATH_MAX];

    server_start(&s, SERVER "[plugin stamp]\n");
    c = client_open(&s);
    for (int i = 1; i <= 3; i++) {
        snprintf(command, sizeof command,
                 "cd %s && %s -shared -fPIC -I core/abi -DSTAMP='\"%08d\"' "
                 "t/fixtures/stamp.c -o %s",
                 tree && *tree ? tree : ".", cc && *cc ? cc : "cc", i,
                 module_path(&s, "stamp"));
        ck_assert_int_eq(system(command), 0);
        ck_assert_int_eq(ask(&c), i - 1);
        ck_assert_int_eq(server_reload(&s), 1);
        ck_assert_int_eq(ask(&c), i);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- overwritten ----------------------------------------------------------*/

#define PIPELINED 50

struct writer {
    pid_t pid;
    _Atomic int *n_written; /* how often the file has been overwritten */
};

/* As cp does it: the same file, emptied and filled again. */
static void
overwrite(const char *path, const char *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    for (size_t at = 0; fd >= 0 && at < n; at += 4096) {
        size_t len = n - at < 4096 ? n - at : 4096;
        if (write(fd, p + at, len) != (ssize_t)len)
            _exit(1);
    }
    if (fd < 0 || close(fd) < 0)
        _exit(1);
}

/* A process that makes stamp.so build 1, 2, 1, ... until it is ended; it has
 * begun. */
static struct writer
writer_start(void)
{
    struct writer w;
    size_t n;
    char path[PATH_MAX], *p = module_read(&s, "stamp", &n);

    snprintf(path, sizeof path, "%s", module_path(&s, "stamp"));
    w.n_written = mmap(NULL, sizeof *w.n_written, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(w.n_written, MAP_FAILED);
    w.pid = fork();
    if (w.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;; ++*w.n_written) {
            module_stamp_bytes(p, n, 1 + *w.n_written % 2);
            overwrite(path, p, n);
        }
    }
    free(p);
    while (*w.n_written == 0 && waitpid(w.pid, NULL, WNOHANG) == 0)
        usleep(1000);
    return w;
}

static void
writer_end(struct writer *w)
{
    int status;

    ck_assert_int_eq(kill(w->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(w->pid, &status, 0), w->pid);
    ck_assert_msg(WIFSIGNALED(status), "the writer failed");
}

START_TEST(a_file_overwritten_while_it_serves_harms_nobody)
{
    struct writer w;
    struct client c;
    int n = 0;

    server_start(&s, SERVER "[plugin stamp]\n");
    c = client_open(&s);
    w = writer_start();
    while (n < 10000 || *w.n_written < 100) {
        for (int i = 0; i < PIPELINED; i++)
            client_puts(&c, GET("/stamp"));
        for (int i = 0; i < PIPELINED; i++, n++)
            ck_assert_int_eq(build_of(&c), 0);
    }
    writer_end(&w);
    printf("%d requests, overwritten %d times\n", n, *w.n_written);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A reload takes one of the builds, all of it, or none. */
START_TEST(a_reload_in_the_middle_of_a_copy_takes_it_whole_or_not_at_all)
{
    struct writer w;
    struct client c;
    int now = 0, n_taken = 0;

    server_start(&s, SERVER "[plugin stamp]\n");
    module_stamp_as(&s, "stamp", "next", 3);
    c = client_open(&s);
    w = writer_start();
    for (int i = 0; i < 30; i++) {
        int is_taken = server_reload(&s), build = ask(&c);
        ck_assert_msg(is_taken ? build == 1 || build == 2 : build == now,
                      "%d after %d", build, now);
        now = build;
        n_taken += is_taken;
    }
    writer_end(&w);
    printf("%d of 30 reloads met a whole file\n", n_taken);
    module_stamp_as(&s, "next", "stamp", 3);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(ask(&c), 3);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- cut ------------------------------------------------------------------*/
/* Here and there; at every byte in t/unit/plug/elf.c. */

/* A file of n bytes, of which len were written, is refused in these words, and
 * nothing changes. */
static void
refuse(struct client *c, const char *p, size_t n, size_t len, const char *words)
{
    size_t seen = s.log_seen;

    module_write(&s, "stamp", p, n, 0755);
    ck_assert_msg(server_reload(&s) == 0, "%zu bytes are taken", len);
    s.log_seen = seen;
    ck_assert_msg(strstr(server_wait_log(&s, "stamp.so: "), words), "%zu bytes",
                  len);
    server_wait_log(&s, "generation 1 goes on");
    ck_assert_int_eq(ask(c), 0);
}

static void
refuse_cut(struct client *c, const char *p, size_t len)
{
    refuse(c, p, len, len, "truncated");
}

START_TEST(a_file_cut_anywhere_is_refused_and_the_old_one_serves)
{
    struct client c;
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    char *p;
    size_t n;

    server_start(&s, SERVER "[plugin stamp]\n");
    c = client_open(&s);
    p = module_read(&s, "stamp", &n);
    for (size_t len = n / 32; len < n; len += n / 16)
        refuse_cut(&c, p, len);
    memcpy(&head, p, sizeof head);
    for (unsigned i = 0; i < head.e_phnum; i++) {
        memcpy(&segment, p + head.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_filesz == 0)
            continue;
        if (segment.p_offset > 0)
            refuse_cut(&c, p, segment.p_offset);
        if (segment.p_offset + segment.p_filesz < n)
            refuse_cut(&c, p, segment.p_offset + segment.p_filesz);
        refuse_cut(&c, p, segment.p_offset + segment.p_filesz - 1);
    }
    module_stamp_bytes(p, n, 1);
    module_write(&s, "stamp", p, n, 0755);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(ask(&c), 1);
    free(p);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The size is there from the start, as some copiers make it, or is all that a
 * loss of power left. */
START_TEST(a_file_that_ends_in_zeros_is_refused_and_the_old_one_serves)
{
    struct client c;
    Elf64_Ehdr head;
    size_t n, end;
    char *p, *good;

    server_start(&s, SERVER "[plugin stamp]\n");
    c = client_open(&s);
    good = module_read(&s, "stamp", &n);
    p = module_read(&s, "stamp", &n);
    memcpy(&head, p, sizeof head);
    end = head.e_shoff + (head.e_shnum - 1u) * head.e_shentsize;
    for (size_t len = end; len > n / 16; len -= n / 16) {
        memset(p + len, 0, n - len);
        refuse(&c, p, n, len, "it looks half copied");
    }
    free(p);
    module_stamp_bytes(good, n, 1);
    module_write(&s, "stamp", good, n, 0755);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(ask(&c), 1);
    free(good);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- names ----------------------------------------------------------------*/

/* What it had, plugins would call instead of their own.  Copies of libc's
 * variables, which the linker puts into every program, have a version. */
START_TEST(the_server_has_no_name_that_a_plugin_could_meet)
{
    const char *build = getenv("T_BUILD");
    char command[PATH_MAX];

    snprintf(command, sizeof command,
             "nm -D --defined-only %s/etude | grep -v "
             "'@\\|__asan\\|__lsan\\|__ubsan\\|__sanitizer\\|__interceptor'",
             build && *build ? build : "build");
    ck_assert_int_eq(WEXITSTATUS(system(command)), 1); /* grep found none */
}
END_TEST

/* ---- left behind ----------------------------------------------------------*/

#define LINGER "[plugin linger]\ntrail = $DIR/trail\n"

static int
count_byte(FILE *f, int byte)
{
    int n = 0;

    rewind(f);
    for (int c; (c = getc(f)) != EOF;)
        n += c == byte;
    return n;
}

/* SIGURG to the server, until its handler has run n times. */
static void
run_handler(FILE *trail, int n)
{
    ck_assert_int_eq(kill(server_pid(&s), SIGURG), 0);
    for (int i = 0; i < 2000 && count_byte(trail, 'u') < n; i++)
        usleep(5000);
    ck_assert_int_eq(count_byte(trail, 'u'), n);
}

START_TEST(what_a_plugin_leaves_behind_finds_its_code)
{
    struct client c;
    char path[PATH_MAX], text[16];
    FILE *trail;

    server_start(&s, SERVER "max_retired = 0\n[plugin hello]\n" LINGER);
    snprintf(path, sizeof path, "%s/trail", s.dir);
    trail = fopen(path, "re");
    ck_assert_ptr_nonnull(trail);
    c = client_open(&s);
    for (int i = 1; i <= 50; i++) {
        module_stamp(&s, "linger", i);
        ck_assert_int_eq(server_reload(&s), 1);
        snprintf(text, sizeof text, "%08d", i);
        client_expect(&c, GET("/linger"), 200, text);
    }
    run_handler(trail, 1);
    server_write(
        &s, SERVER
        "max_retired = 0\n[plugin hello]\n"); /* nobody uses it any more */
    ck_assert_int_eq(server_reload(&s), 1);
    run_handler(trail, 2);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, " 51 retired images mapped"));
    client_expect(&c, GET("/hello/a"), 200, "Hello, a!\n");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    ck_assert_int_eq(count_byte(trail, 'k'), 51 * 2); /* of both workers */
    ck_assert_int_eq(count_byte(trail, 'x'), 2 * 51); /* and its trials */
    fclose(trail);
}
END_TEST

/* Images that may not be unmapped pile up, until another process takes over. */
START_TEST(too_many_retired_images_take_another_process)
{
    struct client c;
    char text[16];
    int i;

    server_start(&s, SERVER "max_retired = 3\n[plugin hello]\n" LINGER);
    c = client_open(&s);
    for (i = 1; i <= 4; i++) {
        module_stamp(&s, "linger", i);
        ck_assert_int_eq(server_reload(&s), 1);
    }
    server_wait_log(&s, "is started to take over, as 4 retired images of "
                        "org.etude.test.linger are mapped");
    server_wait_log(&s, " has left");
    snprintf(text, sizeof text, "%08d", i - 1);
    client_come_again(&c, &s);
    client_expect(&c, GET("/linger"), 200, text);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, " 0 retired images mapped"));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(images, too_many_retired_images_take_another_process,
          each_way_to_replace_the_file_changes_the_answer,
          a_compiler_may_write_the_file,
          a_file_overwritten_while_it_serves_harms_nobody,
          a_reload_in_the_middle_of_a_copy_takes_it_whole_or_not_at_all,
          a_file_cut_anywhere_is_refused_and_the_old_one_serves,
          a_file_that_ends_in_zeros_is_refused_and_the_old_one_serves,
          the_server_has_no_name_that_a_plugin_could_meet,
          what_a_plugin_leaves_behind_finds_its_code)
