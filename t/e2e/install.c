/* SPDX-License-Identifier: BSD-2-Clause */
/* install.c - `make install`: what the author of a plugin finds, and that a
 * second one leaves an administrator's files alone.
 *
 * Nothing is built here: the plain build is taken as it is; the sanitizers'
 * have nothing to install.
 * tags: plain */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/fixture.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

/* Folders below DESTDIR. */
static char programs[PATH_MAX], headers[PATH_MAX], pkgconfig[PATH_MAX],
    modules[PATH_MAX], conf[PATH_MAX];

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run a shell command; 1 if it succeeds. */
static int
run(const char *format, ...)
{
    char command[4 * PATH_MAX];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof command, format, ap);
    va_end(ap);
    return fixture_run(command) == 0;
}

static int
has_plain_build(void)
{
    const char *build = getenv("T_BUILD");
    const char *name = build ? strrchr(build, '/') : NULL;

    return !build || strcmp(name ? name + 1 : build, "build") == 0;
}

/* The folder in DESTDIR that has this file. */
static void
find_folder(char out[PATH_MAX], const char *name)
{
    char command[PATH_MAX];
    FILE *f;

    snprintf(command, sizeof command, "dirname $(find %s -name %s)",
             fixture_dir, name);
    f = popen(command, "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(out, PATH_MAX, f));
    ck_assert_msg(pclose(f) == 0, "no %s, or several", name);
    out[strcspn(out, "\n")] = '\0';
}

static void
install(void)
{
    const char *source = getenv("T_SOURCE");

    ck_assert(run("unset MAKEFLAGS MAKELEVEL; make -C %s -s -o all install "
                  "DESTDIR=%s >%s/said 2>&1",
                  source && *source ? source : ".", fixture_dir, fixture_dir));
    find_folder(headers, "etude.h");
    find_folder(pkgconfig, "etude.pc");
    find_folder(modules, "hello.so");
    find_folder(conf, "etude.ini");
    snprintf(programs, sizeof programs, "%.*s/bin",
             (int)(strstr(headers, "/include") - headers), headers);
}

START_TEST(an_author_finds_headers_and_flags)
{
    static const char *const names[] = {"etude_abi.h", "etude_test.h",
                                        "etude.hpp", "etude.map"};

    if (!has_plain_build())
        return;
    fixture_setup();
    install();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert(run("test -f %s/%s", headers, names[i]));
    ck_assert(run("test -x %s/echo.so", modules));
    ck_assert(run("%s/etude -V >/dev/null", programs));
    /* The unit starts this program with this configuration. */
    ck_assert(run("unit=%s/../systemd/system/etude.service && "
                  "set -- $(sed -n 's/^ExecStart=//p' $unit) && "
                  "test -x %s/$1 && test -f %s/$3",
                  pkgconfig, fixture_dir, fixture_dir));
    if (run("command -v pkg-config >/dev/null"))
        ck_assert(run(
            "flags() { PKG_CONFIG_PATH=%s pkg-config --define-variable"
            "=includedir=%s --cflags --libs etude; }; "
            "${CC:-cc} %s/fixtures/split/[ab].c $(flags) -o %s/s.so "
            "&& test $(nm -D --defined-only %s/s.so | wc -l) = 1",
            pkgconfig, headers, fixture_sources(), fixture_dir, fixture_dir));
    fixture_teardown();
}
END_TEST

START_TEST(an_administrators_files_are_kept)
{
    if (!has_plain_build())
        return;
    fixture_setup();
    install();
    ck_assert(
        run("test -f %s/README.md && test -f %s/conf.d/README.md", conf, conf));
    /* of what an author tries in the tree, nothing comes along */
    ck_assert(run("test $(ls %s/conf.d | wc -l) = 1", conf));
    ck_assert(run("echo '; mine' >%s/etude.ini", conf));
    for (int i = 0; i < 2; i++) {
        install();
        ck_assert(run("grep -qx '; mine' %s/etude.ini", conf));
        ck_assert(run("cmp -s %s/../conf/etude.ini %s/etude.ini.new",
                      fixture_sources(), conf));
        ck_assert(run("test $(find %s -name '*.new' | wc -l) = 1", conf));
        ck_assert(run("grep -q 'etude.ini is yours' %s/said", fixture_dir));
    }
    fixture_teardown();
}
END_TEST

/* In a copy: the tree itself is others' to write in. */
START_TEST(what_is_packed_is_the_project_s)
{
    if (!has_plain_build())
        return;
    fixture_setup();
    ck_assert(run("cd %s/.. && make -s dist DIST_TO=%s/a.tar.gz >/dev/null && "
                  "cd %s && tar xzf a.tar.gz && mv etude-* tree",
                  fixture_sources(), fixture_dir, fixture_dir));
    ck_assert(run("cd %s/tree && test -x configure && test -f Makefile.in && "
                  "test -f .ci/run && test ! -e build",
                  fixture_dir));
    /* It packs the same again, whatever an author has left there. */
    ck_assert(run("cd %s/tree && ./configure >/dev/null && "
                  "echo '[plugin x]' >conf/conf.d/x.ini && "
                  "touch core/main.c~ core/.main.c.swp && "
                  "make -s dist DIST_TO=../b.tar.gz >/dev/null && cd .. && "
                  "tar tzf a.tar.gz >a && tar tzf b.tar.gz >b && cmp a b",
                  fixture_dir));
    fixture_teardown();
}
END_TEST

UNIT_MAIN(install, an_author_finds_headers_and_flags,
          an_administrators_files_are_kept, what_is_packed_is_the_project_s)
